"""Memory: autocorrelation over lags, and the exponent with which it decays.

Lags are binned evenly in their logarithm. Where rho(tau) = A tau^-b with b < 1 the mean of
a sample strays so far that the sample autocorrelation is too low by the variance of that
mean; with x of unit variance and n observations

    E rho_sample(tau) = a (tau^-b - kappa_b),    kappa_b = (2/n) sum_{k<n} (1 - k/n) k^-b,

(the bias that Hosking 1996, Journal of Econometrics 73, 261-284, derives). Fitting a and b
to this, rather than a line to logarithms, leaves b without bias and needs no positive values.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import fft

from analysis.base.estimate import NORMAL, Estimate, block_length, limits, redraws
from analysis.base.metric import Absent, Undefined
from analysis.base.resampling import in_blocks

BINS_A_DECADE = 5

LEADING = 4
"""So many of the first lags must be correlated above zero for a decay to be fitted."""

FAINT = 0.1
"""Where the first lags are surely correlated by less than this, there is no memory to speak of."""

EXPONENTS = np.round(np.arange(0.02, 1.5, 0.005), 3)
"""Exponents that are tried."""


class Correlogram(NamedTuple):
    """Autocorrelation by lag, with its interval.

    Attributes
    ----------
    lag : ndarray of float64
        Geometric mean of the lags of a bin, in observations.
    first, last : ndarray of int
        The lags of a bin, `last` not included.
    value, low, high : ndarray of float64
        Mean autocorrelation over the bin, and the ends of its interval of 95%.
    draws : ndarray of float64, shape (draws, bins)
        Its resamples.
    observations : int
        How many.
    """

    lag: np.ndarray
    first: np.ndarray
    last: np.ndarray
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    draws: np.ndarray
    observations: int


class Decay(NamedTuple):
    """A fitted decay a (tau^-b - kappa): exponent b with its interval, scale a, and kappa."""

    exponent: Estimate
    scale: float
    offset: float

    def at(self, lag: np.ndarray) -> np.ndarray:
        """The autocorrelation expected in the sample at a lag."""
        expected: np.ndarray = self.scale * (lag**-self.exponent.value - self.offset)
        return expected


def autocorrelation(values: np.ndarray) -> Correlogram:
    """Autocorrelation of observations in the order of time, up to a thirtieth of their number.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)

    Returns
    -------
    Correlogram

    Raises
    ------
    Undefined
        If there are too few observations, or they do not vary.
    """
    longest = block_length(values.size)
    centred = values - values.mean()
    if np.ptp(values) == 0:
        raise Undefined("the observations do not vary")
    edges = np.unique(np.rint(10 ** np.arange(0, np.log10(longest) + 1e-9, 1 / BINS_A_DECADE)).astype(int))
    first, last = edges[:-1], edges[1:]
    sums = _sums(centred, first, last)
    drawn, total = redraws(sums), sums.sum(axis=0)
    draws = drawn[:, 1:] / drawn[:, :1]
    low, high = limits(draws)
    lag = np.array([np.exp(np.log(np.arange(*bounds)).mean()) for bounds in zip(first, last, strict=True)])
    return Correlogram(lag, first, last, total[1:] / total[0], low, high, draws, values.size)


def decay(found: Correlogram) -> Decay:
    """The exponent with which an autocorrelation decays as a power of the lag.

    Raises
    ------
    Undefined
        If the first lags are not correlated above zero, or the best exponent lies at an end of `EXPONENTS`;
        `Absent` if they are surely hardly correlated, or it decays faster than any power that is tried.

    Notes
    -----
    Weighted least squares; weights are inverse variances over resamples. The interval is the
    wider of two: that of the resamples, which keeps fat tails but cuts memory at the length
    of a block, and that of a Gaussian process with the fitted memory (`_gaussian_error`).
    """
    if found.low.size <= LEADING or np.any(found.low[:LEADING] <= 0):
        is_faint = found.high[:LEADING].max(initial=0.0) < FAINT
        raise (Absent if is_faint else Undefined)("the autocorrelation is not above zero over the first lags")
    offsets = _offsets(EXPONENTS, found.observations)
    shapes = found.lag[:, np.newaxis] ** -EXPONENTS - offsets
    weights = 1 / np.var(found.draws, axis=0)
    at = best_shape(found.value, shapes, weights)
    if at in (0, EXPONENTS.size - 1):
        kind, how = (Absent, "fast") if at else (Undefined, "slowly")
        raise kind(f"it decays too {how} for a power of the lag")
    shape = shapes[:, at]
    scale = float(np.sum(weights * found.value * shape) / np.sum(weights * shape**2))
    resampled = float(np.std(EXPONENTS[best_shape(found.draws, shapes, weights)]))
    slope = scale * (shapes[:, at + 1] - shapes[:, at - 1]) / (EXPONENTS[at + 1] - EXPONENTS[at - 1])
    influence = np.linalg.pinv(np.sqrt(weights)[:, np.newaxis] * np.stack([shape, slope], axis=1))[1]
    b, kappa = float(EXPONENTS[at]), float(offsets[at])
    error = max(resampled, _gaussian_error(found, influence * np.sqrt(weights), b, scale, kappa))
    return Decay(Estimate(b, b - NORMAL * error, b + NORMAL * error), scale, kappa)


def best_shape(values: np.ndarray, shapes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Which shape, scaled up from zero, has the least weighted squared distance.

    Parameters
    ----------
    values : ndarray of float64, shape (..., points)
    shapes : ndarray of float64, shape (points, shapes)
    weights : ndarray of float64, shape (points,)

    Returns
    -------
    ndarray of int, shape (...)

    Notes
    -----
    The best scale of shape f leaves sum w y^2 - (sum w y f)^2 / sum w f^2.
    """
    weighted = weights[:, np.newaxis] * shapes
    explained = values @ (weighted / np.sqrt(np.sum(weighted * shapes, axis=0)))
    best: np.ndarray = np.argmax(np.maximum(explained, 0), axis=-1)
    return best


