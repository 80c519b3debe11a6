"""Standard margin: rates of notional, cross-margined over assets.

Perpetuals need a fraction of notional, short options a fraction of the underlying, spot and LP shares
count as collateral after a haircut. Equity counts every option at its model value.

Leaves out: portfolio margin by scenarios, concentration add-ons, currency conversion.
"""

from __future__ import annotations

import numpy as np

from sim.accounts.margin.rule import Rule
from sim.base.typed_call import TypedCall
from sim.kernels.accounts import margining, screening
from sim.kernels.accounts.screening import Reference
from sim.kernels.accounts.valuation import Holdings, Prices


class Standard(Rule):
    """Fixed rates of what an account holds (`sim.accounts.margin.requirement`)."""

    def __init__(self, accounts: np.ndarray) -> None:
        super().__init__(accounts)
        self._assess, self._room = TypedCall(margining.assess), TypedCall(margining.room)
        self._screen = TypedCall(screening.assess_and_screen)

    def assess(
        self,
        accounts: np.ndarray,
        holdings: Holdings,
        prices: Prices,
        equity: np.ndarray,
        maintenance: np.ndarray,
    ) -> None:
        """Everything at the mark, collateral after its haircut; rates of perpetuals and options written."""
        self._assess.call(accounts, holdings, prices, equity, maintenance)

    def room(
        self, accounts: np.ndarray, instrument: int, holdings: Holdings, prices: Prices, room: np.ndarray
    ) -> None:
        """What equity beyond the initial margin of all else carries; spot is paid in full."""
        self._room.call(accounts, instrument, holdings, prices, room)

    def screen(
        self,
        accounts: np.ndarray,
        holdings: Holdings,
        prices: Prices,
        reference: Reference,
        drift: float,
        equity: np.ndarray,
        maintenance: np.ndarray,
        slack: np.ndarray,
    ) -> None:
        """The same; equity less maintenance over the gross value of what is held is how far the line is."""
        self._screen.call(accounts, holdings, prices, reference, drift, equity, maintenance, slack)
