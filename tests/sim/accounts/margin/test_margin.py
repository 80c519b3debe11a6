"""Margin: equity, who is in breach, and how much everyone may still trade."""

from __future__ import annotations

import numpy as np
import pytest
from bench import FIRST, LOT, Bench
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from sim.accounts.margin.none import Unchecked
from sim.accounts.margin.requirement import Requirement
from sim.accounts.profile import liquidation_prices
from sim.kernels.accounts.margining import NO_LIMIT
from sim.records import CANCEL_ALL, LIMIT, MARKET, REDUCE_ONLY, orders
from sim.setup.listing import END_USERS, OUTSIDE

ANN, BOB = FIRST, FIRST + 1
SPOT, PERP, SPOT_B, PERP_B = range(4)
TWO = [
    Requirement(initial=0.10, maintenance=0.05, collateral=0.9),
    Requirement(initial=0.20, maintenance=0.15, collateral=0.5, option_maintenance=0.10),
]


def room_of(bench, account, instrument, *flags, kind=MARKET):
    rows = orders(max(len(flags), 1))
    rows["account"], rows["kind"] = account, kind
    rows["flags"] = flags or 0
    room = bench.margin.admit(rows, np.arange(rows.size), instrument)
    assert room[2, account] == bench.ledger.position[instrument, account]
    return room[:2, account].tolist()


def test_one_account_is_margined_across_assets_and_instruments():
    bench = Bench(1, prices=(100.0, 10.0), requirements=TWO, cash=1000.0)
    bench.trade(ANN, OUTSIDE, PERP, 5000, 100.0)  # 50 units: 5,000 of notional
    bench.trade(ANN, OUTSIDE, PERP_B, -20000, 10.0)  # short 200 units: 2,000
    bench.trade(ANN, OUTSIDE, SPOT_B, 1000, 10.0)  # 10 units, half of which counts
    bench.assess()
    assert bench.margin.equity[ANN] == pytest.approx(1000 - 100 + 0.5 * 100)
    assert bench.margin.maintenance[ANN] == pytest.approx(0.05 * 5000 + 0.15 * 2000)

    bench.mark(90.0)  # the long loses 500, the short nothing
    assert bench.margin.equity[ANN] == pytest.approx(450)
    assert bench.margin.maintenance[ANN] == pytest.approx(0.05 * 4500 + 0.15 * 2000)
    assert bench.view.in_breach.tolist() == [ANN]
    bench.mark(9.0, asset=1)  # the second asset falls as well, and that saves the account
    assert bench.margin.equity[ANN] == pytest.approx(450 + 200 - 5)
    assert bench.view.in_breach.size == 0
    assert not bench.view.is_in_breach.any()


def test_options_of_each_asset_tie_up_margin_at_the_rates_of_that_asset():
    bench = Bench(1, prices=(100.0, 10.0), requirements=TWO, holders=1, cash=1000.0)
    for asset, strike in ((0, 100.0), (1, 10.0)):
        call = bench.list_option(strike, 30 * 86400.0, asset=asset)
        bench.trade(ANN, END_USERS, call, -1000, 1.0)  # writes 10 units
    bench.assess()
    prices = bench.universe.contracts["price"]
    assert (prices > 0).all()
    assert bench.margin.equity[ANN] == pytest.approx(1000 + 20 - 10 * prices.sum())
    assert bench.margin.maintenance[ANN] == pytest.approx(10 * (0.075 * 100 + 0.10 * 10))
    assert bench.view.holder_maintenance[0] == bench.margin.maintenance[ANN]

    bench.trade(ANN, END_USERS, call, 3000, 1.0)  # a bought option needs none
    bench.assess()
    assert bench.margin.maintenance[ANN] == pytest.approx(10 * 0.075 * 100)


def test_the_view_follows_what_is_posted_after_the_last_pricing():
    bench = Bench(1, holders=1, cash=1000.0)
    call = bench.list_option(100.0, 30 * 86400.0)
    assert bench.view.holder_value[0] == 0.0
    bench.trade(ANN, END_USERS, call, 1000, 1.0)
    worth = 10 * bench.universe.contracts["price"][0]
    assert bench.view.holder_value[0] == pytest.approx(worth)
    assert bench.view.equity[ANN] == pytest.approx(1000 - 10 + worth)


