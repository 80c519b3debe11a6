"""The default waterfall: who bears what a liquidated account cannot pay.

First the insurance fund, then winners in proportion to unrealised profit (socialised
loss). What a defaulting option writer owes is borne by its creditors, the end users.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.instruments import PERPETUAL
from sim.ledger import Ledger
from sim.listing import END_USERS, FEES, INSURANCE


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
        their opening cash is the fund's.

    Attributes
    ----------
    debts : list of BadDebt
    """

    def __init__(self, ledger: Ledger, backed: np.ndarray) -> None:
        self._ledger = ledger
        self._backed = backed
        self._float = ledger.cash[backed].copy()
        self._perpetuals = np.flatnonzero(ledger.terms["kind"] == PERPETUAL)
        self._amounts = np.zeros(ledger.cash.size)
        self.debts: list[BadDebt] = []

    def run(self, step: int, seized: set[int]) -> None:
        """Clear what can be cleared; accounts that are done leave `seized`."""
        for account in sorted(seized):
            if self._is_open(account):
                continue
            seized.discard(account)
            owed = -float(self._ledger.cash[account])
            if owed > 0:
                self._clear(step, account, owed)
        for account, opening in zip(self._backed, self._float, strict=True):
            if not self._is_open(int(account)):
                self._sweep(step, int(account), float(self._ledger.cash[account]) - float(opening))

    def _is_open(self, account: int) -> bool:
        """Whether the account still holds something that can be closed or sold."""
        ledger = self._ledger
        holder = int(ledger.holder_of[account])
        if holder >= 0 and ledger.qty[:, holder].any():
            return True
        return bool(ledger.position[:, account].any())

    def _sweep(self, step: int, account: int, profit: float) -> None:
        if profit > 0:
            self._move({account: -profit, INSURANCE: profit})
        elif profit < 0:
            self._clear(step, account, -profit)

    def _clear(self, step: int, account: int, owed: float) -> None:
        """Pay what the account owes: creditors of an option writer, else fund, then winners."""
        creditors = owed if self._ledger.holder_of[account] >= 0 else 0.0
        insurance = min(owed - creditors, max(0.0, float(self._ledger.cash[INSURANCE])))
        socialised = owed - creditors - insurance
        self._move({account: owed - socialised, INSURANCE: -insurance, END_USERS: -creditors})
        if socialised > 0:
            self._socialise(account, socialised)
        self.debts.append(BadDebt(step, account, owed, insurance, socialised, creditors))

    def _socialise(self, account: int, loss: float) -> None:
        """Charge winners pro rata; if nobody wins, the exchange itself."""
        profits = self._unrealised()
        profits[account] = 0.0
        total = profits.sum()
        self._amounts[:] = 0.0
        if total > 0:
            self._amounts -= loss * profits / total
        else:
            self._amounts[FEES] = -loss
        self._amounts[account] += loss
        self._ledger.transfer(self._amounts)

    def _unrealised(self) -> np.ndarray:
        """Unrealised profit of every account on its perpetuals, losses as zero."""
        ledger, profit = self._ledger, np.zeros(self._ledger.cash.size)
        for instrument in self._perpetuals:
            row = ledger.terms[instrument]
            value = ledger.position[instrument] * (float(row["lot"]) * float(row["price"]))
            profit += value - ledger.cost[instrument]
        return np.maximum(profit, 0.0)

    def _move(self, amounts: dict[int, float]) -> None:
        self._amounts[:] = 0.0
        for account, amount in amounts.items():
            self._amounts[account] += amount
        self._ledger.transfer(self._amounts)
