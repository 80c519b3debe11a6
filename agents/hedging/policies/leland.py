"""Hedging at times with a volatility that allows for what trades cost."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np

from agents.hedging.policies.base import Policy
from sim.kernels.options.greeks import YEAR
from sim.setup.parameters import NonNegative, up_to

TWO_ROOT_TWO_OVER_PI = 2.0 * math.sqrt(2.0 / math.pi)


class Leland(Policy):
    """Trades at every look, to the delta at Leland's volatility.

    Notes
    -----
    With dt = `interval_seconds`: volatility sigma sqrt(1 + sqrt(2 / pi) 2 k / (sigma sqrt(dt))) for a
    book of short gamma (Leland 1985), with a minus for one of long gamma (Hoggard, Whalley & Wilmott
    1994), sigma that of each contract.
    """

    needs = ("gamma", "adjusted_delta")

    class Parameters(Policy.Parameters):
        """What it reckons with.

        Parameters
        ----------
        cost : float or distribution
            Of a trade, k, as a fraction of its value. Venues charge their own.
        """

        cost: Annotated[NonNegative, up_to(1.0)] = 0.0005

    cost: np.ndarray

    def prepare(self, columns: np.ndarray) -> None:
        """Raise the volatility if short of gamma, lower it if long."""
        rows = columns["row"]
        load = TWO_ROOT_TWO_OVER_PI * self.cost[rows] / np.sqrt(self.interval_seconds[rows] / YEAR)
        columns["load"] = np.where(columns["gamma"] > 0.0, -load, load)

    def decide(self, columns: np.ndarray, out: np.ndarray) -> None:
        """Beyond both edges, always."""
        out["low"], out["high"] = np.inf, -np.inf
        out["trade"] = -(columns["held"] + columns["adjusted_delta"])
