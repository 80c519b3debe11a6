"""Crossing: where a response passes a level, from noisy runs, with a 95% interval.

A response at x in [0, 1] is either a chance (`analysis.frontier.chance_crossing`) or a mean
(`analysis.frontier.mean_crossing`). Both are fitted to a window of runs around the crossing, which moves to
the crossing that is fitted in it, so that the shape of the response far away decides nothing.

Runs are taken to be independent, so every run needs a seed of its own.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy import stats

NORMAL = float(stats.norm.ppf(0.975))
"""Half of a 95% interval, in standard errors."""

NODES = 41
"""Values, from the crossing outwards, among which an end of an interval is looked for."""

FEWEST = 24
"""Runs that a window holds at least."""

ROUNDS = 4
"""How often a window is moved to the crossing that is fitted in it."""


class Fit(NamedTuple):
    """A fitted crossing; all in the unit of x.

    Attributes
    ----------
    estimate : float
        May lie outside [0, 1].
    low, high : float
        Ends of the 95% interval; minus or plus infinity where it is open within [0, 1].
    slope : float
        b, of the logit of a chance or of a mean; its sign says whether the response rises.
    reach : float
        Distance from the crossing at which a run says most about it and the slope together.
    even_variance : float
        Variance of the estimate from a single run, were the runs spread evenly over [0, 1]; that
        from N such runs is a N-th of it.
    misfit : float
        P value of the hypothesis that the fitted shape is right; NaN where it cannot be tested.
    """

    estimate: float
    low: float
    high: float
    slope: float
    reach: float
    even_variance: float
    misfit: float


def window(distance: np.ndarray, runs: np.ndarray, half: float) -> np.ndarray:
    """Mask of the places within a distance, or of the nearest that hold `FEWEST` runs if that is more.

    Parameters
    ----------
    distance : ndarray of float64, shape (P,)
        Of the places from the crossing.
    runs : ndarray, shape (P,)
        How many there are at each.
    half : float
        In the unit of `distance`.

    Returns
    -------
    ndarray of bool, shape (P,)
    """
    order = np.argsort(distance, kind="stable")
    before = np.cumsum(runs[order]) - runs[order]
    kept = np.zeros(distance.size, bool)
    kept[order] = before < FEWEST
    return kept | (distance <= half)


def quotient(above: float, below: float) -> float:
    """One number over another; over zero infinite with the first's sign, and 0 / 0 is 0."""
    return above / below if below else math.copysign(math.inf, above) if above else 0.0
