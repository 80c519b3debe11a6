"""Pinning: how often hedgers who are long gamma hold the price at a strike to expiry."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from analysis.base.chance import wilson
from analysis.feedback import theory
from analysis.figures import style
from scenarios.file.library import REPLICATED
from scenarios.replications.replicate import Plan, Row, Rows, carried_out, replication
from sim.recording.recording import Recording
from sim.setup.listing import SECONDS_PER_YEAR

SPREAD = 0.4 * math.sqrt(86400.0 / SECONDS_PER_YEAR)  # sigma sqrt(T)
OPTIONS, PRICE = 1000.0, 100.0
NEAR = 0.1  # of sigma sqrt(T) on either side of the strike counts as pinned
CASES = ((0.2, 0.0), (0.4, 0.0), (1.0, 0.0), (2.0, 0.0), (1.0, 1.0))
"""Strength B, and distance z of the price from the strike."""
BOOK_SPREAD = 0.45 * math.sqrt(1800.0 / SECONDS_PER_YEAR)
BOOK_OPTIONS, BOOK_IMPACT = 6000.0, 1e-6  # return a unit, what makers learn from one
PUBLISHED = (0.181, 0.330, 0.632, 0.865, 0.455)


def is_pinned(recording: Recording) -> bool:
    """Whether the last price, with half a percent of the time left, is at the strike."""
    return _is_near(recording, SPREAD)


def is_pinned_in_book(recording: Recording) -> bool:
    """The same on the order book."""
    return _is_near(recording, BOOK_SPREAD)


def _is_near(recording: Recording, spread: float) -> bool:
    strike = float(recording.market["assets"][0]["spot"])
    last = float(recording.series["X.mid"].iloc[-1])
    return abs(math.log(last / strike)) < NEAR * spread


def variant(strength: float, distance: float) -> dict[str, Any]:
    """Impact for a strength, and a jump of the value that takes the price away from the strike."""
    impact = strength * SPREAD * math.sqrt(2 * math.pi) / OPTIONS * PRICE
    jump = {"type": "value", "asset": "X", "at": 0.0, "return": math.expm1(distance * SPREAD)}
    return {"venues.market.impact": impact, "shocks": [jump] if distance else []}


def share(quantity: str, published: float, found: list[bool], tolerance: float | None) -> Row:
    """A row of a share of runs, in percent, with Wilson's interval."""
    low, high = wilson(np.array(found))
    return Row(
        quantity,
        100 * published,
        100 * float(np.mean(found)),
        100 * low,
        100 * high,
        tolerance,
        "%",
    )


def draw(rows: Rows, ax: Any) -> None:
    """Probability against strength: theory as lines, ours as points with intervals."""
    strengths = np.linspace(0.0, 2.2, 100)
    for distance, colour in ((0.0, style.HEDGING), (1.0, style.ASK)):
        curve = 100 * theory.pinning_probability(strengths, distance)
        ax.plot(strengths, curve, color=colour, lw=1.2, label=f"theory, {distance:g} s.d. from the strike")
    book = float(theory.pinning_strength(BOOK_OPTIONS, BOOK_IMPACT, BOOK_SPREAD, 1.0))
    points = [*CASES, (book, 0.0), (0.0, 0.0)]
    for (strength, distance), row in zip(points, rows, strict=True):
        is_book = row.tolerance is None
        colour = style.INK if is_book else style.HEDGING if distance == 0 else style.ASK
        reach = [[row.ours - row.low], [row.high - row.ours]]
        marker = "s" if is_book else "o"
        ax.errorbar(strength, row.ours, yerr=reach, fmt=marker, ms=4, color=colour, capsize=2)
    ax.plot([], [], "s", ms=4, color=style.INK, label="order book, all delta hedged, or none (at 0)")
    ax.set_xlabel("strength B")
    ax.set_ylabel("at the strike at expiry (%)")
    ax.legend(frameon=False, fontsize=style.SMALL)


@replication(
    source="Avellaneda & Lipkin (2003): 1 - exp(-B exp(-z^2 / 2))",
    about="Probability that long-gamma hedgers pin the price, by strength and distance.",
    runs=300,
    quick_runs=30,
    figure=draw,
)
def pinning(runs: int, workers: int, quick: bool) -> Rows:
    """On the linear-impact market by decay alone, and on an order book by full hedging."""
    book = REPLICATED / "pinning_book.toml"
    plans = [
        *(Plan(REPLICATED / "pinning.toml", is_pinned, variant(*case), runs) for case in CASES),
        *(
            Plan(
                book,
                is_pinned_in_book,
                {"populations.dealers.hedging.response": response},
                max(runs // 2, 2),
            )
            for response in (1.0, 0.0)
        ),
    ]
    found = carried_out(plans, workers)
    rows = []
    for (strength, distance), published, each in zip(CASES, PUBLISHED, found[:5], strict=True):
        rows.append(share(f"pinned, strength {strength:g}, distance {distance:g}", published, each, 3.0))
    return [*rows, *on_a_book(*found[5:])]


def on_a_book(hedged: list[bool], unhedged: list[bool]) -> list[Row]:
    """Makers, noise and dealers who hedge all of their delta, beside theory's probability for decay alone.

    Without hedging it is the normal law's probability of so small a distance.
    """
    strength = float(theory.pinning_strength(BOOK_OPTIONS, BOOK_IMPACT, BOOK_SPREAD, 1.0))
    expected = float(theory.pinning_probability(strength))
    by_chance = math.erf(NEAR / math.sqrt(2.0))
    return [
        share(f"on an order book, all delta hedged, strength {strength:.2f}", expected, hedged, None),
        share("on an order book, nothing hedged", by_chance, unhedged, None),
    ]
