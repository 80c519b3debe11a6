"""Jumps on top of geometric Brownian motion."""

from __future__ import annotations

from pydantic import Field

from sim.prices.drivers.base import Driver
from sim.setup.limits import HIGHEST_DRIFT, HIGHEST_VOLATILITY
from sim.setup.table import Parameters as BaseParameters


class MertonJumps(Driver):
    """Log-normal returns with jumps at random times.

    Notes
    -----
    A Poisson number of jumps of normal logarithm, compensated so that `drift` stays the
    expected return (Merton 1976), simulated exactly.
    """

    class Parameters(BaseParameters):
        """Rates per year.

        Parameters
        ----------
        volatility : float
            Between jumps, per square root of a year.
        jumps : float
            Expected number a year.
        jump_mean, jump_sd : float
            Of the logarithm of a jump.
        drift : float
        """

        volatility: float = Field(ge=0, le=HIGHEST_VOLATILITY)
        jumps: float = Field(ge=0, le=1e6)
        jump_mean: float = Field(default=0.0, ge=-10, le=10)
        jump_sd: float = Field(default=0.05, ge=0, le=10)
        drift: float = Field(default=0.0, ge=-HIGHEST_DRIFT, le=HIGHEST_DRIFT)

    def law(self) -> dict[str, float]:
        """Constant variance and jumps."""
        p = self.parameters
        return {
            "drift": p.drift,
            "variance": p.volatility**2,
            "jumps": p.jumps,
            "jump_mean": p.jump_mean,
            "jump_sd": p.jump_sd,
        }