def _sums(centred: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Sums over blocks of squares, and of products with the mean of what follows at the lags of each bin."""
    kept = centred.size - int(last[-1]) + 1
    now, ahead, length = centred[:kept], np.concatenate([[0.0], np.cumsum(centred)]), block_length(kept)
    columns = [in_blocks(now**2, length)]
    for a, b in zip(first, last, strict=True):
        columns.append(in_blocks(now * (ahead[b : b + kept] - ahead[a : a + kept]), length) / (b - a))
    return np.stack(columns, axis=1)


def _offsets(exponents: np.ndarray, count: int) -> np.ndarray:
    """Variance of the sample mean over the scale of the memory, for each exponent."""
    lag = np.unique(np.rint(np.geomspace(1, count, 400)))[:, np.newaxis]
    terms = (1 - lag / count) * lag**-exponents
    sums = np.sum((terms[1:] + terms[:-1]) / 2 * np.diff(lag, axis=0), axis=0) + terms[0] / 2
    offsets: np.ndarray = 2 * sums / count
    return offsets


def _gaussian_error(found: Correlogram, influence: np.ndarray, b: float, scale: float, kappa: float) -> float:
    """Standard error of the exponent, were the observations Gaussian with the fitted memory.

    Notes
    -----
    The exponent is, to first order, sum_tau q_tau c(tau) / c(0), a quadratic form of the
    observations whose matrix has constant diagonals. With spectrum S and transfer Q of such
    a form over n, the variance is (2/n) mean (S Q)^2; frequency zero is the mean, which is
    taken out.
    """
    size = fft.next_fast_len(found.observations, real=True)
    lag = np.minimum(np.arange(size), size - np.arange(size)).astype(float)
    lag[0] = 1.0
    memory = scale / (1 + scale * kappa) * lag**-b
    memory[0] = 1.0
    kernel = np.zeros(size)
    kernel[0] = -np.sum(influence * scale * (found.lag**-b - kappa))
    for weight, first, last in zip(influence, found.first, found.last, strict=True):
        kernel[first:last] = weight / (last - first)
    both = np.maximum(fft.rfft(memory).real, 0) * fft.rfft(kernel).real
    return float(np.sqrt(2 / found.observations * (2 * np.sum(both[1:] ** 2)) / size))
