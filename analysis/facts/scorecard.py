"""Scorecard: the stylised facts of a market beside the figures that are known of real ones.

A fact is that of one run (over seeds, the mean of several) with its standard error. It *passes* where it lies
in the band and its standard error is no more than a quarter of the band, it *fails* where its interval of
95% lies outside, and else it is *not measurable* in so short a run: how long it would have to be is said.
What is surely not there, such as a memory where there is none, fails. Impact takes an order that is not in
the scenario: `hedgequake probe` sends it, and scores every fact.

Order books without traders who react to prices lack some of these facts by construction, and a market
built to crash need not look like an ordinary day; the scorecard says where a run stands and stops nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from analysis.base.estimate import NORMAL
from analysis.base.metric import Absent, Undefined
from analysis.facts.bands import FACTS, HALF_BACK, HALF_BACK_WITHIN, HOUR, OF_RUNS, Fact
from analysis.feedback.amplification import FEWEST
from analysis.feedback.amplification import Estimate as OverSeeds
from analysis.feedback.means import mean
from analysis.probes.impact import PROBE, Impact
from sim.recording.recording import Recording

UNTHINKING = frozenset({"system", "noise", "makers", "shocks", "liquidators"})
"""Kinds of population whose orders do not answer to where the price went."""

PASS, FAIL, UNKNOWN = "pass", "fail", "not measurable"
"""How verdicts begin."""

ELSEWHERE = "not measurable in a run without an extra order: hedgequake probe"


class Measured(NamedTuple):
    """A fact as found: value, standard error and ends of the interval of 95%, or why there is none.

    `is_absent` says that the reason is that it is not there, not that it cannot be told.
    """

    value: float | None
    error: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str = ""
    is_absent: bool = False


class Row(NamedTuple):
    """A line of the scorecard.

    Attributes
    ----------
    asset : str
    fact : Fact
    found : Measured
    runs : int
    seconds : float
        Of each run.
    verdict : str
        Begins with `PASS`, `FAIL` or `UNKNOWN`.
    """

    asset: str
    fact: Fact
    found: Measured
    runs: int
    seconds: float
    verdict: str


HEADS = ("asset", "fact", "value", "standard error", "measured in", "band", "source", "verdict")

RULE = (
    "pass: it lies in the band, and the standard error is at most a quarter of the band; fail: the interval "
    "of 95% lies outside; else it is not measurable in so short a time."
)


def measured(recording: Recording, asset: str, fact: Fact) -> Measured:
    """One fact of one run."""
    if fact.measure is None:
        return Measured(None, reason=ELSEWHERE)
    try:
        found = fact.measure(recording, asset)
    except Undefined as undefined:
        return Measured(None, reason=str(undefined), is_absent=isinstance(undefined, Absent))
    return Measured(found.value, (found.high - found.low) / (2 * NORMAL), found.low, found.high)


def scorecard(recording: Recording) -> list[Row]:
    """The facts of every asset of a run."""
    rows, seconds = [], recording.table("series").num_rows * recording.market["step_seconds"]
    for asset in recording.names("assets"):
        for fact in FACTS:
            found = measured(recording, asset, fact)
            rows.append(Row(asset, fact, found, 1, seconds, verdict(fact, found, seconds)))
    return excused(rows, [each["type"] for each in recording.market["populations"]])


def pooled(asset: str, runs: Sequence[Sequence[Measured]], seconds: float, impact: Impact) -> list[Row]:
    """The facts of a market over seeds.

    Parameters
    ----------
    asset : str
    runs : sequence of sequence of Measured
        What each seed's run said of `OF_RUNS`.
    seconds : float
        Of each of these runs.
    impact : Impact
        What the probes of the same seeds did.
    """
    own = {fact.moment: over_seeds([run[k] for run in runs]) for k, fact in enumerate(OF_RUNS)}
    own |= of_probes(impact)
    rows = []
    for fact in FACTS:
        each = impact.schedule.steps * impact.schedule.step if fact.measure is None else seconds
        said = verdict(fact, own[fact.moment], len(runs) * each)
        rows.append(Row(asset, fact, own[fact.moment], len(runs), each, said))
    return rows


def of_probes(impact: Impact) -> dict[str, Measured]:
    """What probes came to, by the name of the moment.

    A time that most runs were too short for is known to be longer than they were, and no more.
    """
    found = {f"{PROBE}{name}": _estimated(each) for name, each in impact.quantities().items()}
    regained, seconds = float(impact.of_probes("is_half_back").mean()), impact.schedule.horizons[-1]
    if regained < 0.5:
        reason = f"half was regained within {lasting(seconds)} in {regained:.0%} of the runs"
        found[HALF_BACK] = Measured(None, reason=reason, is_absent=seconds >= HALF_BACK_WITHIN)
    return found


def over_seeds(runs: Sequence[Measured]) -> Measured:
    """The mean of what most runs could tell, its error from how they differ; else why most could not."""
    silent = [run for run in runs if run.value is None]
    if 2 * len(silent) >= len(runs):
        missing = sum(run.is_absent for run in silent)
        first = next((run for run in silent if run.is_absent), silent[0]) if silent else Measured(None)
        return Measured(None, reason=first.reason, is_absent=2 * missing >= len(runs))
    return _estimated(mean(np.array([run.value for run in runs if run.value is not None], float)))


def _estimated(found: OverSeeds) -> Measured:
    if not math.isfinite(found.value):
        return Measured(None, reason="it is not defined for these orders")
    if not math.isfinite(found.error):
        return Measured(found.value, reason=f"no standard error below {FEWEST} seeds")
    return Measured(found.value, found.error, found.low, found.high)


def verdict(fact: Fact, found: Measured, seconds: float) -> str:
    """What a fact as found comes to, after so many seconds of all runs."""
    if found.value is None:
        return f"{FAIL}: {found.reason}" if found.is_absent else _unknown(found.reason)
    if found.error is None or found.low is None or found.high is None:
        return _unknown(found.reason)
    if found.low > fact.high or found.high < fact.low:
        return FAIL
    longer = (4 * found.error / (fact.high - fact.low)) ** 2
    if longer > 1:
        return _unknown(f"it takes about {lasting(longer * seconds)}")
    return PASS if fact.low <= found.value <= fact.high else _unknown("outside by less than it may be off")


def _unknown(reason: str) -> str:
    return reason if reason.startswith(UNKNOWN) else f"{UNKNOWN}: {reason}"


def excused(rows: list[Row], types: Sequence[str]) -> list[Row]:
    """The rows, failures that are no surprise said so where nobody answers to where the price went.

    Parameters
    ----------
    rows : list of Row
    types : sequence of str
        Of all populations.
    """
    if not {each.split(".")[0] for each in types} <= UNTHINKING:
        return rows
    why = "as books without traders who react do by construction"
    return [
        row._replace(verdict=f"{row.verdict}, {why}")
        if row.verdict.startswith(FAIL) and row.fact.is_of_traders
        else row
        for row in rows
    ]


# As text and plain values.


def tally(rows: Sequence[Row]) -> str:
    """How many facts pass, fail, and cannot be told."""
    counts = [sum(row.verdict.startswith(kind) for row in rows) for kind in (PASS, FAIL, UNKNOWN)]
    return "{} of {} facts pass, {} fail, {} not measurable here".format(counts[0], len(rows), *counts[1:])


def table(rows: Sequence[Row]) -> str:
    """The scorecard as plain text, with a numbered list of sources below it."""
    text = [HEADS, *cells(rows)]
    widths = [max(len(line[column]) for line in text) for column in range(len(HEADS))]
    padded = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in text]
    return "\n".join([*(each.rstrip() for each in padded), "", tally(rows), *notes(rows)])


def notes(rows: Sequence[Row]) -> list[str]:
    """What verdicts mean, and the sources of the bands by their number."""
    return [RULE, *(f"[{number}] {source}" for number, source in enumerate(sources(rows), start=1))]


def cells(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    """Every row as words and rounded numbers, in the columns `HEADS`; sources by their number."""
    numbers = {source: f"[{number}]" for number, source in enumerate(sources(rows), start=1)}
    return [
        (
            row.asset,
            row.fact.name,
            _shown(row.found.value),
            _shown(row.found.error),
            lasting(row.seconds) if row.runs == 1 else f"{row.runs} x {lasting(row.seconds)}",
            f"{row.fact.low:g} to {row.fact.high:g}",
            numbers[row.fact.source],
            row.verdict,
        )
        for row in rows
    ]


def entries(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Every row as plain values, as in `facts.json` and `facts.csv`."""
    return [
        {
            "asset": row.asset,
            "fact": row.fact.name,
            "moment": row.fact.moment,
            "value": row.found.value,
            "standard_error": row.found.error,
            "low": row.found.low,
            "high": row.found.high,
            "band_low": row.fact.low,
            "band_high": row.fact.high,
            "runs": row.runs,
            "seconds": row.seconds,
            "verdict": row.verdict,
            "source": row.fact.source,
        }
        for row in rows
    ]


def sources(rows: Sequence[Row]) -> list[str]:
    """The sources of the bands, each once, in the order of the rows."""
    return list(dict.fromkeys(row.fact.source for row in rows))


def lasting(seconds: float) -> str:
    """A time in the unit a reader would use."""
    scales = ((48 * HOUR, 24 * HOUR, "days"), (HOUR, HOUR, "h"), (60.0, 60.0, "min"), (0.0, 1.0, "s"))
    unit, name = next(scale[1:] for scale in scales if seconds >= scale[0])
    return f"{seconds / unit:.3g} {name}"


def _shown(number: float | None) -> str:
    return "" if number is None else f"{number:.3g}"
