"""Where a chance passes a level: a logistic curve through runs whose outcomes are 0 and 1.

The chance at x in [0, 1] is

    P(x) = 1 / (1 + exp(-(L + b (x - c)))),   L = log(level / (1 - level)),

and c is wanted. The curve is fitted by maximum likelihood with the penalty of Firth (1993,
Biometrika 80), half the logarithm of the determinant of the information, so that it has a finite
slope even where all runs on one side fail and all on the other do not. Its interval are those c at
which the penalised likelihood, maximised over b, is within chi2(0.95, 1) / 2 of its maximum
(Heinze & Schemper 2002, Statistics in Medicine 21).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy import special, stats

from analysis.frontier.crossing import NODES, ROUNDS, Fit, quotient, window

DROP = float(stats.chi2.ppf(0.95, 1)) / 2
"""By how much the penalised log-likelihood may fall inside the interval."""

STEPS, LARGEST, PRECISION = 60, 5.0, 1e-9
WINDOW = 1.75
"""Half of the window that is fitted, in units of the fit's reach."""

NARROWED, SUSPECT = 1.0, 1.0
"""Half of the window instead where a quadratic term is this many standard errors from zero."""

MANY = 96
"""Runs that a window holds before it is narrowed."""


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
    estimate = quotient(wanted - intercept, slope)
    low, high = _profile(scaled, wanted, estimate, (-centre / spread, (1 - centre) / spread))
    true_slope = slope / spread
    at, low, high = (float(end * spread + centre) for end in (estimate, low, high))
    reach, even = quotient(1.0, abs(true_slope)), _even_variance(at, true_slope, wanted)
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
        estimate = centre + spread * quotient(wanted - intercept, slope)
        own = window(np.abs(groups.x - estimate), groups.trials, spread * quotient(half, abs(slope)))
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
    return quotient(float(rest @ (groups.successes - groups.trials * p)), error)


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
    return quotient(float(moments[2][0]), float(moments[3][0]) * slope**2)


def _misfit(groups: Groups, intercept: float, slope: float) -> float:
    """P value of Pearson's chi-square over places."""
    p = special.expit(intercept + slope * groups.x)
    expected = groups.trials * p
    squares = (groups.successes - expected) ** 2 / np.maximum(expected * (1 - p), 1e-12)
    freedom = groups.x.size - 2
    return float(stats.chi2.sf(squares.sum(), freedom)) if freedom > 0 else math.nan
