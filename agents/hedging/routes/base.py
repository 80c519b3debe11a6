"""What every route does: turn units into orders, at venues of one asset."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from pydantic import Field

from sim.messages.outbox import Outbox
from sim.messages.view import View
from sim.setup.kinds import Kind
from sim.setup.listing import Listing, VenueTerms
from sim.setup.misfit import Misfit
from sim.setup.named import Named
from sim.setup.parameters import VenueName

ROUTE = Kind("route", "agents.hedging.routes", "agents.hedging.routes.base.Route", is_bare=True)


class Route(ABC):
    """Where to hedge. A subclass implements `send`.

    Parameters
    ----------
    parameters : Route.Parameters

    Attributes
    ----------
    account : ndarray of int64, shape (chains, N)
        Of the rows it routes for; orders to a venue come from those on its chain (`view.quotes["chain"]`).
    asset : int
        The asset traded.
    venues : ndarray of int64
        Rows of the venues in the View's quotes.
    instruments : ndarray of int64, shape (J,)
        Dense instruments of the venues.
    """

    class Parameters(Named):
        """What all routes have in common.

        Parameters
        ----------
        type : str
            A file of `agents.hedging.routes`, or the import path of a class of one's own.
        venues : list of str
            Venues to choose from, all of the same asset.
        """

        kind = ROUTE
        usual = "cheapest"

        venues: list[VenueName] = Field(min_length=1)

    account: np.ndarray

    def __init__(self, parameters: Any) -> None:
        self.parameters = parameters

    def prepare(self, listing: Listing) -> None:
        """Find the venues."""
        terms = self._destinations(listing)
        self.asset = terms[0].asset
        self.venues = np.array([t.index for t in terms], np.int64)
        self.instruments = np.array(sorted({t.instrument for t in terms}), np.int64)

    @abstractmethod
    def send(self, wanted: np.ndarray, view: View, outbox: Outbox) -> None:
        """Send orders, of the reason HEDGE; a row that can trade nowhere gets none and looks again.

        What orders cost is in the View: `curve`, or exactly (`sim.kernels.costs`).

        Parameters
        ----------
        wanted : ndarray of WANTED, shape (n,)
            A row for each that wants to trade (`agents.hedging.columns`).
        view : View
        outbox : Outbox
        """

    def _destinations(self, listing: Listing) -> list[VenueTerms]:
        """Terms of the venues.

        Raises
        ------
        Misfit
            If one of them trades no spot or perpetual, or another asset than the first.
        """
        terms = [listing.venue(name) for name in self.parameters.venues]
        markets = [t for t in listing.venues.values() if t.instrument >= 0]
        for n, own in enumerate(terms):
            place = ("venues", n)
            if own.instrument < 0:
                what = f'"{own.name}" trades no spot or perpetual'
                raise Misfit(what, place, own.name, [t.name for t in markets])
            if own.asset != terms[0].asset:
                what = f'"{own.name}" trades another asset than "{terms[0].name}"; a route is for one'
                alike = [t.name for t in markets if t.asset == terms[0].asset]
                raise Misfit(what, place, own.name, alike)
        return terms
