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
        self._value, self._need = TypedCall(margining.value), TypedCall(margining.need)
        self._room, self._slack = TypedCall(margining.room), TypedCall(screening.slack)

    def value(self, accounts: np.ndarray, holdings: Holdings, prices: Prices, equity: np.ndarray) -> None:
        """Cash, dense positions at the mark, collateral after its haircut, and options at model value."""
        self._value.call(accounts, holdings, prices, equity)

    def need(self, accounts: np.ndarray, holdings: Holdings, prices: Prices, maintenance: np.ndarray) -> None:
        """Maintenance of perpetuals and of options written."""
        self._need.call(accounts, holdings, prices, maintenance)

    def room(
        self, accounts: np.ndarray, instrument: int, holdings: Holdings, prices: Prices, room: np.ndarray
    ) -> None:
        """What equity beyond the initial margin of all else carries; spot is paid in full."""
        self._room.call(accounts, instrument, holdings, prices, room)

    def slack(
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
        """How far equity less maintenance is from zero, over the gross value of what is held."""
        self._slack.call(accounts, holdings, prices, reference, drift, equity, maintenance, slack)
