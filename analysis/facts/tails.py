"""Tails: how fast large returns become rare, and how far they stand above a normal's.

If P(|r| > x) falls as x^-alpha, the logarithms of the exceedances over a threshold u are
exponential with mean 1/alpha, and the estimator of Hill (1975, Annals of Statistics 3,
1163-1174) is

    1/alpha = (1/k) sum_{i <= k} ln(x_i / u),        x_1 >= ... >= x_k > u.

Prices on a grid tie: returns are rounded to whole cells, an exceedance is counted with
all that tie with it, and u lies half a cell below the smallest one, where rounding began
(the correction of Clauset, Shalizi & Newman 2009, SIAM Review 51, section 3.1).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analysis.base.estimate import NORMAL, Estimate, estimated
from analysis.base.metric import Undefined
from analysis.base.resampling import in_blocks

FEWEST = 50
"""A tail of fewer exceedances is not estimated."""

LARGEST_SHARE = 0.1
"""No more than this share of the returns is called a tail."""


class Tail(NamedTuple):
    """A tail: its exponent, how many exceedances it was estimated from, and above what."""

    exponent: Estimate
    exceedances: int
    threshold: float


class HillPlot(NamedTuple):
    """Exponent and the ends of its interval by the number of exceedances, for a look at stability."""

    exceedances: np.ndarray
    exponent: np.ndarray
    low: np.ndarray
    high: np.ndarray


def hill(values: np.ndarray, cell: float = 0.0) -> Tail:
    """The tail exponent of absolute values by Hill's estimator.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        In the order of time; signs do not matter and zeros are left out.
    cell : float
        Width of the grid the values lie on, if it is coarse; same unit.

    Returns
    -------
    Tail

    Raises
    ------
    Undefined
        If fewer than `FEWEST` values can be told to exceed a threshold that leaves out nine
        tenths of them.

    Notes
    -----
    k is the square root of the number of values, at least `FEWEST`, and then as many more as
    tie: few enough that what is no power law yet biases it little (Hall 1982, JRSS B 44,
    37-42: k must grow more slowly than the power of n that would balance bias and variance).
    A Student distribution of 3 degrees of freedom still measures 2.9 from 3,600 values.

    The standard error is alpha/sqrt(k) for independent values. Large returns come in
    clusters, and then it is larger: the variance of the sum of ln(x_i/u) - 1/alpha over
    exceedances is taken from stretches of sqrt(n) values, where that is more (the idea of
    Hill 2010, Econometric Theory 26, 1398-1436).
    """
    values = _rounded(np.abs(values), cell)
    values = values[values > 0]
    levels = np.sort(values)[::-1]
    k = _exceedances(levels)
    threshold = float(levels[k] + cell / 2)
    logs = np.log(np.maximum(values / threshold, 1.0))
    gamma = float(np.log(levels[:k] / threshold).mean())
    scores = in_blocks(logs - gamma * (logs != 0), max(1, int(np.sqrt(values.size))))
    error = max(gamma / np.sqrt(k), float(np.sqrt(np.sum(scores**2))) / k)
    alpha, half = 1 / gamma, NORMAL * error / gamma**2
    return Tail(Estimate(alpha, float(alpha - half), float(alpha + half)), k, threshold)


def hill_plot(values: np.ndarray, cell: float = 0.0) -> HillPlot:
    """Hill's estimate for every number of exceedances, with the interval of independent values.

    Parameters
    ----------
    values, cell
        As for `hill`.
    """
    levels = np.sort(_rounded(np.abs(values), cell))[::-1]
    levels = levels[levels > 0]
    k = np.flatnonzero(levels[:-1] > levels[1:]) + 1
    k = k[(k >= 10) & (k <= 2 * LARGEST_SHARE * levels.size)]
    sums = np.cumsum(np.log(levels))
    alpha = 1 / (sums[k - 1] / k - np.log(levels[k] + cell / 2))
    half = NORMAL * alpha / np.sqrt(k)
    return HillPlot(k, alpha, alpha - half, alpha + half)


def kurtosis(values: np.ndarray) -> Estimate:
    """Excess kurtosis, zero for a normal distribution, with its interval.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        In the order of time; windows that overlap must not be longer than a stretch.

    Notes
    -----
    Where the tail exponent is below 4 the kurtosis has no limit and grows with the sample.
    """
    return estimated(powers(values), excess)


def powers(values: np.ndarray) -> np.ndarray:
    """The terms whose sums give a kurtosis: 1, x, x^2, x^3, x^4; shape (n, 5)."""
    spread = np.std(values)
    if spread == 0:
        raise Undefined("the price does not move")
    scaled = (values - values.mean()) / spread
    return np.stack([scaled**power for power in range(5)], axis=-1)


def excess(sums: np.ndarray) -> np.ndarray:
    """Excess kurtosis from sums of powers, shape (..., 5)."""
    first, second, third, fourth = (sums[..., power] / sums[..., 0] for power in range(1, 5))
    variance = second - first**2
    central = fourth - 4 * first * third + 6 * first**2 * second - 3 * first**4
    result: np.ndarray = central / variance**2 - 3
    return result


def _rounded(values: np.ndarray, cell: float) -> np.ndarray:
    """Values moved to the nearest point of the grid, if there is one."""
    return np.rint(values / cell) * cell if cell > 0 else values


def _exceedances(levels: np.ndarray) -> int:
    """How many values make the tail: the square root of all, at least `FEWEST`, and their ties."""
    least = max(FEWEST, int(np.sqrt(levels.size)))
    ends = np.flatnonzero(levels[:-1] > levels[1:]) + 1
    ends = ends[(ends >= least) & (ends <= LARGEST_SHARE * levels.size)]
    if ends.size == 0:
        raise Undefined(f"no tail of {FEWEST} exceedances stands out of {levels.size} moves")
    return int(ends[0])