def test_an_account_is_in_breach_below_maintenance_not_at_it():
    bench = Bench(2, requirements=TWO[:1], cash=250.0)
    bench.trade(ANN, BOB, PERP, 5000, 100.0)
    bench.assess()
    assert bench.margin.maintenance[ANN] == bench.margin.equity[ANN] == 250.0
    assert bench.view.in_breach.size == 0
    bench.mark(99.99)
    assert bench.view.in_breach.tolist() == [ANN]
    bench.mark(100.01)
    assert bench.view.in_breach.tolist() == [BOB]


def test_accounts_without_a_limit_are_never_in_breach_and_trade_without_bound():
    bench = Bench(1, rule=Unchecked)
    bench.trade(ANN, OUTSIDE, PERP, 10**6, 100.0)
    bench.mark(1.0)
    assert bench.margin.equity[ANN] < 0
    assert bench.view.in_breach.size == 0
    assert room_of(bench, ANN, PERP) == [NO_LIMIT, NO_LIMIT]


def test_initial_margin_bounds_the_position_an_order_may_lead_to():
    bench = Bench(1, requirements=TWO[:1], cash=1000.0)
    assert room_of(bench, ANN, PERP) == [10000, 10000]  # 100 units at a tenth
    bench.trade(ANN, OUTSIDE, PERP, 4000, 100.0)
    assert room_of(bench, ANN, PERP) == [6000, 14000]
    bench.mark(95.0)  # 200 lost; 800 carries 84.21 units of 95
    assert room_of(bench, ANN, PERP) == [8421 - 4000, 8421 + 4000]
    bench.mark(70.0)  # 200 under water: it may sell what it has
    assert room_of(bench, ANN, PERP) == [-4000, 4000]


def test_spot_is_bought_with_cash_that_nothing_else_needs_and_sold_as_held():
    bench = Bench(1, prices=(100.0, 10.0), requirements=TWO, cash=1000.0)
    bench.trade(ANN, OUTSIDE, SPOT, 300, 100.0)
    assert room_of(bench, ANN, SPOT) == [700, 300]
    assert room_of(bench, ANN, PERP) == [9700, 9700]  # 700 + 0.9 x 300 of collateral
    bench.trade(ANN, OUTSIDE, PERP_B, 25000, 10.0)  # 2,500 of notional needs 500
    assert room_of(bench, ANN, SPOT) == [200, 300]
    bench.mark(12.0, asset=1)  # unrealised profit of 500 is there to spend; 600 is needed
    assert room_of(bench, ANN, SPOT) == [600, 300]


def test_the_value_of_options_never_pays_for_spot_and_written_ones_reserve_margin():
    bench = Bench(2, requirements=TWO[:1], holders=2, cash=1000.0)
    call = bench.list_option(100.0, 30 * 86400.0)
    bench.trade(ANN, BOB, call, 1000, 0.0)  # 10 units, a gift
    bench.assess()
    worth = 10 * float(bench.universe.contracts["price"][0])
    assert room_of(bench, ANN, SPOT)[0] == 1000
    assert room_of(bench, ANN, PERP)[0] == int((1000 + worth) / (LOT * 100 * 0.1))
    assert room_of(bench, BOB, SPOT)[0] == int(1000 - worth - 10 * 0.15 * 100)


def test_a_sender_that_only_reduces_may_trade_to_zero_and_no_further():
    bench = Bench(1, requirements=TWO[:1], cash=1000.0)
    bench.trade(ANN, OUTSIDE, PERP, -4000, 100.0)
    assert room_of(bench, ANN, PERP, REDUCE_ONLY, REDUCE_ONLY) == [4000, 0]
    assert room_of(bench, ANN, PERP, 0, kind=CANCEL_ALL) == [4000, 0]
    assert room_of(bench, ANN, PERP, REDUCE_ONLY, 0, kind=LIMIT) == [14000, 6000]
    assert room_of(bench, ANN, PERP, 0, REDUCE_ONLY) == [14000, 6000]
    free = Bench(1, rule=Unchecked)
    free.trade(ANN, OUTSIDE, PERP, 70, 100.0)
    assert room_of(free, ANN, PERP, REDUCE_ONLY) == [0, 70]


