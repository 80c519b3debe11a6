"""Where a mean passes a level: a line or a parabola through the runs near the crossing.

Near the crossing c, which is wanted, the mean is y = level + b (x - c), with a square of x - c where
five places or more are near. The interval is that of Fieller (1954, JRSS B 16), those c at which the
fitted mean does not differ from the level, with the covariance HC3 of MacKinnon & White (1985).
"""

from __future__ import annotations

import math

import numpy as np
from scipy import stats
from scipy.optimize import isotonic_regression

from analysis.frontier.crossing import FEWEST, NODES, NORMAL, ROUNDS, Fit, quotient, window

WINDOW = 2.5
"""Half of the window that is fitted, in units of the fit's reach."""


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
        reach = quotient(noise, abs(_slope(beta, estimate - start)))
        half = max(WINDOW * reach, resolution)
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
    line = quotient(-float(beta[0]), float(beta[1]))
    if beta.size == 2:
        return float(np.clip(line, -1, 1))
    inside = float(beta[1] ** 2 - 4 * beta[0] * beta[2])
    if inside <= 0:
        return float(np.clip(line, -0.25, 0.25))
    below = float(beta[1]) + math.copysign(math.sqrt(inside), float(beta[1]))
    return float(np.clip(quotient(-2 * float(beta[0]), below), -1, 1))


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
        share = quotient(-float(apart[first - 1]), float(apart[first] - apart[first - 1]))
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
    return float(stats.f.sf(quotient(lack / more, within / rest), more, rest))


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
