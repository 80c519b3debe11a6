"""Build: from a scenario to a model that is ready to step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from scenarios.build import compilation, size
from scenarios.build.records import description, recorder
from scenarios.build.treatment import AS_WRITTEN, SINK, Treatment
from scenarios.build.venues import open_all, placed, state_impact, universe_of
from scenarios.file.components import MARGIN_RULE
from scenarios.file.entries import Asset, MarketOrder, ValueShock, VenueEntry
from scenarios.file.schema import Scenario
from sim.accounts.delivery_price import DeliveryPrice
from sim.accounts.ledger import Ledger
from sim.accounts.margin.margin import Margin
from sim.accounts.margin.rule import Rule
from sim.accounts.settlement import Settlement
from sim.assembly import Assembly
from sim.chains.router import Router
from sim.kernels.messages.owners import Owners
from sim.messages.view import ASSET, VENUE_STATE, View, frozen
from sim.model import Model
from sim.population import Population
from sim.prices.joint import JointDrivers
from sim.prices.oracle import Oracle
from sim.setup.draws import Draws, key
from sim.setup.listing import CLEARING, END_USERS, FEES, SHOCKS, Listing
from sim.setup.misfit import Misfit, within
from sim.setup.parameters import check_lots, check_not_dust, units_of
from sim.venues.venue import Venue

if TYPE_CHECKING:
    from agents.shocks import OrderStream

NO_MARGIN = "none"
"""The rule of those who are exempt from margin."""

MOST_ROUNDS = 100_000
"""Rounds of liquidations in a step."""


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
    Misfit
        If parts do not fit together; its key is the way to the value from the top of the scenario.
    """
    seed = scenario.seed if rng is None else int(rng)
    size.check(scenario)
    _check_exchanges(scenario)
    _check_rounds(scenario)
    model = Model(rng=seed)
    universe = universe_of(scenario)
    listing = Listing(
        seed,
        scenario.time.step_seconds,
        universe,
        [asset.spot for asset in scenario.assets],
        [asset.smile for asset in scenario.assets],
    )
    entries = [*_ordered(scenario), *treatment.sinks(scenario)]
    venues = _venues(entries, scenario, listing)
    model.populations = _populations(model, scenario, listing)
    for population in model.populations:
        if population.name in treatment.exempt:
            population.margin_rule = NO_MARGIN
        if population.name in (*treatment.diverted, *treatment.replayed):
            population.hedged_share = 0.0  # of its gamma nothing answers the market
    ledger = _ledger(model.populations, listing)
    _connect(model, scenario, listing, venues, ledger, seed, treatment)
    treatment.apply(model)
    return model


def market(scenario: Scenario) -> Model:
    """The model of a scenario, every change of it checked, ready to step or run.

    Raises
    ------
    ScenarioError
        If a change since loading is not allowed, or parts do not fit together.
    """
    checked = scenario.checked()
    compilation.notice()
    with faults_placed(scenario):
        return build(checked)


@contextmanager
def faults_placed(scenario: Scenario) -> Iterator[None]:
    """Say of what keeps a market from being built where in the file it stands.

    Raises
    ------
    ScenarioError
        For parts that do not fit together, and for what breaks in the user's own code.
    """
    try:
        yield
    except Misfit as error:
        raise scenario.misfitting(error) from error
    except (Exception, SystemExit) as error:
        if broken := scenario.broken(error):
            raise broken from error
        if isinstance(error, ValueError):
            raise scenario.misfitting(error) from error
        raise


def _check_exchanges(scenario: Scenario) -> None:
    exchanges = [n for n, entry in enumerate(scenario.venues) if entry.factory.seizes]
    if len(exchanges) > 1:
        first = scenario.venues[exchanges[0]].name
        what = f'a market has one liquidation venue, and "{first}" is one already'
        raise Misfit(what, ("venues", exchanges[1]))


