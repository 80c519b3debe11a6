"""A desk that answers requests for quotes: options for end users, and trades off the market."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from pydantic import Field

from sim.kernels.desks import desk
from sim.kernels.messages.fields import (
    HAS_DEADLINE,
    HAS_INSTRUMENT,
    HAS_QTY,
    HAS_TARGET,
    HAS_TIF,
    HAS_VALUE,
    IS_CALL,
    IS_REDUCE_ONLY,
)
from sim.kernels.messages.tape import Party
from sim.kernels.options import greeks as options
from sim.messages.tape import Tape
from sim.records import CALL, OPTIONS, REQUEST
from sim.setup.listing import END_USERS, OUTSIDE
from sim.setup.table import Parameters as BaseParameters
from sim.venues.surroundings import Surroundings
from sim.venues.venue import Venue

ALONE = np.array([[0, 1]])  # the first contract of a column, and no other
NAMED = HAS_QTY | HAS_INSTRUMENT | HAS_DEADLINE | HAS_TIF | IS_REDUCE_ONLY


class Desk(Venue):
    """Fills requests in full at a model price plus or minus a half spread, moving no market.

    Options trade at the smile's Black-76 price on the mark, against the accounts that the sender's
    population names as its buyers, by their weights, or else the end users' account; spot and perpetuals
    trade against an outside account at the mark. A request for an option that is not listed yet
    (instrument -1) names its strike in `value`, its expiry in `good_till`, a call by the flag CALL and, at
    a desk of several assets, the asset in `target`; the desk lists it.

    Leaves out: competition between desks, the desk's own risk limits, and the initial
    margin of options sold to it (maintenance is checked at the next margin run).
    """

    needs_asset = False
    is_priced = False
    takes = (REQUEST,)
    meaning: ClassVar[dict[int, int]] = {REQUEST: NAMED | HAS_VALUE | HAS_TARGET | IS_CALL}

    class Parameters(BaseParameters):
        """Half spreads.

        Parameters
        ----------
        spread_bps : float
            Of spot and perpetuals, basis points of the mark.
        option_spread_bps : float
            Of options, basis points of the underlying's mark.
        """

        spread_bps: float = Field(default=0.0, ge=0, le=1e4)
        option_spread_bps: float = Field(default=0.0, ge=0, le=1e4)

    def attach(self, around: Surroundings) -> None:
        """Keep what it prices from; a bespoke option has the lot of its asset's first venue."""
        listing = around.listing
        self._view, self._universe, self._smiles = around.view, listing.universe, listing.smiles
        self._buyers = around.buyers
        self._option_lots = [listing.lot(asset) for asset in range(len(listing.spots))]
        self._work = np.zeros((options.WORK_ROWS, 2))

    def open(self, population_of: np.ndarray, tags: int) -> None:
        """Keep what the kernel takes of the desk: its spreads and those who take the other side."""
        dense, options_side = (Party(a, int(population_of[a])) for a in (OUTSIDE, END_USERS))
        own, placing = self.parameters, self._placing(population_of)
        spreads = own.spread_bps * 1e-4, own.option_spread_bps * 1e-4
        self._terms = desk.Terms(self.index, *spreads, dense, options_side, placing)
        self._fills = np.maximum(np.diff(placing.first), 1)  # that an order can come to, by population

    def _placing(self, population_of: np.ndarray) -> desk.Buyers:
        """Buyers of every population's options, in the order of the populations."""
        first = np.zeros(int(population_of.max()) + 2, np.int64)
        account, weight = np.zeros(0, np.int64), np.zeros(0)
        for number, (accounts, weights) in sorted(self._buyers.items()):
            first[number + 1] = accounts.size
            account, weight = np.append(account, accounts), np.append(weight, weights)
        return desk.Buyers(np.cumsum(first), account, population_of[account], weight)

    def execute(
        self, orders: np.ndarray, due: np.ndarray, until: float, tape: Tape, room: np.ndarray
    ) -> None:
        """Fill or refuse each request; list bespoke options first."""
        self._list_bespoke(orders, due)
        tape.reserve(int(self._fills[orders["population"][due]].sum()), 0, due.size)
        view = self._view
        prices = desk.Prices(view.terms, self._universe.contracts, view.assets)
        accounts = view.holder_of, view.is_in_breach
        desk.fill_requests(orders, due, self._terms, prices, *accounts, room, tape.rows)

    def _asset(self, named: int) -> int:
        """Asset of a bespoke option: the desk's, the one named, the only one there is, else -1."""
        if self.asset >= 0:
            return self.asset
        if named < 0 and self._view.assets.size == 1:
            return 0
        return named if 0 <= named < self._view.assets.size else -1

    def _list_bespoke(self, orders: np.ndarray, due: np.ndarray) -> None:
        rows = due[(orders["instrument"][due] < 0) & (orders["kind"][due] == REQUEST)]
        for row in rows:
            asset = self._asset(int(orders[row]["target"]))
            if asset < 0:
                continue
            strike, expiry = float(orders[row]["value"]), float(orders[row]["good_till"])
            spot = float(self._view.assets[asset]["mark"])
            if not (0 < strike < math.inf and math.isfinite(expiry) and expiry > self._view.time):
                continue
            orders[row]["instrument"] = self._universe.list_contract(
                asset,
                strike,
                expiry,
                bool(orders[row]["flags"] & CALL),
                self._smiles[asset].volatility(strike, spot, expiry - self._view.time),
                self._option_lots[asset],
            )
            number = int(orders[row]["instrument"]) - OPTIONS
            first = self._universe.contracts[number : number + 1]
            options.revalue(first, ALONE, self._view.assets, self._view.time, self._work)
