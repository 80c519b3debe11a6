"""Levered traders: perpetual longs and shorts with heterogeneous leverage, and what they do about losses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import numpy as np

from agents.kernels.answering import IS_OUT, Books, Standings, Traders, answer
from sim.base.typed_call import TypedCall
from sim.messages.outbox import Outbox
from sim.messages.pending import PendingLots
from sim.messages.view import View
from sim.population import Population
from sim.records import MARKET, OPENING, PERPETUAL, REQUEST, orders
from sim.setup.instruments import CENT
from sim.setup.limits import MOST_MONEY
from sim.setup.listing import Listing, VenueTerms
from sim.setup.misfit import Misfit
from sim.setup.parameters import (
    AssetName,
    Count,
    Fraction,
    NonNegative,
    Positive,
    Seconds,
    check_lots,
    check_not_dust,
    up_to,
)

ROUNDING = 1e-9  # margin beyond the exact, lest the last bit refuse a position


class LeveredTraders(Population):
    """Accounts that hold a perpetual position with little equity.

    Positions are opened at the mark against the outside account before the first step; from then on
    an account pays funding, and is liquidated when its equity falls below maintenance. Most do nothing
    about it. Some add margin out of a reserve that they keep outside the market; some close at the market
    once they have lost, or won, a share of the equity they entered with; and whoever is out, by a stop or by
    a liquidation, may come back after a while, with the leverage of the opening on what is left.

    They watch the mark at every step. A reserve is part of what a row is worth but not of its account's
    equity, and whoever liquidates the account does not get it. It arrives as any order does, and what is on
    its way counts as equity.

    Leaves out: stop orders that rest at an exchange, where others can hunt them; reducing by a part; and
    adding to what wins.

    Notes
    -----
    Draws are keyed, so `lots` and `leverage` are drawn again whenever they are asked for: a million
    accounts need not carry what only their opening wants. Ask for the columns, not for row after row.
    """

    phases = ("open", "trade")

    class Parameters(Population.Parameters):
        """Positions and leverage.

        Parameters
        ----------
        cash : float or distribution
            Cash beyond the margin; it lowers the leverage.
        asset : str
            Asset whose perpetual is held; the first one if not given.
        notional : float or distribution
            Size of a position, quote currency; rounded to lots, one at least.
        leverage : float or distribution
            Notional over margin at the start; at most one over the asset's initial margin.
        long_share : float
            Probability that a row is long.
        top_up_share : float
            Share of rows that have a reserve and top up.
        top_up_at : float or distribution
            Equity over maintenance below which they do; a position is liquidated at 1.
        reserve : float or distribution
            Of those, as a multiple of the margin at the opening.
        top_ups : int or distribution
            Equal portions in which the reserve is sent.
        stop_share : float
            Share of rows that stop out.
        stop_drawdown : float or distribution
            Share of the equity at entry, and of what was added since, whose loss makes them.
        profit_share : float
            Share of rows that take profit.
        profit_gain : float or distribution
            The same share won that makes them.
        reentry_seconds : float or distribution
            How long a row that is out stays so; for good if not given.
        reentry_side : "same" or "coin"
            The side it comes back on: that of its opening, or one drawn anew.
        """

        cash: NonNegative = 0.0
        asset: AssetName | None = None
        notional: Annotated[Positive, up_to(MOST_MONEY)] = 100_000.0
        leverage: Annotated[Positive, up_to(1e6)] = 10.0
        long_share: Fraction = 0.5
        top_up_share: Fraction = 0.0
        top_up_at: Annotated[Positive, up_to(1e6)] = 2.0
        reserve: Annotated[NonNegative, up_to(1e6)] = 1.0
        top_ups: Count = 1
        stop_share: Fraction = 0.0
        stop_drawdown: Fraction = 0.5
        profit_share: Fraction = 0.0
        profit_gain: Annotated[Positive, up_to(1e6)] = 1.0
        reentry_seconds: Seconds | None = None
        reentry_side: Literal["same", "coin"] = "same"

    def prepare(self, listing: Listing) -> None:
        """Draw sizes, leverage and sides."""
        own = self.parameters
        names = listing.universe.assets
        if own.asset is not None and own.asset not in names:
            raise Misfit(f'no asset is named "{own.asset}"', ("asset",), own.asset, names)
        self.asset = names.index(own.asset) if own.asset else 0
        self.instrument = listing.universe.find(PERPETUAL, self.asset)
        if self.instrument < 0:
            what = f"levered traders need a venue that trades a perpetual of {names[self.asset]}; list one"
            raise Misfit(what, ("asset",) if own.asset else ())
        terms = listing.universe.terms()[self.instrument]
        self._check_leverage(float(terms["initial"]))
        self._lot_value = float(terms["lot"]) * listing.spots[self.asset]
        check_not_dust(self.column("notional"), self._lot_value, ("notional",))
        self._desk = listing.desk(self.asset)
        self._reserve = np.zeros(0, np.int64)
        shares = own.top_up_share, own.stop_share, own.profit_share
        self._answers = any(share != 0.0 for share in shares) or own.reentry_seconds is not None
        if self._answers:
            self._prepare_answers(listing)

    def _prepare_answers(self, listing: Listing) -> None:
        """Draw who does what about a loss."""
        venue = self._venue(listing)
        adds = self._are("top_up") & (self.column("reserve") > 0.0)
        reserve = listing.universe.reserve() if adds.any() else -1
        self._reserve = self._banked(adds)
        rows, is_coin = self.rows, self.parameters.reentry_side == "coin"
        has_pause = self.parameters.reentry_seconds is not None
        self._books = Books(venue.index, self.instrument, self._desk.index, reserve)
        self._traders = Traders(
            self.account[venue.chain],
            self.account[self._desk.chain],
            self.latency,
            self.lots,
            self.leverage,
            np.where(adds, self.column("top_up_at"), 0.0),
            -(-self._reserve // self.counts("top_ups")),
            np.where(self._are("stop"), self.column("stop_drawdown"), np.inf),
            np.where(self._are("profit"), self.column("profit_gain"), np.inf),
            self.column("reentry_seconds") if has_pause else np.full(rows, np.inf),
            np.full(rows, is_coin),
        )
        self._pending = PendingLots(self.account, [self.instrument, reserve])
        self._standings = Standings(
            np.full(rows, np.inf),
            np.full(rows, np.inf),
            np.full(rows, np.inf),
            np.full(rows, IS_OUT, np.int8),
            np.zeros(rows),
            np.zeros(rows, np.int64),
            self._pending.lots,
        )
        self._key, self._since, self._answer = self.draws.key("side again"), 0, TypedCall(answer)

    def _venue(self, listing: Listing) -> VenueTerms:
        """Where the perpetual is traded at the market."""
        for venue in listing.venues.values():
            if venue.instrument == self.instrument and MARKET in venue.takes:
                return venue
        raise Misfit(
            f"no venue takes market orders in the perpetual of {listing.universe.assets[self.asset]}"
        )

    def _are(self, what: str) -> np.ndarray:
        """Which rows are among a share that does something."""
        chosen: np.ndarray = self.draws.uniforms(what, self.rows) < self.column(f"{what}_share")
        return chosen

    def _banked(self, adds: np.ndarray) -> np.ndarray:
        """Lots of reserve that rows have at the opening, those who top up."""
        margin = np.abs(self.lots) * self._lot_value / self.leverage
        lots = np.where(adds, self.column("reserve") * margin / CENT, 0.0)
        check_lots(float(lots.max()), ("reserve",))
        whole: np.ndarray = np.rint(lots).astype(np.int64)
        return whole

    @property
    def leverage(self) -> np.ndarray:
        """Notional over margin of each row at the start."""
        return self.column("leverage")

    @property
    def lots(self) -> np.ndarray:
        """Lots of the position each row opens with, below zero short."""
        is_long = self.draws.uniforms("side", self.rows) < self.column("long_share")
        size = np.maximum(np.round(self.column("notional") / self._lot_value), 1)
        return np.where(is_long, size, -size).astype(np.int64)

    def _check_leverage(self, initial: float) -> None:
        highest, allowed = float(self.leverage.max()), 1 / initial
        if highest > allowed * (1 + ROUNDING):
            raise Misfit(
                f"a row has {highest:.4g}, but an initial margin of {initial:g} allows at most "
                f"{allowed:.4g}; lower it, or give the distribution a `max`",
                ("leverage",),
            )

    def endowment(self) -> tuple[np.ndarray, Mapping[int, np.ndarray]]:
        """The margin that makes the leverage what it was drawn."""
        margin = np.abs(self.lots) * self._lot_value / self.leverage * (1 + ROUNDING)
        banked = {self._books.reserve: self._reserve} if self._reserve.any() else {}
        return margin + self.column("cash"), banked

    def decide(self, phase: str, view: View, outbox: Outbox) -> None:
        """Take the opening position, then answer what becomes of it."""
        if phase == "open":
            self._open(outbox)
        elif self._answers:
            self._look(view, outbox)

    def _look(self, view: View, outbox: Outbox) -> None:
        """Let the rows act for which something may be due."""
        self._pending.look(view.pending)
        outbox.reserve(self.rows)
        self._since = self._answer.call(
            self._key,
            view.time,
            self._since,
            view.changes,
            view.owners,
            view.holdings,
            view.prices,
            self._books,
            self._traders,
            self._standings,
            outbox.out,
        )

    def _open(self, outbox: Outbox) -> None:
        rows = orders(self.rows)
        rows["account"], rows["venue"] = self.account[self._desk.chain], self._desk.index
        rows["kind"] = REQUEST
        rows["instrument"], rows["qty"], rows["reason"] = self.instrument, self.lots, OPENING
        outbox.extend(rows)
