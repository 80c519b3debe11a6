"""Build: from a scenario to a model that is ready to step."""

from __future__ import annotations

from typing import Any

import numpy as np

from scenarios.schema import Asset, MarketOrder, Scenario, ValueShock, VenueEntry
from scenarios.treatment import AS_WRITTEN, Treatment
from sim.draws import Draws, key
from sim.drivers import Drivers
from sim.instruments import LP_SHARE, PERPETUAL, SPOT, Universe
from sim.kernels.margining import UNLIMITED
from sim.ledger import Ledger
from sim.listing import CLEARING, END_USERS, FEES, INSURANCE, Listing, VenueTerms
from sim.margin import Margin
from sim.model import Model
from sim.oracle import Oracle
from sim.population import Population
from sim.profile import Thresholds
from sim.recorder import Recorder
from sim.router import Router
from sim.settlement import Settlement
from sim.venues.amm import ConstantProduct
from sim.venues.linear_impact import LinearImpact
from sim.venues.liquidation import Exchange
from sim.venues.order_book import OrderBook
from sim.venues.rfq import Desk
from sim.venues.sink import Sink
from sim.venues.venue import Venue
from sim.view import ASSET, QUOTE, View, frozen

KINDS = {"spot": SPOT, "perpetual": PERPETUAL}
SHOCKS = "shocks"


def build(scenario: Scenario, rng: Any = None, treatment: Treatment = AS_WRITTEN) -> Model:
    """Build the model of a checked scenario.

    Parameters
    ----------
    scenario : Scenario
    rng : int, optional
        Seed instead of the scenario's.
    treatment : Treatment
        What an arm does to the orders of populations.

    Raises
    ------
    ValueError
        If parts do not fit together; the message names them.
    """
    seed = scenario.seed if rng is None else int(rng)
    if sum(issubclass(entry.factory, Exchange) for entry in scenario.venues) > 1:
        raise ValueError("a market has one liquidation venue; the scenario lists several")
    model = Model(rng=seed)
    universe = _universe(scenario)
    listing = Listing(
        seed,
        scenario.time.step_seconds,
        universe,
        [asset.spot for asset in scenario.assets],
        [asset.smile for asset in scenario.assets],
    )
    entries = [*_ordered(scenario), *treatment.sinks(scenario)]
    venues = [_venue(index, entry, scenario, listing) for index, entry in enumerate(entries)]
    model.populations = _populations(model, scenario, listing)
    for population in model.populations:
        if population.name in treatment.exempt:
            population.margin_rule = UNLIMITED
        if population.name in (*treatment.diverted, *treatment.replayed):
            population.hedged_share = 0.0  # of its gamma nothing answers the market
    ledger = _ledger(model.populations, listing)
    _connect(model, scenario, listing, venues, ledger, seed, treatment)
    treatment.apply(model)
    return model


def _ordered(scenario: Scenario) -> list[VenueEntry]:
    """Venues with those that emit orders first, so that these meet the others in time order."""
    return sorted(scenario.venues, key=lambda entry: not entry.factory.emits)


def _universe(scenario: Scenario) -> Universe:
    """List spot and perpetual of every asset that a venue trades, and the shares of pools."""
    names = [asset.name for asset in scenario.assets]
    universe = Universe(names)
    for entry in scenario.venues:
        if entry.instrument is None and not issubclass(entry.factory, ConstantProduct):
            continue
        asset = names.index(str(entry.asset))
        kind = KINDS[entry.instrument or "spot"]
        if universe.find(kind, asset) < 0:
            rules, lot = scenario.assets[asset].margin, entry.parameters.lot  # type: ignore[attr-defined]
            label = f"{names[asset]}-{entry.instrument or 'spot'}"
            collateral = rules.collateral if kind == SPOT else 1.0
            universe.add(
                kind,
                asset,
                lot,
                label,
                initial=rules.initial,
                maintenance=rules.maintenance,
                collateral=collateral,
            )
    return universe


