"""The whole market with ten thousand hedgers, against two ways to write it without this package.

Ours is the built scenario `hedgers.toml`, stepped through Mesa: makers, noise, dealers with
their option books, margin, settlement, the recorder and the conservation check. The peers
replay the same background orders and hold the same option books.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from scenarios.benchmarks.background import Step, taken_down
from scenarios.benchmarks.measurement import measurement
from scenarios.benchmarks.objects import Account, Hedger, ObjectMarket
from scenarios.benchmarks.rows import Goal, Row, alternate, peer
from scenarios.benchmarks.vectorised import Books, OwnOptions, SharedContracts, VectorisedMarket, books_of

SCENARIO = Path(__file__).with_name("hedgers.toml")
HEDGERS = 10_000
WARM_UP = 20
REPEATS = 7
STEPS = 200  # a repeat
OBJECT_STEPS = 20
COPIES = 2  # of our market, each over the stretch of steps that a peer's one covers
UNIT = "agent-steps/s"
BOURSE_AND_NUMPY, MESA_OBJECTS = 3.2e6, 0.27e6  # of prototypes on such a machine


class World:
    """What every contestant starts from.

    Parameters
    ----------
    steps : int
        Steps of background to take down.
    hedgers : int
    """

    def __init__(self, steps: int, hedgers: int = HEDGERS) -> None:
        self.hedgers = hedgers
        model = self.market()
        book = next(v for v in model.venues if v.name == "perp").parameters
        self.spot, self.tick, self.lot = model.listing.spots[0], book.tick, book.lot
        self.step_seconds: float = model.listing.step_seconds
        self.books: Books = books_of(model, "dealers")
        self.background: list[Step]
        self.background, self.slots = taken_down(model, "perp", steps)

    def market(self) -> Any:
        """Our own model, at its start."""
        from scenarios.build.loading import load

        return load(SCENARIO, {"populations.dealers.count": self.hedgers}).market()

    def vectorised(
        self, bourse: Any, valuation: type[OwnOptions] | type[SharedContracts]
    ) -> VectorisedMarket:
        """The same market by bourse and NumPy."""
        return VectorisedMarket(
            bourse,
            self.background,
            self.slots,
            self.books,
            valuation(self.books),
            self.spot,
            self.tick,
            self.lot,
            self.step_seconds,
        )

    def objects(self, hedger: type[Hedger]) -> ObjectMarket:
        """The same market by one Mesa agent per hedger."""
        start = self.spot, self.tick, self.lot, self.step_seconds
        return ObjectMarket(self.background, self.books, *start, hedger)


@measurement("hedgers", 30)
def against_bourse_and_numpy(repeats: int = REPEATS) -> Iterator[Row]:
    """Yield a row with every hedger valuing its options, and one with contracts valued once."""
    bourse = peer("bourse")
    world = World(WARM_UP + STEPS * repeats)
    for name, valuation in (("own options", OwnOptions), ("shared contracts", SharedContracts)):
        ours = _paced([world.market() for _ in range(COPIES)], world.hedgers, STEPS)
        theirs = _paced([world.vectorised(bourse, valuation)], world.hedgers, STEPS)
        compared = alternate(ours, theirs, repeats)
        yield compared.row(f"market, bourse + NumPy, {name}", Goal(20, 40), UNIT, BOURSE_AND_NUMPY)


@measurement("hedgers", 31)
def against_objects(repeats: int = REPEATS) -> Iterator[Row]:
    """Yield the row with a Mesa agent per hedger, and one whose agents have no accounts."""
    world = World(WARM_UP + OBJECT_STEPS * repeats)
    for name, hedger, goal in (("", Account, Goal(200, 500)), (", no accounts", Hedger, None)):
        ours = _paced([world.market() for _ in range(2 * COPIES)], world.hedgers, OBJECT_STEPS)
        theirs = _paced([world.objects(hedger)], world.hedgers, OBJECT_STEPS)
        compared = alternate(ours, theirs, repeats)
        least = MESA_OBJECTS if goal else 0.0
        yield compared.row(f"market, a Mesa object per hedger{name}", goal, UNIT, least)


def _paced(markets: list[Any], hedgers: int, steps: int) -> Callable[[], float]:
    """Warm markets up; what is returned runs each on and gives agent-steps a second.

    Several markets of ours take the same stretch of steps as one of a peer, which is slower.
    """
    for market in markets:
        for _ in range(min(WARM_UP, steps)):
            market.step()

    def run() -> float:
        started = time.perf_counter()
        for market in markets:
            for _ in range(steps):
                market.step()
        return len(markets) * hedgers * steps / (time.perf_counter() - started)

    return run
