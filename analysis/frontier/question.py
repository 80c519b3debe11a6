"""Question: what is asked of a parameter, and the scale on which its values are searched.

A question is a metric and a level: where does its mean, or the chance that it lies beyond a
value, pass the level? A scale maps a range of values, linear or logarithmic, to 0 to 1.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

PROBABILITY = re.compile(
    r"^\s*(?:P\(\s*(?P<inner>.+?)\s*\)|(?P<bare>[^()]+[<>][^()]+))\s*$",
)
COMPARISON = re.compile(r"^\s*(?P<metric>[\w.\-]+)\s*(?P<sign>[<>])\s*(?P<value>[-+.\deE_]+)\s*$")


@dataclass(frozen=True)
class Question:
    """What is asked: the chance of an outcome, or the mean of a metric, and the level it is to pass.

    Attributes
    ----------
    metric : str
    level : float
    threshold : float or None
        The outcome is that the metric lies beyond this; None if its mean is meant.
    is_above : bool
        Whether beyond means above.
    """

    metric: str
    level: float
    threshold: float | None = None
    is_above: bool = True

    @classmethod
    def parse(cls, text: str, level: float) -> Question:
        """Read `P(bad_debt > 0)`, its short form `bad_debt>0`, or `BTC.max_drawdown` for a mean.

        Raises
        ------
        ValueError
            If it is none of these, or the level of a chance is not between 0 and 1.
        """
        asked = PROBABILITY.match(text)
        if asked is None:
            if not re.fullmatch(r"[\w.\-]+", text.strip()):
                raise ValueError(f'found "{text}"; write a metric, or P(metric > value) for a chance')
            return cls(text.strip(), level)
        parts = COMPARISON.match(asked["inner"] or asked["bare"])
        if parts is None:
            raise ValueError(f'found "{text}"; a chance is written P(metric > value) or P(metric < value)')
        if not 0 < level < 1:
            raise ValueError(f"found {level:g}; the level of a chance lies between 0 and 1")
        return cls(parts["metric"], level, float(parts["value"]), parts["sign"] == ">")

    @property
    def is_chance(self) -> bool:
        """Whether a chance is asked for."""
        return self.threshold is not None

    @property
    def text(self) -> str:
        """What passes the level, as a reader would write it."""
        if self.threshold is None:
            return f"mean of {self.metric}"
        return f"P({self.metric} {'>' if self.is_above else '<'} {self.threshold:g})"

    def outcomes(self, values: np.ndarray) -> np.ndarray:
        """What counts of these values of the metric: 0 or 1 for a chance; NaN stays NaN."""
        values = np.asarray(values, float)
        if self.threshold is None:
            return values
        is_beyond = values > self.threshold if self.is_above else values < self.threshold
        return np.where(np.isnan(values), np.nan, is_beyond.astype(float))


@dataclass(frozen=True)
class Scale:
    """The range that is searched, and how it is measured.

    Parameters
    ----------
    low, high : float
    is_log : bool
        Whether places are spread evenly in the logarithm; both ends have the same sign then.
    is_whole : bool
        Whether only whole numbers are allowed.

    Raises
    ------
    ValueError
        If the range is empty, or a logarithm of it makes no sense.
    """

    low: float
    high: float
    is_log: bool = False
    is_whole: bool = False

    def __post_init__(self) -> None:
        """Check the range."""
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"the range from {self.low:g} to {self.high:g} is empty")
        if self.is_log and self.low * self.high <= 0:
            raise ValueError(f"the range from {self.low:g} to {self.high:g} has no logarithm")

    @classmethod
    def of(cls, low: float, high: float, *, is_whole: bool = False) -> Scale:
        """Logarithmic where the ends have the same sign and are at least a factor of 4 apart."""
        is_log = low * high > 0 and max(low / high, high / low) >= 4
        return cls(low, high, is_log, is_whole)

    def values(self, places: np.ndarray) -> np.ndarray:
        """Values at places in [0, 1], whole where they have to be; shape as given."""
        found: np.ndarray = np.clip(self.exact(places), self.low, self.high)
        return np.rint(found) if self.is_whole else found

    def exact(self, places: np.ndarray) -> np.ndarray:
        """Values at places, whole or not; shape as given."""
        found: np.ndarray = np.asarray(places, float)
        if self.is_log:
            found = self.low * np.power(self.high / self.low, found)
        else:
            found = self.low + (self.high - self.low) * found
        return found

    def places(self, values: np.ndarray) -> np.ndarray:
        """Places in [0, 1] of values; shape as given."""
        found: np.ndarray = np.asarray(values, float)
        if self.is_log:
            found = np.log(found / self.low) / math.log(self.high / self.low)
        else:
            found = (found - self.low) / (self.high - self.low)
        return found

    def relative(self, low: float, high: float) -> float:
        """Width of an interval over its middle; over the range where that holds zero."""
        size = self.high - self.low if self.low * self.high <= 0 else abs(low + high) / 2
        return (high - low) / size
