"""Zero-intelligence traders: orders at constant rates per distance from the opposite best price."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from agents.kernels.arrivals import Rates, flow
from agents.kernels.sending import Senders
from agents.opening import Level, lots_of, resting
from sim.base.typed_call import TypedCall
from sim.messages.outbox import Outbox
from sim.messages.view import View
from sim.population import Population
from sim.records import CANCEL_ALL, CANCEL_AT
from sim.setup.limits import HIGHEST_RATE, LONGEST, MOST_ENTRIES, MOST_UNITS
from sim.setup.listing import Listing
from sim.setup.misfit import within
from sim.setup.parameters import Delay, NonNegative, VenueName, check_not_dust

PlainRate = Annotated[float, Field(ge=0, le=HIGHEST_RATE)]


class ZeroIntelligenceTraders(Population):
    """Order flow without intelligence: Poisson arrivals of equal orders, at rates by distance.

    On each side limit orders come at a rate that depends on nothing but their distance from the
    opposite best price, market orders at a constant rate, and every resting order is cancelled
    at a rate by its present distance. With one rate over a band of prices this is the model of
    Smith, Farmer, Gillemot & Krishnamurthy (2003); with rates that fall off with distance that of
    Cont, Stoikov & Talreja (2010, section 2). Every row is such a flow.

    Leaves out: sizes that differ, clustering in time, and margin (these accounts have no limit). A
    limit order that finds the opposite side empty has no distance and is refused.

    Notes
    -----
    *Cancels.* With a single rate the life of an order is exponential and drawn at its birth. With several
    the rate of an order changes as the best price does, so cancels are thinned (Lewis & Shedler
    1979): for each distance they come at `places` times the rate of one order, name one of that
    many places in the queue at that distance, and do nothing where it is empty. That is exact while no
    more than `places` orders rest at a price, and the draws depend on no state of the market.
    """

    phases = ("open", "trade")
    margin_rule = "none"

    class Parameters(Population.Parameters):
        """Rates of a row; distances are whole ticks from the opposite best price, from 1 on.

        Parameters
        ----------
        venue : str
            An order book.
        limit_rates : list of float
            Limit orders a second and side, at each distance.
        tail_scale, tail_exponent : float
            Beyond the list, tail_scale x distance^-tail_exponent a second and side.
        reach_ticks : int
            Furthest distance at which orders arrive.
        cancel_rates : list of float
            Of each resting order, a second, at each distance; the last holds beyond. Empty for none.
        cancel_reach_ticks : int
            With several cancel rates, furthest distance at which orders are cancelled.
        places : int
            With several cancel rates, orders at a price up to which cancelling is exact.
        market_rate : float
            Market orders a second and side.
        size : float
            Of every order, units.
        opening : list of table
            What rests at the opening: `price`, `units` (above zero buys), `orders` (1).
        session_seconds : float
            Each so many seconds own orders are cancelled and the opening ones placed again; 0 for never.
        """

        venue: VenueName
        limit_rates: list[PlainRate] = Field(default_factory=list)
        tail_scale: PlainRate = 0.0
        tail_exponent: float = Field(default=0.0, ge=-20, le=20)
        reach_ticks: int = Field(default=10, ge=1, le=MOST_ENTRIES)
        cancel_rates: list[PlainRate] = Field(default_factory=list)
        cancel_reach_ticks: int = Field(default=20, ge=1, le=MOST_ENTRIES)
        places: int = Field(default=32, ge=1, le=MOST_ENTRIES)
        market_rate: PlainRate = 0.0
        size: float = Field(default=1.0, gt=0, le=MOST_UNITS)
        opening: list[Level] = Field(default_factory=list)
        session_seconds: float = Field(default=0.0, ge=0, le=LONGEST)
        cash: NonNegative = 0.0
        latency_seconds: Delay = 0.0

        @model_validator(mode="after")
        def _lists_fit(self) -> ZeroIntelligenceTraders.Parameters:
            if len(self.limit_rates) > self.reach_ticks:
                raise ValueError(
                    f"{len(self.limit_rates)} limit_rates but reach_ticks is {self.reach_ticks}; raise it"
                )
            return self

        def limit_rate(self) -> np.ndarray:
            """Limit orders a second and side at distances 1 to `reach_ticks`."""
            rates = self.tail_scale * np.arange(1.0, self.reach_ticks + 1) ** -self.tail_exponent
            rates[: len(self.limit_rates)] = self.limit_rates
            return rates

        def cancel_rate(self) -> np.ndarray:
            """Cancels a second of each order at distance 1 to `cancel_reach_ticks`, if there are several."""
            if len(self.cancel_rates) < 2:
                return np.zeros(0)
            listed = self.cancel_rates[: self.cancel_reach_ticks]
            return np.array(listed + listed[-1:] * (self.cancel_reach_ticks - len(listed)))

    def prepare(self, listing: Listing) -> None:
        """Add the rates up and round the size."""
        own = self.parameters
        with within("venue"):
            self._terms = listing.venue(own.venue, CANCEL_AT)
        lots_of(own.opening, self._terms)
        self.asset, self._place = self._terms.asset, self._terms.place
        self._senders = Senders(self.account[self._terms.chain], self.latency)
        self._key = self.draws.key("orders")
        self._flow = TypedCall(flow)
        check_not_dust(np.array([own.size]), self._terms.lot, ("size",))
        lots = max(1, round(own.size / self._terms.lot))
        limits, cancels = np.cumsum(own.limit_rate()), np.cumsum(own.cancel_rate())
        cancelled = own.places * cancels[-1] if cancels.size else 0.0
        self.expect_orders(2 * self.rows * (limits[-1] + own.market_rate + cancelled), listing.step_seconds)
        rate = own.cancel_rates[0] if len(own.cancel_rates) == 1 else 0.0
        life = 1.0 / rate if rate > 0 else math.inf
        self._rates = Rates(limits, cancels, own.market_rate, life, own.places, lots)
        self._opened = 0

    def decide(self, phase: str, view: View, outbox: Outbox) -> None:
        """Leave the opening orders when a session begins, then send the step's arrivals."""
        if phase == "open":
            self._open(view.time, outbox)
            return
        session = self.parameters.session_seconds
        if session > 0 and math.floor(view.time / session + 1e-9) > self._opened:
            self._opened = math.floor(view.time / session + 1e-9)
            for account in self._senders.account.tolist():
                outbox.send(account, self._terms.index, CANCEL_ALL, 0)
            self._open(view.time, outbox)
        self._send(view, outbox)

    def _open(self, now: float, outbox: Outbox) -> None:
        outbox.extend(resting(self.parameters.opening, int(self._senders.account[0]), self._terms, now))

    def _send(self, view: View, outbox: Outbox) -> None:
        while lacking := self._flow.call(
            self._key,
            view.step,
            view.time,
            view.step_seconds,
            self._place,
            self._senders,
            self._rates,
            outbox.out,
        ):
            outbox.reserve(lacking)
