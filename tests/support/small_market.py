"""Small markets for tests: one asset at 50,000, and whatever venues and populations a story needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from scenarios.build.loading import parse
from scenarios.file.document import Document
from scenarios.file.schema import Scenario
from sim.messages.outbox import Outbox
from sim.messages.view import View
from sim.model import Model
from sim.population import Population

SPOT = 50_000.0
VENUES: dict[str, dict[str, Any]] = {
    "perp": {"type": "order_book.OrderBook", "instrument": "perpetual", "tick": 0.5, "lot": 0.001},
    "linear": {"type": "linear_impact.LinearImpact", "instrument": "perpetual", "lot": 0.001, "impact": 0.0},
    "pool": {"type": "amm.ConstantProduct", "lot": 0.001, "fee_bps": 5.0},
    "desk": {"type": "rfq.Desk"},
    "liquidation": {"type": "liquidation.Exchange"},
}
MAKERS = {"name": "makers", "type": "makers.MarketMakers", "venue": "perp", "count": 4, "size": 20.0}
LPS = {
    "name": "lps",
    "type": "liquidity_providers.LiquidityProviders",
    "pool": "pool",
    "count": 2,
    "deposit": 500.0,
    "route": {"venues": ["perp"]},
}
ARBITRAGEURS: dict[str, Any] = {
    "name": "arbs",
    "type": "arbitrageurs.Arbitrageurs",
    "book": "linear",
    "pool": "pool",
    "share": 1.0,
    "max_units": 1e5,
    "spot_units": 1e4,
    "cash": 1e9,
}


def small_market(*populations: Mapping[str, Any], **changes: Any) -> Model:
    """Build the market of `small_scenario`."""
    model: Model = small_scenario(*populations, **changes).market()
    return model


def small_scenario(
    *populations: Mapping[str, Any],
    venues: Iterable[str] = ("perp", "pool", "desk", "liquidation"),
    steps: int = 60,
    step_seconds: float = 1.0,
    seed: int = 1,
    shocks: Iterable[Mapping[str, Any]] = (),
    asset: Mapping[str, Any] | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
) -> Scenario:
    """A scenario; `settings` adds keys to venues (or whole venues) by name, `asset` to the asset."""
    settings = settings or {}
    driver = {"type": "drivers.Constant"}
    values = {
        "schema_version": 2,
        "name": "small",
        "seed": seed,
        "time": {"steps": steps, "step_seconds": step_seconds},
        "assets": [{"name": "BTC", "spot": SPOT, "driver": driver} | dict(asset or {})],
        "venues": [
            {"name": v, "asset": "BTC"} | VENUES.get(v, {}) | dict(settings.get(v, {})) for v in venues
        ],
        "populations": [dict(population) for population in populations],
        "shocks": [dict(shock) for shock in shocks],
    }
    scenario: Scenario = parse(Document("small", values))
    return scenario


def value_shock(at: float, change: float) -> dict[str, Any]:
    """A jump of the exogenous value by a simple return."""
    return {"at": at, "type": "value", "asset": "BTC", "return": change}


def market_order(at: float, qty: float) -> dict[str, Any]:
    """An outsider's market order, units."""
    return {"at": at, "type": "market_order", "asset": "BTC", "qty": qty}


def population(model: Model, name: str) -> Any:
    """The population of this name."""
    return next(p for p in model.populations if p.name == name)


def units(model: Model, name: str, instrument: str) -> np.ndarray:
    """Units of a dense instrument that each row of a population holds."""
    own = population(model, name)
    number = model.ledger.universe.names.index(instrument)
    lots = model.ledger.position[number, own.accounts]
    held: np.ndarray = lots * float(model.ledger.terms[number]["lot"])
    return held


def option_delta(model: Model, name: str) -> np.ndarray:
    """Delta of the options each row of a population holds, units."""
    holders = model.view.holder_of[population(model, name).accounts]
    return np.array(model.view.holder_delta[holders])


def refusals(model: Model, name: str, refusal: str) -> int:
    """How many orders of a population were refused so far for this reason."""
    rejects = model.recording().rejects
    return int(((rejects["population"] == name) & (rejects["refusal"] == refusal)).sum())


def listen(own: Population) -> list[np.ndarray]:
    """A list that will get a copy of the ORDER rows each `decide` of this population sends."""
    heard: list[np.ndarray] = []
    decide = own.decide

    def listening(phase: str, view: View, outbox: Outbox) -> None:
        before = outbox.count
        decide(phase, view, outbox)
        heard.append(outbox.rows[before : outbox.count].copy())

    own.decide = listening  # type: ignore[method-assign]
    return heard


def orders_of(model: Model, name: str, steps: int) -> np.ndarray:
    """Every ORDER row a population sends in so many steps; `account` becomes the row within it."""
    heard = listen(population(model, name))
    for _ in range(steps):
        model.step()
    sent = np.concatenate(heard)
    sent["account"] = model.view.owners.row_of[sent["account"]]
    return sent
