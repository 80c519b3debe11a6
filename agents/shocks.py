"""Shocks: orders from outside the market at times the scenario sets."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping

import numpy as np
from pydantic import Field

from sim.messages.outbox import Outbox
from sim.messages.view import View
from sim.population import Population
from sim.records import MARKET, SHOCK
from sim.setup.limits import LONGEST, MOST_PIECES, MOST_UNITS
from sim.setup.listing import Listing
from sim.setup.parameters import VenueName, check_lots
from sim.setup.table import Parameters


class OrderStream(Parameters):
    """One exogenous market order, or a stream of equal ones.

    Parameters
    ----------
    at : float
        Time of the first order, s.
    venue : str
    qty : float
        Units of the asset; below zero sells.
    over_seconds : float
        Time over which it is spread, one order a second.
    """

    at: float = Field(ge=0, le=LONGEST)
    venue: VenueName
    qty: float = Field(ge=-MOST_UNITS, le=MOST_UNITS)
    over_seconds: float = Field(default=0.0, ge=0, le=MOST_PIECES)


class Outsiders(Population):
    """Whoever stands behind an exogenous shock: one account, no limit, no further trade.

    What the market does not take at once is carried: the rest of an order is sent again at every step
    until it is filled, so that every arm executes the whole shock however thin its market, and the price
    gaps instead. An order the other way waits until then. What is left when the run ends was more than the
    market could take (`shock_executed`, a market failure). Where several venues trade an instrument
    that is shocked, its rest goes to the one that was sent to last.

    Leaves out: why they trade. They have no capital, their credit is never called, and their
    orders arrive at once (`cash` and `latency_seconds` are without effect).
    """

    phases = ("trade",)
    margin_rule = "none"

    class Parameters(Population.Parameters):
        """The shocks, in time order."""

        orders: list[OrderStream]

    def prepare(self, listing: Listing) -> None:
        """Slice the shocks into orders."""
        self._slices: list[tuple[float, int, int, int]] = []
        for shock in self.parameters.orders:
            terms = listing.venue(shock.venue)
            pieces = max(1, round(shock.over_seconds))
            check_lots(abs(shock.qty) / terms.lot, ("qty",))
            total = round(shock.qty / terms.lot)
            sizes = [total * (i + 1) // pieces - total * i // pieces for i in range(pieces)]
            account = int(self.account[terms.chain, 0])
            self._slices += [(shock.at + i, terms.index, n, account) for i, n in enumerate(sizes) if n]
        self._slices.sort()
        self._sent: dict[int, tuple[int, int, int]] = {}

    def endowment(self) -> tuple[np.ndarray, Mapping[int, np.ndarray]]:
        """Nothing: outsiders trade on credit that is never called."""
        return np.zeros(self.rows), {}

    def decide(self, phase: str, view: View, outbox: Outbox) -> None:
        """Send what earlier orders left over, and the orders whose time falls into this step."""
        left = {}
        for instrument, (venue, account, sent) in self._sent.items():
            done = view.position[instrument, account] + view.pending.of(account, instrument)
            left[instrument] = int(sent - done)
            if sent != done:
                self._send(outbox, account, venue, left[instrument], view.time)
        end = view.time + view.step_seconds
        due = bisect_left(self._slices, (end - 1e-9,))
        waiting = []
        for each in self._slices[:due]:
            at, venue, lots, account = each
            instrument = int(view.quotes[venue]["instrument"])
            if left.get(instrument, 0) * lots < 0:
                waiting.append(each)
                continue
            self._send(outbox, account, venue, lots, max(at, view.time))
            self._sent[instrument] = venue, account, self._sent.get(instrument, (0, 0, 0))[2] + lots
        self._slices[:due] = waiting

    def _send(self, outbox: Outbox, account: int, venue: int, lots: int, time: float) -> None:
        outbox.send(account, venue, MARKET, lots, time=time, reason=SHOCK)