def test_a_market_without_accounts_or_options_has_nobody_in_breach():
    bench = Bench(0)
    assert bench.view.in_breach.size == 0
    bench = Bench(1, holders=1)  # a holder, but no option is listed
    assert bench.margin.maintenance[ANN] == 0.0


def test_maintenance_above_initial_is_refused():
    with pytest.raises(ValidationError, match=r"maintenance 0\.05 is above initial 0\.02"):
        Requirement(initial=0.02, maintenance=0.05)


POSITIONS = st.lists(st.integers(-5000, 5000), min_size=4, max_size=4)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(
    st.lists(st.tuples(POSITIONS, st.floats(-2000, 2000)), max_size=5),
    st.floats(1, 1000),
    st.floats(1, 1000),
)
def test_everyone_is_assessed_as_by_a_plain_sum(accounts, price, price_b):
    bench = Bench(len(accounts), prices=(price, price_b), requirements=TWO)
    for i, (lots, cash) in enumerate(accounts):
        bench.ledger.issue("some", [FIRST + i], np.array([cash]), {})
        for instrument, traded in enumerate(lots):
            bench.trade(FIRST + i, OUTSIDE, instrument, traded, 50.0)
    bench.assess()
    breaches = []
    for i, (lots, cash) in enumerate(accounts):
        equity, needed = cash, 0.0
        for instrument, held in enumerate(lots):
            rules, value = TWO[instrument // 2], held * LOT * (price, price_b)[instrument // 2]
            equity += value * (1.0 if instrument % 2 else rules.collateral) - held * LOT * 50.0
            needed += abs(value) * rules.maintenance if instrument % 2 else 0.0
        assert bench.margin.equity[FIRST + i] == pytest.approx(equity, abs=1e-6)
        assert bench.margin.maintenance[FIRST + i] == pytest.approx(needed, abs=1e-6)
        found = bench.margin.standing(np.array([FIRST + i]))
        assert np.ravel(found) == pytest.approx((equity, needed), abs=1e-6)
        if bench.margin.equity[FIRST + i] < bench.margin.maintenance[FIRST + i]:
            breaches.append(FIRST + i)
    assert bench.view.in_breach.tolist() == breaches


@pytest.mark.parametrize(("side", "price"), [(1, 92.3076923076923), (-1, 107.3170731707317)])
def test_the_price_of_liquidation_is_the_one_hyperliquid_documents(side, price):
    """Vector hyperliquid_liq_price: entry 100, size 10, account value 100, maintenance 1/40."""
    bench = Bench(1, requirements=[Requirement(initial=0.05, maintenance=0.025)], cash=100.0)
    bench.trade(ANN, OUTSIDE, PERP, side * 1000, 100.0)
    accounts, prices, units = liquidation_prices(bench.ledger, bench.margin, 0)
    assert accounts.tolist() == [ANN]
    assert units.tolist() == [side * 10.0]
    assert prices == pytest.approx([price], rel=1e-12)
    for beyond, breaches in ((-1e-6 * side, [ANN]), (1e-6 * side, [])):
        bench.mark(price + beyond)
        assert bench.view.in_breach.tolist() == breaches


def test_collateral_of_the_same_asset_brings_liquidation_nearer_as_it_falls_too():
    bench = Bench(1, requirements=TWO[:1], cash=2000.0)
    bench.trade(ANN, OUTSIDE, SPOT, 1000, 100.0)
    bench.trade(ANN, OUTSIDE, PERP, 9000, 100.0)
    _, prices, _ = liquidation_prices(bench.ledger, bench.margin, 0)
    bench.mark(float(prices[0]) + 1e-6)
    assert bench.view.in_breach.size == 0
    bench.mark(float(prices[0]) - 1e-6)
    assert bench.view.in_breach.tolist() == [ANN]
