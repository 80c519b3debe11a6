"""Resampling: how far a ratio of sums would have strayed had other blocks of a run been seen.

A run is cut into blocks (stretches of time, or whole cascades) within which events depend
on each other and between which they hardly do. With block sums y_b and x_b the ratio is

    R = sum_b y_b / sum_b x_b,

and its interval is that of R over resamples of the blocks with replacement (Carlstein
1986, Annals of Statistics 14, for blocks that do not overlap; Efron & Tibshirani 1993,
chapter 13, for percentiles as limits).
"""

from __future__ import annotations

import numpy as np

from analysis.base.metric import Undefined

SEED = 20_091_104
"""Seed of every resampling, so that equal recordings have equal intervals."""

DRAWS = 2000
"""How many resamples an interval is made from."""

FEWEST = 10
"""With fewer blocks than this there is no interval."""

LEVELS = (2.5, 97.5)
"""Percentiles that are the ends of an interval of 95%."""

_BATCH = 2_000_000


def ratio_interval(numerators: np.ndarray, denominators: np.ndarray) -> np.ndarray:
    """The interval of 95% of a ratio of sums over blocks.

    Parameters
    ----------
    numerators : ndarray of float64, shape (ratios, blocks)
    denominators : ndarray of float64, shape (blocks,)
        Not below zero.

    Returns
    -------
    ndarray of float64, shape (ratios, 2)
        Low and high.

    Raises
    ------
    Undefined
        If there are fewer than `FEWEST` blocks, or only one of them counts.
    """
    blocks = denominators.size
    if blocks < FEWEST:
        raise Undefined(f"{blocks} blocks are too few for an interval; it takes {FEWEST}")
    if np.count_nonzero(denominators) < 2:
        raise Undefined("everything happened in one block, so there is no interval")
    rng, drawn = np.random.default_rng(SEED), []
    left = DRAWS
    while left > 0:
        count = min(left, max(1, _BATCH // blocks))
        weights = rng.multinomial(blocks, np.full(blocks, 1.0 / blocks), count)
        below = weights @ denominators
        drawn.append((weights @ numerators.T)[below > 0] / below[below > 0, np.newaxis])
        left -= count
    limits: np.ndarray = np.percentile(np.concatenate(drawn), LEVELS, axis=0).T
    return limits


def in_blocks(values: np.ndarray, length: int) -> np.ndarray:
    """Sums over successive stretches of the last axis; what is left at the end is a shorter one."""
    starts = np.arange(0, values.shape[-1], length)
    sums: np.ndarray = np.add.reduceat(values, starts, axis=-1)
    return sums
