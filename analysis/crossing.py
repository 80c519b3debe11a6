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
from scipy.optimize import isotonic_regression

DROP = float(stats.chi2.ppf(0.95, 1)) / 2
"""By how much the penalised log-likelihood may fall inside the interval."""

NORMAL = float(stats.norm.ppf(0.975))
STEPS, LARGEST, PRECISION = 60, 5.0, 1e-9
NODES = 41
WINDOW, MEAN_WINDOW = 1.75, 2.5
"""Halves of the windows that are fitted for a chance and a mean, in units of the fit's reach."""

NARROWED, SUSPECT = 1.0, 1.0
"""Half of the window instead where a quadratic term is this many standard errors from zero."""

FEWEST, MANY = 24, 96
"""Runs that a window holds at least, and before it is narrowed."""

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
    groups, wanted = grouped(x, y), float(special.logit(level))
    wide = near(groups, wanted, WINDOW)
    found = _chance(wide, wanted)
    if wide.trials.sum() < MANY or abs(_asymmetry(wide)) < SUSPECT:
        return found
    own = _chance(near(groups, wanted, NARROWED), wanted)
    return own._replace(low=min(own.low, found.low), high=max(own.high, found.high))


def _chance(groups: Groups, wanted: float) -> Fit:
    """The crossing from the runs of a window."""
    scaled, centre, spread = _standardised(groups)
    intercept, slope = fitted(scaled)
    estimate = _over(wanted - intercept, slope)
    low, high = _profile(scaled, wanted, estimate, (-centre / spread, (1 - centre) / spread))
    true_slope = slope / spread
    at, low, high = (float(end * spread + centre) for end in (estimate, low, high))
    reach, even = _over(1.0, abs(true_slope)), _even_variance(at, true_slope, wanted)
    return Fit(at, low, high, true_slope, reach, even, _misfit(scaled, intercept, slope))


def _standardised(groups: Groups) -> tuple[Groups, float, float]:
    """Places less their mean, over their standard deviation."""
    centre, spread = float(groups.x.mean()), float(groups.x.std())
    return groups._replace(x=(groups.x - centre) / spread), centre, spread


def near(groups: Groups, wanted: float, half: float) -> Groups:
    """Runs near the crossing, so that the shape far away decides nothing.

    Those at places within `half` / slope of the crossing, and at least the `FEWEST` nearest; all
    of them where these tell nothing, or a crossing elsewhere or the other way round.
    """
    kept, rises = groups, fitted(_standardised(groups)[0])[1] > 0
    for _ in range(ROUNDS):
        scaled, centre, spread = _standardised(kept)
        intercept, slope = fitted(scaled)
        estimate = centre + spread * _over(wanted - intercept, slope)
        own = window(np.abs(groups.x - estimate), groups.trials, spread * _over(half, abs(slope)))
        kept = Groups(*(column[own] for column in groups))
        is_telling = kept.x.size > 1 and 0 < kept.successes.sum() < kept.trials.sum()
        if not is_telling or (slope > 0) != rises or not kept.x[0] <= estimate <= kept.x[-1]:
            return groups
    return kept


def _asymmetry(groups: Groups) -> float:
    """Score of a quadratic term in the logit, over its standard error (Rao 1948)."""
    scaled = _standardised(groups)[0]
    intercept, slope = fitted(scaled)
    p = special.expit(intercept + slope * scaled.x)
    weights = groups.trials * p * (1 - p)
    design = np.stack([np.ones_like(p), scaled.x])
    inner = np.linalg.pinv((design * weights) @ design.T) @ (design * weights) @ scaled.x**2
    rest = scaled.x**2 - inner @ design
    error = math.sqrt(float((weights * rest**2).sum()))
    return _over(float(rest @ (groups.successes - groups.trials * p)), error)


def window(distance: np.ndarray, runs: np.ndarray, half: float) -> np.ndarray:
    """Mask of the places within a distance, or of the nearest that hold `FEWEST` runs if that is more."""
    order = np.argsort(distance, kind="stable")
    before = np.cumsum(runs[order]) - runs[order]
    kept = np.zeros(distance.size, bool)
    kept[order] = before < FEWEST
    return kept | (distance <= half)


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


