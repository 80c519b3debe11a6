"""Lines of a comparison: one metric in several results, with differences and their intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from scipy import stats

from analysis.base.arms import BASE
from analysis.base.metric import Undefined
from analysis.base.result import Result
from analysis.feedback.amplification import sign
from analysis.figures.style import words
from analysis.measures import is_percent, rank
from analysis.pages.page import amount, with_interval

LEVEL = 0.95


ABSENT = "absent"


class Number(NamedTuple):
    """A metric of one result.

    Attributes
    ----------
    value : float or None
    error : float or None
        Standard error of a mean over seeds; None for a single run.
    seeds : int
    reason : str
        Why there is no value.
    """

    value: float | None
    error: float | None = None
    seeds: int = 1
    reason: str = ""

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95% interval of a mean; None for a single run."""
        return difference(Number(0.0, 0.0, self.seeds), self)[1]


def difference(first: Number, other: Number) -> tuple[float | None, tuple[float, float] | None]:
    """The other less the first, and its 95% interval; None where there is none.

    Notes
    -----
    Degrees of freedom by Welch & Satterthwaite: (v + w)^2 / (v^2 / (n - 1) + w^2 / (m - 1)) for
    squared standard errors v, w of means over n and m seeds.
    """
    if first.value is None or other.value is None:
        return None, None
    gap = other.value - first.value
    if first.error is None or other.error is None or min(first.seeds, other.seeds) < 2:
        return gap, None
    v, w = first.error**2, other.error**2
    if v + w == 0:
        return gap, (gap, gap)
    freedom = (v + w) ** 2 / (v**2 / (first.seeds - 1) + w**2 / (other.seeds - 1))
    reach = float(stats.t.ppf((1 + LEVEL) / 2, freedom)) * (v + w) ** 0.5
    return gap, (gap - reach, gap + reach)


class MetricRow(NamedTuple):
    """One metric in every result.

    Attributes
    ----------
    key : str
        Its name, without the asset where every result has one of its own.
    label : str
        Population, phase or reason it is of, "" if of the whole market.
    names : tuple of str
        Its name in each result.
    unit : str
        As in the files.
    units : tuple of str
        In the words of each market, "" where it has no such metric; numbers are only subtracted
        where they are the same.
    """

    key: str
    label: str
    names: tuple[str, ...]
    unit: str
    units: tuple[str, ...]

    @property
    def rank(self) -> tuple[bool, int]:
        """What sorts lines, those that are shown first before all others."""
        return (True, 0) if self.label else rank(self.key.rpartition(".")[2])

    @property
    def is_headline(self) -> bool:
        """Whether it is one of those that are shown first."""
        return not self.rank[0]

    @property
    def title(self) -> str:
        """Name and unit for a reader."""
        unit = "" if is_percent(self.key) else " | ".join(dict.fromkeys(filter(None, self.units)))
        return words(self.key.replace(".", " ")) + (f" ({unit})" if unit else "")


def entry_of(result: Result, name: str) -> Mapping[str, Any] | None:
    """What an amplification has of a metric; None if nothing, or if it is a single run."""
    return (result.amplification or {}).get(name)


def number_of(result: Result, name: str) -> Number | None:
    """A run's value, or the mean of an amplification's base arm; None if there is no such metric."""
    if result.amplification is None:
        entry = result.metrics.get(name)
        return entry and Number(entry["value"], reason=entry.get("reason", ""))
    base = (entry_of(result, name) or {}).get(BASE)
    if base is None:
        return None
    if base["mean"] is None:
        return Number(None, reason=f"undefined in all of {base['undefined']} seeds")
    error = None if base["sd"] is None else base["sd"] / base["seeds"] ** 0.5
    return Number(base["mean"], error, base["seeds"])


def valued(number: Number | None, metric: MetricRow) -> Any:
    """A cell: the value, with its interval where there are seeds."""
    if number is None:
        return ABSENT
    if number.value is None:
        return Undefined(number.reason)
    return amount(number.value, metric.key) + _between(number.interval, metric)


def apart(first: Number | None, other: Number | None, metric: MetricRow) -> str | None:
    """A cell: the other less the first; none between a single run and a mean."""
    if first is None or other is None:
        return None
    gap, interval = difference(first, other)
    if gap is None or (first.error is None) != (other.error is None):
        return None
    shown = amount(gap, metric.key, is_difference=True)
    return shown + _between(interval, metric, is_difference=True)


def _between(interval: tuple[float, float] | None, metric: MetricRow, *, is_difference: bool = False) -> str:
    if interval is None:
        return ""
    low, high = (amount(end, metric.key, is_difference=is_difference) for end in interval)
    return f" ({low.removesuffix(' points').removesuffix('%')} to {high})"


def amplified(entry: Mapping[str, Any] | None, metric: MetricRow) -> Any:
    """A cell: a ratio or a difference with its interval, or why there is none."""
    if entry is None:
        return "not measured"
    if entry.get("ratio") is not None:
        return sign(entry) + with_interval(entry["ratio"], entry.get("interval"))
    gap = entry.get("difference") or {}
    if entry.get("kind") == "difference" and gap.get("value") is not None:
        text = amount(gap["value"], metric.key, is_difference=True)
        return text + _between(gap.get("interval"), metric, is_difference=True)
    return Undefined(entry.get("reason") or "no reason is given")


def overlap(first: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> str | None:
    """A cell: whether the intervals of two ratios have a value in common."""
    ends = [entry["interval"] for entry in (first, other) if entry and entry.get("ratio") is not None]
    if len(ends) < 2 or None in ends:
        return None
    return "overlaps" if max(low for low, _ in ends) <= min(high for _, high in ends) else "apart"
