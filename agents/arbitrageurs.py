"""Arbitrageurs: carry the basis between the book of perpetuals and the pool of spot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import numpy as np
from pydantic import Field

from agents.kernels.sending import Looks
from agents.kernels.spreading import Legs, Spreaders, spread
from sim.base.typed_call import TypedCall
from sim.messages.outbox import Outbox
from sim.messages.pending import PendingLots
from sim.messages.view import View
from sim.population import Population
from sim.records import ADD_LIQUIDITY, MARKET
from sim.setup.limits import MOST_UNITS
from sim.setup.listing import Listing
from sim.setup.misfit import Misfit, within
from sim.setup.parameters import Bps, Fraction, NonNegative, Seconds, Units, VenueName, up_to


class Arbitrageurs(Population):
    """Traders who buy spot from the pool and sell the perpetual, or the reverse, when it pays.

    Each look sizes the trade that would bring the pool's price to the book's net of fees and the
    edge asked for, closes a share of it and sends both legs at once with worst prices; they may fill
    at different prices, and one may fail. The size is exact (`sim.kernels.costs`), not read off
    `View.curve`, whose knots lie farther apart than gaps that are worth closing. Spot is bought with
    cash and never sold short. Against a book of spot there is no basis to carry: a row then trades
    at most the spot it holds.

    Leaves out: triangular routes, flash loans, gas, and forecasts of funding.
    """

    phases = ("trade",)

    class Parameters(Population.Parameters):
        """Venues and size.

        Parameters
        ----------
        book, pool : str
            An order book and a constant-product pool of the same asset.
        edge_bps : float or distribution
            Profit asked for beyond fees.
        share : float or distribution
            Share of the gap that all rows together close at one look; each takes its part of it.
        max_units : float or distribution
            Largest basis position, units of perpetual.
        spot_units : float or distribution
            Opening inventory of spot.
        max_slippage : float
            Worst price of the leg in the book, as a fraction of the mid.
        interval_seconds : float or distribution
            Time between looks.
        """

        cash: NonNegative = 20_000_000.0
        book: VenueName
        pool: VenueName
        edge_bps: Bps = 1.0
        share: Fraction = 0.5
        max_units: Units = 200.0
        spot_units: Annotated[NonNegative, up_to(MOST_UNITS)] = 200.0
        max_slippage: float = Field(default=0.005, gt=0, lt=1)
        interval_seconds: Seconds = 1.0

    def prepare(self, listing: Listing) -> None:
        """Find the venues, draw the columns."""
        with within("book"):
            self._book = listing.venue(self.parameters.book, MARKET)
        with within("pool"):
            self._pool = listing.venue(self.parameters.pool, ADD_LIQUIDITY)
        if self._book.lot != self._pool.lot:
            what = f'"{self._pool.name}" trades lots of {self._pool.lot:g}, "{self._book.name}" of '
            raise Misfit(f"{what}{self._book.lot:g}; an arbitrageur needs equal lots", ("pool",))
        if self._book.asset != self._pool.asset:
            what = f'"{self._pool.name}" trades another asset than the book "{self._book.name}"'
            raise Misfit(what, ("pool",))
        self.asset = self._book.asset
        interval = self.column("interval_seconds")
        offset = self.draws.uniforms("offset", self.rows) * interval
        self._looks = Looks(interval, offset, offset.copy())
        self._pending = PendingLots(self.account, [self._pool.instrument])
        self._legs = Legs(
            self._book.index,
            self._pool.index,
            self._pool.instrument,
            self._book.instrument,
            self._book.lot,
            self.parameters.max_slippage,
        )
        self._spreaders = Spreaders(
            self.account,
            self.latency,
            self._pending.lots,
            self.column("edge_bps"),
            self.column("share") / self.rows,
            self.column("max_units"),
        )
        self._spread = TypedCall(spread)

    def endowment(self) -> tuple[np.ndarray, Mapping[int, np.ndarray]]:
        """Cash and an inventory of spot."""
        lots = np.floor(self.column("spot_units") / self._pool.lot).astype(np.int64)
        return self.column("cash"), {self._pool.instrument: lots}

    def decide(self, phase: str, view: View, outbox: Outbox) -> None:
        """Send both legs where the gap pays."""
        self._pending.look(view.pending)
        outbox.reserve(2 * self.rows)
        self._spread.call(
            view.time,
            view.quotes,
            view.cash,
            view.position,
            view.terms,
            self._legs,
            self._spreaders,
            self._looks,
            outbox.out,
        )
