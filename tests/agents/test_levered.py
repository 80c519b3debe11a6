"""Levered traders: what they open, and what becomes of them; who sells what the exchange took over."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from small_market import MAKERS, SPOT, listen, population, refusals, small_market, units, value_shock

from scenarios.file.errors import ScenarioError
from sim.model import Model

LEVERED: dict[str, Any] = {
    "name": "levered",
    "type": "levered.LeveredTraders",
    "count": 200,
    "notional": {"dist": "lognormal", "median": 60_000.0, "sigma": 1.0},
    "leverage": {"dist": "uniform", "low": 5.0, "high": 40.0},
    "long_share": 0.65,
}
ENGINE = {"name": "engine", "type": "liquidators.ExchangeLiquidators"}
VENUES = ("linear", "desk", "liquidation")


def market_of(*others: dict[str, Any], **changes: Any) -> Model:
    return small_market(LEVERED | changes, *others, venues=VENUES)


def test_each_opens_at_the_leverage_it_drew() -> None:
    model = market_of()
    levered = population(model, "levered")
    notional = np.abs(units(model, "levered", "BTC-perpetual")) * SPOT
    assert notional / model.view.equity[levered.accounts] == pytest.approx(levered.leverage, rel=1e-6)
    assert np.median(notional) == pytest.approx(60_000.0, rel=4 * 1.2533 / np.sqrt(200))
    assert refusals(model, "levered", "no_margin") == 0


def test_the_share_of_longs_is_as_asked() -> None:
    is_long = units(market_of(), "levered", "BTC-perpetual") > 0
    assert is_long.mean() == pytest.approx(0.65, abs=4 * np.sqrt(0.65 * 0.35 / 200))
    assert (units(market_of(long_share=0.0), "levered", "BTC-perpetual") < 0).all()


def test_cash_beside_the_margin_lowers_the_leverage() -> None:
    model = market_of(notional=100_000.0, leverage=10.0, cash=10_000.0)
    assert model.view.equity[population(model, "levered").accounts] == pytest.approx(20_000.0, rel=1e-6)


def test_the_highest_leverage_the_margin_allows_opens() -> None:
    model = market_of(leverage=50.0)
    assert (units(model, "levered", "BTC-perpetual") != 0).all()


def test_leverage_beyond_the_initial_margin_is_refused_at_the_edge() -> None:
    message = r"populations\.levered\.leverage: a row has 60, but .* 0\.02 allows at most 50"
    with pytest.raises(ScenarioError, match=message):
        market_of(leverage=60.0)
    with pytest.raises(ScenarioError, match="give the distribution a `max`"):
        market_of(leverage={"dist": "lognormal", "median": 20.0, "sigma": 1.0})


def test_an_asset_without_a_perpetual_has_no_levered_traders() -> None:
    with pytest.raises(ScenarioError, match="need a venue that trades a perpetual of BTC"):
        small_market(LEVERED, venues=("linear", "desk"), settings={"linear": {"instrument": "spot"}})


def test_a_fall_liquidates_the_most_levered_longs_only() -> None:
    model = small_market(LEVERED, ENGINE, venues=VENUES, shocks=[value_shock(3.0, -0.06)], steps=100)
    levered = population(model, "levered")
    side = np.sign(levered.lots)
    model.run()
    hit = np.isin(levered.accounts, model.recording().liquidations["account"].unique())
    distance = 1 / levered.leverage
    assert hit.sum() > 20
    assert (side[hit] > 0).all()
    assert distance[hit].max() < 0.075
    assert hit[(side > 0) & (distance < 0.065)].all()


def test_the_engine_sells_what_it_took_over_a_share_at_a_time() -> None:
    longs = LEVERED | {"leverage": 45.0, "long_share": 1.0, "notional": 500_000.0}
    model = small_market(
        MAKERS | {"size": 400.0, "inventory_limit": 2000.0, "cash": 1e9},
        longs,
        ENGINE | {"unwind_share": 0.5},
        venues=("perp", "desk", "liquidation"),
        shocks=[value_shock(3.0, -0.03)],
        steps=90,
    )
    held = []
    for _ in range(90):
        model.step()
        held.append(float(units(model, "engine", "BTC-perpetual")[0]))
    assert max(held) > 100.0
    assert abs(held[-1]) < 0.01
    sold = model.recording().fills
    sold = sold[(sold["taker_population"] == "engine") & (sold["reason"] == "forced")]
    assert (sold["qty"] < 0).all()
    assert sold["step"].nunique() > 3


def test_the_worst_accounts_are_seized_first_and_no_more_than_the_capacity() -> None:
    longs = LEVERED | {"leverage": {"dist": "uniform", "low": 30.0, "high": 45.0}, "long_share": 1.0}
    model = small_market(longs, ENGINE | {"capacity": 3}, venues=VENUES, shocks=[value_shock(3.0, -0.04)])
    engine = population(model, "engine")
    heard = listen(engine)
    while not sum(box.size for box in heard):
        model.step()
    asked = next(box for box in heard if box.size)["target"]
    levered = population(model, "levered")
    short = -np.abs(levered.lots) * (0.04 + 0.01 * 0.96 - 1 / levered.leverage)
    assert asked.tolist() == (levered.first + np.argsort(short)[:3]).tolist()
