"""Functions of means over seeds, with the interval of the paired bootstrap.

A function f of the means of several columns, a row a seed, has to first order the standard error of the
mean over seeds of sum_k (df/dm_k) x_k (the delta method); with it f is studentised in each resample
(`analysis.feedback.amplification`). A seed's values stay together, so what they share cancels.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from analysis.feedback.amplification import FEWEST, NOTHING, Estimate, interval_of

Function = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Of means, shape (K, ...): the value, shape (...), and its derivatives, shape (K, ...)."""


def of_means(columns: np.ndarray, function: Function) -> Estimate:
    """A function of means with its 95% interval; without one below `FEWEST` seeds.

    Parameters
    ----------
    columns : ndarray of float64, shape (K, N)
        K values of each of N seeds; a seed in which one is NaN is left out.
    function : callable
    """
    known = columns[:, np.isfinite(columns).all(axis=0)]
    if known.shape[1] == 0:
        return NOTHING
    with np.errstate(all="ignore"):
        value = float(function(known.mean(axis=1))[0])
        if not np.isfinite(value) or known.shape[1] < FEWEST:
            return Estimate(value, np.nan, np.nan, np.nan)
        low, high, error = interval_of(known, lambda pairs: _studentised(pairs, function))
    return Estimate(value, low, high, error)


def _studentised(pairs: np.ndarray, function: Function) -> tuple[np.ndarray, np.ndarray]:
    """Value and standard error, seeds along the last axis."""
    value, slopes = function(pairs.mean(axis=-1))
    terms = np.einsum("k...,k...n->...n", slopes, pairs)
    return value, terms.std(axis=-1, ddof=1) / np.sqrt(pairs.shape[-1])


def mean(values: np.ndarray) -> Estimate:
    """A mean over seeds, shape (N,)."""
    return of_means(values[None], lambda m: (m[0], np.ones_like(m)))


def product(first: np.ndarray, second: np.ndarray) -> Estimate:
    """The product of two means."""
    return of_means(np.stack([first, second]), lambda m: (m[0] * m[1], m[::-1]))


def quotient(above: np.ndarray, below: np.ndarray) -> Estimate:
    """The quotient of two means, of any sign; NaN where the lower one is not above 0."""

    def divided(m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        lower = np.where(m[1] > 0, m[1], np.nan)
        return m[0] / lower, np.stack([1 / lower, -m[0] / lower**2])

    return of_means(np.stack([above, below]), divided)


def log_sum(columns: np.ndarray, weights: np.ndarray, offset: float = 0.0) -> Estimate:
    """Sum of the logarithms of means by weights, and an offset; NaN unless every mean is above 0.

    Parameters
    ----------
    columns : ndarray of float64, shape (K, N)
    weights : ndarray of float64, shape (K,)
    offset : float
    """

    def summed(m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        over = weights.reshape(-1, *[1] * (m.ndim - 1))
        positive = np.where(m > 0, m, np.nan)
        return (over * np.log(positive)).sum(axis=0) + offset, over / positive

    return of_means(columns, summed)


def exponential(found: Estimate) -> Estimate:
    """The exponential of what was estimated."""
    value, low, high = (float(np.exp(each)) for each in found[:3])
    return Estimate(value, low, high, value * found.error)
