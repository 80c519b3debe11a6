"""Geometric Brownian motion."""

from __future__ import annotations

from pydantic import Field

from sim.prices.drivers.base import Driver
from sim.setup.limits import HIGHEST_DRIFT, HIGHEST_VOLATILITY
from sim.setup.table import Parameters as BaseParameters


class GeometricBrownian(Driver):
    """Log-normal returns of constant volatility.

    Notes
    -----
    dS / S = drift dt + volatility dW, simulated exactly.
    """

    class Parameters(BaseParameters):
        """Rates per year.

        Parameters
        ----------
        volatility : float
            Per square root of a year.
        drift : float
        """

        volatility: float = Field(ge=0, le=HIGHEST_VOLATILITY)
        drift: float = Field(default=0.0, ge=-HIGHEST_DRIFT, le=HIGHEST_DRIFT)

    def law(self) -> dict[str, float]:
        """Constant variance."""
        return {"drift": self.parameters.drift, "variance": self.parameters.volatility**2}
