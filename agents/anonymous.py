"""Anonymous traders: informed and uninformed, market and limit orders, one stream."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from agents.kernels.arrivals import Strangers, mingle
from agents.kernels.sending import Senders
from agents.opening import Level, lots_of, resting
from sim.base.typed_call import TypedCall
from sim.messages.outbox import Outbox
from sim.messages.view import View
from sim.population import Population
from sim.records import LIMIT
from sim.setup.limits import HIGHEST_PRICE
from sim.setup.listing import Listing
from sim.setup.misfit import within
from sim.setup.parameters import Delay, Fraction, NonNegative, Rate, Real, Units, VenueName, up_to


class AnonymousTraders(Population):
    """A Poisson stream of orders, some of them from traders who know the exogenous value.

    An order is a market order with probability `immediacy`. The informed buy at the market below
    the value and sell above it; the uninformed take a side by coin. Limit orders take a side by coin
    and a normal price around the value (the informed) or the mid at arrival (the uninformed);
    what is marketable of them trades, the rest rests. Sizes are uniform. The order flow of
    Buis, Pieterse-Bloem, Verschoor & Zwinkels (2024).

    Leaves out: cancels (volume leaves by the book's `order_decay`), learning, and margin (these accounts
    have no limit).
    """

    phases = ("open", "trade")
    margin_rule = "none"

    class Parameters(Population.Parameters):
        """Rates and shapes, per row.

        Parameters
        ----------
        venue : str
            An order book.
        rate : float or distribution
            Orders a second.
        immediacy : float or distribution
            Share of market orders.
        informed_share : float or distribution
            Share of orders whose sender knows the value.
        largest : float or distribution
            Sizes are uniform between 0 and this, units.
        offset, offset_sd : float or distribution
            How far limit prices go beyond the value or the mid towards a trade, mean and standard
            deviation, quote currency; below zero they rest away from it.
        opening : list of table
            What row 0 has resting at the opening: `price`, `units` (above zero buys), `orders` (1).
        """

        venue: VenueName
        rate: Rate = 1.0
        immediacy: Fraction = 0.3
        informed_share: Fraction = 0.3
        largest: Units = 1.0
        offset: Annotated[Real, up_to(HIGHEST_PRICE)] = 0.0
        offset_sd: Annotated[NonNegative, up_to(HIGHEST_PRICE)] = 0.0
        opening: list[Level] = Field(default_factory=list)
        cash: NonNegative = 0.0
        latency_seconds: Delay = 0.0

    def prepare(self, listing: Listing) -> None:
        """Draw the rates of every row."""
        with within("venue"):
            self._terms = listing.venue(self.parameters.venue, LIMIT)
        lots_of(self.parameters.opening, self._terms)
        self.asset, self._place = self._terms.asset, self._terms.place
        self._senders = Senders(self.account[self._terms.chain], self.latency)
        self._key = self.draws.key("orders")
        self._mingle = TypedCall(mingle)
        names = ("rate", "immediacy", "informed_share", "largest", "offset", "offset_sd")
        self._strangers = Strangers(*map(self.column, names))
        self.expect_orders(float(self._strangers.rate.sum()), listing.step_seconds)

    def decide(self, phase: str, view: View, outbox: Outbox) -> None:
        """Leave the opening orders, then send each step's arrivals."""
        if phase == "open":
            account = int(self._senders.account[0])
            outbox.extend(resting(self.parameters.opening, account, self._terms, view.time))
            return
        while lacking := self._mingle.call(
            self._key,
            view.step,
            view.time,
            view.step_seconds,
            view.assets,
            self._place,
            self._senders,
            self._strangers,
            outbox.out,
        ):
            outbox.reserve(lacking)
