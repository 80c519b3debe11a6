"""Metrics: named numbers with a unit and a definition, or the reason why there is none.

A metric is a decorated function of a recording; decorating it is all there is to adding one
(`analysis.measures` finds it). What readers must know of it is said there too: its unit, its
definition, its heading, and its place in every list that shows some metrics and not all. A
function that finds its subject missing raises `Undefined`: an undefined metric has no value and
a reason, never a zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from types import ModuleType
from typing import Any, NamedTuple

from sim.recording.recording import Recording


class Undefined(Exception):
    """Says why a metric has no value for a recording: raised, or returned for one of several values."""


class Absent(Undefined):
    """Says that what would be measured is not there, where that could be told: a memory of nothing."""


TRADERS = "traders"
"""All populations but the system's own accounts, which are never liquidated and never hedge."""


OTHERS = "Others"
"""Heading of the metrics and figures that declare none."""


class Told(NamedTuple):
    """How the summary of a run tells a metric.

    Attributes
    ----------
    place : int
        Among all that it tells, those of an asset before those of the market.
    label : str
        What it is, in a few words; `{step:g}` stands for the seconds of a step.
    shape : str
        Format of the value.
    """

    place: int
    label: str
    shape: str


class Metric(NamedTuple):
    """A function of a recording with what a reader must know to use its result.

    Attributes
    ----------
    function : callable
        Of the recording, and of each name of `per` if that is given. Returns a number, or
        one for each name of `over`, in order; an `Undefined` stands for one that has no value.
    unit : str
    source : str
        Formula or definition, in a sentence.
    per, over : str
        What the metric is repeated for ("assets") and divided by ("populations", "phases",
        "refusals"); names before and behind its own: `BTC.volume_share.dealers`. Over `TRADERS` it is
        of every population, and has no entry for the system's own accounts.
    heading : str
        What it stands under in a page.
    as_percent : bool
        Whether it is shown in per cent, and its differences in points; the files have the plain number.
    headline, light, swept, credited : int
        Its place, from 1, among the metrics that are shown first wherever there are many; that arms and
        sweeps are compared in if nothing else is asked for, which have to take milliseconds; that the
        figures of a sweep are of if nothing else is asked for; that amplification is credited to
        mechanisms in, which are positive. 0 where it is not among them.
    only_grows : bool
        Whether it can only grow while a run goes on, so that it is a lower bound where a market failed.
    told : Told, optional
        Where the summary of a run tells it.
    """

    function: Callable[..., Any]
    unit: str
    source: str
    per: str = ""
    over: str = ""
    heading: str = OTHERS
    as_percent: bool = False
    headline: int = 0
    light: int = 0
    swept: int = 0
    credited: int = 0
    only_grows: bool = False
    told: Told | None = None

    @property
    def name(self) -> str:
        """Name of the function, which that of its values is made of."""
        return str(self.function.__name__)

    def __call__(self, *arguments: Any) -> Any:
        """Call the function itself."""
        return self.function(*arguments)

    def entries(self, recording: Recording) -> dict[str, dict[str, Any]]:
        """Every name of the metric with its value, unit, reason and source."""
        if not self.per:
            return self._entries(self.name, recording)
        found: dict[str, dict[str, Any]] = {}
        for subject in recording.names(self.per):
            found |= self._entries(f"{subject}.{self.name}", recording, subject)
        return found

    def _entries(self, name: str, *arguments: Any) -> dict[str, dict[str, Any]]:
        labels = _labels(arguments[0], self.over) if self.over else [""]
        names = [f"{name}.{label}" if self.over else name for label in labels]
        reason = ""
        try:
            result = self.function(*arguments)
            values: Sequence[Any] = result if self.over else [result]
        except Undefined as undefined:
            reason, values = str(undefined), [None] * len(names)
        entries = (self._entry(value, reason) for value in values)
        return {
            name: entry
            for name, label, entry in zip(names, labels, entries, strict=True)
            if label or not self.over
        }

    def _entry(self, value: Any, reason: str) -> dict[str, Any]:
        if isinstance(value, Undefined):
            value, reason = None, str(value)
        number = None if value is None else getattr(value, "item", lambda: value)()
        if number is not None and not math.isfinite(number):
            number, reason = None, "the result is not a finite number"
        entry = {"value": number, "unit": self.unit, "source": self.source}
        return entry if number is not None else entry | {"reason": reason}


def _labels(recording: Recording, over: str) -> Sequence[str]:
    """Names that a metric is divided by; "" for one without an entry."""
    if over != TRADERS:
        return recording.names(over)
    populations = recording.market["populations"]
    return ["" if each.get("type") == "system" else each["name"] for each in populations]


def metric(
    *, unit: str, source: str, per: str = "", over: str = "", heading: str = "", **shown: Any
) -> Callable[[Callable[..., Any]], Metric]:
    """Make a function a metric of the module it stands in; see `Metric` for the arguments.

    One without a heading stands under its module's `HEADING`, and is repeated for its module's `PER`.
    """

    def decorate(function: Callable[..., Any]) -> Metric:
        own = function.__globals__
        under, each = heading or own.get("HEADING", OTHERS), per or own.get("PER", "")
        return Metric(function, unit, source, each, over, under, **shown)

    return decorate


def metrics_of(module: ModuleType) -> list[Metric]:
    """The metrics a module defines, in the order in which they stand there."""
    own = (value for value in vars(module).values() if isinstance(value, Metric))
    return [each for each in own if each.function.__module__ == module.__name__]


def measure(recording: Recording, metrics: Iterable[Metric]) -> dict[str, dict[str, Any]]:
    """Every metric of a recording: name -> value, unit, source, and the reason if undefined."""
    found: dict[str, dict[str, Any]] = {}
    for each in metrics:
        found |= each.entries(recording)
    return found
