"""Mean spread of the order book without intelligence, by cancellation rate and tick size.

Rates are per side: limit orders of density alpha a unit of price, market orders mu, cancels delta
an order; epsilon = delta / mu for unit orders, prices in units of mu / alpha. With the rates of both
sides added up, epsilon would be half as large.
"""

from __future__ import annotations

import numpy as np

from scenarios.replications.independent_runs import IndependentRun, mean, run_all
from scenarios.replications.replicate import Row, replication

BY_EPSILON = {0.01: 0.468, 0.02: 0.493, 0.05: 0.549, 0.1: 0.626, 0.2: 0.761, 0.5: 1.105, 1.0: 1.636}
"""Spread by epsilon at a tick of 0.005."""
BY_TICK = {0.1: 0.674, 0.5: 0.891, 1.0: 1.198}
"""Spread by tick at an epsilon of 0.1."""
FITTED = (0.05, 0.1, 0.2, 0.5)
"""Where the published fit holds within a quarter."""

EPSILON, TICK = 0.1, 0.005
REACH = 15.0  # distance from the opposite best that orders arrive in
WARM_UP = 0.1  # share of a run left out
BLOCKS = 10  # of a run, long against the memory of the book, whose means count as independent
TOLERANCE = 0.02
FIT_TOLERANCE = 0.25


def fit(epsilon: float) -> float:
    """Published fit of the spread, units of mu / alpha."""
    spread: float = 0.28 + 1.86 * epsilon**0.75
    return spread


@replication(
    source="Smith, Farmer, Gillemot & Krishnamurthy (2003); Farmer, Patelli & Zovko (2005)",
    about="Mean spread of a book of unit orders without intelligence; rates per side, prices in mu / alpha.",
    runs=10,
    quick_runs=2,
)
def santa_fe(runs: int, workers: int, quick: bool) -> list[Row]:
    """Mean spread against epsilon and against tick size, over the blocks of all runs."""
    cells = [(epsilon, TICK) for epsilon in BY_EPSILON] + [(EPSILON, tick) for tick in BY_TICK]
    settings = [setting(*cell, is_short=quick) for cell in cells]
    found = [mean(np.concatenate(each)) for each in run_all(spreads, "santa_fe", settings, runs, workers)]
    published = [*BY_EPSILON.values(), *BY_TICK.values()]
    rows = [
        Row(f"spread, epsilon {epsilon:g}, tick {tick:g}", value, *ours, TOLERANCE * value, "mu/alpha")
        for (epsilon, tick), value, ours in zip(cells, published, found, strict=True)
    ]
    ours = dict(zip(BY_EPSILON, found, strict=False))
    return rows + [
        Row(f"spread, epsilon {e:g}, published fit", fit(e), *ours[e], FIT_TOLERANCE * fit(e), "mu/alpha")
        for e in FITTED
    ]


def setting(epsilon: float, tick: float, *, is_short: bool) -> dict[str, object]:
    """What is set for one point; slow books, in which orders live long, run longer."""
    return {
        "time.steps": 400 if is_short else 2000,
        "time.step_seconds": 5.0 if epsilon >= 0.05 else 25.0,
        "venues.book.tick": tick,
        "populations.flow.tail_scale": tick,
        "populations.flow.reach_ticks": round(REACH / tick),
        "populations.flow.cancel_rates": [epsilon],
    }


def spreads(run: IndependentRun) -> np.ndarray:
    """Mean spread at the ends of steps in each of ten equal blocks, the warm-up left out."""
    model = run.market()
    while model.running:
        model.step()
    found = model.recorder.series()["X.spread"]
    model.release()
    kept = found[int(WARM_UP * found.size) :]
    return np.array([np.nanmean(block) for block in np.array_split(kept, BLOCKS)])
