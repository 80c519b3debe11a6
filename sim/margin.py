"""Margin: who is worth what, who is in breach, and how much everyone may still trade.

Accounts are cross-margined over assets. Perpetuals need a fraction of notional, short
options a fraction of the underlying, spot and LP shares count as collateral after a
haircut. Equity counts every option at its model value.

Leaves out: portfolio margin by scenarios, concentration add-ons, currency conversion.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from pydantic import Field, model_validator

from sim.kernels import margining, options, portfolio
from sim.ledger import Ledger
from sim.parameters import Parameters
from sim.view import View, frozen


class Requirement(Parameters):
    """Margin of one asset's instruments.

    Parameters
    ----------
    initial, maintenance : float
        Of a perpetual, fractions of notional.
    collateral : float
        Share of the value of spot that counts as equity.
    option_initial, option_floor, option_maintenance : float
        Of a short option per unit, as fractions of the underlying: the initial one is
        `option_initial` less the amount out of the money, at least `option_floor`.

    Notes
    -----
    The option rule is the standard margin Deribit published for its coin-settled options
    (MECHANICS section 3, from a secondary source), written in quote currency; the mark
    it adds is in our equity already.
    """

    initial: float = Field(default=0.02, gt=0, le=1)
    maintenance: float = Field(default=0.01, gt=0, le=1)
    collateral: float = Field(default=0.9, ge=0, le=1)
    option_initial: float = Field(default=0.15, ge=0)
    option_floor: float = Field(default=0.10, ge=0)
    option_maintenance: float = Field(default=0.075, ge=0)

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if self.maintenance > self.initial:
            raise ValueError(f"maintenance {self.maintenance:g} is above initial {self.initial:g}")
        return self


class Margin:
    """Keeps equity, maintenance and the list of accounts in breach.

    Parameters
    ----------
    ledger : Ledger
    requirements : list of Requirement
        One per asset.
    rule : ndarray of int8, shape (A,)
        `MARGINED` or `UNLIMITED`.

    Attributes
    ----------
    rule : ndarray of int8, shape (A,)
    equity, maintenance : ndarray of float64, shape (A,)
    value, delta, gamma : ndarray of float64, shape (H,)
        Of the options of each holder.
    is_in_breach : ndarray of bool, shape (A,)
    """

    def __init__(self, ledger: Ledger, requirements: list[Requirement], rule: np.ndarray) -> None:
        accounts, holders = ledger.cash.size, ledger.account_of.size
        self._ledger = ledger
        self.rule = rule
        self._option_rates = np.array(
            [(r.option_initial, r.option_floor, r.option_maintenance) for r in requirements]
        )
        self.equity = np.zeros(accounts)
        self.maintenance = np.zeros(accounts)
        self.is_in_breach = np.zeros(accounts, np.bool_)
        self._in_breach = np.zeros(accounts, np.int32)
        self._breaches = 0
        self.value = np.zeros(holders)
        self.delta = np.zeros(holders)
        self.gamma = np.zeros(holders)
        self.short_initial = np.zeros(holders)
        self.short_maintenance = np.zeros(holders)
        self._work = np.zeros((options.WORK_ROWS, 1))
        self._margins = np.zeros((portfolio.MARGIN_ROWS, 1))
        self._shown = frozen(self.short_maintenance)
        self._seen = np.zeros(accounts, np.int64)
        self._stamp = 0
        self.room = np.zeros((2, accounts), np.int64)

    @property
    def in_breach(self) -> np.ndarray:
        """Accounts in breach at the last run, in account order."""
        return self._in_breach[: self._breaches]

    def value_options(self, now: float, view: View) -> None:
        """Revalue every contract, then value, delta and gamma of every option holder."""
        contracts = self._ledger.universe.contracts
        if not self.value.size and not contracts.size:
            return
        self._fit(contracts.size)
        options.revalue(contracts, view.assets, now, self._work)
        ledger = self._ledger
        portfolio.combine(ledger.contract, ledger.qty, self._work, self.value, self.delta, self.gamma)

    def _fit(self, contracts: int) -> None:
        """Make room for this many contracts in the columns of prices and margins."""
        if self._work.shape[1] <= contracts:
            self._work = np.zeros((options.WORK_ROWS, 2 * contracts + 1))
            self._margins = np.zeros((portfolio.MARGIN_ROWS, 2 * contracts + 1))

    def _margin_options(self, view: View) -> None:
        ledger = self._ledger
        self._fit(ledger.universe.contracts.size)
        portfolio.price_short_margin(
            ledger.universe.contracts, view.assets, self._option_rates, self._margins
        )
        portfolio.combine_short_margin(
            ledger.contract, ledger.qty, self._margins, self.short_initial, self.short_maintenance
        )

    def run(self, view: View) -> None:
        """Work out equity and maintenance of every account, and who is in breach."""
        ledger = self._ledger
        if self.value.size:
            self._margin_options(view)
        self.is_in_breach[self.in_breach] = False
        self._breaches = margining.assess(
            ledger.cash,
            ledger.position,
            ledger.terms,
            self.value,
            self.short_maintenance,
            ledger.account_of,
            self.rule,
            self.equity,
            self.maintenance,
            self._in_breach,
        )
        self.is_in_breach[self.in_breach] = True
        view.in_breach = frozen(self.in_breach)
        view.holder_maintenance = self._shown

    def admit(self, orders: np.ndarray, rows: np.ndarray, instrument: int) -> np.ndarray:
        """Room of the senders of these orders, shape (2, A): lots they may buy and sell."""
        ledger = self._ledger
        self._stamp += 1
        margining.admit(
            orders,
            rows,
            instrument,
            ledger.cash,
            ledger.position,
            ledger.terms,
            ledger.holder_of,
            self.value,
            self.short_initial,
            self.rule,
            self._seen,
            self._stamp,
            self.room,
        )
        return self.room
