"""Momentum traders: they follow the trend they see, up to their full position, on their own clock."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from small_market import MAKERS, orders_of, population, small_market, units, value_shock

from sim.model import Model

TRADERS: dict[str, Any] = {
    "name": "momentum",
    "type": "momentum.MomentumTraders",
    "venue": "perp",
    "count": 20,
    "lookback_seconds": 60.0,
    "threshold": 0.002,
    "full_trend": 0.01,
    "max_units": 2.0,
    "interval_seconds": 2.0,
}
DEEP = MAKERS | {"size": 200.0, "learning_bps": 0.0}


def market_of(change: float, steps: int = 20, step_seconds: float = 1.0, **changes: Any) -> Model:
    return small_market(
        DEEP,
        TRADERS | changes,
        venues=("perp", "desk"),
        shocks=[value_shock(2.0, change)],
        steps=round(steps / step_seconds),
        step_seconds=step_seconds,
    )


@pytest.mark.parametrize("change", [0.05, -0.05])
def test_a_strong_trend_fills_the_position_in_its_direction(change: float) -> None:
    model = market_of(change)
    model.run()
    assert units(model, "momentum", "BTC-perpetual") == pytest.approx([2.0 * np.sign(change)] * 20)


def test_a_weak_trend_is_ignored() -> None:
    assert orders_of(market_of(0.0015), "momentum", 20).size == 0


def test_once_the_average_catches_up_the_position_is_closed() -> None:
    model = market_of(0.05, steps=400)
    model.run()
    assert np.abs(units(model, "momentum", "BTC-perpetual")).max() <= 0.1 * 2.0


@pytest.mark.parametrize("step_seconds", [1.0, 0.5, 0.25])
def test_the_average_and_the_position_do_not_depend_on_the_step(step_seconds: float) -> None:
    model = market_of(0.012, steps=30, step_seconds=step_seconds)
    model.run()
    average = population(model, "momentum").average
    trend = 0.012 * np.exp(-(30 - 2) / 60)
    assert float(average[0]) == pytest.approx(50_000.0 * (1.012 - trend), rel=3e-4)
    assert units(model, "momentum", "BTC-perpetual") == pytest.approx(
        [2.0 * (trend - 0.002) / 0.01] * 20, abs=0.4
    )
