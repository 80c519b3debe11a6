"""Option dealers: open neutral, hedge back into their band, and choose where."""

from __future__ import annotations

import numpy as np
import pytest
from short_dealers import CHAIN, EXOGENOUS, LOT, dealers, net_delta
from small_market import (
    LPS,
    option_delta,
    orders_of,
    population,
    refusals,
    small_market,
    units,
    value_shock,
)

from agents.kernels.customers import Customers, serve
from scenarios.file.errors import ScenarioError
from sim.messages.outbox import Outbox
from sim.messages.view import CONTRACT
from sim.model import Model
from sim.records import ISSUE, OPTIONS, REQUEST


def hedged(model: Model) -> np.ndarray:
    """Units of hedges sent in the run so far, signed."""
    fills = model.recording().fills
    return (
        fills[(fills["reason"] == "hedge") & (fills["taker_population"] == "dealers")]["qty"].to_numpy() * LOT
    )


def test_they_open_delta_neutral_to_half_a_lot() -> None:
    model = small_market(dealers(), venues=EXOGENOUS)
    assert np.abs(option_delta(model, "dealers")).max() > 1.0
    assert np.abs(net_delta(model, "BTC-perpetual")).max() <= 0.5 * LOT + 1e-9


def test_they_open_neutral_where_options_and_hedge_come_in_other_lots() -> None:
    settings = {"pool": {"lot": 0.01}}
    route = {"venues": ["pool", "linear"]}
    model = small_market(
        dealers(route=route),
        LPS | {"route": {"venues": ["linear"]}},
        venues=("pool", "linear", "desk"),
        settings=settings,
    )
    assert np.abs(net_delta(model, "BTC-perpetual", "BTC-spot")).max() <= 0.5 * LOT + 1e-9


@pytest.mark.parametrize("change", [-0.03, 0.03])
def test_after_a_move_the_hedge_brings_them_back_into_their_band(change: float) -> None:
    model = small_market(dealers(), venues=EXOGENOUS, shocks=[value_shock(2.0, change)])
    band = 0.01 * population(model, "dealers").gross
    opening = units(model, "dealers", "BTC-perpetual")
    model.run()
    outside = np.abs(option_delta(model, "dealers") + opening) > band
    assert outside.mean() > 0.5, "the move took nobody out of the band"
    assert (np.abs(net_delta(model, "BTC-perpetual")) <= band + LOT).all()


@pytest.mark.parametrize(("sign", "change", "side"), [(-1.0, -0.03, -1), (-1.0, 0.03, 1), (1.0, -0.03, 1)])
def test_short_gamma_sells_into_a_fall_and_long_gamma_buys_it(sign: float, change: float, side: int) -> None:
    exposure = CHAIN | {"sign": sign}
    model = small_market(dealers(exposure=exposure), venues=EXOGENOUS, shocks=[value_shock(2.0, change)])
    model.run()
    assert side * hedged(model).sum() > 50.0


def test_a_price_that_stands_still_asks_for_no_hedge() -> None:
    model = small_market(dealers(), venues=EXOGENOUS)
    model.run()
    assert hedged(model).size == 0


def test_a_time_rule_trades_at_every_look_and_a_wide_band_at_none() -> None:
    shocks = [value_shock(1.0 + i, 0.001 if i % 2 else -0.0008) for i in range(20)]
    counts = {}
    for name, policy in {
        "time": {"type": "time"},
        "narrow": {"width": 0.004},
        "wide": {"width": 5.0},
        "slow": {"type": "time", "interval_seconds": 10.0},
    }.items():
        model = small_market(dealers(hedging=policy), venues=EXOGENOUS, shocks=shocks, steps=30)
        model.run()
        counts[name] = hedged(model).size
    assert counts["wide"] == 0
    assert 0 < counts["slow"] < counts["narrow"] < counts["time"]


def test_response_and_largest_order_bound_what_is_traded() -> None:
    sizes = {}
    for name, policy in {
        "full": {"type": "time", "interval_seconds": 1000.0, "synchrony": 1.0},
        "half": {"type": "time", "interval_seconds": 1000.0, "synchrony": 1.0, "response": 0.5},
        "capped": {"type": "time", "interval_seconds": 1000.0, "synchrony": 1.0, "max_units": 0.25},
    }.items():
        own = dealers(hedging=policy, latency_seconds=0.0)
        model = small_market(own, venues=EXOGENOUS, shocks=[value_shock(0.0, -0.03)], steps=5)
        model.run()
        sizes[name] = np.sort(hedged(model))
    assert sizes["half"].sum() == pytest.approx(0.5 * sizes["full"].sum(), rel=0.01)
    assert sizes["capped"] == pytest.approx(np.sort(np.maximum(sizes["full"], -0.25)), abs=LOT)


def test_a_treasury_needs_spot() -> None:
    with pytest.raises(
        ScenarioError, match=r"populations\.dealers\.treasury: needs a venue that trades spot"
    ):
        small_market(dealers(treasury=0.1), venues=EXOGENOUS)


def test_customers_call_at_their_rate_and_trade_on_the_side_of_the_book() -> None:
    own = dealers(customer_trades_per_day=864.0, customer_units=0.5, hedging={"width": 10.0})
    model = small_market(own, venues=EXOGENOUS, steps=200)
    sent = orders_of(model, "dealers", 200)
    expected = 60 * 200 * (1 - np.exp(-0.01))
    assert abs(sent.size - expected) < 4 * np.sqrt(expected)
    assert set(sent["kind"].tolist()) == {REQUEST}
    assert set(sent["reason"].tolist()) == {ISSUE}
    assert set(sent["qty"].tolist()) == {-500}
    assert refusals(model, "dealers", "no_margin") == 0


def test_a_dealer_in_breach_serves_no_customer() -> None:
    contracts = np.zeros(1, CONTRACT)
    contracts["is_live"], contracts["lot"] = 1, 0.1
    own = np.zeros(1, np.int64), np.array([1e6]), np.array([1.0]), np.array([OPTIONS]), np.array([-5]), 0
    counts = {}
    for name, breach in (("sound", False), ("in breach", True)):
        box = Outbox(4)
        serve(np.uint64(1), 0, 0.0, 1.0, np.array([breach]), contracts, Customers(*own), box.out)
        counts[name] = box.count
    assert counts == {"sound": 1, "in breach": 0}


def test_a_dealer_without_capital_is_liquidated() -> None:
    own = dealers(capital=0.0, cash=0.0)
    model = small_market(
        own,
        {"name": "engine", "type": "liquidators.ExchangeLiquidators"},
        venues=("linear", "desk", "liquidation"),
        shocks=[value_shock(2.0, -0.1)],
        steps=20,
    )
    model.run()
    liquidations = model.recording().liquidations
    assert "dealers" in set(liquidations["population"])


def test_dealers_who_hold_nothing_of_the_chain_send_nothing() -> None:
    """A share of none of it is a market like any other, alone or beside those who hold some."""
    empty = dealers(exposure=CHAIN | {"share": 0.0})
    for others in ((), (dealers(name="others"),)):
        model = small_market(empty, *others, venues=EXOGENOUS, shocks=[value_shock(2.0, -0.05)], steps=20)
        assert orders_of(model, empty["name"], 20).size == 0
