"""Option vaults: which strike they write, how they roll, what they pay."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from small_market import LPS, SPOT, option_delta, population, small_market, units, value_shock

from scenarios.file.errors import ScenarioError
from sim.model import Model

LOT = 0.001
FLAT = {"smile": {"atm": 0.8, "skew": 0.0, "curvature": 0.0}}
CALLS = {
    "name": "vaults",
    "type": "vaults.OptionVaults",
    "count": 3,
    "collateral": {"dist": "choice", "values": [10.0, 20.0, 40.0]},
    "delta": 0.2,
    "strike_step": 1000.0,
    "first_epoch_seconds": 86400.0,
    "hedging": {"type": "time"},
    "route": {"venues": ["linear"]},
}
PASSIVE = LPS | {"route": {"venues": ["linear"]}}
VENUES = ("linear", "pool", "desk")


def market_of(vaults: dict[str, Any], **changes: Any) -> Model:
    return small_market(PASSIVE, vaults, venues=VENUES, **{"asset": FLAT, **changes})


def fills_of(model: Model, reason: str) -> pd.DataFrame:
    fills = model.recording().fills
    own = (fills["taker_population"] == "vaults") | (fills["maker_population"] == "vaults")
    return fills[own & (fills["reason"] == reason)]


def scanned(spot: float, step: float, volatility: float, seconds: float, target: float, sign: int) -> float:
    """Ribbon's rule, one strike at a time: scan until the delta brackets the target, the nearer wins."""
    total = volatility * math.sqrt(seconds / (365 * 86400))

    def delta(strike: float) -> float:
        return float(norm.cdf(sign * (math.log(spot / strike) / total + total / 2)))

    strike = (math.ceil(spot / step) if sign > 0 else math.floor(spot / step)) * step
    if delta(strike) <= target:
        return strike
    while delta(strike + sign * step) > target:
        strike += sign * step
    further = strike + sign * step
    return strike if delta(strike) - target < target - delta(further) else further


@pytest.mark.parametrize("writes", ["calls", "puts"])
def test_the_strike_is_that_of_ribbons_rule(writes: str) -> None:
    vaults = population(market_of(CALLS | {"writes": writes}), "vaults")
    sign = 1 if writes == "calls" else -1
    for spot in (49_001.0, 50_000.0, 50_999.0, 63_718.97):
        for seconds in (86400.0, 7 * 86400.0, 30 * 86400.0):
            for target in (0.05, 0.1, 0.2, 0.45):
                strike, delta = vaults.strike(spot, seconds, target, 1000.0)
                assert strike == scanned(spot, 1000.0, 0.8, seconds, target, sign)
                assert math.copysign(1, delta) == sign
                assert sign * (strike - spot) >= 0


def test_a_smile_that_rises_in_the_wings_does_not_lure_the_scan_outwards() -> None:
    wings = {"smile": {"atm": 0.6, "skew": 0.0, "curvature": 0.3}}
    vaults = population(market_of(CALLS, asset=wings), "vaults")
    strike, delta = vaults.strike(50_000.0, 86400.0, 0.2, 1000.0)
    assert strike < 55_000.0
    assert delta == pytest.approx(0.2, abs=0.1)


def test_they_open_delta_neutral_against_all_of_their_collateral() -> None:
    model = market_of(CALLS)
    vaults = population(model, "vaults")
    assert vaults.written == pytest.approx(np.floor(vaults.collateral / LOT) * LOT)
    assert (option_delta(model, "vaults") < -1.0).all()
    net = option_delta(model, "vaults") + units(model, "vaults", "BTC-perpetual")
    assert np.abs(net).max() <= 0.5 * LOT + 1e-9
    assert units(model, "vaults", "BTC-spot") == pytest.approx(vaults.written)


def test_put_vaults_are_secured_by_cash_and_open_short_the_perpetual() -> None:
    model = market_of(CALLS | {"writes": "puts"})
    vaults = population(model, "vaults")
    strike, delta = vaults.strike(SPOT, 86400.0, 0.2, 1000.0)
    assert strike < SPOT
    assert vaults.written == pytest.approx(vaults.collateral * SPOT / strike, abs=LOT)
    assert units(model, "vaults", "BTC-perpetual") == pytest.approx(delta * vaults.written, abs=LOT)
    assert (units(model, "vaults", "BTC-perpetual") < -1.0).all()
    assert (units(model, "vaults", "BTC-spot") == 0).all()


