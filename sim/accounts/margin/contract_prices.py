"""Contract prices: what a lot of each option contract is worth and ties up, as the market moves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sim.accounts.ledger import Ledger
from sim.accounts.margin.requirement import Requirement
from sim.base.typed_call import TypedCall
from sim.kernels.accounts import valuation
from sim.kernels.accounts.screening import Market
from sim.kernels.accounts.valuation import Prices
from sim.kernels.options import greeks, portfolio
from sim.messages.view import View


class ContractPrices:
    """Prices the contracts that have not expired; a column each (`sim.kernels.options.portfolio`).

    Parameters
    ----------
    ledger : Ledger
    requirements : sequence of Requirement
        One per asset.

    Attributes
    ----------
    prices : Prices
        The columns, beside those of dense instruments; a new tuple when contracts are listed.
    market : Market
        Where they come from, as it was when contracts were listed or retired last.
    times : int
        How often contracts were priced.
    """

    market: Market
    _price: TypedCall

    def __init__(self, ledger: Ledger, requirements: Sequence[Requirement]) -> None:
        self._ledger, self._universe = ledger, ledger.universe
        self.rates = np.array(
            [(r.option_initial, r.option_floor, r.option_maintenance) for r in requirements]
        )
        worth, margins = np.zeros((greeks.WORK_ROWS, 1)), np.zeros((portfolio.MARGIN_ROWS, 1))
        self.prices = Prices(ledger.terms, self._universe.contracts[:0], worth, margins)
        self.times = 0
        self._live: np.ndarray | None = None
        self._retired = 0
        self._shift = TypedCall(valuation.shift)
        self._moved = self.prices

    def fit(self) -> None:
        """Make room for every contract listed so far; new ones are worth nothing until they are priced."""
        contracts, (_, _, worth, margins) = self._universe.contracts, self.prices
        if contracts is self.prices.contracts:
            return
        if contracts.size and not self.prices.contracts.size:
            self._price = TypedCall(portfolio.price)
        missing = contracts.size + 1 - worth.shape[1]
        if missing > 0:
            more = ((0, 0), (0, missing + contracts.size))
            worth, margins = np.pad(worth, more), np.pad(margins, more)
        self.prices = Prices(self._ledger.terms, contracts, worth, margins)

    def price(self, now: float, view: View) -> bool:
        """Price every live contract, its Greeks and its margin; says whether the listing changed."""
        self.times += 1
        has_changed = self._live is not self._universe.live
        if has_changed:
            self._follow(view)
        if self._universe.live.size:
            self._price.call(self.market, now, self.prices.worth, self.prices.margins)
        return has_changed

    def _follow(self, view: View) -> None:
        """Take in what has been listed, and clear the columns of what has retired."""
        universe = self._universe
        self.fit()
        gone = 1 + np.array(universe.retired[self._retired :], np.int64)
        self.prices.worth[:, gone] = self.prices.margins[:, gone] = 0.0
        self._live, self._retired = universe.live, len(universe.retired)
        self.market = Market(universe.contracts, universe.live, view.assets, self._ledger.terms, self.rates)

    def moved(self, asset: int, move: float) -> Prices:
        """Prices were the asset's mark so much higher; written over by the next call."""
        if move == 0.0:
            return self.prices
        if self._moved.contracts is not self.prices.contracts:
            terms, contracts, worth, margins = self.prices
            self._moved = Prices(np.zeros_like(terms), contracts, np.zeros_like(worth), margins)
        self._shift.call(self.prices, self._universe.live, asset, move, self._moved)
        return self._moved
