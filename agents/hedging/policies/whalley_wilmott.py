"""A band whose width weighs what trades cost against risk."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from agents.hedging.kernels.deciding import hold_utility_band
from agents.hedging.policies.base import Policy
from sim.base.typed_call import TypedCall
from sim.setup.parameters import NonNegative, Positive, up_to


class WhalleyWilmott(Policy):
    """Trades back to the edge when the net delta at a look is outside a band that widens with gamma and cost.

    Notes
    -----
    The band is (3/2 k S gamma^2 / a)^(1/3) units on either side (Whalley & Wilmott 1997).
    """

    needs = ("gamma",)

    class Parameters(Policy.Parameters):
        """What it reckons with.

        Parameters
        ----------
        cost : float or distribution
            Of a trade, k, as a fraction of its value. Venues charge their own.
        risk_aversion : float or distribution
            Absolute, a, per unit of quote currency.
        """

        cost: Annotated[NonNegative, up_to(1.0)] = 0.0005
        risk_aversion: Positive = 1.0

    cost: np.ndarray
    risk_aversion: np.ndarray

    def __init__(self, parameters: Any) -> None:
        super().__init__(parameters)
        self._hold = TypedCall(hold_utility_band)

    def decide(self, columns: np.ndarray, out: np.ndarray) -> None:
        """Edges of the band of theory, and back to them."""
        self._hold.call(columns, self.cost, self.risk_aversion, out)
