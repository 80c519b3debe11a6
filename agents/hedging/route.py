"""The route of a hedger: where it trades."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sim.setup.listing import Listing, VenueTerms
from sim.setup.parameters import Misfit, Parameters, VenueName


class Route(Parameters):
    """Where to hedge.

    Parameters
    ----------
    type : "cheapest"
        The venue with the lowest expected cost for the size, fees included, among those at which
        the row can pay: spot is bought with free cash and never sold short.
    venues : list of str
        Venues to choose from, all of the same asset.
    """

    type: Literal["cheapest"] = "cheapest"
    venues: list[VenueName] = Field(min_length=1)

    def destinations(self, listing: Listing) -> list[VenueTerms]:
        """Terms of the venues.

        Raises
        ------
        Misfit
            If one of them trades no spot or perpetual, or another asset than the first.
        """
        terms = [listing.venue(name) for name in self.venues]
        markets = [t for t in listing.venues.values() if t.instrument >= 0]
        for n, own in enumerate(terms):
            place = ("route", "venues", n)
            if own.instrument < 0:
                what = f'"{own.name}" trades no spot or perpetual'
                raise Misfit(what, place, own.name, [t.name for t in markets])
            if own.asset != terms[0].asset:
                what = f'"{own.name}" trades another asset than "{terms[0].name}"; a route is for one'
                alike = [t.name for t in markets if t.asset == terms[0].asset]
                raise Misfit(what, place, own.name, alike)
        return terms
