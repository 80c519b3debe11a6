"""Option vaults: covered vaults that hedge what they have written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from pydantic import Field, SerializeAsAny

from agents.covered_vaults import CoveredVaults
from agents.hedging import Hedger, Policy, Route
from agents.hedging.exposures.option_book import OptionBook
from sim.messages.outbox import Outbox
from sim.messages.view import View
from sim.records import OPENING
from sim.setup.listing import END_USERS, SYSTEM, Listing
from sim.setup.misfit import Misfit
from sim.setup.parameters import BuyersName


class OptionVaults(CoveredVaults):
    """Covered vaults that keep their option delta hedged, as option pools and structured-product desks do.

    They write, roll and pay as `agents.covered_vaults.CoveredVaults` do, open delta neutral and from then on
    trade the difference between their option delta and their hedge by policy and route. What their hedges
    have made counts as cash when they pay and roll. Ribbon's vaults and their like do not hedge: those are
    `CoveredVaults`.

    Leaves out: the bidding of auctions, fees, deposits and withdrawals, and reinvesting premiums in spot.
    """

    phases: ClassVar[tuple[str, ...]] = ("open", "trade", "hedge")
    mechanism = "dealer hedging"
    hedges = True

    class Parameters(CoveredVaults.Parameters):
        """As of covered vaults, and how they hedge.

        Parameters
        ----------
        buyers : str
            As of covered vaults; end users if not given.
        asset : str
            That of the route.
        hedging, route : table
        """

        buyers: BuyersName = SYSTEM[END_USERS]
        hedging: SerializeAsAny[Policy.Parameters] = Field(default_factory=Policy.Parameters.default)
        route: SerializeAsAny[Route.Parameters]

    def prepare(self, listing: Listing) -> None:
        """Draw collateral and targets, set the hedger up."""
        self.hedger, book = Hedger(self, listing), OptionBook()
        self.hedger.cover(book, listing)
        super().prepare(listing)
        book.size = self.written
        spot = self._traded_spot
        self._hedged_in = spot if spot in self.hedger.instruments else -1

    def _followed(self, listing: Listing) -> int:
        """The asset of the route."""
        asset: int = self.hedger.asset
        named, routed = self.parameters.asset, listing.universe.assets[asset]
        if named not in (None, routed):
            raise Misfit("is not the asset of the route", ("asset",), named, [routed])
        return asset

    def endowment(self) -> tuple[np.ndarray, Mapping[int, np.ndarray]]:
        """Spot for calls, cash for puts; the spot is no hedge."""
        cash, spot = super().endowment()
        if spot:
            self.hedger.set_treasury(dict(spot))
            self.hedger.reserve(spot[self._spot_instrument])
        return cash, spot

    def reroute(self, orders: np.ndarray, view: View) -> None:
        """Choose where hedges go as the hedger's route does."""
        self.hedger.reroute(orders, view)

    def decide(self, phase: str, view: View, outbox: Outbox) -> None:
        """Roll vaults whose epoch is over; hedge the rest."""
        if phase == "hedge":
            self.hedger.hedge(view, outbox)
        else:
            super().decide(phase, view, outbox)

    def _neutralise(self, row: int, delta: float, view: View, outbox: Outbox) -> None:
        """Take the opening hedge of what a vault writes."""
        instrument, lots = self.hedger.opening(np.array([delta * self.written[row]]), view.terms)
        hedge = self._request(row, view)
        hedge["instrument"], hedge["qty"], hedge["reason"] = instrument, lots[0], OPENING
        outbox.extend(hedge[hedge["qty"] != 0])

    def _sell_spot(self, row: int, lots: int, view: View, outbox: Outbox) -> None:
        """Sell lots of the collateral; the hedger waits for that to arrive."""
        super()._sell_spot(row, lots, view, outbox)
        self.hedger.move_treasury(row, self._spot_instrument, -lots)
        self.hedger.wait(row, view.time + float(self.latency[row]))

    def _hedging_spot(self, row: int, view: View) -> int:
        """Lots of spot that are hedge and not collateral."""
        instrument = self._hedged_in
        if instrument < 0:
            return 0
        treasury = self.hedger.baseline[self.hedger.instruments == instrument, row]
        return self._lots(row, instrument, view) - int(treasury[0])
