"""Estimates: a number of one run with the interval it would have strayed in.

A run is cut into `BLOCKS` stretches of equal length and resampled stretch by stretch
(`analysis.base.resampling`), so that what depends on each other within a stretch stays
together. Any statistic that is a function of sums over time can be estimated so; windows
that overlap (returns over a minute, products at a lag) must not be longer than a stretch.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from analysis.base.metric import Undefined
from analysis.base.resampling import DRAWS, LEVELS, SEED, in_blocks

BLOCKS = 30
"""In how many stretches a run is cut."""

FEWEST = 10 * BLOCKS
"""With fewer observations than this there is no estimate."""

NORMAL = 1.959964
"""Standard errors on either side of an estimate that make 95% of a normal distribution."""


class Estimate(NamedTuple):
    """A number and the ends of its interval of 95%."""

    value: float
    low: float
    high: float


def block_length(count: int) -> int:
    """Observations in a stretch; the longest window that an estimate may look at.

    Raises
    ------
    Undefined
        If there are fewer than `FEWEST` observations.
    """
    if count < FEWEST:
        raise Undefined(f"{count} observations are too few; it takes {FEWEST}")
    return count // BLOCKS


def sums_of(terms: np.ndarray) -> np.ndarray:
    """Sums over stretches of the columns of an array with a row an observation.

    Parameters
    ----------
    terms : ndarray of float64, shape (observations, columns)

    Returns
    -------
    ndarray of float64, shape (blocks, columns)
    """
    return in_blocks(terms.T, block_length(len(terms))).T


def redraws(sums: np.ndarray) -> np.ndarray:
    """Sums over as many blocks drawn with replacement, again and again.

    Parameters
    ----------
    sums : ndarray of float64, shape (blocks, columns)

    Returns
    -------
    ndarray of float64, shape (draws, columns)
    """
    drawn: np.ndarray = _weights(len(sums)) @ sums
    return drawn


def limits(draws: np.ndarray) -> np.ndarray:
    """The ends of an interval of 95%, from redraws; rows low and high."""
    ends: np.ndarray = np.percentile(draws, LEVELS, axis=0)
    return ends


def estimated(terms: np.ndarray, statistic: Callable[[np.ndarray], np.ndarray]) -> Estimate:
    """A statistic of sums over time, with its interval.

    Parameters
    ----------
    terms : ndarray of float64, shape (observations, columns)
    statistic : callable
        Of sums over the columns, shape (..., columns); returns shape (...).

    Raises
    ------
    Undefined
        If there are too few observations, or the statistic is no number for some draws.
    """
    sums = sums_of(terms)
    with np.errstate(all="ignore"):
        value, draws = statistic(sums.sum(axis=0)), statistic(redraws(sums))
    if not (np.isfinite(value) and np.isfinite(draws).all()):
        raise Undefined("too little varies for an interval")
    return Estimate(float(value), *(float(end) for end in limits(draws)))


@lru_cache(maxsize=8)
def _weights(blocks: int) -> np.ndarray:
    """How often each block is drawn in each resample; shape (draws, blocks)."""
    rng = np.random.default_rng(SEED)
    weights: np.ndarray = rng.multinomial(blocks, np.full(blocks, 1.0 / blocks), DRAWS).astype(float)
    weights.setflags(write=False)
    return weights
