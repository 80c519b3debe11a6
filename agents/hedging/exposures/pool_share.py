"""Shares of a pool's liquidity."""

from __future__ import annotations

import numpy as np

from agents.hedging.exposures.base import Exposure
from agents.hedging.kernels.filling import fill_shares
from sim.base.typed_call import TypedCall
from sim.messages.view import View


class PoolShare(Exposure):
    """The asset that rows have in a pool, by the shares in their accounts; its size is its delta.

    Attributes
    ----------
    share : int
        Dense instrument of the shares.
    """

    gives = ("delta", "gamma")
    is_named = False
    about = "a share of a pool"

    def __init__(self, share: int) -> None:
        super().__init__()
        self.share = share
        self._fill = TypedCall(fill_shares)

    def fill(self, columns: np.ndarray, view: View) -> None:
        """Shares held times what a share is exposed to."""
        self._fill.call(self.account, self.share, view.position, view.terms, columns)
