"""Delta and gamma of many options, against numpy and scipy."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator

import numpy as np
from scipy.special import ndtr

from scenarios.benchmarks.measurement import measurement
from scenarios.benchmarks.rows import Comparison, Goal, Row, alternate
from sim.kernels.options import greeks as options

MANY, BLOCK = 100_000, 10_000
OPTIONS_TIMED = 400_000
REPEATS = 9
TOLERANCE = 1e-12
NUMPY_AND_SCIPY = 30e6  # options a second, of a prototype on such a machine
INV_SQRT_2PI = 1.0 / math.sqrt(2.0 * math.pi)


class Vectorised:
    """Delta and gamma by numpy and scipy at rates zero, in place: no array is allocated in a call.

    Parameters
    ----------
    spot, strike, years, volatility : ndarray of float64, shape (n,)
    is_call : ndarray of bool, shape (n,)

    Attributes
    ----------
    delta, gamma : ndarray of float64, shape (n,)
    """

    def __init__(self, *columns: np.ndarray) -> None:
        self.spot, self.strike, self.years, self.volatility, is_call = columns
        self._put = np.where(is_call, 0.0, 1.0)
        self._total, self._d1, self.delta, self.gamma = np.empty((4, self.spot.size))

    def __call__(self) -> None:
        """Work both out."""
        total, d1, gamma = self._total, self._d1, self.gamma
        np.sqrt(self.years, out=total)
        total *= self.volatility
        np.divide(self.spot, self.strike, out=d1)
        np.log(d1, out=d1)
        d1 /= total
        np.multiply(total, 0.5, out=gamma)
        d1 += gamma
        ndtr(d1, out=self.delta)
        self.delta -= self._put
        d1 *= d1
        d1 *= -0.5
        np.exp(d1, out=gamma)
        total *= self.spot
        gamma /= total
        gamma *= INV_SQRT_2PI


def drawn(count: int, seed: int = 1) -> tuple[np.ndarray, ...]:
    """Spot, strike, years, volatility and side of as many different options."""
    rng = np.random.default_rng(seed)
    spot = 100 * np.exp(0.3 * rng.standard_normal(count))
    strike = 100 * np.exp(0.1 * rng.standard_normal(count))
    return spot, strike, rng.uniform(0.01, 1, count), rng.uniform(0.1, 1, count), rng.random(count) < 0.5


@measurement("greeks", 20)
def against_scipy(repeats: int = REPEATS) -> Iterator[Row]:
    """Yield a row for many options at once, and one for blocks that stay in the cache."""
    for name, count in ((f"{MANY:,} at once", MANY), (f"blocks of {BLOCK:,}", BLOCK)):
        row = f"delta + gamma, numpy + scipy, {name}"
        yield compared(count, repeats).row(row, Goal(5, 8), "options/s", NUMPY_AND_SCIPY)


def compared(count: int, repeats: int) -> Comparison:
    """Options a second of both, `count` options a call."""
    columns = drawn(count)
    delta, gamma = np.empty((2, count))
    vectorised = Vectorised(*columns)

    def ours() -> None:
        options.delta_gamma(*columns, delta, gamma)

    ours()
    vectorised()
    if np.abs(delta - vectorised.delta).max() > TOLERANCE:
        raise ArithmeticError("the two ways to work deltas out do not agree")
    return alternate(lambda: _rate(ours, count), lambda: _rate(vectorised, count), repeats)


def _rate(function: Callable[[], None], count: int) -> float:
    rounds = OPTIONS_TIMED // count
    started = time.perf_counter()
    for _ in range(rounds):
        function()
    return rounds * count / (time.perf_counter() - started)
