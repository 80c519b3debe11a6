"""Shares of a pool's liquidity."""

from __future__ import annotations

import numpy as np

from agents.hedging.exposures.base import Exposure
from agents.hedging.kernels.filling import fill_shares
from sim.base.typed_call import TypedCall
from sim.messages.view import View


class PoolShare(Exposure):
    """The asset that rows have in a pool, by the shares in their accounts; its size is its delta.

    What rows took out of the pool counts too, in the accounts, unless it counts as a hedge already.

    Attributes
    ----------
    share : int
        Dense instrument of the shares.
    spot : int
        The asset that rows take out, below 0 if they do not, or if they hedge in it.
    """

    gives = ("delta", "gamma")
    gamma_power = -1.5
    is_named = False
    about = "a share of a pool"

    def __init__(self, share: int, spot: int = -1) -> None:
        super().__init__()
        self.share, self.spot = share, spot
        self._fill = TypedCall(fill_shares)

    def fill(self, columns: np.ndarray, view: View) -> None:
        """Shares held times what a share is exposed to."""
        self._fill.call(self.account, self.share, self.spot, view.position, view.terms, columns)
