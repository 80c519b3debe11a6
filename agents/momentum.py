"""Momentum traders: follow the trend they see."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from agents.kernels.background import Trends, chase
from agents.kernels.sending import Looks, Senders
from sim.base.typed_call import TypedCall
from sim.messages.outbox import Outbox
from sim.messages.pending import PendingLots
from sim.messages.view import View
from sim.population import Population
from sim.records import MARKET
from sim.setup.listing import Listing
from sim.setup.misfit import within
from sim.setup.parameters import NonNegative, Positive, Seconds, Units, VenueName, up_to


class MomentumTraders(Population):
    """Trend followers: a position in the direction of the mid against its moving average.

    A row trades when the position it wants differs from the one it has by a tenth of the
    full one or more.

    Leaves out: volatility scaling, and exits other than by the trend's end.

    Attributes
    ----------
    average : ndarray of float64, shape (N,)
        Moving average of the mid, quote currency.
    """

    phases = ("trade",)

    class Parameters(Population.Parameters):
        """Trend and size, per row.

        Parameters
        ----------
        venue : str
        lookback_seconds : float or distribution
            Time constant of the moving average.
        threshold : float or distribution
            Trend that is ignored, as a fraction.
        full_trend : float or distribution
            Trend beyond the threshold at which the position is full, as a fraction.
        max_units : float or distribution
            Full position, units.
        interval_seconds : float or distribution
            Time between looks.
        """

        cash: NonNegative = 5_000_000.0
        venue: VenueName
        lookback_seconds: Seconds = 300.0
        threshold: Annotated[NonNegative, up_to(1e3)] = 0.002
        full_trend: Annotated[Positive, up_to(1e3)] = 0.01
        max_units: Units = 5.0
        interval_seconds: Seconds = 5.0

    def prepare(self, listing: Listing) -> None:
        """Draw trends and sizes of every row."""
        with within("venue"):
            self._terms = listing.venue(self.parameters.venue, MARKET)
        self.asset, self._place = self._terms.asset, self._terms.place
        self._senders = Senders(self.account[self._terms.chain], self.latency)
        interval = self.column("interval_seconds")
        offset = self.draws.uniforms("offset", self.rows) * interval
        self._looks = Looks(interval, offset, offset.copy())
        self._pending = PendingLots(self.account, [self._terms.instrument])
        self.average = np.full(self.rows, listing.spots[self.asset])
        names = ("lookback_seconds", "threshold", "full_trend", "max_units")
        self._trends = Trends(self.average, self._pending.lots, *map(self.column, names))
        self._updated = 0.0
        self._chase = TypedCall(chase)

    def decide(self, phase: str, view: View, outbox: Outbox) -> None:
        """Update the averages and move towards the wanted positions."""
        self._pending.look(view.pending)
        outbox.reserve(self.rows)
        self._chase.call(
            view.time,
            self._updated,
            view.assets,
            view.position,
            self._place,
            self._senders,
            self._looks,
            self._trends,
            outbox.out,
        )
        self._updated = view.time
