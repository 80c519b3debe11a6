"""Probability that the next move of the mid is up, given the queues at the best prices.

The spread is one tick. Every run starts from queues of the given sizes and ends with the first
move of the mid; trials are independent, so intervals are binomial. There are 25 cells, so three
standard errors are allowed: the tolerance is what these exceed the interval by, and the last digit of
the published table.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from scenarios.replications.independent_runs import IndependentRun, run_all
from scenarios.replications.replicate import Row, replication
from sim.records import MOVES

PUBLISHED = (
    (0.500, 0.336, 0.259, 0.216, 0.188),
    (0.664, 0.500, 0.407, 0.348, 0.307),
    (0.741, 0.593, 0.500, 0.437, 0.391),
    (0.784, 0.652, 0.563, 0.500, 0.452),
    (0.812, 0.693, 0.609, 0.548, 0.500),
)
"""By bid queue (rows) and ask queue (columns), 1 to 5 orders."""
LAST_DIGIT = 0.001
"""Of the published table, which is a simulation's; the exact chain gives 0.335 for its 0.336."""
ERRORS, NORMAL = 3.0, float(norm.ppf(0.975))  # standard errors allowed, and of the interval


@replication(
    source="Cont, Stoikov & Talreja (2010), table of up-move probabilities, spread of one tick",
    about="Probability that the mid moves up next, by orders at the best bid and ask; three standard errors.",
    runs=4,
    quick_runs=2,
)
def cont_stoikov_talreja(runs: int, workers: int, quick: bool) -> list[Row]:
    """The table, pooled over runs."""
    cells = [(bid, ask) for bid in range(1, 6) for ask in range(1, 6)]
    settings = [setting(bid, ask, is_short=quick) for bid, ask in cells]
    found = run_all(first_moves, "cont_stoikov_talreja", settings, runs, workers)
    return [row(bid, ask, np.concatenate(moves)) for (bid, ask), moves in zip(cells, found, strict=True)]


def row(bid: int, ask: int, moves: np.ndarray) -> Row:
    """The line of one cell."""
    published, ours = PUBLISHED[bid - 1][ask - 1], float(np.mean(moves > 0))
    error = (ours * (1.0 - ours) / moves.size) ** 0.5
    half, tolerance = NORMAL * error, (ERRORS - NORMAL) * error + LAST_DIGIT
    name = f"up next, bid queue {bid}, ask queue {ask}"
    return Row(name, published, ours, ours - half, ours + half, tolerance)


def setting(bid: int, ask: int, *, is_short: bool) -> dict[str, object]:
    """What is set for one cell."""
    return {
        "time.steps": 100 if is_short else 1000,
        "populations.flow.opening.0.units": float(bid),
        "populations.flow.opening.0.orders": bid,
        "populations.flow.opening.1.units": -float(ask),
        "populations.flow.opening.1.orders": ask,
    }


def first_moves(run: IndependentRun) -> np.ndarray:
    """First move of the mid in every step in which there was one, half ticks."""
    model = run.market()
    while model.running:
        model.step()
    moves = model.tape.moves[: model.tape.counts[MOVES]]
    moves = moves[moves["time"] > moves["step"] * model.listing.step_seconds]
    _, first = np.unique(moves["step"], return_index=True)
    model.release()
    found: np.ndarray = moves["half_ticks"][first]
    return found
