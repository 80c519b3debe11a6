"""Found: what a search for a critical value came to, in words and as plain values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from analysis.frontier.crossing import Fit
from analysis.frontier.question import Question, Scale

NARROW, SPENT, OUTSIDE, SEVERAL = "narrow", "spent", "outside", "several"
"""Why a search ended."""


@dataclass(frozen=True)
class Place:
    """What the runs at one value came to.

    Attributes
    ----------
    value : float
    runs : int
        With an outcome.
    mean, low, high : float
        Mean outcome and its 95% interval: Wilson's for a chance, Student's t for a mean.
    """

    value: float
    runs: int
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Crossing:
    """What a search came to.

    Attributes
    ----------
    question : Question
    scale : Scale
    estimate, low, high : float or None
        The critical value and its 95% interval; None where there is none within the range.
    is_rising : bool
        Whether the response rises with the parameter.
    ended : str
        "narrow", "spent", "outside", "several", or "" while the search goes on.
    width : float or None
        Width of the interval over its middle.
    wanted : float
        Width at which the search ends.
    runs, undefined : int
        How many runs were made, and in how many of them the metric was undefined.
    grid_runs : int or None
        How many runs an even grid over the range takes for the same width, analysed the same way.
    misfit : float or None
        P value of the hypothesis that the fitted shape is right.
    places : tuple of Place
        By rising value.
    fit : Fit or None
        In places in [0, 1].
    """

    question: Question
    scale: Scale
    estimate: float | None
    low: float | None
    high: float | None
    is_rising: bool
    ended: str
    width: float | None
    wanted: float
    runs: int
    undefined: int
    grid_runs: int | None
    misfit: float | None
    places: tuple[Place, ...]
    fit: Fit | None = None

    @property
    def verdict(self) -> str:
        """What was found, in a sentence or two, its limits included."""
        first, last = self.places[0], self.places[-1]
        ends = (
            f"{first.mean:.4g} [{first.low:.4g}, {first.high:.4g}] at {first.value:.4g} and "
            f"{last.mean:.4g} [{last.low:.4g}, {last.high:.4g}] at {last.value:.4g}"
        )
        asked = f"{self.question.text} = {self.question.level:g}"
        if self.ended == OUTSIDE:
            return f"{asked} is not reached between {self.scale.low:.4g} and {self.scale.high:.4g}: {ends}"
        if self.ended == SEVERAL:
            return f"{asked} is passed more than once; narrow the range with --low and --high ({self._turns})"
        if self.estimate is None:
            return f"no crossing of {asked} is found yet: {ends}"
        return f"{asked} at {self.estimate:.4g}, 95% interval {self._interval}{self._shortfall}"

    @property
    def _interval(self) -> str:
        low = f"[{self.low:.4g}" if self.low is not None else f"(below {self.scale.low:.4g}"
        high = f"{self.high:.4g}]" if self.high is not None else f"above {self.scale.high:.4g})"
        return f"{low}, {high}"

    @property
    def _shortfall(self) -> str:
        if self.ended == NARROW:
            return ""
        width = "open" if self.width is None else f"{self.width:.0%} wide"
        return f", {width} where {self.wanted:.0%} was wanted"

    @property
    def _turns(self) -> str:
        return "; ".join(f"{place.mean:.3g} at {place.value:.4g}" for place in self.places)

    def entry(self) -> dict[str, Any]:
        """Everything as plain values, for JSON."""
        own = ("estimate", "low", "high", "is_rising", "ended", "width", "wanted", "runs", "undefined")
        about = {"metric": self.question.metric, "asked": self.question.text, "level": self.question.level}
        scale = {"from": self.scale.low, "to": self.scale.high, "is_log": self.scale.is_log}
        rest = {"grid_runs": self.grid_runs, "misfit": self.misfit, "verdict": self.verdict}
        places = [{name: plain(value) for name, value in vars(place).items()} for place in self.places]
        return about | scale | {name: getattr(self, name) for name in own} | rest | {"places": places}


def plain(number: float) -> float | None:
    """A number, None if it is not finite."""
    return float(number) if math.isfinite(number) else None
