"""Crossing: where a response passes a level, from noisy runs, with a 95% interval.

A response at x in [0, 1] is either a chance, fitted by a logistic curve

    P(x) = 1 / (1 + exp(-(L + b (x - c)))),   L = log(level / (1 - level)),

or a mean, fitted by a line y = level + b (x - c) near the crossing; c is wanted. The curve is
fitted by maximum likelihood with the penalty of Firth (1993, Biometrika 80), half the logarithm
of the determinant of the information, so that it has a finite slope even where all runs on one
side fail and all on the other do not. Its interval are those c at which the penalised likelihood,
maximised over b, is within chi2(0.95, 1) / 2 of its maximum (Heinze & Schemper 2002, Statistics
in Medicine 21). The line's interval is that of Fieller (1954, JRSS B 16), those c at which the
fitted mean does not differ from the level, with the covariance HC3 of MacKinnon & White (1985).

Runs are taken to be independent, so every run needs a seed of its own.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy import special, stats

DROP = float(stats.chi2.ppf(0.95, 1)) / 2
"""By how much the penalised log-likelihood may fall inside the interval."""

NORMAL = float(stats.norm.ppf(0.975))
STEPS, LARGEST, PRECISION = 60, 5.0, 1e-9
NODES = 41
CURVED = 1.0
"""A window is narrowed while a quadratic term is more than this many standard errors from zero."""

FEWEST = 12
"""Runs that a window of the line keeps at least."""


class Fit(NamedTuple):
    """A fitted crossing; all in the unit of x.

    Attributes
    ----------
    estimate : float
        May lie outside [0, 1].
    low, high : float
        Ends of the 95% interval; minus or plus infinity where it is open within [0, 1].
    slope : float
        b; its sign says whether the response rises.
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


class Groups(NamedTuple):
    """Runs by where they were: distinct x, how many runs, and how many succeeded."""

    x: np.ndarray
    trials: np.ndarray
    successes: np.ndarray


def grouped(x: np.ndarray, y: np.ndarray) -> Groups:
    """Runs with outcomes 0 and 1, put together by x."""
    distinct, of = np.unique(x, return_inverse=True)
    return Groups(distinct, np.bincount(of).astype(float), np.bincount(of, y))


def chance(x: np.ndarray, y: np.ndarray, level: float) -> Fit:
    """Where the chance of an outcome passes a level.

    Parameters
    ----------
    x : ndarray of float64, shape (N,)
        At two different places at least.
    y : ndarray of float64, shape (N,)
        0 or 1.
    level : float
        Between 0 and 1.
    """
    groups = near(grouped(x, y))
    centre, spread = float(groups.x.mean()), float(groups.x.std())
    scaled = groups._replace(x=(groups.x - centre) / spread)
    intercept, slope = fitted(scaled)
    wanted = float(special.logit(level))
    estimate = _over(wanted - intercept, slope)
    low, high = _profile(scaled, wanted, estimate, (-centre / spread, (1 - centre) / spread))
    true_slope = slope / spread
    at, low, high = (float(end * spread + centre) for end in (estimate, low, high))
    reach, even = _over(1.0, abs(true_slope)), _even_variance(at, true_slope, wanted)
    return Fit(at, low, high, true_slope, reach, even, _misfit(scaled, intercept, slope))


def near(groups: Groups) -> Groups:
    """Runs where the outcome is in doubt, so that the shape far away decides nothing.

    Those where the fitted logit is within 4 of zero; all of them unless both outcomes, and two
    places at least, are among these.
    """
    centre, spread = groups.x.mean(), groups.x.std()
    intercept, slope = fitted(groups._replace(x=(groups.x - centre) / spread))
    kept = np.abs(intercept + slope * (groups.x - centre) / spread) <= 4.0
    few = Groups(*(column[kept] for column in groups))
    is_enough = few.x.size > 1 and 0 < few.successes.sum() < few.trials.sum()
    return few if is_enough else groups


def fitted(groups: Groups) -> tuple[float, float]:
    """Intercept and slope of the logit, by Firth's penalised likelihood."""
    at = np.zeros(2)
    for _ in range(STEPS):
        weights, residuals = _working(groups, at[0] + at[1] * groups.x)
        design = np.stack([np.ones_like(groups.x), groups.x])
        step = np.linalg.solve((design * weights) @ design.T, design @ residuals)
        at += step * min(1.0, LARGEST / max(float(np.abs(step).max()), PRECISION))
        if np.abs(step).max() < PRECISION:
            break
    return float(at[0]), float(at[1])


