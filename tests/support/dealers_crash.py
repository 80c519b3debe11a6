"""A crash in which dealers short of options fail, for tests of what becomes of their books."""

from __future__ import annotations

from typing import Any

from small_market import small_scenario, value_shock

from scenarios.file.schema import Scenario
from sim.model import Model

OFFSET = {"option_initial": 0.05, "option_floor": 0.03, "option_maintenance": 0.02}
"""Rates as low as those of hedged books are, where margin knows that a hedge offsets what it hedges."""

DEALERS: dict[str, Any] = {
    "name": "dealers",
    "type": "dealers.OptionDealers",
    "count": 60,
    "exposure": {"type": "synthetic", "open_interest": 4000.0, "expiries_days": [1.0, 7.0]},
    "size": {"dist": "lognormal", "median": 1.0, "sigma": 1.0},
    "capital": {"dist": "lognormal", "median": 0.065, "sigma": 0.2},
    "hedging": {"type": "band", "width": 0.01, "interval_seconds": 5.0},
    "route": {"venues": ["linear"]},
}
ENGINE = {"name": "engine", "type": "liquidators.ExchangeLiquidators"}


def crashing(
    *,
    fall: float = -0.15,
    steps: int = 60,
    auction: dict[str, Any] | None = None,
    margin: dict[str, float] = OFFSET,
    **changes: Any,
) -> Scenario:
    """A scenario whose exogenous value falls at once, faster than anybody hedges."""
    exchange: dict[str, Any] = {"insurance_fund": 1e6}
    if auction is not None:
        exchange["auction"] = auction
    return small_scenario(
        DEALERS | changes,
        ENGINE,
        venues=("linear", "desk", "liquidation"),
        settings={"linear": {"impact": 1e-5}, "liquidation": exchange},
        shocks=[value_shock(10.0, fall)],
        steps=steps,
        asset={"margin": margin},
    )


def crash(**changes: Any) -> Model:
    """The market of `crashing`."""
    model: Model = crashing(**changes).market()
    return model
