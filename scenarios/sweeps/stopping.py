"""Stopping: how many replicates a design point needs for an interval of a given width.

The first look comes after a minimum of replicates, further ones after every batch. At a
look with n values of standard deviation s in an arm the half width of its interval is

    h = t(n - 1, 97.5%) s / sqrt(n)

and the point stops at the second look in a row at which h is narrow enough in every arm. To
stop at the first would favour samples whose s happens to be small, and the mean that goes with
it; the second is a confirmation on a batch more, which restores the coverage of the interval
(Chow & Robbins 1965, Annals of Mathematical Statistics 36, 457-462, have it in the limit only;
Hall 1981, Annals of Statistics 9, 1229-1238, adds observations for the same end). Looks depend
on values alone, in the order of their replicates, so that they fall the same whatever order runs
end in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from scenarios.file.sweep_schema import Stop

LEVEL = 0.95
FEWEST = 2
CONFIRMATIONS = 2
"""Narrow looks in a row that stop a point."""


def half_width(values: Sequence[float]) -> float:
    """Half width of the 95% interval of a mean; infinite with fewer than two values."""
    if len(values) < FEWEST:
        return math.inf
    quantile = stats.t.ppf(0.5 + LEVEL / 2, len(values) - 1)
    return float(quantile * np.std(values, ddof=1) / math.sqrt(len(values)))


class Looks:
    """The looks at one point.

    Parameters
    ----------
    stop : Stop
    first : int
        Replicates before the first look.

    Attributes
    ----------
    due : int
        Replicates that the next look needs.
    is_over : bool
    is_narrow : bool
        Whether it ended because the interval was narrow enough.
    """

    def __init__(self, stop: Stop, first: int) -> None:
        self._stop = stop
        self.due = min(max(first, FEWEST), stop.max_replicates)
        self.is_over = self.is_narrow = False
        self._in_a_row = 0

    def look(self, arms: Sequence[Sequence[float | None]]) -> None:
        """Look at the values of each arm, those of the first `due` replicates; None where undefined."""
        defined = [[value for value in values if value is not None] for values in arms]
        narrow = all(half_width(values) <= self._stop.half_width for values in defined)
        self._in_a_row = self._in_a_row + 1 if narrow else 0
        self.is_narrow = self._in_a_row >= CONFIRMATIONS
        self.is_over = self.is_narrow or self.due >= self._stop.max_replicates
        if not self.is_over:
            self.due = min(self.due + self._stop.batch, self._stop.max_replicates)
