"""Frontier: the value of a parameter at which a metric passes a level, found in few runs.

The search begins with an even scan of the range and then places batches where a run says most:
at the crossing plus and minus 1 / slope of the fitted logit (chances of 0.27 and 0.73 for a level
of a half), or plus and minus the noise over the slope for a mean; see Wu (1985, JASA 80) for
designs that follow the fit. It ends when the 95% interval is narrow enough, when the runs are
spent, or when the response does not pass the level, or passes it more than once, in the range.

Every run has a seed of its own. Seeds shared by different values would make their outcomes alike,
which helps to compare values but not to find where one level is passed: where the response is
monotone in every seed, sharing them between just the two values of a batch takes away about a
third of what its runs say, and an interval that took them for independent would be too narrow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from scipy import stats

from analysis.base.chance import wilson
from analysis.base.metric import Undefined
from analysis.frontier import chance_crossing, mean_crossing
from analysis.frontier.crossing import NORMAL, Fit
from analysis.frontier.found import NARROW, OUTSIDE, SEVERAL, SPENT, Crossing, Place, plain
from analysis.frontier.question import Question, Scale

SCAN_PLACES, SCAN_RUNS = 5, 8
"""Values of the first scan, and runs at each."""

BATCH = 16
WIDTH = 0.1
MOST = 400
PATIENCE = 2
"""Batches at the ends of the range before a crossing outside it is believed."""

SPREADS = (0.5, 1.2)
"""Distances of every other batch from the crossing, in units of the fit's reach."""

WIDEST = 0.25
"""Distance at most between a batch and the crossing, as a fraction of the range."""