def _venue(index: int, entry: VenueEntry, scenario: Scenario, listing: Listing) -> Venue:
    """Create a venue and put its terms on the listing."""
    universe, parameters = listing.universe, entry.parameters
    asset = universe.assets.index(entry.asset) if entry.asset else -1
    is_pool = issubclass(entry.factory, ConstantProduct)
    instrument = -1
    if entry.instrument or is_pool:
        instrument = universe.find(KINDS[entry.instrument or "spot"], asset)
    venue: Venue = entry.factory(entry.name, index, asset, instrument, parameters)
    lot = getattr(parameters, "lot", 0.0)
    if instrument >= 0 and lot != universe.terms()[instrument]["lot"]:
        raise ValueError(f"venue {entry.name!r} trades {universe.names[instrument]} in lots of another size")
    if isinstance(venue, ConstantProduct):
        venue.account = listing.add_system(entry.name)
        label = f"{entry.name}-share"
        venue.share_instrument = universe.add(LP_SHARE, asset, parameters.share_lot, label, collateral=0.0)  # type: ignore[attr-defined]
    if isinstance(venue, OrderBook | ConstantProduct | LinearImpact):
        venue.set_reference(scenario.assets[asset].spot)
    tick = getattr(parameters, "tick", 0.0)
    listed = listing.sinks if isinstance(venue, Sink) else listing.venues
    listed[entry.name] = VenueTerms(index, entry.name, entry.type, asset, instrument, tick, lot)
    return venue


def _populations(model: Model, scenario: Scenario, listing: Listing) -> list[Population]:
    populations: list[Population] = [
        entry.factory(model, entry.name, entry.count, entry.parameters, listing)
        for entry in scenario.populations
    ]
    shocks = [shock for shock in scenario.shocks if isinstance(shock, MarketOrder)]
    if shocks:
        from agents.shocks import MarketOrder as Order
        from agents.shocks import Outsiders

        sent = [
            Order(
                at=s.at,
                venue=_listed_venue(s.asset, listing).name,
                qty=s.qty,
                over_seconds=s.over_seconds,
            )
            for s in shocks
        ]
        populations.append(Outsiders(model, SHOCKS, 1, Outsiders.Parameters(orders=sent), listing))
    return populations


def _listed_venue(asset: str, listing: Listing) -> VenueTerms:
    """The venue whose mid is the asset's reference mid: the first book, else the first linear market."""
    number = listing.universe.assets.index(asset)
    linear = ("linear_impact.LinearImpact", "linear_impact.ReferenceDemand")
    for types in (("order_book.OrderBook",), linear, ("amm.ConstantProduct",)):
        for terms in listing.venues.values():
            if terms.asset == number and terms.type in types:
                return terms
    raise ValueError(f"no venue gives {asset} a price; list an order book, a pool or a linear market for it")


def _ledger(populations: list[Population], listing: Listing) -> Ledger:
    """The ledger with every account's opening endowment issued."""
    system = len(listing.system)
    codes = [np.arange(system)] + [np.full(p.rows, system + i) for i, p in enumerate(populations)]
    population_of = np.concatenate(codes).astype(np.int16)
    holders = {p.first: (p.rows, p.option_slots) for p in populations if p.option_slots}
    ledger = Ledger(
        listing.universe,
        population_of,
        system + len(populations),
        FEES,
        holders,
        (END_USERS, CLEARING),
    )
    for population in populations:
        cash, positions = population.endowment()
        ledger.issue(population.name, population.first, cash, positions)
    return ledger


