"""Meta-orders: large orders, worked off in slices, which give order flow its long memory."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from agents.kernels.sending import Senders
from agents.kernels.slicing import Slicers, work_off
from sim.base.typed_call import TypedCall
from sim.messages.outbox import Outbox
from sim.messages.view import View
from sim.population import Population
from sim.records import MARKET
from sim.setup.listing import Listing
from sim.setup.misfit import within
from sim.setup.parameters import NonNegative, Positive, Seconds, Units, VenueName, check_not_dust, up_to

MOST_SLICES = 64
"""Slices a row sends in a step at most; the rest follow in the next."""


class MetaOrders(Population):
    """Institutions that work off one large order after the other in market orders of its side.

    The number of slices has a power tail, so the signs of orders are correlated over as long as the longest
    take: P(n > x) = x^-tail gives an autocorrelation that decays as lag^-(tail - 1). Slices
    and pauses come at exponential intervals, sizes are lognormal; side, length and times are drawn in
    advance, so every arm meets the same flow.

    Leaves out: why they trade, limit orders, and patience when it gets dear; they are uninformed, and have no
    limit.

    Notes
    -----
    Lillo, Mike & Farmer (2005), Physical Review E 71, 066122: long memory of signs from the splitting of
    large orders with power-law sizes.
    """

    phases = ("trade",)
    margin_rule = "none"

    class Parameters(Population.Parameters):
        """Sizes and pace, per row.

        Parameters
        ----------
        venue : str
            One of a perpetual: nobody has the spot for the longest of them.
        size : float or distribution
            Median units of a slice.
        size_spread : float or distribution
            Standard deviation of the logarithm of slices.
        tail : float or distribution
            Exponent of the number of slices.
        most_slices : float or distribution
            Of one meta-order.
        interval_seconds : float or distribution
            Mean time between slices.
        pause_seconds : float or distribution
            Mean time between meta-orders.
        """

        venue: VenueName
        size: Units = 0.4
        size_spread: Annotated[NonNegative, up_to(10.0)] = 0.8
        tail: Annotated[Positive, up_to(100.0)] = 1.5
        most_slices: Annotated[Positive, up_to(1e9)] = 1e5
        interval_seconds: Seconds = 8.0
        pause_seconds: Seconds = 60.0

    def prepare(self, listing: Listing) -> None:
        """Draw size and pace of every row; first meta-orders are under way from the start."""
        with within("venue"):
            terms = listing.venue(self.parameters.venue, MARKET, sells_short=True)
        self.asset = terms.asset
        names = ("size", "size_spread", "tail", "most_slices", "interval_seconds", "pause_seconds")
        columns = [self.column(name) for name in names]
        check_not_dust(columns[0], terms.lot, ("size",))
        self.expect_orders(float((1.0 / columns[4]).sum()), listing.step_seconds)
        counts = np.zeros((3, self.rows), np.int64)
        size, spread, tail, longest, gap, pause = columns
        self._who = Slicers(
            most=MOST_SLICES,
            key=self.draws.key("orders"),
            size=size,
            spread=spread,
            tail=tail,
            longest=longest,
            gap=gap,
            pause=pause,
            side=counts[0],
            left=counts[1],
            started=counts[2],
            next_time=self.draws.uniforms("first", self.rows) * gap,
        )
        self._place, self._senders = terms.place, Senders(self.account[terms.chain], self.latency)
        self._work_off = TypedCall(work_off)

    def decide(self, phase: str, view: View, outbox: Outbox) -> None:
        """Send the slices that fall into the step."""
        outbox.reserve(MOST_SLICES * self.rows)
        end = view.time + view.step_seconds
        self._work_off.call(view.time, end, self._place, self._senders, self._who, outbox.out)
