"""Noise traders: Poisson flow of limit orders, market orders and cancels."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from agents.kernels.background import Streams, scatter
from agents.kernels.sending import Senders
from sim.base.typed_call import TypedCall
from sim.messages.outbox import Outbox
from sim.messages.view import View
from sim.population import Population
from sim.records import MARKET
from sim.setup.limits import HIGHEST_BPS
from sim.setup.listing import Listing
from sim.setup.misfit import within
from sim.setup.parameters import Delay, Positive, Rate, Seconds, Units, VenueName, check_not_dust, up_to

MOST_ORDERS = 4096


class NoiseTraders(Population):
    """Zero-intelligence traders: independent Poisson streams, sides by coin, exponential sizes.

    Limit orders rest at an exponential distance from the mid at arrival and are cancelled
    after an exponential life, which is the constant cancellation rate per order of the
    zero-intelligence literature (Smith, Farmer, Gillemot & Krishnamurthy 2003), drawn at birth so that two
    arms of an experiment cancel the same orders.

    Leaves out: clustering of orders in time, herding, and margin (noise accounts have no limit, nor a loan
    of the spot that they may be short of).
    """

    phases = ("trade",)
    margin_rule = "none"

    class Parameters(Population.Parameters):
        """Rates and shapes, per row.

        Parameters
        ----------
        venue : str
            An order book.
        limit_rate, market_rate : float or distribution
            Orders a second.
        size : float or distribution
            Mean size, units.
        offset_bps : float or distribution
            Mean distance of limit orders from the mid, basis points.
        lifetime_seconds : float or distribution
            Mean life of a resting order.
        """

        venue: VenueName
        limit_rate: Rate = 1.0
        market_rate: Rate = 0.5
        size: Units = 0.1
        offset_bps: Annotated[Positive, up_to(HIGHEST_BPS)] = 10.0
        lifetime_seconds: Seconds = 60.0
        latency_seconds: Delay = 0.0

    def prepare(self, listing: Listing) -> None:
        """Draw the rates of every row."""
        with within("venue"):
            self._terms = listing.venue(self.parameters.venue, MARKET, on_grid=True)
        self.asset, self._place = self._terms.asset, self._terms.place
        self._senders = Senders(self.account[self._terms.chain], self.latency)
        self._key = self.draws.key("orders")
        self._scatter = TypedCall(scatter)
        names = ("limit_rate", "market_rate", "size", "offset_bps", "lifetime_seconds")
        self._streams = Streams._make([*map(self.column, names), MOST_ORDERS])
        rate = self._streams.limit_rate + self._streams.market_rate
        self.expect_orders(float(rate.sum()), listing.step_seconds)
        check_not_dust(self._streams.size, self._terms.lot, ("size",))
        expected = float(rate.sum()) * listing.step_seconds
        self._room = min(int(expected + 20 * np.sqrt(expected) + 200), self.rows * MOST_ORDERS)

    def decide(self, phase: str, view: View, outbox: Outbox) -> None:
        """Send the step's arrivals, each with its own time."""
        outbox.reserve(self._room)
        self._scatter.call(
            self._key,
            view.step,
            view.time,
            view.step_seconds,
            view.assets,
            self._place,
            self._senders,
            self._streams,
            outbox.out,
        )
