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

from sim.accounts.ledger import Ledger
from sim.base.typed_call import TypedCall
from sim.kernels.accounts import margining, screening
from sim.kernels.base import flags
from sim.kernels.options import greeks as options
from sim.kernels.options import portfolio
from sim.messages.view import View, frozen
from sim.setup.parameters import Parameters

RENEWAL_SHARE = 0.02  # of accounts near their line, above which the reference is renewed
RENEWAL_LEAST = 64


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
    (from secondary sources), written in quote currency; the mark
    it adds is in our equity already.
    """

    initial: float = Field(default=0.02, gt=0, le=1)
    maintenance: float = Field(default=0.01, gt=0, le=1)
    collateral: float = Field(default=0.9, ge=0, le=1)
    option_initial: float = Field(default=0.15, ge=0, le=1e3)
    option_floor: float = Field(default=0.10, ge=0, le=1e3)
    option_maintenance: float = Field(default=0.075, ge=0, le=1e3)

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if self.maintenance > self.initial:
            raise ValueError(f"maintenance {self.maintenance:g} is above initial {self.initial:g}")
        return self


class Reference:
    """Prices that drift is measured from.

    Attributes
    ----------
    then : ndarray of float64, shape (M or more,)
        Prices of contracts.
    marks, indices : ndarray of float64, shape (K,)
    prices : ndarray of float64, shape (I,)
        Of dense instruments.
    """

    def __init__(self, assets: int, instruments: int) -> None:
        self.then = np.zeros(0)
        self.marks, self.indices = np.ones(assets), np.ones(assets)
        self.prices = np.zeros(instruments)
        self._contracts = -1

    @property
    def columns(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """What the kernels read and write."""
        return self.then, self.marks, self.indices, self.prices

    def fits(self, contracts: int) -> bool:
        """Whether it was taken when there were as many contracts."""
        return self._contracts == contracts

    def fit(self, contracts: int) -> None:
        """Make room for this many contracts."""
        self._contracts = contracts
        if self.then.size < contracts:
            self.then = np.zeros(2 * contracts)


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
    in_breach : ndarray of int32
        Accounts in breach at the last run, in account order.
    work, margins : ndarray of float64, shape (WORK_ROWS, M + 1 or more) and (MARGIN_ROWS, …)
        Price and Greeks, and margin, of a lot of each contract (`kernels.portfolio`).
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
        self.in_breach = np.zeros(0, np.int32)
        self.value = np.zeros(holders)
        self.delta = np.zeros(holders)
        self.gamma = np.zeros(holders)
        self.short_initial = np.zeros(holders)
        self.short_maintenance = np.zeros(holders)
        self.work = np.zeros((options.WORK_ROWS, 1))
        self.margins = np.zeros((portfolio.MARGIN_ROWS, 1))
        self._repriced = 0
        self._summed_at = self._current_at = (-1, -1)
        self._shown = (0, 0)
        self._reference = Reference(len(requirements), ledger.position.shape[0])
        self._heaviest = self._heaviest_weight()
        self._slack = np.full(accounts, -np.inf, np.float32)
        self._since = 0  # of the changes the ledger has noted
        self._suspects = np.arange(accounts, dtype=np.int32)
        self._flags = flags.flag_columns(accounts)
        self._seen = np.zeros(accounts, np.int32)
        self._stamp = 0
        self.room = np.zeros((3, accounts), np.int64)
        self._price, self._watch = TypedCall(portfolio.price), TypedCall(screening.watch)
        self._admit = TypedCall(margining.admit)

    def _heaviest_weight(self) -> float:
        """Most that drift grows per relative move of any price (`screening.value_drift`)."""
        terms = self._ledger.terms
        weights = terms["collateral"] + terms["maintenance"]
        return float(max(weights.max(initial=0.0), 1.0 + self._option_rates[:, 2].max(initial=0.0)))

    def reprice(self, now: float, view: View) -> None:
        """Price every contract, its Greeks and its margin."""
        contracts = self._ledger.universe.contracts
        self._repriced += 1
        is_listed = self._reference.fits(contracts.size)
        if not is_listed:
            self._fit(contracts.size)
        self._show_options(view)
        if contracts.size:
            self._price.call(contracts, view.assets, now, self._option_rates, self.work, self.margins)
        if not is_listed:
            self._reference.fit(contracts.size)
            screening.remember(contracts, view.assets, self._ledger.terms, *self._reference.columns)
            self._slack[:] = -np.inf

    def _show_options(self, view: View) -> None:
        """Let the View show the present columns; they are replaced when they grow."""
        ledger = self._ledger
        if self._shown != (id(ledger.contract), id(self.work)):
            self._shown = (id(ledger.contract), id(self.work))
            view.held, view.held_lots = frozen(ledger.contract), frozen(ledger.qty)
            view.contract_worth, view.contract_margin = frozen(self.work), frozen(self.margins)

    @property
    def _now(self) -> tuple[int, int]:
        """What sums depend on: the last pricing and the last posting."""
        return self._repriced, self._ledger.version

    def sum_options(self) -> None:
        """Value, Greeks and margin of every option holder at the present prices."""
        if self._summed_at == self._now:
            return
        self._summed_at, ledger = self._now, self._ledger
        portfolio.combine(ledger.contract, ledger.qty, self.work, self.value, self.delta, self.gamma)
        portfolio.combine_short_margin(
            ledger.contract, ledger.qty, self.margins, self.short_initial, self.short_maintenance
        )

    def value_options(self, now: float, view: View) -> None:
        """Price every contract and add up every option holder."""
        self.reprice(now, view)
        self.sum_options()

    def _fit(self, contracts: int) -> None:
        """Make room for this many contracts in the columns of prices and margins; new ones are worth 0."""
        missing = contracts + 1 - self.work.shape[1]
        if missing > 0:
            more = ((0, 0), (0, missing + contracts))
            self.work, self.margins = np.pad(self.work, more), np.pad(self.margins, more)

    def fit_contracts(self) -> None:
        """Make room for every contract listed so far."""
        self._fit(self._ledger.universe.contracts.size)

    def run(self, view: View) -> None:
        """Work out equity and maintenance of every account, and who is in breach."""
        self.sum_options()
        self._publish(view, self._assess())
        self._current_at = self._now

    def _assess(self) -> int:
        ledger = self._ledger
        return int(
            margining.assess(
                ledger.cash,
                ledger.position,
                ledger.terms,
                self.value,
                self.short_maintenance,
                ledger.account_of,
                self.rule,
                self.equity,
                self.maintenance,
                self._suspects,
            )
        )

    def look_at_all(self) -> None:
        """Bring equity and maintenance of every account up to date; who is in breach stays as it was."""
        if self._current_at != self._now:
            self._current_at = self._now
            self.sum_options()
            self._assess()

    def watch(self, view: View) -> None:
        """Find who is in breach, as `run` does, by looking only at accounts that can be.

        Equity and maintenance of the others keep what they were when last looked at.
        """
        ledger = self._ledger
        breaches, self._since = self._watch.call(
            *self._prices(view),
            RENEWAL_SHARE * self._slack.size + RENEWAL_LEAST,
            self._slack,
            ledger.changes,
            self._since,
            *self._flags,
            self._suspects,
            ledger.cash,
            ledger.position,
            ledger.holder_of,
            ledger.contract,
            ledger.qty,
            self.work,
            self.margins,
            self.rule,
            self.equity,
            self.maintenance,
        )
        self._publish(view, breaches)

    def _prices(self, view: View) -> tuple[np.ndarray, ...]:
        """Prices as they are, margin rates, and the prices that drift is measured from."""
        ledger = self._ledger
        now = ledger.universe.contracts, view.assets, ledger.terms, self._option_rates
        return *now, *self._reference.columns

    def near(self, move: float, view: View) -> np.ndarray:
        """Accounts that could be in breach if prices moved by a fraction `move`, and perhaps some more.

        In account order; written over when anybody asks who is in breach or what accounts are worth.
        """
        found, self._since = screening.suspects(
            *self._prices(view),
            self._heaviest * move,
            self._slack,
            self._ledger.changes,
            self._since,
            *self._flags,
            self._suspects,
        )
        return self._suspects[:found]

    def _publish(self, view: View, breaches: int) -> None:
        """Let the first so many accounts listed be those in breach."""
        if breaches or self.in_breach.size:
            self.is_in_breach[self.in_breach] = False
            self.in_breach = self._suspects[:breaches].copy()
            self.is_in_breach[self.in_breach] = True
            view.in_breach = frozen(self.in_breach)
            view.shortfall = frozen(self.maintenance[self.in_breach] - self.equity[self.in_breach])

    def admit(self, orders: np.ndarray, rows: np.ndarray, instrument: int) -> np.ndarray:
        """Room of the senders of these orders, shape (3, A): lots they may buy and sell, and hold."""
        ledger = self._ledger
        self._stamp += 1
        self._admit.call(
            orders,
            rows,
            instrument,
            ledger.cash,
            ledger.position,
            ledger.terms,
            ledger.holder_of,
            ledger.contract,
            ledger.qty,
            self.work,
            self.margins,
            self.rule,
            self._seen,
            self._stamp,
            self.room,
        )
        return self.room