def _check_rounds(scenario: Scenario) -> None:
    """A step has so many rounds of liquidations at most, should there be any."""
    time = scenario.time
    rounds = time.step_seconds / time.round_seconds
    if rounds > MOST_ROUNDS and any(entry.factory.seizes for entry in scenario.venues):
        what = f"found {time.round_seconds:g}; a step of {time.step_seconds:g} s has {rounds:,.0f} rounds"
        least = time.step_seconds / MOST_ROUNDS
        raise Misfit(what, ("time", "round_seconds"), allowed=[f"at least {least:g}"])


def _venues(entries: list[VenueEntry], scenario: Scenario, listing: Listing) -> list[Venue]:
    """Venues in the order they are told of; every asset has one that gives it a price."""
    position = {entry.name: n for n, entry in enumerate(scenario.venues)}
    venues = []
    for index, entry in enumerate(entries):
        with within("venues", position.get(entry.name, entry.name)):
            venues.append(placed(index, entry, scenario, listing))
    for k in range(len(scenario.assets)):
        with within("assets", k):
            listing.reference(k)
    return venues


def _ordered(scenario: Scenario) -> list[VenueEntry]:
    """Venues with those that emit orders first, so that these meet the others in time order."""
    return sorted(scenario.venues, key=lambda entry: not entry.factory.emits)


def _populations(model: Model, scenario: Scenario, listing: Listing) -> list[Population]:
    populations: list[Population] = []
    for n, entry in enumerate(scenario.populations):
        with within("populations", n):
            own = entry.factory(model, entry.name, entry.count, entry.parameters, listing)
            _check_units(own, listing)
            own.margin_rule = entry.margin or own.margin_rule
            populations.append(own)
    if sent := list(_sent(scenario, listing)):
        from agents.shocks import Outsiders

        populations.append(Outsiders(model, SHOCKS, 1, Outsiders.Parameters(orders=sent), listing))
    return populations


def _sent(scenario: Scenario, listing: Listing) -> Iterator[OrderStream]:
    """The market orders among the shocks, each to the venue that gives its asset its price."""
    from agents.shocks import OrderStream

    for n, shock in enumerate(scenario.shocks):
        if isinstance(shock, MarketOrder):
            terms = listing.reference(listing.universe.assets.index(shock.asset))
            check_not_dust(np.array([abs(shock.qty)]), terms.lot, ("shocks", n, "qty"))
            yield OrderStream(venue=terms.name, **shock.model_dump(exclude={"type", "asset"}))


def _check_units(population: Population, listing: Listing) -> None:
    """Quantities of a population, in the finest lots there are, can be counted."""
    finest = min((terms.lot for terms in listing.venues.values() if terms.lot > 0), default=1.0)
    for name in units_of(type(population.parameters)):
        if getattr(population.parameters, name) is not None:
            check_lots(float(population.column(name).max()) / finest, (name,))


def _ledger(populations: list[Population], listing: Listing) -> Ledger:
    """The ledger with every account's opening endowment issued."""
    holders = [(p.account.ravel(), p.option_slots) for p in populations if p.option_slots]
    ledger = Ledger(
        listing.universe,
        listing.owners(),
        len(listing.system) + len(populations),
        FEES,
        holders,
        (END_USERS, CLEARING),
    )
    for n, population in enumerate(populations):
        with within("populations", n):
            cash, positions = population.endowment()
            ledger.issue(population.name, population.accounts, cash, positions)
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
    quotes = np.zeros(len(listing.venues), VENUE_STATE)  # sinks, which come last, show nothing
    quotes["mid"] = np.nan
    for venue in venues:
        if not venue.is_outside:
            venue.introduce(quotes)
    margin = Margin(ledger, [a.margin for a in scenario.assets], _rules(populations, listing))
    view = _view(quotes, assets, ledger, margin)
    open_all(venues, populations, listing, ledger, view)
    state_impact(venues, populations)
    listed = np.array([listing.reference(k).index for k in range(len(scenario.assets))], np.int64)
    drivers = _drivers(scenario, seed)
    parts = Assembly(
        listing,
        ledger,
        margin,
        _router(populations, listing, venues, ledger),
        venues,
        drivers,
        [_oracle(k, asset, listing) for k, asset in enumerate(scenario.assets)],
        Settlement(
            ledger,
            [a.funding for a in scenario.assets],
            [DeliveryPrice(a.delivery, scenario.time.step_seconds) for a in scenario.assets],
            scenario.time.step_seconds,
        ),
        recorder(scenario, populations, listing, venues, listed, ledger, margin),
        view,
        quotes=quotes,
        assets=assets,
        listed=listed,
        steps=scenario.time.steps,
        round_seconds=scenario.time.round_seconds,
        description=description(scenario, listing, populations, universe, seed, treatment.arm),
    )
    model.assemble(parts)


