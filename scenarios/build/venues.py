"""The venues of a scenario: made, put on the listing, told of the market around them, and opened."""

from __future__ import annotations

import numpy as np

from scenarios.file.entries import VenueEntry
from scenarios.file.schema import Scenario
from sim.accounts.ledger import Ledger
from sim.messages.view import View
from sim.population import Population
from sim.records import INSTRUMENTS, SPOT
from sim.setup.instruments import Universe
from sim.setup.listing import END_USERS, SYSTEM, Listing, VenueTerms
from sim.setup.misfit import Misfit, within
from sim.venues.surroundings import Surroundings
from sim.venues.venue import Venue


def universe_of(scenario: Scenario) -> Universe:
    """List spot and perpetual of every asset that a venue trades."""
    names = [asset.name for asset in scenario.assets]
    universe = Universe(names)
    for entry in scenario.venues:
        if not entry.traded:
            continue
        asset, kind = names.index(str(entry.asset)), INSTRUMENTS.index(entry.traded)
        if universe.find(kind, asset) < 0:
            rules = scenario.assets[asset].margin
            universe.add(
                kind,
                asset,
                entry.lot,
                f"{names[asset]}-{entry.traded}",
                **rules.of(kind),
            )
    return universe


def placed(index: int, entry: VenueEntry, scenario: Scenario, listing: Listing) -> Venue:
    """Create a venue and put its terms on the listing.

    Parameters
    ----------
    index : int
        Its row in the View's quotes.
    entry : VenueEntry
    scenario : Scenario
    listing : Listing
        Gets the terms, and what the venue enlists.

    Raises
    ------
    Misfit
        If another venue trades the same instrument in lots of another size, or the opening price does
        not suit the venue.
    """
    universe, parameters = listing.universe, entry.parameters
    asset = universe.assets.index(entry.asset) if entry.asset else -1
    instrument = universe.find(INSTRUMENTS.index(entry.traded), asset) if entry.traded else -1
    venue: Venue = entry.factory(entry.name, index, asset, instrument, parameters)
    if instrument >= 0 and entry.lot != (listed := universe.terms()[instrument]["lot"]):
        what = f"found {entry.lot:g}; another venue trades {universe.names[instrument]} too, in other lots"
        raise Misfit(what, ("lot",), allowed=[f"{listed:g}"])
    venue.enlist(listing)
    if asset >= 0:
        _set_reference(venue, entry, scenario.assets[asset].spot)
    listed = listing.sinks if venue.is_outside else listing.venues
    listed[entry.name] = VenueTerms(
        index,
        entry.name,
        entry.type,
        asset,
        instrument,
        getattr(parameters, "tick", 0.0),
        entry.lot,
        venue.precedence,
        venue.takes,
        venue.chain,
        entry.traded == INSTRUMENTS[SPOT],
    )
    return venue


def _set_reference(venue: Venue, entry: VenueEntry, price: float) -> None:
    """Tell a venue the price it opens with; what says that this does not fit is about its tick."""
    try:
        venue.set_reference(price)
    except ValueError as error:
        key = ("tick",) if "tick" in type(entry.parameters).model_fields else ()
        raise Misfit(str(error).removeprefix(f"{entry.name}: "), key) from error


def open_all(
    venues: list[Venue], populations: list[Population], listing: Listing, ledger: Ledger, view: View
) -> None:
    """Tell each venue of the market around it, issue its funds and open it."""
    accounts = {population.name: population.account.ravel() for population in populations}
    around = Surroundings(view, ledger, listing, venues, accounts, _buyers(populations, listing))
    for venue in venues:
        with within("venues", venue.name):
            venue.attach(around)
        for name, (account, cash) in venue.funds().items():
            ledger.issue(name, np.array([account]), np.array([cash]), {})
        venue.open(ledger.population_of, listing.tags.get(venue.index, 0))
    view.resting = {v.index: resting for v in venues if (resting := v.accounts) is not None}


def _buyers(populations: list[Population], listing: Listing) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Who takes the other side of the options of each population that says so, and with which weights.

    Raises
    ------
    Misfit
        If it cannot hold them, or trades another asset.
    """
    found = {}
    named = {population.name: population for population in populations}
    for n, seller in enumerate(populations):
        if seller.buyers == SYSTEM[END_USERS]:
            continue
        buyer = named[seller.buyers]
        if lack := _lacks(buyer, seller, listing):
            able = [name for name, other in named.items() if not _lacks(other, seller, listing)]
            path = ("populations", n, "buyers")
            raise Misfit(f'"{buyer.name}" {lack}', path, buyer.name, [SYSTEM[END_USERS], *able])
        chain = listing.desk(seller.asset).chain
        found[len(listing.system) + n] = buyer.account[chain], buyer.option_weights()
    return found


def _lacks(buyer: Population, seller: Population, listing: Listing) -> str:
    """What keeps a population from buying the options of another; empty if nothing does."""
    if buyer is seller:
        return "is the seller"
    if not buyer.option_slots:
        return "holds no options"
    sold, traded = (listing.universe.assets[each.asset] for each in (seller, buyer))
    return "" if sold == traded else f"trades options of {traded}, and {seller.name} writes them on {sold}"


def state_impact(venues: list[Venue], populations: list[Population]) -> None:
    """Tell each venue how far a unit of flow moves it for good, as those who make its market say."""
    for venue in venues:
        stated = [population.permanent_impact(venue.index) for population in populations]
        quoted = sum(size for _, size in stated)
        if quoted > 0:
            venue.permanent_impact = sum(impact * size for impact, size in stated) / quoted
