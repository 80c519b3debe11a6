"""A crash in which dealers short of options fail, for tests of what becomes of their books."""

from __future__ import annotations

from typing import Any

from small_market import small_market, value_shock

from sim.model import Model

DEALERS: dict[str, Any] = {
    "name": "dealers",
    "type": "dealers.OptionDealers",
    "count": 60,
    "exposure": {"type": "synthetic", "open_interest": 4000.0, "expiries_days": [1.0, 7.0]},
    "size": {"dist": "lognormal", "median": 1.0, "sigma": 1.0},
    "capital": {"dist": "lognormal", "median": 0.13, "sigma": 0.3},
    "hedging": {"type": "band", "width": 0.01, "interval_seconds": 5.0},
    "route": {"venues": ["linear"]},
}
"""Maintenance of a written option is 7.5% of the underlying, the initial margin of one near the money 15%."""

ENGINE = {"name": "engine", "type": "liquidators.ExchangeLiquidators"}


def crash(
    *, fall: float = -0.12, steps: int = 60, auction: dict[str, Any] | None = None, **changes: Any
) -> Model:
    """A market whose exogenous value falls at once, faster than anybody hedges."""
    exchange: dict[str, Any] = {"insurance_fund": 1e6}
    if auction is not None:
        exchange["auction"] = auction
    return small_market(
        DEALERS | changes,
        ENGINE,
        venues=("linear", "desk", "liquidation"),
        settings={"linear": {"impact": 1e-5}, "liquidation": exchange},
        shocks=[value_shock(10.0, fall)],
        steps=steps,
    )
