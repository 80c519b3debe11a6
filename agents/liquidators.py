"""Liquidators: watch for accounts in breach, seize them, and sell what they take over."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pydantic import Field

from sim.messages.outbox import Outbox
from sim.messages.pending import PendingLots
from sim.messages.view import View
from sim.population import Population
from sim.records import FORCED, IOC, MID, PERPETUAL, REDUCE_ONLY, SEIZE, orders
from sim.setup.limits import LONGEST, MOST_ROWS
from sim.setup.listing import Listing, VenueTerms
from sim.setup.misfit import within
from sim.setup.parameters import Fraction, NonNegative, Seconds, VenueName


class ExchangeLiquidators(Population):
    """The exchange's own liquidation engine: it may seize any account, backed by the insurance fund.

    Each round it sends a SEIZE for accounts in breach, the worst first, up to its capacity, and
    sells the inventory it has taken over, a share of it each time, within a worst price.

    Leaves out: competition between liquidators; for exchanges there is none. A perpetual that
    several venues trade is sold at the first of them.
    """

    phases = ("liquidate",)
    margin_rule = "none"
    is_backed = True

    class Parameters(Population.Parameters):
        """Speed and capacity.

        Parameters
        ----------
        cash : float or distribution
            Capital of its own; the insurance fund stands behind what it lacks.
        venue : str
            The liquidation venue.
        capacity : int
            Most accounts a row seizes in one round.
        unwind_share : float or distribution
            Share of its inventory that a row sells at each look.
        unwind_seconds : float or distribution
            Time between looks at the inventory.
        retry_seconds : float
            Time before the same account is asked for again, at least the latency.
        max_slippage : float
            Worst price accepted when selling inventory, as a fraction of the mid.
        """

        cash: NonNegative = 0.0
        venue: VenueName = "liquidation"
        capacity: int = Field(default=10_000, ge=1, le=MOST_ROWS)
        unwind_share: Fraction = 0.25
        unwind_seconds: Seconds = 1.0
        retry_seconds: float = Field(default=1.0, ge=0, le=LONGEST)
        max_slippage: float = Field(default=0.02, gt=0, lt=1)

    def prepare(self, listing: Listing) -> None:
        """Find the liquidation venue and where perpetuals are sold."""
        own = self.parameters
        with within("venue"):
            self._venue = listing.venue(own.venue, SEIZE)
        terms = listing.universe.terms()
        self._outlets: dict[int, VenueTerms] = {}
        for v in listing.venues.values():
            if v.instrument >= 0 and terms[v.instrument]["kind"] == PERPETUAL:
                self._outlets.setdefault(v.instrument, v)
        self._share, self._interval = self.column("unwind_share"), self.column("unwind_seconds")
        self._next_unwind = {instrument: np.zeros(self.rows) for instrument in self._outlets}
        self._pending = {i: PendingLots(self.account, [i]) for i in self._outlets}
        self._retry_at: dict[int, float] = {}

    def endowment(self) -> tuple[np.ndarray, Mapping[int, np.ndarray]]:
        """Its own capital, if it has any."""
        return self.column("cash"), {}

    def decide(self, phase: str, view: View, outbox: Outbox) -> None:
        """Seize the accounts in breach, worst first, and sell inventory."""
        if view.in_breach.size:
            self._seize(view, outbox)
        if self._retry_at:
            for instrument, venue in self._outlets.items():
                self._unwind(instrument, venue, view, outbox)

    def _seize(self, view: View, outbox: Outbox) -> None:
        worst = view.in_breach[np.argsort(-view.shortfall, kind="stable")].tolist()
        asked = [account for account in worst if self._retry_at.get(account, -np.inf) <= view.time + 1e-9]
        del asked[self.parameters.capacity * self.rows :]
        rows = np.arange(len(asked)) % self.rows
        retry_at = view.time + np.maximum(self.parameters.retry_seconds, self.latency[rows])
        self._retry_at.update(zip(asked, retry_at.tolist(), strict=True))
        sent = orders(rows.size)
        sent["time"], sent["latency"], sent["kind"] = view.time, self.latency[rows], SEIZE
        sent["account"], sent["venue"] = self.account[self._venue.chain, rows], self._venue.index
        sent["target"] = asked
        outbox.extend(sent)

    def _unwind(self, instrument: int, venue: VenueTerms, view: View, outbox: Outbox) -> None:
        """Sell (buy back) a share of what each row has taken over of one perpetual and not sent yet."""
        pending = self._pending[instrument]
        pending.look(view.pending)
        held_lots = (view.position[instrument, self.account[venue.chain]] + pending.lots[0]).tolist()
        next_unwind = self._next_unwind[instrument]
        for row, held in enumerate(held_lots):
            if held == 0 or view.time < next_unwind[row]:
                continue
            latency = float(self.latency[row])
            next_unwind[row] = view.time + max(self._interval[row], latency)
            lots = max(1, round(abs(held) * self._share[row]))
            self._sell(row, venue, -lots if held > 0 else lots, latency, view, outbox)

    def _sell(
        self, row: int, outlet: VenueTerms, lots: int, latency: float, view: View, outbox: Outbox
    ) -> None:
        venue, account = outlet.index, int(self.account[outlet.chain, row])
        quote = view.quotes[venue]
        if quote["bid_tick"] < 0 and quote["ask_tick"] < 0:
            outbox.market(account, venue, lots, latency=latency, flags=REDUCE_ONLY, reason=FORCED)
            return
        reach = -int(self.parameters.max_slippage * float(quote["mid"]) / float(quote["tick"]))
        outbox.limit(
            account,
            venue,
            lots,
            reach,
            latency=latency,
            price_ref=MID,
            tif=IOC,
            flags=REDUCE_ONLY,
            reason=FORCED,
        )
