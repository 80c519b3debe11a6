"""Branching: how many further liquidations one liquidation brings about.

With w_jk the weight of liquidation j among the parents of k, the branching ratio is

    n = sum_k sum_j w_jk / N,

the share of the N liquidations' losses that goes back to other liquidations. If each
brings about a Poisson number of others with mean n < 1, independently (a Galton-Watson
process, and the clusters of Hawkes & Oakes 1974), a cascade has a Borel size
(Borel 1942; Harris 1963, section I.13):

    P(S = s) = e^(-n s) (n s)^(s - 1) / s!,    E[S] = 1 / (1 - n),

with a tail s^(-3/2) up to sizes of about 1 / (1 - n)^2. In one run n is below 1 whatever
happens, since the first liquidation has no other to go back to: near 1 the market could
hardly stop by itself. In the trees of `analysis.cascades.cascades` a liquidation has one parent, drawn in
proportion to the weights (the stochastic declustering of Zhuang, Ogata & Vere-Jones 2002), so
that their mean size is 1 / (1 - n) up to the luck of the draw.
"""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from analysis.base.estimate import Estimate
from analysis.base.metric import Undefined, metric
from analysis.base.power_law import PowerLaw, power_law
from analysis.base.remembered import remembered
from analysis.base.resampling import ratio_interval
from analysis.cascades.cascades import cascades, known, lineage
from sim.recording.recording import Recording

HEADING, PLACE = "Cascades", 110


@remembered
def branching(recording: Recording) -> Estimate:
    """The branching ratio with its interval.

    Raises
    ------
    Undefined
        If nobody was liquidated, or the recording does not trace what brought it about.

    Notes
    -----
    The interval is resampled over whole cascades (`analysis.base.resampling`), since the
    liquidations of one are not independent of each other: it says what n would have been
    had other cascades of the same kind happened. Where there are too few its ends are NaN.
    Close to 1 a few large cascades decide, and the interval is too short.
    """
    weight, root = known(recording, "share_liquidations"), lineage(recording).root
    traced = ~np.isnan(weight)
    if not traced.any():
        raise Undefined("no liquidation's cause is traced")
    _, cascade = np.unique(root[traced], return_inverse=True)
    sums, counts = np.bincount(cascade, weight[traced]), np.bincount(cascade).astype(np.float64)
    try:
        low, high = ratio_interval(sums[np.newaxis], counts)[0]
    except Undefined:
        low = high = np.nan
    return Estimate(float(sums.sum() / counts.sum()), float(low), float(high))


def borel(sizes: np.ndarray, ratio: float) -> np.ndarray:
    """Probability of each size of a cascade in a branching process.

    Parameters
    ----------
    sizes : ndarray of int
        At least 1 each.
    ratio : float
        Mean number of direct descendants, from 0 to 1.

    Raises
    ------
    ValueError
        If the ratio is not between 0 and 1.
    """
    if not 0 <= ratio <= 1:
        raise ValueError(f"a branching ratio of {ratio:g} is not between 0 and 1")
    sizes = np.asarray(sizes, np.float64)
    if ratio == 0:
        return np.where(sizes == 1, 1.0, 0.0)
    logs = -ratio * sizes + (sizes - 1) * np.log(ratio * sizes) - gammaln(sizes + 1)
    probability: np.ndarray = np.exp(logs)
    return probability


def borel_tail(largest: int, ratio: float) -> np.ndarray:
    """Probability that a cascade has at least 1, 2, ..., `largest` liquidations."""
    below = np.cumsum(borel(np.arange(1, largest + 1), ratio))
    tail: np.ndarray = np.clip(1.0 - np.append(0.0, below[:-1]), 0.0, 1.0)
    return tail


def tail(recording: Recording) -> PowerLaw:
    """The tail of the sizes of cascades (`analysis.base.power_law`).

    Raises
    ------
    Undefined
        If there are too few cascades, none, or the recording does not trace them.
    """
    return power_law(cascades(recording)["count"].to_numpy())


# Metrics.

RATIO = "sum over liquidations of their weights on other liquidations / number of liquidations"
INTERVAL = "{end} end of the 95% interval of branching_ratio, resampled over whole cascades"


@metric(unit="1", source=RATIO, headline=13)
def branching_ratio(recording: Recording) -> float:
    """How many further liquidations one brings about; at 1 a cascade does not stop by itself."""
    return branching(recording).value


@metric(unit="1", source=INTERVAL.format(end="lower"))
def branching_ratio_low(recording: Recording) -> float:
    """How weak the contagion may be."""
    return _end(branching(recording).low)


@metric(unit="1", source=INTERVAL.format(end="upper"))
def branching_ratio_high(recording: Recording) -> float:
    """How strong the contagion may be."""
    return _end(branching(recording).high)


@metric(unit="liquidations", source="1 / (1 - branching_ratio), the mean size of a branching process")
def effective_cascade_size(recording: Recording) -> float:
    """How many liquidations one comes to, its descendants included."""
    ratio = branching(recording).value
    if ratio >= 1:
        raise Undefined("at a branching ratio of 1 or more there is no mean size")
    return 1.0 / (1.0 - ratio)


@metric(
    unit="1",
    source="exponent of a discrete power law fitted to the tail of the sizes of cascades by maximum "
    "likelihood, from where it fits best: Clauset, Shalizi & Newman (2009)",
)
def cascade_tail_exponent(recording: Recording) -> float:
    """How heavy the tail of cascade sizes is; 1.5 at the edge of stability."""
    return tail(recording).alpha


@metric(unit="1", source="standard error of cascade_tail_exponent, from the curvature of the likelihood")
def cascade_tail_error(recording: Recording) -> float:
    """How well the tail is known."""
    return tail(recording).error


def _end(limit: float) -> float:
    if np.isnan(limit):
        raise Undefined("too few cascades for an interval")
    return limit