def test_each_epoch_they_write_again_and_hold_one_contract_at_a_time() -> None:
    own = CALLS | {"first_epoch_seconds": 10.0, "epoch_seconds": 20.0, "strike_step": 10.0}
    model = market_of(own, steps=60)
    model.run()
    issued = fills_of(model, "issue")
    assert sorted(set(issued["step"])) == [0, 10, 30, 50]
    assert issued.groupby("step").size().tolist() == [3, 3, 3, 3]
    vaults = population(model, "vaults")
    assert (vaults.epoch_end == 70.0).all()
    holders = model.ledger.holder_of[vaults.accounts]
    assert ((model.ledger.contract[:, holders] >= 0).sum(axis=0) == 1).all()


def test_vaults_whose_first_epochs_differ_roll_each_at_its_own_time() -> None:
    first = {"dist": "uniform", "low": 5.0, "high": 50.0}
    model = market_of(CALLS | {"first_epoch_seconds": first, "strike_step": 10.0}, steps=60)
    ends = population(model, "vaults").epoch_end.copy()
    model.run()
    issued = fills_of(model, "issue")
    assert issued["step"].tolist()[3:] == np.sort(np.ceil(ends)).astype(int).tolist()


def test_vaults_whose_epochs_and_grids_differ_roll_each_at_its_own_time_onto_its_own_grid() -> None:
    own = {
        "first_epoch_seconds": 10.0,
        "epoch_seconds": {"dist": "choice", "values": [10.0, 30.0]},
        "strike_step": {"dist": "choice", "values": [7.0, 10.0]},
        "count": 20,
    }
    model = market_of(CALLS | own, steps=58)
    vaults = population(model, "vaults")
    length, step = vaults.column("epoch_seconds"), vaults.column("strike_step")
    assert {*zip(length, step, strict=True)} == {(a, b) for a in (10.0, 30.0) for b in (7.0, 10.0)}
    model.run()
    assert (vaults.epoch_end == np.where(length == 10.0, 60.0, 70.0)).all()
    holders = model.ledger.holder_of[vaults.accounts]
    numbers = model.ledger.contract[:, holders].max(axis=0)
    strikes = model.view.contracts["strike"][numbers]
    assert np.abs(strikes / step - np.rint(strikes / step)).max() < 1e-9


def test_a_call_in_the_money_costs_its_pay_off_and_spot_is_sold_for_what_cash_lacks() -> None:
    own = CALLS | {"first_epoch_seconds": 10.0, "strike_step": 100.0, "hedging": {"width": 10.0}}
    model = market_of(own, shocks=[value_shock(5.0, 0.2)], steps=20, settings={"pool": {"fee_bps": 1.0}})
    vaults = population(model, "vaults")
    strike, _ = vaults.strike(SPOT, 10.0, 0.2, 100.0)
    written = vaults.written.copy()
    for _ in range(10):
        model.step()
    settled = np.array([vaults.settled_cash(row, model.view) for row in range(3)])
    debts = written * (1.2 * SPOT - strike) - settled
    assert (debts > 0).all()
    model.run()
    expired = fills_of(model, "expiry")
    assert expired["price"].unique() == pytest.approx([1.2 * SPOT - strike])
    assert (expired["time"] == 10.0).all()
    sold = fills_of(model, "forced").groupby("taker")["qty"].sum().to_numpy() * LOT
    assert -sold == pytest.approx(debts / (1.2 * SPOT), abs=2 * LOT)
    assert vaults.written == pytest.approx(written + sold, abs=LOT)
    assert units(model, "vaults", "BTC-spot") == pytest.approx(vaults.written)


def test_what_their_perpetuals_cost_is_no_debt() -> None:
    own = CALLS | {"first_epoch_seconds": 10.0, "epoch_seconds": 20.0, "strike_step": 5.0}
    model = market_of(own, steps=40)
    assert (model.view.cash[population(model, "vaults").accounts] < 0).all(), "perpetuals book their notional"
    model.run()
    assert fills_of(model, "forced").empty
    assert population(model, "vaults").written == pytest.approx(
        population(model, "vaults").collateral, abs=LOT
    )