def mean(x: np.ndarray, y: np.ndarray, level: float, resolution: float) -> Fit:
    """Where the mean of an outcome passes a level.

    Parameters
    ----------
    x : ndarray of float64, shape (N,)
        At two different places at least.
    y : ndarray of float64, shape (N,)
    level : float
    resolution : float
        Width of the interval that is wanted; no narrower window is fitted.

    Notes
    -----
    Until enough runs are near the crossing for a fit, the estimate is that of the monotone
    regression and the interval reaches to the nearest places that differ from the level themselves.
    """
    if _is_exact(x, y):
        return _bracket(x, y, level)
    noise = _noise(x, y)
    estimate, half = monotone(x, y, level), 0.0
    if math.isinf(estimate):
        return Fit(estimate, -math.inf, math.inf, float(np.sign((x - x.mean()) @ y)), 0.5, math.inf, math.nan)
    for _ in range(ROUNDS):
        start = estimate
        own, values, places = _window(x - start, y - level, half)
        beta, covariance = _polynomial(own, values, 3 if places >= 5 else 2)
        estimate = start + _root(beta)
        reach = _over(noise, abs(_slope(beta, estimate - start)))
        half = max(MEAN_WINDOW * reach, resolution)
    if (
        np.count_nonzero(np.abs(x - estimate) <= half) < FEWEST
        or not own.min() < estimate - start < own.max()
    ):
        return _coarse(x, y, level)
    low, high = (start + end for end in _limits(beta, covariance, estimate - start, own))
    return Fit(
        estimate,
        low if low > 0 else -math.inf,
        high if high < 1 else math.inf,
        _slope(beta, estimate - start),
        reach,
        reach**2 / min(1.0, float(np.ptp(own))),
        _misfit_of_mean(own, values, beta) if half > resolution else math.nan,
    )


def _coarse(x: np.ndarray, y: np.ndarray, level: float) -> Fit:
    """The crossing as far as places tell that differ from the level clearly, one by one."""
    estimate = monotone(x, y, level)
    sign = float(np.sign((x - x.mean()) @ y))
    low, high = -math.inf, math.inf
    for place in np.unique(x):
        own = sign * (y[x == place] - level)
        if own.size < 2:
            continue
        reach = float(stats.t.ppf(0.975, own.size - 1)) * own.std(ddof=1) / math.sqrt(own.size)
        if abs(own.mean()) > reach:
            low = float(place) if own.mean() < 0 and place <= estimate else low
            high = min(high, float(place)) if own.mean() > 0 and place >= estimate else high
    width = min(high, 1.0) - max(low, 0.0)
    return Fit(estimate, low, high, sign, width / 4, width / (2 * NORMAL) ** 2, math.nan)


def _window(x: np.ndarray, y: np.ndarray, half: float) -> tuple[np.ndarray, np.ndarray, int]:
    """Runs in a window around x = 0, and at how many places they are."""
    places, of, runs = np.unique(x, return_inverse=True, return_counts=True)
    kept = window(np.abs(places), runs, half)
    return x[kept[of]], y[kept[of]], int(kept.sum())


def _root(beta: np.ndarray) -> float:
    """The root of a line or a parabola nearest to zero; that of its tangent if there is none."""
    line = _over(-float(beta[0]), float(beta[1]))
    if beta.size == 2:
        return float(np.clip(line, -1, 1))
    inside = float(beta[1] ** 2 - 4 * beta[0] * beta[2])
    if inside <= 0:
        return float(np.clip(line, -0.25, 0.25))
    below = float(beta[1]) + math.copysign(math.sqrt(inside), float(beta[1]))
    return float(np.clip(_over(-2 * float(beta[0]), below), -1, 1))


def _slope(beta: np.ndarray, x: float) -> float:
    return float(beta[1] + 2 * beta[2] * x) if beta.size > 2 else float(beta[1])


