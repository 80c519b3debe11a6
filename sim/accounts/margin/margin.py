"""Margin: who is worth what, who is in breach, and how much everyone may still trade.

What an account is worth, needs and may trade is what its margin rule says (`sim.accounts.margin.rule`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sim.accounts.ledger import Ledger
from sim.accounts.margin.contract_prices import ContractPrices
from sim.accounts.margin.requirement import Requirement
from sim.accounts.margin.rule import Rule
from sim.accounts.margin.screen import Screen
from sim.base.typed_call import TypedCall
from sim.kernels.accounts import margining, valuation
from sim.kernels.accounts.posting import NO_HOLDER
from sim.kernels.options import portfolio
from sim.messages.view import View, frozen


class Margin:
    """Keeps equity, maintenance and the list of accounts in breach.

    Parameters
    ----------
    ledger : Ledger
    requirements : sequence of Requirement
        One per asset.
    rules : sequence of Rule
        Every account is under one of them.

    Attributes
    ----------
    rule_of : ndarray of int16, shape (A,)
        Number of each account's rule, `margining.NO_RULE` where nobody checks it.
    equity, maintenance : ndarray of float64, shape (A,)
    value, delta, gamma : ndarray of float64, shape (H,)
        Of the options of each holder.
    is_in_breach : ndarray of bool, shape (A,)
    in_breach : ndarray of int32
        Accounts in breach at the last run, in account order.
    room : ndarray of int64, shape (3, A)

    Raises
    ------
    ValueError
        If an account is under no rule or under two.
    """

    def __init__(self, ledger: Ledger, requirements: Sequence[Requirement], rules: Sequence[Rule]) -> None:
        accounts, holders = ledger.cash.size, ledger.account_of.size
        self._ledger, self.rules = ledger, list(rules)
        self._number, self.rule_of = numbered(self.rules, accounts)
        self._checked = np.flatnonzero(self.is_checked).astype(np.int32)
        checking = [rule for rule in self.rules if rule.is_checked]
        self._only = checking[0] if len(checking) == 1 else None
        self.equity = np.zeros(accounts)
        self.maintenance = np.zeros(accounts)
        self.is_in_breach = np.zeros(accounts, np.bool_)
        self.in_breach = np.zeros(0, np.int32)
        self.value = np.zeros(holders)
        self.delta = np.zeros(holders)
        self.gamma = np.zeros(holders)
        self.short_initial = np.zeros(holders)
        self.short_maintenance = np.zeros(holders)
        self._contracts = ContractPrices(ledger, requirements)
        self._screen = Screen(self.rule_of, ledger.changes, len(requirements), len(ledger.terms))
        self._heaviest = self._heaviest_weight()
        self._summed_at = self._current_at = (-1, -1)
        self._shown = (0, 0)
        self._found = np.zeros(accounts, np.int32)
        self._worth = np.zeros((2, accounts))
        self._senders = np.zeros((len(self.rules), accounts), np.int32)
        self._limited = list(self._senders)  # its rows
        self._sent = np.zeros(len(self.rules), np.int64)
        self._seen = np.zeros(accounts, np.int32)
        self._stamp = 0
        self.room = np.zeros((3, accounts), np.int64)
        self._list_senders, self._breaches = TypedCall(margining.senders), TypedCall(margining.breaches)

    @property
    def is_checked(self) -> np.ndarray:
        """Whether each account can be in breach, shape (A,)."""
        checked: np.ndarray = self.rule_of != margining.NO_RULE
        return checked

    def _heaviest_weight(self) -> float:
        """Most that drift grows per relative move of any price (`screening.value_drift`)."""
        terms = self._ledger.terms
        weights = terms["collateral"] + terms["maintenance"]
        return float(max(weights.max(initial=0.0), 1.0 + self._contracts.rates[:, 2].max(initial=0.0)))

    def reprice(self, now: float, view: View) -> None:
        """Price every contract, its Greeks and its margin."""
        has_changed = self._contracts.price(now, view)
        self._show_options(view)
        if has_changed:
            self._screen.take_in(self._contracts.market)

    def _show_options(self, view: View) -> None:
        """Let the View show the present columns; they are replaced when they grow."""
        ledger, prices = self._ledger, self._contracts.prices
        if self._shown != (id(ledger.contract), id(prices.worth)):
            self._shown = (id(ledger.contract), id(prices.worth))
            view.held, view.held_lots = frozen(ledger.contract), frozen(ledger.qty)
            view.contract_worth, view.contract_margin = frozen(prices.worth), frozen(prices.margins)

    @property
    def _now(self) -> tuple[int, int]:
        """What sums depend on: the last pricing and the last posting."""
        return self._contracts.times, self._ledger.version

    def sum_options(self) -> None:
        """Value, Greeks and margin of every option holder at the present prices."""
        if self._summed_at == self._now:
            return
        self._summed_at, ledger, prices = self._now, self._ledger, self._contracts.prices
        portfolio.combine(ledger.contract, ledger.qty, prices.worth, self.value, self.delta, self.gamma)
        portfolio.combine_short_margin(
            ledger.contract, ledger.qty, prices.margins, self.short_initial, self.short_maintenance
        )

    def value_options(self, now: float, view: View) -> None:
        """Price every contract and add up every option holder."""
        self.reprice(now, view)
        self.sum_options()

    def fit_contracts(self) -> None:
        """Make room for every contract listed so far."""
        self._contracts.fit()

    def run(self, view: View) -> None:
        """Work out equity and maintenance of every account, and who is in breach."""
        self._assess()
        self._current_at = self._now
        self._publish(view, self._checked)

    def _assess(self) -> None:
        holdings, prices = self._ledger.holdings, self._contracts.prices
        for rule in self.rules:
            rule.assess(rule.accounts, holdings, prices, self.equity, self.maintenance)

    def look_at_all(self) -> None:
        """Bring equity and maintenance of every account up to date; who is in breach stays as it was."""
        if self._current_at != self._now:
            self._current_at = self._now
            self._assess()

    def watch(self, view: View) -> None:
        """Find who is in breach, as `run` does, by looking only at accounts that can be.

        Equity and maintenance of the others keep what they were when last looked at. Where many are near
        their line, drift is measured anew and everybody looked at once more.
        """
        market, screen = self._contracts.market, self._screen
        accounts, drift, is_old = screen.suspects(market)
        if is_old:
            screen.renew(market)
            accounts, drift = self._checked, 0.0
        holdings, prices = self._ledger.holdings, self._contracts.prices
        worth = self.equity, self.maintenance
        for rule, own in self._by_rule(accounts):
            rule.screen(own, holdings, prices, screen.reference, drift, *worth, screen.slack)
        self._publish(view, accounts)

    def _by_rule(self, accounts: np.ndarray) -> Sequence[tuple[Rule, np.ndarray]]:
        """Each rule that checks some of these accounts, and which."""
        if self._only is not None:
            return ((self._only, accounts),)
        numbers = self.rule_of[accounts]
        found = [(rule, accounts[numbers == number]) for number, rule in enumerate(self.rules)]
        return [(rule, own) for rule, own in found if own.size]

    def near(self, move: float) -> np.ndarray:
        """Accounts that could be in breach if prices moved by a fraction `move`, and perhaps some more.

        In account order; written over when anybody asks who is in breach.
        """
        accounts, _, _ = self._screen.suspects(self._contracts.market, self._heaviest * move)
        return accounts

    def assess_moved(
        self, accounts: np.ndarray, asset: int, move: float, equity: np.ndarray, maintenance: np.ndarray
    ) -> None:
        """Write what checked accounts would be worth and need, were an asset's mark so much higher.

        Spot of the asset moves with it, options by their delta, prices of all else stay.

        Parameters
        ----------
        accounts : ndarray of int32
        asset : int
        move : float
            Quote currency.
        equity, maintenance : ndarray of float64, shape (A,)
            Written for these accounts, quote currency.
        """
        holdings, prices = self._ledger.holdings, self._contracts.moved(asset, move)
        for rule, own in self._by_rule(accounts):
            rule.assess(own, holdings, prices, equity, maintenance)

    def standing(self, accounts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Equity and maintenance of these accounts at this moment, quote currency."""
        accounts, (equity, maintenance) = accounts.astype(np.int32), self._worth
        holdings, prices = self._ledger.holdings, self._contracts.prices
        numbers = self._number[accounts]
        for number in set(numbers.tolist()):
            self.rules[number].assess(accounts[numbers == number], holdings, prices, equity, maintenance)
        return equity[accounts], maintenance[accounts]

    def worth(self) -> np.ndarray:
        """Value of every account, collateral at full value, quote currency, shape (A,)."""
        ledger, total = self._ledger, np.empty(self._ledger.cash.size)
        margining.worth(ledger.holdings, self._contracts.prices, total)
        contracts = ledger.universe.contracts
        for account in np.flatnonzero(ledger.holder_of < NO_HOLDER):
            held = ledger.wide[NO_HOLDER - 1 - ledger.holder_of[account]]
            total[account] += valuation.contracts_value(held, contracts[: held.size])
        return total

    def _publish(self, view: View, accounts: np.ndarray) -> None:
        """Let those of the accounts that are below maintenance be those in breach."""
        breaches = self._breaches.call(accounts, self.equity, self.maintenance, self._found)
        if breaches or self.in_breach.size:
            self.is_in_breach[self.in_breach] = False
            self.in_breach = self._found[:breaches].copy()
            self.is_in_breach[self.in_breach] = True
            view.in_breach = frozen(self.in_breach)
            view.shortfall = frozen(self.maintenance[self.in_breach] - self.equity[self.in_breach])

    def admit(self, orders: np.ndarray, rows: np.ndarray, instrument: int) -> np.ndarray:
        """Room of the senders of these orders, shape (3, A): lots they may buy and sell, and hold."""
        ledger, sent = self._ledger, self._sent
        self._stamp += 1
        self._list_senders.call(
            orders,
            rows,
            instrument,
            ledger.position,
            self.rule_of,
            self._seen,
            self._stamp,
            self.room,
            self._senders,
            sent,
        )
        for number, count in enumerate(sent.tolist()):
            if count:
                own, prices = self._limited[number][:count], self._contracts.prices
                self.rules[number].room(own, instrument, ledger.holdings, prices, self.room)
        return self.room


def numbered(rules: Sequence[Rule], accounts: int) -> tuple[np.ndarray, np.ndarray]:
    """Number of every account's rule, and the same with `NO_RULE` where the rule checks nobody.

    Raises
    ------
    ValueError
        If an account is under no rule or under two.
    """
    held = np.concatenate([np.zeros(0, np.int32), *(rule.accounts for rule in rules)])
    if not np.array_equal(np.sort(held), np.arange(accounts)):
        raise ValueError("every account is under one margin rule")
    numbers = np.zeros(accounts, np.int16)
    for number, rule in enumerate(rules):
        numbers[rule.accounts] = number
    checks = np.array([rule.is_checked for rule in rules], np.bool_)
    return numbers, np.where(checks[numbers], numbers, margining.NO_RULE).astype(np.int16)
