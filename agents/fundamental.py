"""Fundamental traders: buy below and sell above what they believe the asset is worth."""

from __future__ import annotations

from typing import Annotated

from agents.kernels.background import Beliefs, correct
from agents.kernels.sending import Senders
from sim.base.typed_call import TypedCall
from sim.messages.outbox import Outbox
from sim.messages.view import View
from sim.population import Population
from sim.records import MARKET
from sim.setup.limits import MOST_UNITS
from sim.setup.listing import Listing
from sim.setup.misfit import within
from sim.setup.parameters import NonNegative, Rate, Real, Units, VenueName, up_to


class FundamentalTraders(Population):
    """Traders who pull the price towards the exogenous value, each with its own bias.

    At Poisson times a row that sees a mispricing beyond its threshold sends an
    immediate-or-cancel order, priced at its own valuation (rounded down to a tick), so it never
    pays more than that; the side follows the mid at arrival. At most one look a step.

    Leaves out: learning from prices, and position limits other than margin.
    """

    phases = ("trade",)

    class Parameters(Population.Parameters):
        """Beliefs and strength, per row.

        Parameters
        ----------
        venue : str
        rate : float or distribution
            Looks a second.
        bias : float or distribution
            Relative error of the valuation.
        threshold : float or distribution
            Mispricing that is ignored, as a fraction.
        strength : float or distribution
            Units traded per 1% of mispricing beyond the threshold.
        max_units : float or distribution
            Largest order, units.
        """

        cash: NonNegative = 20_000_000.0
        venue: VenueName
        rate: Rate = 0.02
        bias: Annotated[Real, up_to(1e3)] = 0.0
        threshold: Annotated[NonNegative, up_to(1e3)] = 0.005
        strength: Annotated[NonNegative, up_to(MOST_UNITS)] = 5.0
        max_units: Units = 50.0

    def prepare(self, listing: Listing) -> None:
        """Draw beliefs and strength of every row."""
        with within("venue"):
            self._terms = listing.venue(self.parameters.venue, MARKET, on_grid=True)
        self.asset, self._place = self._terms.asset, self._terms.place
        self._senders = Senders(self.account[self._terms.chain], self.latency)
        self._key = self.draws.key("orders")
        self._correct = TypedCall(correct)
        names = ("rate", "bias", "threshold", "strength", "max_units")
        self._beliefs = Beliefs(*map(self.column, names))

    def decide(self, phase: str, view: View, outbox: Outbox) -> None:
        """Send corrections of the step's mispricing."""
        outbox.reserve(self.rows)
        self._correct.call(
            self._key,
            view.step,
            view.time,
            view.step_seconds,
            view.assets,
            self._place,
            self._senders,
            self._beliefs,
            outbox.out,
        )
