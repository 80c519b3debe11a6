"""Shocks: orders from outside the market at times the scenario sets."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from pydantic import Field

from sim.messages.outbox import Outbox
from sim.messages.view import View
from sim.population import Population
from sim.records import LIMIT, MARKET, MODIFY, SHOCK
from sim.setup.limits import LONGEST, MOST_PIECES, MOST_UNITS
from sim.setup.listing import Listing
from sim.setup.parameters import VenueName
from sim.setup.table import Parameters

BPS = 1e-4
PROTECTION = 20.0
"""Basis points that an order of a shock trades through at a time, if nobody says."""

SPARE = 64
"""Tags beside one for every slice, for what is refused and sent again."""


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
    protection_bps : float
        Beyond the best price that they see, how far its orders trade at a time in a book.
    """

    at: float = Field(ge=0, le=LONGEST)
    venue: VenueName
    qty: float = Field(ge=-MOST_UNITS, le=MOST_UNITS)
    over_seconds: float = Field(default=0.0, ge=0, le=MOST_PIECES)
    protection_bps: float = Field(default=PROTECTION, gt=0, lt=1e4)


class Slice(NamedTuple):
    """A part of a shock that is sent at once: time, venue, account, lots, and share of the mid it may go."""

    at: float
    venue: int
    account: int
    lots: int
    protection: float


class Outsiders(Population):
    """Whoever stands behind an exogenous shock: one account, no limit, no further trade.

    What the market does not take at once is carried, so that every arm executes the whole shock however thin
    its market, and the price gaps instead. In a book an order is a market order with protection: it trades
    as far as `protection_bps` beyond the best price, and its rest stays there, for all to see, and follows
    that from step to step until it is filled. Elsewhere the rest of an order is sent again at every step. An
    order the other way waits until then. What is left when the run ends was more than the market could take
    (`shock_executed`, a market failure). Where several venues trade an instrument that is shocked, its rest
    goes to the one that was sent to last.

    Leaves out: why they trade. They have no capital, their credit is never called, and their
    orders arrive at once (`cash` and `latency_seconds` are without effect).

    Notes
    -----
    That the rest of a market order stays in the book at the limit of its protection is CME Globex's rule
    (market order with protection); that it follows the market is ours.
    """

    phases = ("trade",)
    margin_rule = "none"

    class Parameters(Population.Parameters):
        """The shocks, in time order."""

        orders: list[OrderStream]

    def prepare(self, listing: Listing) -> None:
        """Slice the shocks into orders."""
        slices: list[Slice] = []
        resting: Counter[int] = Counter()
        for shock in self.parameters.orders:
            terms = listing.venue(shock.venue)
            pieces = max(1, round(shock.over_seconds))
            total = round(shock.qty / terms.lot)
            sizes = [total * (i + 1) // pieces - total * i // pieces for i in range(pieces)]
            account = int(self.account[terms.chain, 0])
            share = BPS * shock.protection_bps
            slices += [
                Slice(shock.at + i, terms.index, account, lots, share) for i, lots in enumerate(sizes) if lots
            ]
            if not terms.lacks(LIMIT, on_grid=True):
                resting[terms.index] += pieces + SPARE
        self._slices = sorted(slices)
        self._tags = {venue: Tags(listing.take_tags(venue, most), most) for venue, most in resting.items()}
        self._sent: dict[int, Slice] = {}

    def endowment(self) -> tuple[np.ndarray, Mapping[int, np.ndarray]]:
        """Nothing: outsiders trade on credit that is never called."""
        return np.zeros(self.rows), {}

    def decide(self, phase: str, view: View, outbox: Outbox) -> None:
        """Move on what earlier orders left over, and send the orders whose time falls into this step."""
        left = {}
        for instrument, sent in self._sent.items():
            done = view.position[instrument, sent.account] + view.pending.of(sent.account, instrument)
            left[instrument] = int(sent.lots - done)
            if left[instrument]:
                rest = sent._replace(at=view.time, lots=left[instrument])
                lost = rest.lots - self._follow(rest, view, outbox)
                self._send(rest._replace(lots=lost), view, outbox)
        end = view.time + view.step_seconds
        due = bisect_left(self._slices, (end - 1e-9,))
        waiting = []
        for each in self._slices[:due]:
            instrument = int(view.quotes[each.venue]["instrument"])
            if left.get(instrument, 0) * each.lots < 0:
                waiting.append(each)
                continue
            self._send(each._replace(at=max(each.at, view.time)), view, outbox)
            before = self._sent.get(instrument)
            self._sent[instrument] = each._replace(lots=each.lots + (before.lots if before else 0))
        self._slices[:due] = waiting

    def _follow(self, rest: Slice, view: View, outbox: Outbox) -> int:
        """Move what rests to where the market is by now; returns its lots, signed."""
        if rest.venue not in self._tags:
            return 0
        own = view.resting[rest.venue][rest.account]
        price = self._price(rest, view)
        for tag in self._tags[rest.venue].latest(int(own["resting"])):
            outbox.send(
                rest.account, rest.venue, MODIFY, 0, time=rest.at, price=price, target=tag, reason=SHOCK
            )
        return int(own["buying"] - own["selling"])

    def _send(self, each: Slice, view: View, outbox: Outbox) -> None:
        if not each.lots:
            return
        how = {"time": each.at, "reason": SHOCK}
        if each.venue in self._tags:
            tag, price = self._tags[each.venue].take(), self._price(each, view)
            outbox.send(each.account, each.venue, LIMIT, each.lots, target=tag, price=price, **how)
        else:
            outbox.send(each.account, each.venue, MARKET, each.lots, **how)

    @staticmethod
    def _price(each: Slice, view: View) -> int:
        """Worst tick that a slice trades at: so far beyond the best there is, or the mid where nobody is."""
        quote = view.quotes[each.venue]
        best = quote["ask"] if each.lots > 0 else quote["bid"]
        best = quote["mid"] if np.isnan(best) else best
        if each.lots > 0:
            return math.ceil(float(best * (1.0 + each.protection) / quote["tick"]))
        return max(math.floor(float(best * (1.0 - each.protection) / quote["tick"])), 1)


class Tags:
    """Tags of orders at a venue, used in turn.

    Parameters
    ----------
    first, count : int
    """

    def __init__(self, first: int, count: int) -> None:
        self._first, self._count, self._used = first, count, 0

    def take(self) -> int:
        """The next one."""
        self._used += 1
        return self._first + (self._used - 1) % self._count

    def latest(self, count: int) -> list[int]:
        """The last so many that were taken, first of them first."""
        return [self._first + i % self._count for i in range(self._used - count, self._used)]
