"""Power laws: the tail of whole numbers, fitted as by Clauset, Shalizi & Newman.

For sizes x >= xmin the discrete power law is (SIAM Review 51, 2009, section 2)

    P(x) = x^-alpha / zeta(alpha, xmin),    zeta(a, q) = sum_{k >= 0} (q + k)^-a.

alpha maximises the likelihood (section 3.1), whose curvature gives its standard error,
1 / sqrt(m (ln zeta)''(alpha, xmin)) with m sizes in the tail; xmin is where the largest
distance between the fitted and the observed distribution is least (section 3.3). A fit is
no proof: on a plot of sizes over a decade or two much looks straight.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import zeta

from analysis.base.metric import Undefined

FEWEST = 50
"""With fewer sizes than this in the tail there is no fit."""

STEEPEST = 12.0
"""An exponent this large is no power law but a tail that ends."""


class PowerLaw(NamedTuple):
    """A fitted tail.

    Attributes
    ----------
    alpha, error : float
        Exponent and its standard error, for the xmin found.
    xmin : int
        Where the tail begins.
    observations : int
        Sizes in the tail.
    distance : float
        Largest distance between the fitted and the observed distribution of the tail.
    """

    alpha: float
    error: float
    xmin: int
    observations: int
    distance: float

    def tail(self, sizes: np.ndarray) -> np.ndarray:
        """Probability that a size of the tail is at least as large as each of the given ones."""
        share: np.ndarray = zeta(self.alpha, sizes) / zeta(self.alpha, self.xmin)
        return share


def power_law(sizes: np.ndarray, xmin: int | None = None) -> PowerLaw:
    """Fit the tail of sizes.

    Parameters
    ----------
    sizes : ndarray of int, shape (n,)
        At least 1 each.
    xmin : int, optional
        Where the tail begins; where it fits best, if not given.

    Raises
    ------
    Undefined
        If the tail has fewer than `FEWEST` sizes, all are equal, or it falls off faster than
        an exponent of `STEEPEST`.
    """
    sizes = np.sort(np.asarray(sizes, np.int64))
    starts = np.unique(sizes) if xmin is None else np.array([xmin])
    tails = [(int(start), sizes[np.searchsorted(sizes, start) :]) for start in starts]
    fits = [_fit(tail, start) for start, tail in tails if tail.size >= FEWEST and tail[0] < tail[-1]]
    fits = [fit for fit in fits if fit.alpha < 0.99 * STEEPEST]
    if not fits:
        raise Undefined(f"no tail of {FEWEST} or more different sizes to fit a power law to")
    return min(fits, key=lambda fit: fit.distance)


def _fit(tail: np.ndarray, xmin: int) -> PowerLaw:
    """The power law of greatest likelihood for a sorted tail."""
    from scipy.optimize import minimize_scalar  # takes long to import, and few runs need it

    mean_log = float(np.log(tail).mean())

    def loss(alpha: float) -> float:
        return float(np.log(zeta(alpha, xmin)) + alpha * mean_log)

    alpha = float(minimize_scalar(loss, bounds=(1.0001, STEEPEST), method="bounded").x)
    nudge = 1e-3 * (alpha - 1.0)
    curvature = (loss(alpha + nudge) - 2 * loss(alpha) + loss(alpha - nudge)) / nudge**2
    fitted = PowerLaw(alpha, float(1 / np.sqrt(tail.size * curvature)), xmin, tail.size, np.nan)
    return fitted._replace(distance=_distance(tail, fitted))


def _distance(tail: np.ndarray, fitted: PowerLaw) -> float:
    """Kolmogorov and Smirnov's distance; between two observed sizes it is largest at the ends."""
    sizes, counts = np.unique(tail, return_counts=True)
    below = np.cumsum(counts) / tail.size
    gaps = [np.abs(below - (1 - fitted.tail(sizes + 1)))]
    gaps.append(np.abs(np.append(0.0, below[:-1]) - (1 - fitted.tail(sizes))))
    return float(np.max(gaps))
