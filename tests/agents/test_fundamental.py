"""Fundamental traders: they trade towards their own valuation, never beyond it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from small_market import MAKERS, SPOT, orders_of, population, small_market, units, value_shock

from sim.model import Model
from sim.records import IOC, SIDE_BY_VALUE

DEAF = MAKERS | {"news_response": 0.0, "anchor_per_second": 0.0, "learning_bps": 0.0, "size": 50.0}
TRADERS: dict[str, Any] = {
    "name": "fundamental",
    "type": "fundamental.FundamentalTraders",
    "venue": "perp",
    "count": 30,
    "rate": 0.5,
    "threshold": 0.005,
    "strength": 2.0,
}


def market_of(change: float, step_seconds: float = 1.0, **changes: Any) -> Model:
    return small_market(
        DEAF,
        TRADERS | changes,
        venues=("perp", "desk"),
        shocks=[value_shock(0.0, change)],
        steps=round(40 / step_seconds),
        step_seconds=step_seconds,
    )


@pytest.mark.parametrize("step_seconds", [0.2, 0.1])
def test_they_look_at_their_rate_and_trade_their_strength_beyond_the_threshold(step_seconds: float) -> None:
    model = market_of(0.02, step_seconds)
    sent = orders_of(model, "fundamental", model.steps_total)
    expected = 30 * 0.5 * 40 * (1 - np.exp(-0.5 * step_seconds)) / (0.5 * step_seconds)
    assert abs(sent.size - expected) < 4 * np.sqrt(expected)
    assert sent["qty"][0] * 0.001 == pytest.approx(2.0 * (2.0 - 0.5), rel=1e-3)
    assert set(sent["tif"].tolist()) == {IOC}
    assert set(sent["flags"].tolist()) == {SIDE_BY_VALUE}
    assert (sent["price"] * 0.5 <= 1.02 * SPOT).all()


def test_a_mispricing_within_the_threshold_is_ignored() -> None:
    assert orders_of(market_of(0.004), "fundamental", 40).size == 0


@pytest.mark.parametrize("change", [0.02, -0.02])
def test_they_buy_what_is_cheap_and_sell_what_is_dear(change: float) -> None:
    model = market_of(change, max_units=1.0)
    model.run()
    assert np.sign(units(model, "fundamental", "BTC-perpetual").sum()) == np.sign(change)


def test_each_has_its_own_bias() -> None:
    model = market_of(0.0, bias={"dist": "choice", "values": [-0.02, 0.02]})
    model.run()
    bias = population(model, "fundamental")._beliefs.bias
    held = units(model, "fundamental", "BTC-perpetual")
    assert (np.sign(held) == np.sign(bias)).all()