def _limits(beta: np.ndarray, covariance: np.ndarray, root: float, x: np.ndarray) -> tuple[float, float]:
    """Ends of the x around the root at which the fit does not differ from zero; infinite if open."""
    reach = float(stats.t.ppf(0.975, x.size - beta.size))
    ends: list[float] = []
    for bound in (min(float(x.min()), root), max(float(x.max()), root)):
        nodes = root + 1.25 * (bound - root) * np.linspace(0, 1, 4 * NODES) ** 2
        design = np.stack([nodes**power for power in range(beta.size)], axis=1)
        error = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", design, covariance, design), 0))
        apart = np.abs(design @ beta) - reach * error
        out = np.flatnonzero(apart > 0)
        if not out.size or bound == root:
            ends.append(math.copysign(math.inf, len(ends) - 0.5))
            continue
        first = max(int(out[0]), 1)
        share = _over(-float(apart[first - 1]), float(apart[first] - apart[first - 1]))
        ends.append(float(nodes[first - 1] + min(max(share, 0.0), 1.0) * (nodes[first] - nodes[first - 1])))
    return ends[0], ends[1]


def _misfit_of_mean(x: np.ndarray, y: np.ndarray, beta: np.ndarray) -> float:
    """P value of the F test of a polynomial against a mean for each place."""
    _, of, runs = np.unique(x, return_inverse=True, return_counts=True)
    more, rest = runs.size - beta.size, y.size - runs.size
    if more < 1 or rest < 1:
        return math.nan
    means = np.bincount(of, y) / runs
    within = float(((y - means[of]) ** 2).sum())
    fit = sum(each * x**power for power, each in enumerate(beta))
    lack = float(((means[of] - fit) ** 2).sum())
    return float(stats.f.sf(_over(lack / more, within / rest), more, rest))


def _noise(x: np.ndarray, y: np.ndarray) -> float:
    """Standard deviation of runs at the same place, pooled over places."""
    _, of, runs = np.unique(x, return_inverse=True, return_counts=True)
    means = np.bincount(of, y) / runs
    return math.sqrt(float(((y - means[of]) ** 2).sum()) / max(1, y.size - runs.size))


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


def monotone(x: np.ndarray, y: np.ndarray, level: float) -> float:
    """Where the monotone regression passes the level; infinite if it does not.

    Parameters
    ----------
    x, y : ndarray of float64, shape (N,)
    level : float
    """
    places, of = np.unique(x, return_inverse=True)
    runs = np.bincount(of)
    means = np.bincount(of, y) / runs
    centred = x - x.mean()
    rising = bool(centred @ y >= 0)
    monotone = isotonic_regression(means, weights=runs, increasing=rising).x
    heights = (monotone if rising else -monotone) - (level if rising else -level)
    if heights[0] >= 0 or heights[-1] <= 0:
        return -math.inf if heights[0] >= 0 else math.inf
    below, above = int(np.flatnonzero(heights < 0)[-1]), int(np.flatnonzero(heights >= 0)[0])
    share = -heights[below] / (heights[above] - heights[below])
    return float(places[below] + share * (places[above] - places[below]))


def _polynomial(x: np.ndarray, y: np.ndarray, terms: int) -> tuple[np.ndarray, np.ndarray]:
    """Least squares of a polynomial and the covariance HC3 of its coefficients."""
    size = float(np.abs(x).max())
    scale = size ** np.arange(terms)
    design = np.stack([(x / size) ** power for power in range(terms)], axis=1)
    inverse = np.linalg.pinv(design.T @ design)
    beta = inverse @ design.T @ y
    leverage = np.einsum("ij,jk,ik->i", design, inverse, design)
    scaled = design * ((y - design @ beta) / np.maximum(1 - leverage, 1e-9))[:, np.newaxis]
    covariance = inverse @ (scaled.T @ scaled) @ inverse
    return beta / scale, covariance / np.outer(scale, scale)


def _over(above: float, below: float) -> float:
    """A quotient; infinite over zero."""
    return above / below if below else math.copysign(math.inf, above) if above else 0.0