def _working(groups: Groups, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights and Firth's residuals at these logits; shape (..., places)."""
    p = special.expit(np.clip(logits, -30, 30))
    weights = groups.trials * p * (1 - p)
    zero, one, two, determinant = _information(groups.x, weights)
    leverage = weights * (two - 2 * groups.x * one + groups.x**2 * zero) / determinant
    return weights, groups.successes - groups.trials * p + leverage * (0.5 - p)


def _information(x: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, ...]:
    """Moments of the information matrix about x = 0, and its determinant."""
    zero, one, two = (np.sum(weights * x**power, axis=-1, keepdims=True) for power in range(3))
    return zero, one, two, np.maximum(zero * two - one**2, 1e-290)


def _likelihood(groups: Groups, logits: np.ndarray) -> np.ndarray:
    """Penalised log-likelihood; the last axis, the places, is summed over."""
    logits = np.clip(logits, -30, 30)
    p = special.expit(logits)
    plain = groups.successes * logits - groups.trials * np.logaddexp(0, logits)
    determinant = _information(groups.x, groups.trials * p * (1 - p))[3][..., 0]
    found: np.ndarray = plain.sum(axis=-1) + 0.5 * np.log(determinant)
    return found


def _profile(
    groups: Groups, wanted: float, estimate: float, within: tuple[float, float]
) -> tuple[float, float]:
    """Ends of the profile interval; infinite where it is open within the bounds."""
    intercept, slope = fitted(groups)
    top = float(_likelihood(groups, intercept + slope * groups.x))
    ends = []
    for bound, open_end in zip(within, (-math.inf, math.inf), strict=True):
        inside, outside = float(np.clip(estimate, *within)), bound
        for width in (4.0, 1.0, 1.0):
            nodes = inside + (outside - inside) * np.linspace(0, 1, NODES) ** width
            is_out = _best(groups, wanted, nodes, slope) < top - DROP
            if not is_out.any():
                inside = open_end
                break
            first = int(np.argmax(is_out))
            inside, outside = float(nodes[max(0, first - 1)]), float(nodes[first])
        ends.append(inside if math.isinf(inside) else (inside + outside) / 2)
    return ends[0], ends[1]


def _best(groups: Groups, wanted: float, crossings: np.ndarray, slope: float) -> np.ndarray:
    """Penalised log-likelihood at these crossings, maximised over the slope."""
    offset = groups.x - crossings[:, np.newaxis]
    furthest = np.abs(offset).max(axis=1)
    slopes = np.full(crossings.size, slope)
    for _ in range(STEPS):
        weights, residuals = _working(groups, wanted + slopes[:, np.newaxis] * offset)
        steps = (residuals * offset).sum(axis=1) / np.maximum((weights * offset**2).sum(axis=1), 1e-290)
        steps = np.clip(steps, -LARGEST / furthest, LARGEST / furthest)
        slopes += steps
        if np.all(np.abs(steps) * furthest < 1e-6):
            break
    return _likelihood(groups, wanted + slopes[:, np.newaxis] * offset)


def _even_variance(estimate: float, slope: float, wanted: float) -> float:
    """Variance of the crossing from one run placed evenly over [0, 1], by the delta method."""
    x = np.linspace(0, 1, 4001) - estimate
    p = special.expit(np.clip(wanted + slope * x, -30, 30))
    moments = _information(x, p * (1 - p) / x.size)
    return _over(float(moments[2][0]), float(moments[3][0]) * slope**2)


def _misfit(groups: Groups, intercept: float, slope: float) -> float:
    """P value of Pearson's chi-square over places."""
    p = special.expit(intercept + slope * groups.x)
    expected = groups.trials * p
    squares = (groups.successes - expected) ** 2 / np.maximum(expected * (1 - p), 1e-12)
    freedom = groups.x.size - 2
    return float(stats.chi2.sf(squares.sum(), freedom)) if freedom > 0 else math.nan


def mean(x: np.ndarray, y: np.ndarray, level: float) -> Fit:
    """Where the mean of an outcome passes a level.

    Parameters
    ----------
    x : ndarray of float64, shape (N,)
        At two different places at least.
    y : ndarray of float64, shape (N,)
    level : float
    """
    if _is_exact(x, y):
        return _bracket(x, y, level)
    start = _monotone(x, y, level)
    kept = _straight(x, y, start)
    own, values = x[kept] - start, y[kept] - level
    beta, covariance = _line(own, values)
    estimate, slope = start + _over(-float(beta[0]), float(beta[1])), float(beta[1])
    freedom = own.size - 2
    low, high = _fieller(beta, covariance, float(stats.t.ppf(0.975, freedom)))
    variance = float(((values - beta[0] - beta[1] * own) ** 2).sum() / freedom)
    extent = max(float(np.ptp(own)), 1e-12)
    return Fit(
        estimate,
        start + low if start + low > 0 else -math.inf,
        start + high if start + high < 1 else math.inf,
        slope,
        _over(math.sqrt(variance), abs(slope)),
        _over(variance, slope**2 * min(1.0, extent)),
        2 * float(stats.norm.sf(abs(_curvature(own, values)))) if np.unique(own).size > 2 else math.nan,
    )


def _is_exact(x: np.ndarray, y: np.ndarray) -> bool:
    """Whether runs at the same place never differ, and there were several."""
    places, of, runs = np.unique(x, return_inverse=True, return_counts=True)
    same = all(np.ptp(y[of == place]) == 0 for place in range(places.size))
    return bool(same and runs.max() > 1)


def _bracket(x: np.ndarray, y: np.ndarray, level: float) -> Fit:
    """The crossing of a response without noise: it lies between two places for certain."""
    places, first = np.unique(x, return_index=True)
    heights = y[first] - level
    passes = np.flatnonzero(np.diff(heights >= 0))
    if not passes.size:
        return Fit(
            math.inf, -math.inf, math.inf, float(np.sign(heights[-1] - heights[0])), 0.5, 0.0, math.nan
        )
    below, above = float(places[passes[0]]), float(places[passes[0] + 1])
    width, rise = above - below, float(heights[passes[0] + 1] - heights[passes[0]])
    even = width / (2 * NORMAL) ** 2
    return Fit((below + above) / 2, below, above, rise / width, width / 6, even, math.nan)


def _monotone(x: np.ndarray, y: np.ndarray, level: float) -> float:
    """Where the monotone regression passes the level; the nearer end of x if it does not."""
    places, of = np.unique(x, return_inverse=True)
    runs = np.bincount(of)
    means = np.bincount(of, y) / runs
    centred = x - x.mean()
    from scipy.optimize import isotonic_regression

    rising = bool(centred @ y >= 0)
    monotone = isotonic_regression(means, weights=runs, increasing=rising).x
    heights = (monotone if rising else -monotone) - (level if rising else -level)
    if heights[0] >= 0 or heights[-1] <= 0:
        return float(places[0] if heights[0] >= 0 else places[-1])
    below, above = int(np.flatnonzero(heights < 0)[-1]), int(np.flatnonzero(heights >= 0)[0])
    share = -heights[below] / (heights[above] - heights[below])
    return float(places[below] + share * (places[above] - places[below]))


def _straight(x: np.ndarray, y: np.ndarray, start: float) -> np.ndarray:
    """Mask of the widest window around a place in which no curvature is seen."""
    distance = np.abs(x - start)
    kept = np.ones(x.size, bool)
    while np.unique(x[kept]).size > 2 and abs(_curvature(x[kept] - start, y[kept])) > CURVED:
        fewer = kept & (distance < distance[kept].max())
        if fewer.sum() < FEWEST or np.unique(x[fewer]).size < 2:
            break
        kept = fewer
    return kept


def _curvature(x: np.ndarray, y: np.ndarray) -> float:
    """The quadratic term over its standard error."""
    scale = max(float(np.abs(x).max()), 1e-300)
    beta, covariance = _line(x / scale, y, powers=3)
    error = math.sqrt(max(float(covariance[2, 2]), 0.0))
    if error <= 1e-9 * abs(beta[2]):
        return math.copysign(math.inf, beta[2]) if abs(beta[2]) > 1e-9 * np.abs(y).max() else 0.0
    return float(beta[2]) / error


def _line(x: np.ndarray, y: np.ndarray, powers: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Least squares of a polynomial and the covariance HC3 of its coefficients."""
    design = np.stack([x**power for power in range(powers)], axis=1)
    inverse = np.linalg.pinv(design.T @ design)
    beta = inverse @ design.T @ y
    leverage = np.einsum("ij,jk,ik->i", design, inverse, design)
    scaled = design * ((y - design @ beta) / np.maximum(1 - leverage, 1e-9))[:, np.newaxis]
    return beta, inverse @ (scaled.T @ scaled) @ inverse


def _fieller(beta: np.ndarray, covariance: np.ndarray, reach: float) -> tuple[float, float]:
    """Those x at which the line is within so many standard errors of zero; infinite if open."""
    square = beta[1] ** 2 - reach**2 * covariance[1, 1]
    middle = beta[0] * beta[1] - reach**2 * covariance[0, 1]
    rest = beta[0] ** 2 - reach**2 * covariance[0, 0]
    inside = middle**2 - square * rest
    if square <= 0 or inside < 0:
        return -math.inf, math.inf
    root = math.sqrt(inside)
    return float((-middle - root) / square), float((-middle + root) / square)


def _over(above: float, below: float) -> float:
    """A quotient; infinite over zero."""
    return above / below if below else math.copysign(math.inf, above) if above else 0.0
