"""Records: what a run writes down of a market, and what its recording says the market was."""

from __future__ import annotations

from typing import Any

import numpy as np

from scenarios.file.schema import Scenario
from sim.accounts.ledger import Ledger
from sim.accounts.margin.margin import Margin
from sim.accounts.profile import Thresholds
from sim.population import Population
from sim.recording.recorder import Recorder
from sim.setup.instruments import Universe
from sim.setup.listing import Listing
from sim.venues.venue import Venue


def recorder(
    scenario: Scenario,
    populations: list[Population],
    listing: Listing,
    venues: list[Venue],
    listed: np.ndarray,
    ledger: Ledger,
    margin: Margin,
) -> Recorder:
    """What writes the series of a market, step by step."""
    pools = [venue for venue in venues if venue.has_own_mid]
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


def description(
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
            "hedged_share": p.hedged_share if p.hedges else 0.0,
            "asset": universe.assets[p.asset] if p.hedges else None,
            "gamma_power": p.gamma_power,
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
            {"name": a.name, "spot": a.spot, "half_tick": 0.5 * listing.reference(k).tick}
            for k, a in enumerate(scenario.assets)
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
