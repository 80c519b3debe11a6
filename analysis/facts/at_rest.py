"""A market at rest: spread, depth, volume, volatility and variance ratios of one run, with intervals.

The values are those of the metrics of the same names; the intervals come from stretches of the run
(`analysis.base.estimate`), shifted to the values where a metric looks at a few steps more. What changes
more slowly than these stretches, as depth far from the price does, is not in them; several seeds tell it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from analysis.base.estimate import Estimate, estimated
from analysis.base.metric import Undefined
from analysis.base.series import prices, series, steps_in
from analysis.base.trades import step_units
from analysis.metrics import liquidity, price, quality
from sim.recording.recording import Recording

Statistic = Callable[[np.ndarray], np.ndarray]


def spread(recording: Recording, asset: str) -> Estimate:
    """Mean quoted spread, bps."""
    quoted = liquidity.quoted_spread(recording, asset)
    return _around(float(liquidity.mean_spread(recording, asset)), _with_count(quoted), _quotient)


def depth_ratio(recording: Recording, asset: str) -> Estimate:
    """Depth within five per cent over that within one."""
    terms = np.stack([_held(recording, asset, distance) for distance in (100.0, 500.0)], axis=1)
    return _around(float(liquidity.depth_ratio(recording, asset)), terms, _quotient)


def turnover(recording: Recording, asset: str) -> Estimate:
    """Volume of a day over the depth within one per cent."""
    volume = step_units(recording, asset) * (quality.DAY / recording.market["step_seconds"])
    terms = np.stack([_held(recording, asset, 100.0), volume], axis=1)
    return _around(float(quality.volume_over_depth(recording, asset)), terms, _quotient)


def volatility(recording: Recording, asset: str) -> Estimate:
    """Volatility of the mid over a minute, per square root of a year."""
    steps = steps_in(recording, 60.0)
    squares = _squares(recording, asset, steps) * price.YEAR / (steps * recording.market["step_seconds"])
    value = float(price.realised_volatility_1min(recording, asset))
    return _around(value, _with_count(squares), lambda sums: np.sqrt(_quotient(sums)))


def variance_ratio(recording: Recording, asset: str, horizon: float) -> Estimate:
    """Variance ratio of the mid at a horizon in seconds."""
    steps, mid = steps_in(recording, horizon), prices(recording, f"{asset}.mid")
    long = _squares(recording, asset, steps) / steps
    terms = np.stack([_squares(recording, asset, 1)[: long.size], long], axis=1)
    return _around(quality.variance_ratio(recording, mid, horizon), terms, _quotient)


def _held(recording: Recording, asset: str, distance: float) -> np.ndarray:
    """Depth by step: it is looked at once a minute, and holds for it."""
    depth, steps = liquidity.depths_within(recording, asset, distance), series(recording, f"{asset}.mid").size
    held: np.ndarray = depth[np.arange(steps) * depth.size // steps]
    return held


def _squares(recording: Recording, asset: str, steps: int) -> np.ndarray:
    """Squared log returns of the mid over so many steps, one from every step."""
    log = np.log(prices(recording, f"{asset}.mid"))
    if log.size <= steps:
        raise Undefined(f"the run is not longer than {steps} steps")
    squares: np.ndarray = np.square(log[steps:] - log[:-steps])
    return squares


def _with_count(values: np.ndarray) -> np.ndarray:
    return np.stack([np.ones(values.size), values], axis=1)


def _quotient(sums: np.ndarray) -> np.ndarray:
    quotient: np.ndarray = sums[..., 1] / sums[..., 0]
    return quotient


def _around(value: float, terms: np.ndarray, statistic: Statistic) -> Estimate:
    """A value with the interval that a statistic of the same terms strays in."""
    found = estimated(terms, statistic)
    return Estimate(value, value + found.low - found.value, value + found.high - found.value)
