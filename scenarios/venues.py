"""The venues of a scenario: made, put on the listing, told what they read of the market, and opened."""

from __future__ import annotations

import numpy as np

from scenarios.schema import Scenario, VenueEntry
from sim.draws import Draws
from sim.instruments import LP_SHARE, PERPETUAL, SPOT, Universe
from sim.ledger import Ledger
from sim.listing import INSURANCE, Listing, VenueTerms
from sim.population import Population
from sim.venues.amm import ConstantProduct
from sim.venues.linear_impact import LinearImpact
from sim.venues.liquidation import Exchange
from sim.venues.order_book import OrderBook
from sim.venues.rfq import Desk
from sim.venues.sink import Sink
from sim.venues.venue import Venue
from sim.view import View

KINDS = {"spot": SPOT, "perpetual": PERPETUAL}


def universe_of(scenario: Scenario) -> Universe:
    """List spot and perpetual of every asset that a venue trades, and the shares of pools."""
    names = [asset.name for asset in scenario.assets]
    universe = Universe(names)
    for entry in scenario.venues:
        if entry.instrument is None and not issubclass(entry.factory, ConstantProduct):
            continue
        asset = names.index(str(entry.asset))
        kind = KINDS[entry.instrument or "spot"]
        if universe.find(kind, asset) < 0:
            rules = scenario.assets[asset].margin
            label = f"{names[asset]}-{entry.instrument or 'spot'}"
            collateral = rules.collateral if kind == SPOT else 1.0
            universe.add(
                kind,
                asset,
                entry.lot,
                label,
                initial=rules.initial,
                maintenance=rules.maintenance,
                collateral=collateral,
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
        Gets the terms, and the pool's account where it is one.

    Raises
    ------
    ValueError
        If another venue trades the same instrument in lots of another size.
    """
    universe, parameters = listing.universe, entry.parameters
    asset = universe.assets.index(entry.asset) if entry.asset else -1
    is_pool = issubclass(entry.factory, ConstantProduct)
    instrument = -1
    if entry.instrument or is_pool:
        instrument = universe.find(KINDS[entry.instrument or "spot"], asset)
    venue: Venue = entry.factory(entry.name, index, asset, instrument, parameters)
    if instrument >= 0 and entry.lot != universe.terms()[instrument]["lot"]:
        raise ValueError(f"venue {entry.name!r} trades {universe.names[instrument]} in lots of another size")
    if isinstance(venue, ConstantProduct):
        venue.account = listing.add_system(entry.name)
        label = f"{entry.name}-share"
        venue.share_instrument = universe.add(
            LP_SHARE, asset, venue.parameters.share_lot, label, collateral=0.0
        )
    if isinstance(venue, OrderBook | ConstantProduct | LinearImpact):
        venue.set_reference(scenario.assets[asset].spot)
    tick = getattr(parameters, "tick", 0.0)
    listed = listing.sinks if isinstance(venue, Sink) else listing.venues
    listed[entry.name] = VenueTerms(index, entry.name, entry.type, asset, instrument, tick, entry.lot)
    return venue


def reference_venue(asset: str, listing: Listing) -> VenueTerms:
    """The venue whose mid is the asset's reference mid: the first book, linear market or pool there is.

    Raises
    ------
    ValueError
        If no venue gives the asset a price.
    """
    number = listing.universe.assets.index(asset)
    linear = ("linear_impact.LinearImpact", "linear_impact.ReferenceDemand")
    for types in (("order_book.OrderBook",), linear, ("amm.ConstantProduct",)):
        for terms in listing.venues.values():
            if terms.asset == number and terms.type in types:
                return terms
    raise ValueError(f"no venue gives {asset} a price; list an order book, a pool or a linear market for it")


def open_all(venues: list[Venue], scenario: Scenario, listing: Listing, ledger: Ledger, view: View) -> None:
    """Give each venue what it reads, then open it."""
    sellers: dict[int, int] = {}
    for venue in venues:
        if venue.instrument >= 0:
            sellers.setdefault(venue.instrument, venue.index)
        if isinstance(venue, ConstantProduct):
            sellers[venue.share_instrument] = venue.index
    desk = next((v.index for v in venues if isinstance(v, Desk)), -1)
    for venue in venues:
        if isinstance(venue, Desk):
            lots = [_option_lot(i, listing) for i in range(len(scenario.assets))]
            venue.attach(view, listing.universe, listing.smiles, lots)
        elif isinstance(venue, LinearImpact):
            venue.attach(view)
        elif isinstance(venue, ConstantProduct):
            venue.attach(view, Draws(listing.seed, venue.name), ledger.position[venue.share_instrument])
        elif isinstance(venue, Sink):
            terms = reference_venue(scenario.assets[venue.asset].name, listing)
            venue.attach(venues[terms.index], 0.5 * terms.tick)
        elif isinstance(venue, Exchange):
            venue.attach(view, ledger, sellers, desk, [v for v in venues if isinstance(v, OrderBook)])
            fund = np.array([venue.parameters.insurance_fund])
            ledger.issue("insurance", INSURANCE, fund, {})
        venue.open(ledger.population_of, listing.tags.get(venue.index, 0))


def spare(books: list[OrderBook], populations: list[Population]) -> None:
    """Let the orders of the populations that a book names not decay."""
    for book in books:
        for population in populations:
            if population.name in book.parameters.durable:
                book.spare(population.accounts)


def state_impact(venues: list[Venue], populations: list[Population]) -> None:
    """Tell each venue how far a unit of flow moves it for good, as those who make its market say."""
    for venue in venues:
        stated = [population.permanent_impact(venue.index) for population in populations]
        quoted = sum(size for _, size in stated)
        if quoted > 0:
            venue.permanent_impact = sum(impact * size for impact, size in stated) / quoted


def _option_lot(asset: int, listing: Listing) -> float:
    """Lot of bespoke options: that of the asset's first venue."""
    return next((v.lot for v in listing.venues.values() if v.asset == asset and v.lot > 0), 1.0)