POOLED = {
    "first_epoch_seconds": 20.0,
    "epoch_seconds": 20.0,
    "strike_step": 5.0,
    "route": {"venues": ["linear", "pool"]},
}
CHEAP_POOL = {"pool": {"fee_bps": 1.0}, "linear": {"taker_fee_bps": 100.0}}


def test_spot_that_a_put_vault_bought_to_hedge_counts_as_the_cash_it_cost() -> None:
    own = CALLS | POOLED | {"writes": "puts", "delta": 0.45}
    model = market_of(own, shocks=[value_shock(5.0, 0.002)], settings=CHEAP_POOL, steps=60)
    vaults = population(model, "vaults")
    for _ in range(20):
        model.step()
    assert (units(model, "vaults", "BTC-spot") > 0.1).all(), "it bought back in the pool"
    settled = np.array([vaults.settled_cash(row, model.view) for row in range(3)])
    assert settled == pytest.approx(model.worth()[vaults.accounts])
    model.step()
    net = option_delta(model, "vaults") + units(model, "vaults", "BTC-perpetual")
    assert np.abs(net + units(model, "vaults", "BTC-spot")).max() <= 2 * LOT


@pytest.mark.parametrize("change", [-0.01, 0.0003])
def test_a_call_vault_hedges_in_a_pool_too_and_its_collateral_is_no_hedge(change: float) -> None:
    own = CALLS | POOLED | {"delta": 0.45, "cash": 2e6}
    model = market_of(own, shocks=[value_shock(5.0, change)], settings=CHEAP_POOL, steps=55)
    vaults = population(model, "vaults")
    first = vaults.written.copy()
    for _ in range(55):
        model.step()
        assert (units(model, "vaults", "BTC-spot") >= vaults.written - LOT).all(), "calls are covered"
        held = units(model, "vaults", "BTC-spot") + units(model, "vaults", "BTC-perpetual")
        net = option_delta(model, "vaults") + held - vaults.hedger.baseline.sum(axis=0) * LOT
    assert np.abs(net).max() <= 2 * LOT
    hedges = fills_of(model, "hedge").groupby("venue")["qty"].agg(lambda qty: qty.abs().sum())
    assert ("pool" in hedges) == (change > 0), "in a fall it has no spot to sell but its collateral"
    assert (vaults.written > 0.99 * first).all()
    assert (vaults.written <= first).all(), "spot bought to hedge secures nothing"


def test_a_put_vault_that_lost_writes_less() -> None:
    own = CALLS | {"writes": "puts", "first_epoch_seconds": 10.0, "hedging": {"width": 10.0}}
    model = market_of(own, shocks=[value_shock(5.0, -0.3)], steps=20)
    vaults = population(model, "vaults")
    before = vaults.written.copy()
    model.run()
    cash = np.array([vaults.settled_cash(row, model.view) for row in range(3)])
    strike, _ = vaults.strike(0.7 * SPOT, vaults.parameters.epoch_seconds, 0.2, 1000.0)
    assert (vaults.written * strike <= cash).all()
    assert (vaults.written < 1.1 * before).all()


def test_without_spot_a_call_vault_keeps_cash_for_as_many_units() -> None:
    model = small_market(CALLS, venues=("linear", "desk"), asset=FLAT)
    vaults = population(model, "vaults")
    assert vaults.written == pytest.approx(vaults.collateral, abs=LOT)


def test_a_call_vault_secured_by_cash_can_default_and_its_creditors_lose() -> None:
    """It does not hedge, the price trebles; what it cannot pay is recorded, and nobody keeps a debt."""
    calls = CALLS | {"hedging": {"type": "band", "width": 1e6}}
    exchange = {"name": "liquidators", "type": "liquidators.ExchangeLiquidators"}
    venues, shocks = ("linear", "desk", "liquidation"), [value_shock(20.0, 2.0)]
    model = small_market(calls, exchange, venues=venues, asset=FLAT, shocks=shocks)
    vaults = population(model, "vaults")
    model.run()
    assert {record.account for record in model.liquidations} == set(vaults.accounts.tolist())
    assert (model.view.cash[vaults.accounts] > -1e-3).all()
    assert sum(debt.creditors for debt in model.waterfall.debts) > 0


def test_a_vault_needs_a_desk() -> None:
    with pytest.raises(ScenarioError, match=r"populations\.vaults: needs a desk for BTC"):
        small_market(CALLS, venues=("linear",))
