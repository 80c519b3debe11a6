"""The default waterfall: who bears what a liquidated account cannot pay.

What a defaulting option writer owes for the options it wrote is borne by its creditors, the
end users. The rest is borne by the insurance fund, then by winners in proportion to
unrealised profit and up to it (socialised loss), then by the exchange itself.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.accounts.ledger import Ledger
from sim.base.typed_call import TypedCall
from sim.kernels.accounts import posting
from sim.kernels.accounts.margining import DUST
from sim.records import PERPETUAL
from sim.setup.listing import END_USERS, FEES, INSURANCE


class BadDebt(NamedTuple):
    """What one account could not pay, and who paid it, quote currency."""

    step: int
    account: int
    amount: float
    insurance: float
    socialised: float
    creditors: float


class Waterfall:
    """Clears accounts that were liquidated, hold nothing and owe cash.

    Parameters
    ----------
    ledger : Ledger
    backed : ndarray of int64
        Accounts of liquidators that the fund backs: when flat, what they won or lost beyond
        their opening cash is the fund's; what their inventory is worth until then is not.

    Attributes
    ----------
    debts : list of BadDebt
    """

    def __init__(self, ledger: Ledger, backed: np.ndarray) -> None:
        self._ledger = ledger
        self._backed = backed
        self._float = ledger.cash[backed].copy()
        self._profit = np.zeros(backed.size)
        self._perpetuals = np.flatnonzero(ledger.terms["kind"] == PERPETUAL)
        self.debts: list[BadDebt] = []
        self._find_flat, self._realise = TypedCall(posting.find_flat), TypedCall(posting.realise)

    def run(self, step: int, seized: dict[int, float]) -> None:
        """Clear what can be cleared.

        Parameters
        ----------
        step : int
        seized : dict of int to float
            Accounts being liquidated and what each owes for options; those that are done leave.
        """
        if seized:
            for account in self._flat(seized):
                claims = seized.pop(account)
                owed = -float(self._ledger.cash[account])
                if owed > 0:
                    self._clear(step, account, owed, claims)
        self._sweep(step)

    def _flat(self, seized: dict[int, float]) -> list[int]:
        """The seized accounts that hold nothing any more, in account order."""
        ledger, accounts = self._ledger, np.fromiter(seized, np.int64, len(seized))
        flat = np.empty_like(accounts)
        held = ledger.terms, ledger.position, ledger.holder_of, ledger.qty
        found = self._find_flat.call(accounts, *held, flat)
        return sorted(flat[:found].tolist())

    def _sweep(self, step: int) -> None:
        """Settle with the fund what backed liquidators that are flat have won or lost."""
        ledger, profit = self._ledger, self._profit
        held = ledger.terms, ledger.position, ledger.holder_of, ledger.qty
        if not self._realise.call(self._backed, self._float, ledger.cash, *held, profit):
            return
        for account, won in zip(self._backed.tolist(), profit.tolist(), strict=True):
            if won > 0:
                self._move({account: -won, INSURANCE: won})
            elif won < 0:
                self._clear(step, account, -won, 0.0)

    def _clear(self, step: int, account: int, owed: float, claims: float) -> None:
        """Pay what the account owes: its creditors up to their claims, the fund, then winners."""
        creditors = min(owed, claims)
        insurance = min(owed - creditors, max(0.0, float(self._ledger.cash[INSURANCE])))
        socialised = owed - creditors - insurance
        self._move({account: owed - socialised, INSURANCE: -insurance, END_USERS: -creditors})
        if socialised > 0:
            self._socialise(account, socialised)
        if owed > DUST:
            self.debts.append(BadDebt(step, account, owed, insurance, socialised, creditors))

    def _socialise(self, account: int, loss: float) -> None:
        """Charge winners pro rata up to what they have won; the exchange itself bears the rest."""
        profits = self._unrealised()
        profits[account] = profits[self._backed] = 0.0
        total = float(profits.sum())
        charged, amounts = min(loss, total), self._ledger.amounts
        amounts[:] = 0.0
        if charged > 0:
            amounts -= profits * (charged / total)
        amounts[FEES] -= loss - charged
        amounts[account] += loss
        self._ledger.transfer(amounts)

    def _unrealised(self) -> np.ndarray:
        """Unrealised profit of every account on its perpetuals, losses as zero."""
        ledger, profit = self._ledger, np.zeros(self._ledger.cash.size)
        for instrument in self._perpetuals:
            row = ledger.terms[instrument]
            value = ledger.position[instrument] * (float(row["lot"]) * float(row["price"]))
            profit += value - ledger.cost[instrument]
        return np.maximum(profit, 0.0)

    def _move(self, received: dict[int, float]) -> None:
        amounts = self._ledger.amounts
        amounts[:] = 0.0
        for account, amount in received.items():
            amounts[account] += amount
        self._ledger.transfer(amounts)
