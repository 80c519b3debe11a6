"""Joint drivers: the exogenous values of all assets of a market, correlated, a block of steps at a time.

So a step costs a look-up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from sim.kernels.prices.paths import LAW, Process, extend
from sim.prices.correlation import square_root
from sim.prices.drivers.base import SECONDS_PER_YEAR, Driver
from sim.setup.misfit import Misfit

BLOCK_STEPS = 1024

MOST_SUBSTEPS = 10_000
LARGEST_MOVE = 10.0
"""Of the logarithm of a value, in a step."""

Shock = tuple[float, float]  # time in seconds, simple return


class JointDrivers:
    """The exogenous values of all assets, step by step.

    Parameters
    ----------
    assets : sequence of (Driver, float, sequence of (float, float))
        Law, opening value, and shocks as (time in s, simple return), of each asset. A
        shock acts on the first step that starts at or after its time.
    correlation : ndarray of float64, shape (K, K), or None
        Of returns; None for independent assets.
    keys : sequence of uint64
        Of each asset's random stream.
    step_seconds : float
    block_steps : int
        How many steps are simulated at once; the path does not depend on it.

    Attributes
    ----------
    values : ndarray of float64, shape (K,)
        Quote currency, at the start of the step last advanced to.
    volatilities : ndarray of float64, shape (K,)
        Of returns, per year.

    Raises
    ------
    ValueError
        If the correlation is no correlation matrix, or a shock leaves nothing.
    """

    def __init__(
        self,
        assets: Sequence[tuple[Driver, float, Sequence[Shock]]],
        correlation: np.ndarray | None,
        keys: Sequence[np.uint64] | np.ndarray,
        step_seconds: float,
        block_steps: int = BLOCK_STEPS,
    ) -> None:
        self._drivers = [driver for driver, _, _ in assets]
        self._shocks = [(k, at, change) for k, (_, _, shocks) in enumerate(assets) for at, change in shocks]
        if any(change <= -1 for _, _, change in self._shocks):
            raise ValueError("a shock takes 100% of a value or more; its return must be above -1")
        self._laws = np.zeros(len(assets), LAW)
        for row, (driver, opening, _) in zip(self._laws, assets, strict=True):
            row["opening"] = opening
            for field, number in driver.law().items():
                row[field] = number
        self._step_seconds, self._block_steps = step_seconds, block_steps
        years = step_seconds / SECONDS_PER_YEAR
        longest = min((driver.longest_substep() for driver in self._drivers), default=math.inf)
        substeps = max(1, math.ceil(years / longest))
        root = square_root(np.eye(len(assets)) if correlation is None else correlation, len(assets))
        self._process = Process(np.array(keys, np.uint64), years / substeps, substeps, self._laws, root)
        self._check_step(years)
        self._restart()
        self.advance(0)

    def _check_step(self, years: float) -> None:
        """Raise if a step is too long for what moves a value in it."""
        for k, (law, driver) in enumerate(zip(self._laws, self._drivers, strict=True)):
            key = ("assets", k, "driver")
            if (substeps := years / driver.longest_substep()) > MOST_SUBSTEPS:
                what = f"a step of {self._step_seconds:g} s takes {substeps:,.0f} substeps of its variance"
                what += f"; at most {MOST_SUBSTEPS:,}: shorten the step or slow the variance"
                raise Misfit(what, key)
            moves = abs(float(law["drift"])) * years, math.sqrt(float(law["variance"]) * years)
            if max(moves) > LARGEST_MOVE:
                what = f"a value moves by a factor of exp({max(moves):.3g}) in {self._step_seconds:g} s"
                raise Misfit(f"{what}; shorten the step, or lower its volatility or drift", key)

    def advance(self, step: int) -> None:
        """Make `values` and `volatilities` those at the start of this step."""
        if step < self._first:
            self._restart()
        while step >= self._first + len(self._path):
            self._extend()
        self.values = self._path[step - self._first]
        self.volatilities = self._spread[step - self._first]

    def _restart(self) -> None:
        self._value = self._laws["opening"].copy()
        self._variance = self._laws["variance"].copy()
        self._normals = np.zeros(self._laws.size)
        self._total = np.ones(self._laws.size)
        self._first = 0
        self._path = self._spread = np.zeros((0, self._laws.size))

    def _extend(self) -> None:
        """Simulate the block of steps after the present one."""
        self._first += len(self._path)
        factors = self._factors()
        self._path, self._spread = np.empty_like(factors), np.empty_like(factors)
        extend(
            self._first,
            self._process,
            factors,
            self._value,
            self._variance,
            self._normals,
            self._path,
            self._spread,
        )
        times = (self._first + np.arange(self._block_steps)) * self._step_seconds
        factors[0] *= self._total
        factors = np.cumprod(factors, axis=0)
        self._total = factors[-1]
        for k, driver in enumerate(self._drivers):
            replayed = driver.replay(times, float(self._laws["opening"][k]))
            if replayed is not None:
                self._path[:, k] = replayed * factors[:, k]

    def _factors(self) -> np.ndarray:
        """One plus the returns of the shocks that act on each step of the block."""
        factors = np.ones((self._block_steps, self._laws.size))
        for asset, at, change in self._shocks:
            row = math.ceil(at / self._step_seconds - 1e-9) - self._first
            if 0 <= row < self._block_steps:
                factors[row, asset] *= 1.0 + change
        return factors
