"""Size: about how much memory a market takes, told before it is built.

Each part is reckoned from what its owner says of itself (`Population.bytes_of_row` and
`bytes_beside`, `Venue.bytes_at`, the recorder's columns); what happens in a run adds to it, which nobody
can know.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from scenarios.file.entries import MarketOrder
from scenarios.file.schema import Scenario
from scenarios.process import memory_limit as memory
from sim.recording.recorder import columns
from sim.setup.listing import SHOCKS
from sim.setup.misfit import Misfit

PER_RECORDED = 24
"""Bytes of a number of the series: in the run, in its table, and in a frame that metrics read."""


class Part(NamedTuple):
    """One thing that takes memory.

    Attributes
    ----------
    bytes : float
    key : tuple of str and int
        The way to the number that makes it large.
    found : float
        That number.
    is_divisor : bool
        Whether it takes less where the number is larger.
    """

    bytes: float
    key: tuple[str | int, ...]
    found: float
    is_divisor: bool = False

    def fitting(self, room: float) -> str:
        """The number with which it takes so many bytes."""
        share = room / self.bytes
        if self.is_divisor:
            return f"at least {self.found / share:.2g}"
        return f"at most {_rounded_down(self.found * share):,}"


def parts(scenario: Scenario) -> Iterator[Part]:
    """What takes memory in the market of a scenario."""
    pools = [entry.name for entry in scenario.venues if entry.factory.has_own_mid]
    populations = [entry.name for entry in scenario.populations]
    if any(isinstance(shock, MarketOrder) for shock in scenario.shocks):
        populations.append(SHOCKS)
    names = columns([asset.name for asset in scenario.assets], pools, populations)
    recorded = len(names) * PER_RECORDED * scenario.time.steps
    yield Part(recorded, ("time", "steps"), scenario.time.steps)
    for n, population in enumerate(scenario.populations):
        rows = population.count * population.factory.bytes_of_row(population.parameters)
        yield Part(rows, ("populations", n, "count"), population.count)
        beside = population.factory.bytes_beside(population.parameters, scenario.time.step_seconds)
        for name, taken in beside.items():
            yield Part(taken, ("populations", n, name), getattr(population.parameters, name))
    spots = {asset.name: asset.spot for asset in scenario.assets}
    for n, venue in enumerate(scenario.venues):
        taken = venue.factory.bytes_at(spots.get(str(venue.asset), 0.0), venue.parameters)
        yield Part(taken, ("venues", n, "tick"), getattr(venue.parameters, "tick", 0.0), is_divisor=True)


def check(scenario: Scenario) -> None:
    """Raise Misfit if the market would not fit into memory: what is largest, and what would fit."""
    found, limit = list(parts(scenario)), memory.limit_bytes()
    total = sum(part.bytes for part in found)
    if total <= limit:
        return
    largest = max(found, key=lambda part: part.bytes)
    room = limit - (total - largest.bytes)
    what = f"found {largest.found:,}; takes about {largest.bytes / 1e9:,.1f} GB of memory, and there are "
    what += f"{limit / 1e9:,.1f} GB"
    fitting = [largest.fitting(room)] if room > 0 else ["less, and less of the rest"]
    raise Misfit(what, largest.key, allowed=fitting)


def _rounded_down(number: float) -> int:
    """Two leading digits and zeros: what is about so much is not said more exactly."""
    unit: int = 10 ** max(len(str(int(number))) - 2, 0)
    return int(number) // unit * unit
