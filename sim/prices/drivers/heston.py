"""Stochastic volatility."""

from __future__ import annotations

import math

from pydantic import Field

from sim.prices.drivers.base import Driver
from sim.setup.limits import HIGHEST_DRIFT, HIGHEST_VOLATILITY
from sim.setup.table import Parameters as BaseParameters


class Heston(Driver):
    """Stochastic volatility: the variance reverts to its long-run level.

    Notes
    -----
    dS / S = drift dt + sqrt(v) dW, dv = mean_reversion (long_run^2 - v) dt +
    vol_of_vol sqrt(v) dZ (Heston 1993), by full-truncation Euler in substeps that resolve
    the mean reversion and the randomness of the variance.
    """

    class Parameters(BaseParameters):
        """Rates per year.

        Parameters
        ----------
        volatility : float
            At the start, per square root of a year.
        long_run : float, optional
            Volatility the variance reverts to; `volatility` if not given.
        mean_reversion : float
            Of the variance.
        vol_of_vol : float
            Of the variance.
        correlation : float
            Of returns and changes of the variance.
        drift : float
        """

        volatility: float = Field(gt=0, le=HIGHEST_VOLATILITY)
        long_run: float | None = Field(default=None, gt=0, le=HIGHEST_VOLATILITY)
        mean_reversion: float = Field(default=4.0, ge=0, le=1e6)
        vol_of_vol: float = Field(default=0.8, ge=0, le=HIGHEST_VOLATILITY)
        correlation: float = Field(default=-0.5, ge=-1, le=1)
        drift: float = Field(default=0.0, ge=-HIGHEST_DRIFT, le=HIGHEST_DRIFT)

    def law(self) -> dict[str, float]:
        """Square-root variance."""
        p = self.parameters
        return {
            "drift": p.drift,
            "variance": p.volatility**2,
            "long_run": self._long_run_variance,
            "mean_reversion": p.mean_reversion,
            "vol_of_vol": p.vol_of_vol,
            "correlation": p.correlation,
        }

    def longest_substep(self) -> float:
        """A hundredth of the time of mean reversion and of that in which variance may vanish."""
        p = self.parameters
        reverting = 0.01 / p.mean_reversion if p.mean_reversion > 0 else math.inf
        vanishing = 0.01 * self._long_run_variance / p.vol_of_vol**2 if p.vol_of_vol > 0 else math.inf
        return min(reverting, vanishing)

    @property
    def _long_run_variance(self) -> float:
        p = self.parameters
        return float((p.volatility if p.long_run is None else p.long_run) ** 2)