def _connect(
    model: Model,
    scenario: Scenario,
    listing: Listing,
    venues: list[Venue],
    ledger: Ledger,
    seed: int,
    treatment: Treatment,
) -> None:
    """Tie the parts together and hand them to the model."""
    populations, universe = model.populations, listing.universe
    assets = _asset_rows(scenario)
    quotes = np.zeros(len(listing.venues), QUOTE)  # sinks, which come last, show nothing
    quotes["mid"] = np.nan
    margin = Margin(ledger, [a.margin for a in scenario.assets], _rules(populations, listing))
    view = _view(quotes, assets, ledger, margin)
    _open_venues(venues, scenario, listing, ledger, view)
    books = [venue for venue in venues if isinstance(venue, OrderBook)]
    view.resting = {book.index: book.accounts for book in books}
    _spare(books, populations)
    _state_impact(venues, populations)
    listed = np.array([_listed_venue(a.name, listing).index for a in scenario.assets], np.int64)
    drivers = _drivers(scenario, seed)
    model.assemble(
        listing,
        ledger,
        margin,
        _router(populations, listing, venues, ledger),
        venues,
        drivers,
        [Oracle(a.index, a.mark, _index_venues(a, listing), k) for k, a in enumerate(scenario.assets)],
        Settlement(ledger, [a.funding for a in scenario.assets]),
        _recorder(scenario, populations, listing, venues, listed, ledger, margin),
        view,
        quotes=quotes,
        assets=assets,
        listed=listed,
        steps=scenario.time.steps,
        round_seconds=scenario.time.round_seconds,
        description=_description(scenario, listing, populations, universe, seed, treatment.arm),
    )


def _asset_rows(scenario: Scenario) -> np.ndarray:
    assets = np.zeros(len(scenario.assets), ASSET)
    for row, asset in zip(assets, scenario.assets, strict=True):
        for field in ("mid", "mark", "index", "value"):
            row[field] = asset.spot
        row["volatility"] = asset.smile.atm
    return assets


def _rules(populations: list[Population], listing: Listing) -> np.ndarray:
    """Margin rule of every account; system accounts have none."""
    rules = np.zeros(listing.accounts, np.int8)
    for population in populations:
        rules[population.first : population.first + population.rows] = population.margin_rule
    return rules


def _view(quotes: np.ndarray, assets: np.ndarray, ledger: Ledger, margin: Margin) -> View:
    view = View()
    view.quotes, view.assets, view.terms = frozen(quotes), frozen(assets), frozen(ledger.terms)
    view.contracts = frozen(ledger.universe.contracts)
    view.cash, view.position, view.cost = frozen(ledger.cash), frozen(ledger.position), frozen(ledger.cost)
    view.is_in_breach, view.in_breach = frozen(margin.is_in_breach), frozen(margin.in_breach)
    view.shortfall = frozen(np.zeros(0))
    view.holder_of, view.changes = frozen(ledger.holder_of), frozen(ledger.changes)
    view.show(margin)
    return view


def _open_venues(
    venues: list[Venue], scenario: Scenario, listing: Listing, ledger: Ledger, view: View
) -> None:
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
            terms = _listed_venue(scenario.assets[venue.asset].name, listing)
            venue.attach(venues[terms.index], 0.5 * terms.tick)
        elif isinstance(venue, Exchange):
            venue.attach(view, ledger, sellers, desk, [v for v in venues if isinstance(v, OrderBook)])
            fund = np.array([venue.parameters.insurance_fund])
            ledger.issue("insurance", INSURANCE, fund, {})
        venue.open(ledger.population_of, listing.tags.get(venue.index, 0))


def _spare(books: list[OrderBook], populations: list[Population]) -> None:
    """Let the orders of the populations that a book names not decay."""
    for book in books:
        for population in populations:
            if population.name in book.parameters.durable:
                book.spare(population.accounts)


def _state_impact(venues: list[Venue], populations: list[Population]) -> None:
    """Tell each venue how far a unit of flow moves it for good, as those who make its market say."""
    for venue in venues:
        stated = [population.permanent_impact(venue.index) for population in populations]
        quoted = sum(size for _, size in stated)
        if quoted > 0:
            venue.permanent_impact = sum(impact * size for impact, size in stated) / quoted


def _option_lot(asset: int, listing: Listing) -> float:
    """Lot of bespoke options: that of the asset's first venue."""
    return next((v.lot for v in listing.venues.values() if v.asset == asset and v.lot > 0), 1.0)


