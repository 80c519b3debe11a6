"""Hedging what time alone does to delta."""

from __future__ import annotations

import numpy as np

from agents.hedging.policies.base import Policy
from sim.kernels.options.greeks import YEAR


class Decay(Policy):
    """Trades what time alone has changed delta by since the last look; what moves have done stays open.

    Notes
    -----
    The flow that pins prices to strikes in Avellaneda & Lipkin (2003).
    """

    needs = ("adjusted_delta",)

    def prepare(self, columns: np.ndarray) -> None:
        """The delta at the present mid, as it was at the last look."""
        columns["later"] = columns["elapsed"] / YEAR

    def decide(self, columns: np.ndarray, out: np.ndarray) -> None:
        """Beyond both edges, always; all of the change."""
        out["low"], out["high"] = np.inf, -np.inf
        out["trade"] = -(columns["delta"] - columns["adjusted_delta"])
