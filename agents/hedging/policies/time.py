"""Hedging at times."""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.hedging.kernels.deciding import hold_band
from agents.hedging.policies.base import Policy
from sim.base.typed_call import TypedCall
from sim.setup.draws import Draws


class Time(Policy):
    """Trades back to neutral at every look."""

    def __init__(self, parameters: Any) -> None:
        super().__init__(parameters)
        self._hold = TypedCall(hold_band)

    def draw(self, draws: Draws, rows: int) -> None:
        """Draw the columns, with a band of no width."""
        super().draw(draws, rows)
        self._none = np.zeros(rows)

    def decide(self, columns: np.ndarray, out: np.ndarray) -> None:
        """No distance between the edges."""
        self._hold.call(columns, self._none, out)
