"""A band of fixed width around neutral."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from agents.hedging.kernels.deciding import hold_band
from agents.hedging.policies.base import Policy
from sim.base.typed_call import TypedCall
from sim.setup.parameters import NonNegative, up_to


class Band(Policy):
    """Trades back to neutral when the net delta at a look is outside a band of fixed width."""

    class Parameters(Policy.Parameters):
        """The band.

        Parameters
        ----------
        width : float or distribution
            Half width, as a fraction of the row's size (for an option book the gross units of its options,
            for an LP the units in its position).
        """

        width: Annotated[NonNegative, up_to(1e6)] = 0.02

    width: np.ndarray

    def __init__(self, parameters: Any) -> None:
        super().__init__(parameters)
        self._hold = TypedCall(hold_band)

    def decide(self, columns: np.ndarray, out: np.ndarray) -> None:
        """Edges a width away, back to neutral."""
        self._hold.call(columns, self.width, out)

    reach = decide