@dataclass
class Search:
    """A search for a crossing: `ask` which values to run, `tell` what came of them.

    Parameters
    ----------
    question : Question
    scale : Scale
    width : float
        The search ends when the 95% interval is no wider than this fraction of its middle.
    most : int
        Runs at most.
    batch : int
        Runs of a batch after the scan, spread over two values.
    """

    question: Question
    scale: Scale
    width: float = WIDTH
    most: int = MOST
    batch: int = BATCH
    _values: list[float] = field(default_factory=list)
    _outcomes: list[float] = field(default_factory=list)
    _waited: int = 0
    _ended: str = ""
    _was_narrow: bool = False
    _known: tuple[int, Fit | None] = (0, None)

    def ask(self) -> np.ndarray:
        """Values of the next batch, one for each of its runs; none when the search has ended."""
        if self._ended:
            return np.zeros(0)
        if not self._values:
            wanted = np.repeat(np.linspace(0, 1, SCAN_PLACES), SCAN_RUNS)
        else:
            wanted = np.repeat(self._next(), -(-self.batch // 2))[: self.batch]
        return self.scale.values(wanted)[: self.most - len(self._values)]

    def tell(self, values: np.ndarray, metric: np.ndarray) -> None:
        """Take note of runs.

        Parameters
        ----------
        values : ndarray of float64, shape (N,)
            Of the parameter.
        metric : ndarray of float64, shape (N,)
            What the metric was, NaN where undefined.

        Raises
        ------
        Undefined
            If the metric is undefined in so many runs that there is nothing to fit.
        """
        self._values += np.asarray(values, float).tolist()
        self._outcomes += self.question.outcomes(metric).tolist()
        self._judge()

    def found(self) -> Crossing:
        """What the runs so far say.

        Raises
        ------
        Undefined
            If there is nothing to fit.
        """
        fit, places = self._fit(), self._places()
        is_inside = 0.0 <= fit.estimate <= 1.0 and self._ended not in (OUTSIDE, SEVERAL)
        ends = [self._value(end) if is_inside else None for end in (fit.estimate, fit.low, fit.high)]
        low, high = ends[1], ends[2]
        return Crossing(
            question=self.question,
            scale=self.scale,
            estimate=ends[0],
            low=low,
            high=high,
            is_rising=fit.slope > 0,
            ended=self._ended,
            width=None if low is None or high is None else self.scale.relative(low, high),
            wanted=self.width,
            runs=len(self._values),
            undefined=int(np.isnan(self._outcomes).sum()),
            grid_runs=grid_runs(fit, self._resolution(fit.estimate)) if is_inside else None,
            misfit=plain(fit.misfit),
            places=places,
            fit=fit,
        )

    def _judge(self) -> None:
        """Whether the search has ended, and why."""
        fit = self._fit()
        is_scan = len(self._values) <= SCAN_PLACES * SCAN_RUNS
        is_outside = not 0 <= fit.estimate <= 1
        self._waited += is_outside and not is_scan
        if is_scan and self._turns() > 1:
            self._ended = SEVERAL
        elif is_outside and (self._waited >= PATIENCE or len(self._values) >= self.most):
            self._ended = OUTSIDE
        elif self._is_narrow(fit) and self._was_narrow:
            self._ended = NARROW
        elif len(self._values) >= self.most:
            self._ended = SPENT
        self._was_narrow = self._is_narrow(fit)

    def _is_narrow(self, fit: Fit) -> bool:
        """Whether the interval is as narrow as it has to be, or can be."""
        if not (math.isfinite(fit.low) and math.isfinite(fit.high) and 0 <= fit.estimate <= 1):
            return False
        low, high = (float(end) for end in self.scale.exact(np.array([fit.low, fit.high])))
        return self.scale.relative(low, high) <= self.width or (self.scale.is_whole and high - low <= 1)

    def _next(self) -> np.ndarray:
        """Two places on either side of the crossing; the ends while it seems to lie outside."""
        fit = self._fit()
        if not 0 <= fit.estimate <= 1:
            return np.array([0.0, 1.0])
        batches = len(self._values) // self.batch
        reach = min(SPREADS[batches % len(SPREADS)] * fit.reach, WIDEST)
        return np.clip([fit.estimate - reach, fit.estimate + reach], 0, 1)

    def _fit(self) -> Fit:
        """The fit to all runs with an outcome; the same for the same runs."""
        if self._known[0] != len(self._values):
            x, y = self._defined()
            if np.unique(x).size < 2:
                raise Undefined(
                    f"{self.question.metric} has a value at fewer than two values of the parameter"
                )
            self._known = len(self._values), self._fitted(x, y)
        fit = self._known[1]
        assert fit is not None
        return fit

    def _fitted(self, x: np.ndarray, y: np.ndarray) -> Fit:
        level = self.question.level
        if self.question.is_chance:
            return chance_crossing.chance(x, y, level)
        return mean_crossing.mean(x, y, level, self._resolution(mean_crossing.monotone(x, y, level)))

    def _resolution(self, place: float) -> float:
        """The wanted width at a place, as a fraction of the range."""
        middle, step = float(np.clip(place, 0.01, 0.99)), 0.01
        low, high = self.scale.exact(np.array([middle - step, middle + step]))
        return 2 * step * self.width / self.scale.relative(float(low), float(high))

    def _defined(self) -> tuple[np.ndarray, np.ndarray]:
        """Places and outcomes of the runs that have one."""
        outcomes = np.array(self._outcomes)
        known = ~np.isnan(outcomes)
        return self.scale.places(np.array(self._values))[known], outcomes[known]

    def _places(self) -> tuple[Place, ...]:
        """What the runs came to, value by value."""
        values, outcomes = np.array(self._values), np.array(self._outcomes)
        known = ~np.isnan(outcomes)
        interval = wilson if self.question.is_chance else _student
        return tuple(
            Place(float(value), own.size, float(own.mean()), *interval(own))
            for value in np.unique(values[known])
            for own in [outcomes[known & (values == value)]]
        )

    def _turns(self) -> int:
        """How often the response passes the level between places where it is clearly on one side."""
        level, places = self.question.level, self._places()
        sides = [1 if place.low > level else -1 for place in places if not place.low <= level <= place.high]
        return int(np.count_nonzero(np.diff(sides)))

    def _value(self, place: float) -> float | None:
        return float(self.scale.exact(np.array(place))) if math.isfinite(place) else None


def _student(values: np.ndarray) -> tuple[float, float]:
    """Student's 95% interval of a mean; unbounded from a single value."""
    if values.size < 2:
        return -math.inf, math.inf
    reach = stats.t.ppf(0.975, values.size - 1) * values.std(ddof=1) / math.sqrt(values.size)
    return float(values.mean() - reach), float(values.mean() + reach)


def grid_runs(fit: Fit, finest: float) -> int | None:
    """Runs that an even grid over the range takes for an interval as narrow as that of a fit.

    Parameters
    ----------
    fit : Fit
    finest : float
        Width that was wanted, as a fraction of the range; a narrower interval counts as this wide.

    Returns
    -------
    int or None
        None if the interval is open.

    Notes
    -----
    The variance of the crossing from N runs spread evenly is `even_variance` / N, by the delta
    method at the fitted curve; it is set equal to the square of the interval's width / 3.92. Nor is a
    grid coarser than the interval: it has 1 / width values at least, with `SCAN_RUNS` runs at each,
    without which nothing tells noise from the response.
    """
    width = max(fit.high - fit.low, finest)
    if not (math.isfinite(width) and math.isfinite(fit.even_variance)):
        return None
    return math.ceil(max(fit.even_variance * (2 * NORMAL / width) ** 2, SCAN_RUNS / width))
