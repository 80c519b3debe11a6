"""Liquidators: watch for accounts in breach, seize them, and sell what they take over."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pydantic import Field

from sim.instruments import PERPETUAL
from sim.kernels.margining import UNLIMITED
from sim.listing import Listing
from sim.outbox import Outbox
from sim.parameters import Fraction, Positive, VenueName
from sim.population import Population
from sim.records import FORCED, MARKET, REDUCE_ONLY
from sim.view import View


class ExchangeLiquidators(Population):
    """The exchange's own liquidation engine: it may seize any account, backed by the insurance fund.

    Each round it sends a SEIZE for accounts in breach, the worst first, up to its capacity, and
    sells the inventory it has taken over by market orders, a share of it each time.

    Leaves out: competition between liquidators; for exchanges there is none.
    """

    phases = ("liquidate",)
    margin_rule = UNLIMITED
    is_backed = True

    class Parameters(Population.Parameters):
        """Speed and capacity.

        Parameters
        ----------
        venue : str
            The liquidation venue.
        capacity : int
            Most accounts a row seizes in one round.
        unwind_share : float or distribution
            Share of its inventory that a row sells at each look.
        unwind_seconds : float or distribution
            Time between looks at the inventory.
        """

        venue: VenueName = "liquidation"
        capacity: int = Field(default=10_000, ge=1)
        unwind_share: Fraction = 0.25
        unwind_seconds: Positive = 1.0

    def prepare(self, listing: Listing) -> None:
        """Find the liquidation venue and where perpetuals are sold."""
        own = self.parameters
        self._venue = listing.venue(own.venue).index
        terms = listing.universe.terms()
        self._outlets = [
            (v.instrument, v.index)
            for v in listing.venues.values()
            if v.instrument >= 0 and terms[v.instrument]["kind"] == PERPETUAL
        ]
        self._share, self._interval = self.column("unwind_share"), self.column("unwind_seconds")
        self._next_unwind = np.zeros(self.rows)

    def endowment(self) -> tuple[np.ndarray, Mapping[int, np.ndarray]]:
        """No capital of its own: the insurance fund stands behind it."""
        return np.zeros(self.rows), {}

    def decide(self, phase: str, view: View, outbox: Outbox) -> None:
        """Seize the accounts in breach, worst first, and sell inventory."""
        if view.in_breach.size:
            ratio = view.equity[view.in_breach] / view.maintenance[view.in_breach]
            worst = view.in_breach[np.argsort(ratio, kind="stable")]
            for i, account in enumerate(worst[: self.parameters.capacity * self.rows]):
                row = i % self.rows
                outbox.seize(self.first + row, self._venue, int(account), latency=float(self.latency[row]))
        for instrument, venue in self._outlets:
            if view.position[instrument, self.first : self.first + self.rows].any():
                self._unwind(instrument, venue, view, outbox)

    def _unwind(self, instrument: int, venue: int, view: View, outbox: Outbox) -> None:
        for row in range(self.rows):
            held = int(view.position[instrument, self.first + row])
            if held == 0 or view.time < self._next_unwind[row]:
                continue
            self._next_unwind[row] = view.time + max(self._interval[row], self.latency[row])
            qty = -int(np.sign(held)) * max(1, round(abs(held) * self._share[row]))
            latency = float(self.latency[row])
            outbox.send(
                self.first + row, venue, MARKET, qty, latency, flags=REDUCE_ONLY, reason=FORCED
            )