def _index_venues(asset: Asset, listing: Listing) -> dict[str, int]:
    return {name: listing.venue(name).index for name in asset.index.venues}


def _drivers(scenario: Scenario, seed: int) -> Drivers:
    entries = []
    for asset in scenario.assets:
        jumps = [
            (s.at, s.change) for s in scenario.shocks if isinstance(s, ValueShock) and s.asset == asset.name
        ]
        driver = asset.driver.factory(asset.driver.parameters)
        entries.append((driver, asset.spot, jumps))
    correlation = None if scenario.correlation is None else np.array(scenario.correlation)
    keys = [key(seed, "drivers", asset.name) for asset in scenario.assets]
    return Drivers(entries, correlation, keys, scenario.time.step_seconds)


def _router(populations: list[Population], listing: Listing, venues: list[Venue], ledger: Ledger) -> Router:
    names = ["system"] * len(listing.system) + [population.name for population in populations]
    keys = np.array([Draws(0, name).key("rows") for name in names])
    firsts = np.array([0] * len(listing.system) + [population.first for population in populations])
    router = Router(len(venues), listing.seed, ledger.population_of, keys, firsts)
    pools = [venue for venue in venues if isinstance(venue, ConstantProduct)]
    router.blocks = {pool.index: pool.blocks for pool in pools if pool.blocks is not None}
    return router


def _recorder(
    scenario: Scenario,
    populations: list[Population],
    listing: Listing,
    venues: list[Venue],
    listed: np.ndarray,
    ledger: Ledger,
    margin: Margin,
) -> Recorder:
    pools = [v for v in venues if isinstance(v, ConstantProduct)]
    count = len(listing.system) + len(populations)
    hedged_asset, hedged_share = np.zeros(count, np.int64), np.zeros(count)
    unlisted = np.zeros((count, 2))
    for code, population in enumerate(populations, len(listing.system)):
        hedged_asset[code] = population.asset
        hedged_share[code] = population.hedged_share if population.hedges else 0.0
        population.unlisted = unlisted[code]
    closing = max(venue.closing() for venue in venues)
    return Recorder(
        scenario.time.steps,
        scenario.time.step_seconds,
        listing.universe.assets,
        [pool.name for pool in pools],
        [p.name for p in populations],
        listed,
        np.array([pool.index for pool in pools], np.int64),
        hedged_asset,
        hedged_share,
        unlisted,
        Thresholds(ledger, margin, closing),
    )


def _description(
    scenario: Scenario,
    listing: Listing,
    populations: list[Population],
    universe: Universe,
    seed: int,
    arm: str,
) -> dict[str, Any]:
    """What the recording says of the market, as plain values."""
    types = {entry.name: entry.type for entry in scenario.populations}
    rows = [{"name": name, "type": "system", "count": 1, "hedges": False} for name in listing.system]
    rows += [
        {
            "name": p.name,
            "type": types.get(p.name, "shocks.Outsiders"),
            "count": p.rows,
            "hedges": p.hedges,
            "report": p.report(),
        }
        for p in populations
    ]
    venues = sorted((*listing.venues.values(), *listing.sinks.values()), key=lambda terms: terms.index)
    return {
        "name": scenario.name,
        "description": scenario.description,
        "seed": seed,
        "arm": arm,
        "quote": "USD",
        "step_seconds": scenario.time.step_seconds,
        "steps": scenario.time.steps,
        "assets": [
            {"name": a.name, "spot": a.spot, "half_tick": 0.5 * _listed_venue(a.name, listing).tick}
            for a in scenario.assets
        ],
        "venues": [
            {
                "name": v.name,
                "type": v.type,
                "asset": universe.assets[v.asset] if v.asset >= 0 else None,
                "instrument": universe.names[v.instrument] if v.instrument >= 0 else None,
                "tick": v.tick,
                "lot": v.lot,
            }
            for v in venues
        ],
        "populations": rows,
        "shocks": [shock.model_dump(by_alias=True) for shock in scenario.shocks],
    }