def _asset_rows(scenario: Scenario) -> np.ndarray:
    assets = np.zeros(len(scenario.assets), ASSET)
    for row, asset in zip(assets, scenario.assets, strict=True):
        for field in ("mid", "mark", "index", "value"):
            row[field] = asset.spot
        row["volatility"] = asset.smile.atm
    return assets


def _rules(populations: list[Population], listing: Listing) -> list[Rule]:
    """Every margin rule that somebody is under, with its accounts; system accounts are under none."""
    accounts = {NO_MARGIN: [np.arange(len(listing.system))]}
    for n, population in enumerate(populations):
        with within("populations", n):
            MARGIN_RULE.find(population.margin_rule)
        accounts.setdefault(population.margin_rule, []).append(population.account.ravel())
    return [MARGIN_RULE.find(name)(np.sort(np.concatenate(own))) for name, own in accounts.items()]


def _view(quotes: np.ndarray, assets: np.ndarray, ledger: Ledger, margin: Margin) -> View:
    view = View()
    view.quotes, view.assets, view.terms = frozen(quotes), frozen(assets), frozen(ledger.terms)
    view.contracts, view.live = frozen(ledger.universe.contracts), frozen(ledger.universe.live)
    view.cash, view.position, view.cost = frozen(ledger.cash), frozen(ledger.position), frozen(ledger.cost)
    view.is_in_breach, view.in_breach = frozen(margin.is_in_breach), frozen(margin.in_breach)
    view.shortfall = frozen(np.zeros(0))
    view.holder_of, view.changes = frozen(ledger.holder_of), frozen(ledger.changes)
    view.owners = Owners(*map(frozen, ledger.owners))
    view.show(margin)
    return view


def _oracle(k: int, asset: Asset, listing: Listing) -> Oracle:
    """The oracle of asset k, which reads venues that give it a price."""
    pricing = [name for name, terms in listing.venues.items() if terms.asset == k and terms.precedence > 0]
    for name in asset.index.venues:
        if name not in pricing:
            what = f'"{name}" gives {asset.name} no price'
            raise Misfit(what, ("assets", k, "index", "venues", name), name, pricing)
    return Oracle(
        asset.index, asset.mark, {name: listing.venue(name).index for name in asset.index.venues}, k
    )


def _drivers(scenario: Scenario, seed: int) -> JointDrivers:
    entries = []
    for k, asset in enumerate(scenario.assets):
        jumps = [
            (s.at, s.change) for s in scenario.shocks if isinstance(s, ValueShock) and s.asset == asset.name
        ]
        with within("assets", k, "driver"):
            driver = asset.driver.factory(asset.driver.parameters)
        entries.append((driver, asset.spot, jumps))
    correlation = None if scenario.correlation is None else np.array(scenario.correlation)
    keys = [key(seed, "drivers", asset.name) for asset in scenario.assets]
    return JointDrivers(entries, correlation, keys, scenario.time.step_seconds)


def _router(populations: list[Population], listing: Listing, venues: list[Venue], ledger: Ledger) -> Router:
    names = [*listing.system, *(population.name for population in populations)]
    keys = np.array([Draws(0, name).key("rows") for name in names])
    router = Router(len(venues), listing.seed, ledger.owners, keys)
    clocks = {venue.name: venue.blocks for venue in venues if venue.blocks is not None}
    for venue in venues:
        router.pending.trade(venue.index, venue.instruments or (venue.instrument,))
        router.expect(venue.index, venue.meaning)
        clock = clocks.get(venue.name.removesuffix(SINK))  # a sink is as late as what it stands for
        if clock is not None:
            router.blocks[venue.index] = clock
    return router
