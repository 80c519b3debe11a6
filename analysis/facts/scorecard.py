"""Scorecard: the stylised facts of a run beside the figures published for real markets.

A fact is "inside" where its interval of 95% meets the published range, "outside" where it
does not, and "undefined" with the reason where the run cannot tell. A run of an hour cannot
tell everything: wide intervals are printed beside each verdict. Order books without traders
who react to prices lack some of these facts by construction, and a market built to crash
need not look like an ordinary day; the scorecard says where a run stands and fails nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from analysis.base.estimate import Estimate
from analysis.base.metric import Undefined
from analysis.facts import meta_orders, stylized
from sim.recording.recording import Recording

UNTHINKING = frozenset({"system", "noise", "makers", "shocks", "liquidators"})
"""Kinds of population whose orders do not answer to where the price went."""


class Fact(NamedTuple):
    """A stylised fact: how it is measured, the published range, and who published it.

    `is_of_traders` says whether books without traders who react lack it by construction.
    """

    name: str
    measure: Callable[[Recording, str], Estimate]
    low: float
    high: float
    source: str
    is_of_traders: bool = True


class Row(NamedTuple):
    """A line of the scorecard; numbers are None where undefined.

    Attributes
    ----------
    asset, fact : str
    measured : float or None
    interval, published : tuple of two floats; the first may be None
        The interval of 95%, and the published range; infinite where it is open.
    source, verdict : str
        "inside", "outside" (and why that is no surprise, if it is none), or "undefined: reason".
    """

    asset: str
    fact: str
    measured: float | None
    interval: tuple[float, float] | None
    published: tuple[float, float]
    source: str
    verdict: str


HEADS = ("asset", "fact", "measured", "interval", "published", "source", "verdict")

RULE = "inside: the interval of 95% meets the published range; it is wide where a run is short."

FACTS: Sequence[Fact] = (
    Fact(
        "tail exponent of returns over a step",
        lambda recording, asset: stylized.tail(recording, asset).exponent,
        2.0,
        5.0,
        "Cont 2001, Quantitative Finance 1, 223-236 (2 to 5); Gopikrishnan et al. 1999, "
        "Physical Review E 60, 5305-5316 (about 3)",
    ),
    Fact(
        "excess kurtosis of returns over a step",
        lambda recording, asset: stylized.kurtosis(recording, asset),
        0.0,
        math.inf,
        "Cont 2001 (heavy tails)",
    ),
    Fact(
        "change of the excess kurtosis from a step to a minute",
        lambda recording, asset: stylized.kurtosis_change(recording, asset),
        -math.inf,
        0.0,
        "Cont 2001 (aggregational Gaussianity)",
    ),
    Fact(
        "correlation of successive returns over a minute",
        lambda recording, asset: stylized.successive(recording, asset, stylized.MINUTE),
        0.0,
        0.0,
        "Cont 2001 (none, but at the shortest intraday horizons)",
        is_of_traders=False,
    ),
    Fact(
        "decay exponent of the autocorrelation of absolute returns",
        lambda recording, asset: stylized.size_decay(recording, asset).exponent,
        0.2,
        0.4,
        "Cont 2001 (volatility clustering)",
    ),
    Fact(
        "decay exponent of the autocorrelation of order signs",
        lambda recording, asset: stylized.sign_decay(recording, asset).exponent,
        0.5,
        0.6,
        "Lillo & Farmer 2004, Studies in Nonlinear Dynamics & Econometrics 8(3) (0.6); Bouchaud, Farmer & "
        "Lillo 2009, Handbook of Financial Markets: Dynamics and Evolution, chapter 2 (about 0.5)",
    ),
    Fact(
        "exponent of the impact of meta-orders",
        lambda recording, asset: meta_orders.impact_law(recording, asset).exponent,
        0.4,
        0.7,
        "Toth et al. 2011, Physical Review X 1, 021006 (0.4 to 0.7); Sato & Kanazawa 2025, Physical Review "
        "Letters 135, 257401 (0.489 +- 0.002 across the stocks of Tokyo)",
    ),
    Fact(
        "correlation of volume and absolute return over a minute",
        lambda recording, asset: stylized.volume_and_size(recording, asset),
        0.0,
        1.0,
        "Cont 2001 (volume and volatility)",
        is_of_traders=False,
    ),
)
"""The facts that are scored, in this order."""


def scorecard(recording: Recording) -> list[Row]:
    """The stylised facts of every asset of a run against the published ranges."""
    return [row(recording, asset, fact) for asset in recording.names("assets") for fact in FACTS]


def row(recording: Recording, asset: str, fact: Fact) -> Row:
    """The line of one fact."""
    published = (fact.low, fact.high)
    try:
        found = fact.measure(recording, asset)
    except Undefined as undefined:
        return Row(asset, fact.name, None, None, published, fact.source, f"undefined: {undefined}")
    is_inside = found.low <= fact.high and found.high >= fact.low
    verdict = "inside" if is_inside else "outside"
    if not is_inside and fact.is_of_traders and is_unthinking(recording):
        verdict = "outside, as books without traders who react are by construction"
    return Row(asset, fact.name, found.value, (found.low, found.high), published, fact.source, verdict)


def is_unthinking(recording: Recording) -> bool:
    """Whether nobody in the market answers to where the price went."""
    return {each["type"].split(".")[0] for each in recording.market["populations"]} <= UNTHINKING


def table(rows: Sequence[Row]) -> str:
    """The scorecard as plain text, with a numbered list of sources below it."""
    text = [HEADS, *cells(rows)]
    widths = [max(len(line[column]) for line in text) for column in range(len(HEADS))]
    padded = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in text]
    notes = [f"[{number}] {source}" for number, source in enumerate(sources(rows), start=1)]
    return "\n".join([*(each.rstrip() for each in padded), "", RULE, *notes]) + "\n"


def cells(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    """Every row as words and rounded numbers, in the columns `HEADS`; sources by their number."""
    numbers = {source: f"[{number}]" for number, source in enumerate(sources(rows), start=1)}
    return [
        (
            each.asset,
            each.fact,
            "" if each.measured is None else f"{each.measured:.3g}",
            "" if each.interval is None else "{:.3g} to {:.3g}".format(*each.interval),
            in_words(each.published),
            numbers[each.source],
            each.verdict,
        )
        for each in rows
    ]


def sources(rows: Sequence[Row]) -> list[str]:
    """The sources of the published ranges, each once, in the order of the rows."""
    return list(dict.fromkeys(each.source for each in rows))


def in_words(published: tuple[float, float]) -> str:
    """A published range as a reader would write it."""
    low, high = published
    if low == high:
        return f"{low:g}"
    if math.isinf(high):
        return f"above {low:g}"
    return f"below {high:g}" if math.isinf(low) else f"{low:g} to {high:g}"
