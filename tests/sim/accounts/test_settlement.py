"""Settlement: funding between longs and shorts, and options at expiry."""

from __future__ import annotations

import json

import numpy as np
import pytest
from bench import FIRST, LOT, Bench
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.build.loading import load
from scenarios.file.library import REPLICATED
from sim.accounts.delivery_price import Delivery, DeliveryPrice
from sim.accounts.settlement import Funding, Settlement
from sim.records import EXPIRY, FILLS, SETTLING
from sim.setup.listing import CLEARING, END_USERS, OUTSIDE

ANN, BOB, EVE = FIRST, FIRST + 1, FIRST + 2
PERP, PERP_B = 1, 3
EIGHT_HOURS, HOUR = 28800.0, 3600.0
TICK = 0.000001
DAYS = "populations.dealers.exposure.expiries_days"


def settling(bench, *fundings, averaging=0.0):
    """A settlement of every asset of the bench."""
    assets = len(bench.assets)
    deliveries = [DeliveryPrice(Delivery(averaging_seconds=averaging), 1.0) for _ in range(assets)]
    return Settlement(bench.ledger, list(fundings) or [Funding()] * assets, deliveries, 1.0)


def look(bench, settlement, time):
    """Publish the index at `time` and settle what has expired by then, as a model does."""
    settlement.publish(time, bench.assets)
    settlement.relist()
    if settlement.is_due(time):
        settlement.expire(time, bench.tape)


def premium(bench, fraction, asset=0):
    bench.assets[asset]["mark"] = (1.0 + fraction) * bench.assets[asset]["index"]


def test_the_rate_is_the_premium_outside_a_dead_band(shared):
    """Every case of Deribit's rule in the vectors."""
    cases = json.loads((shared / "vectors/exchange_margin_funding.json").read_text())["deribit_funding"]
    rule = Funding(dead_band=0.00025, cap=0.005)
    for case in cases["cases_computed"]:
        assert rule.rate(case["premium"]) == pytest.approx(case["funding"], abs=1e-18), case
    assert rule.rate(0.2) == 0.005
    assert rule.rate(-0.2) == -0.005


def test_longs_pay_shorts_what_accrued_and_nobody_else_notices():
    bench = Bench(3, cash=1000.0)
    bench.trade(ANN, BOB, PERP, 500, 100.0)
    settlement = settling(bench, Funding(interval_seconds=60.0, dead_band=0.0, cap=0.01))
    premium(bench, 0.004)
    before = bench.ledger.cash.copy()
    for second in range(1, 60):
        settlement.fund(float(second), bench.view)
    assert (bench.ledger.cash == before).all()
    settlement.fund(60.0, bench.view)
    paid = 0.004 * 60 / EIGHT_HOURS * 5.0 * 100.4  # rate x time x units x mark
    change = bench.ledger.cash - before
    assert change[[ANN, BOB, EVE]] == pytest.approx([-paid, paid, 0.0], rel=1e-9)
    assert change.sum() == pytest.approx(0.0, abs=1e-12)
    premium(bench, -0.004)
    settlement.fund(119.0, bench.view)
    settlement.fund(120.0, bench.view)
    assert bench.ledger.cash[ANN] > before[ANN] - paid


@pytest.mark.parametrize("step", [0.1, 0.5, 1.0, 7.0, 60.0, 90.0])
def test_funding_of_an_hour_does_not_depend_on_the_step(step):
    bench = Bench(2, cash=1000.0)
    bench.trade(ANN, BOB, PERP, 500, 100.0)
    settlement = settling(bench, Funding(interval_seconds=60.0, dead_band=0.0))
    premium(bench, 0.002)
    bench.view.step_seconds = step
    steps = int(3600 / step)
    for i in range(steps):
        settlement.fund(i * step + step, bench.view)
    rate = (1000.0 + 500 * LOT * -100.0 - bench.ledger.cash[ANN]) / (500 * LOT * 100.2)
    assert rate == pytest.approx(0.002 * steps * step / EIGHT_HOURS, rel=0.03)


@settings(deadline=None, max_examples=30, derandomize=True)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from([PERP, PERP_B]), st.integers(-9000, 9000)), max_size=12
    ),
    st.floats(-0.02, 0.02),
    st.floats(-0.02, 0.02),
)
def test_funding_of_two_assets_sums_to_zero(trades, first, second):
    bench = Bench(3, prices=(60000.0, 2000.0))
    for taker, instrument, lots in trades:
        bench.trade(FIRST + taker, OUTSIDE, instrument, lots, 100.0)
    before = bench.ledger.cash.copy()
    settlement = settling(bench, Funding(interval_seconds=1.0), Funding(interval_seconds=1.0))
    premium(bench, first)
    premium(bench, second, asset=1)
    settlement.fund(1.0, bench.view)
    change = bench.ledger.cash - before
    assert change.sum() == pytest.approx(0.0, abs=1e-15 * np.abs(before).sum())
    rates = [Funding().rate(first), Funding().rate(second)]
    for a in range(FIRST, FIRST + 3):
        owed = sum(
            rate * bench.ledger.position[i, a] * LOT * mark
            for rate, i, mark in zip(rates, (PERP, PERP_B), bench.assets["mark"], strict=True)
        )
        assert change[a] == pytest.approx(-owed / EIGHT_HOURS, rel=1e-9, abs=1e-9)


def test_options_pay_the_settlement_value_the_vectors_give(shared):
    """Deribit's coin payoffs, times the delivery price."""
    data = json.loads((shared / "vectors/exchange_margin_funding.json").read_text())
    for case in data["deribit_option_settlement"]["cases"]:
        bench = Bench(1, holders=1)
        option = bench.list_option(case["K"], 10.0, case["type"] == "call")
        bench.trade(ANN, END_USERS, option, 100, 0.0)
        bench.mark(case["delivery"])
        look(bench, settling(bench), 10.0)
        assert bench.ledger.cash[ANN] == pytest.approx(case["payoff_btc"] * case["delivery"]), case


def test_expiry_closes_every_position_in_one_group_and_leaves_clearing_flat():
    bench = Bench(3, holders=3)
    call, later = bench.list_option(100.0, 10.0), bench.list_option(100.0, 20.0)
    put = bench.list_option(120.0, 10.0, is_call=False)
    bench.trade(ANN, END_USERS, call, -300, 2.0)
    bench.trade(BOB, ANN, call, 100, 2.0)
    bench.trade(EVE, END_USERS, put, 50, 2.0)
    bench.trade(ANN, END_USERS, later, -10, 2.0)
    before, first = bench.ledger.cash.copy(), int(bench.tape.counts[FILLS])
    bench.mark(105.0)
    settlement = settling(bench)
    look(bench, settlement, 9.0)
    assert bench.tape.counts[FILLS] == first
    look(bench, settlement, 10.0)

    change = bench.ledger.cash - before  # the call pays 5 a unit, the put 15
    assert change[[ANN, BOB, EVE]] == pytest.approx([-4.0 * 5, 1.0 * 5, 0.5 * 15])
    assert change[END_USERS] == pytest.approx(3.0 * 5 - 0.5 * 15)
    assert change[CLEARING] == pytest.approx(0.0, abs=1e-12)
    for number in (call, put):
        assert [bench.option_lots(a, number) for a in (ANN, BOB, EVE, END_USERS, CLEARING)] == [0] * 5
    assert bench.option_lots(ANN, later) == -10
    assert bench.universe.contracts["is_live"].tolist() == [0, 1, 0]
    fills = bench.tape.fills[first : bench.tape.counts[FILLS]]
    assert set(fills["phase"]) == {SETTLING}
    assert set(fills["reason"]) == {EXPIRY}
    assert np.unique(fills["group"]).size == 2  # one for each contract
    assert np.diff(fills["seq"]).tolist() == [1] * (fills.size - 1)
    bench.assess()
    assert bench.ledger.check(0) < 1e-12
    assert bench.margin.value[1] == 0.0  # what expired is worth nothing to Bob any more

    look(bench, settlement, 20.0)
    assert not bench.ledger.wide.any()
    assert not bench.ledger.qty.any()


def test_each_contract_settles_at_the_index_of_its_own_asset():
    bench = Bench(1, prices=(100.0, 10.0), holders=1)
    calls = [bench.list_option(50.0, 5.0), bench.list_option(8.0, 5.0, asset=1)]
    for call in calls:
        bench.trade(ANN, END_USERS, call, 100, 0.0)
    bench.assets["mark"] *= 1.5  # settlement reads the index, not the mark
    look(bench, settling(bench), 5.0)
    assert bench.ledger.cash[ANN] == pytest.approx(50.0 + 2.0)


def test_an_expiry_that_falls_on_a_look_is_settled_by_it():
    bench = Bench(1, holders=1)
    bench.list_option(100.0, 0.3)
    settlement = settling(bench)
    look(bench, settlement, 0.3 - 5e-17 - 1e-16)  # an ulp or two short
    assert bench.universe.contracts["is_live"].tolist() == [0]


def test_a_contract_listed_later_expires_as_well():
    bench = Bench(1, holders=1)
    settlement = settling(bench)
    look(bench, settlement, 1.0)
    bench.list_option(100.0, 3.0)
    look(bench, settlement, 2.0)
    assert bench.universe.contracts["is_live"].tolist() == [1]
    look(bench, settlement, 3.0)
    assert bench.universe.contracts["is_live"].tolist() == [0]


def test_rounding_of_long_steps_does_not_put_an_expiry_off():
    """21 steps of 125142.857142857 s end 3e-9 s before the 2,628,000 s of the contract's expiry."""
    for seconds in (125142.857142857, 125142.8571428573):
        model = straddle(**{"time.step_seconds": seconds, "time.steps": 21, DAYS: [2628000 / 86400]})
        paid, recording = payoffs(model)
        model.drivers.advance(21)
        assert paid == pytest.approx(abs(float(model.drivers.values[0]) - strike_of(recording)), abs=1e-9)


def published(averaging, looks, memory=1.0):
    price = DeliveryPrice(Delivery(averaging_seconds=averaging), memory)
    for time, index in looks:
        price.publish(time, index)
    return price


def test_the_delivery_price_is_the_index_of_the_expiry_moment():
    price = published(0.0, [(0.0, 90.0), (10.0, 100.0), (10.5, 101.0), (11.0, 120.0)])
    assert price.at(11.0) == 120.0
    assert price.at(10.7) == 101.0  # as it was last published
    assert price.at(10.5) == 101.0
    assert price.at(10.2) == 100.0


def test_the_delivery_price_averages_the_index_over_time_before_expiry():
    looks = [(0.0, 100.0), (4.0, 110.0), (8.0, 130.0), (10.0, 50.0)]
    assert published(10.0, looks).at(10.0) == pytest.approx((4 * 100 + 4 * 110 + 2 * 130) / 10)
    assert published(5.0, looks).at(10.0) == pytest.approx((3 * 110 + 2 * 130) / 5)
    assert published(5.0, looks).at(9.0) == pytest.approx((4 * 110 + 1 * 130) / 5)
    assert published(60.0, looks).at(10.0) == pytest.approx((4 * 100 + 4 * 110 + 2 * 130) / 10)


def test_a_delivery_price_forgets_what_it_cannot_need():
    price = published(30.0, ((0.5 * i, 100.0 + i) for i in range(4000)), memory=2.0)
    assert len(price._published) <= 2 * 32 + 3
    assert price.at(1998.0) == pytest.approx(100.0 + 2 * 1998 - 30.5)


def straddle(**keys):
    """A market in which one dealer sells one straddle that expires after ten steps of an hour."""
    one = {
        "time.step_seconds": HOUR,
        "populations.dealers.exposure.open_interest": 2.0,
        "populations.dealers.exposure.put_share": 0.5,
        DAYS: [10 / 24],
        "populations.dealers.hedging.interval_seconds": HOUR,
    }
    return load(REPLICATED / "hedging_error.toml", one | keys).market()


def strike_of(recording):
    return float(recording.names("instruments")[-1].split("-")[2])


def payoffs(model):
    recording = model.run()
    fills = recording.fills
    expired = fills[fills["reason"] == "expiry"]
    return float(expired.groupby("instrument", observed=True)["price"].first().sum()), recording


def test_a_straddle_pays_the_distance_of_the_value_at_expiry_from_its_strike():
    for seed in (1, 2, 3):
        for steps in (10, 14):  # the run ends with the expiry, and after it
            model = straddle(seed=seed, **{"time.steps": steps})
            paid, recording = payoffs(model)
            model.drivers.advance(10)
            strike = strike_of(recording)
            assert paid == pytest.approx(abs(float(model.drivers.values[0]) - strike), abs=1e-9)
            assert paid > 0.01
            assert not model.ledger.qty.any()
            assert max(model.residuals().values()) < 1e-12


def test_a_straddle_pays_the_average_over_the_stated_window():
    model = straddle(**{"assets.X.delivery.averaging_seconds": 4 * HOUR, "time.steps": 10})
    paid, recording = payoffs(model)
    values = []
    for step in range(6, 10):
        model.drivers.advance(step)
        values.append(float(model.drivers.values[0]))
    assert paid == pytest.approx(abs(np.mean(values) - strike_of(recording)), abs=1e-9)


def test_moves_of_the_closing_look_are_there_once_the_market_steps_on():
    model = straddle(**{"time.steps": 10})
    model.run()
    for _ in range(3):
        recording = model.recording()
        moved = 0.5 * TICK * recording.moves["half_ticks"].sum()
        assert recording.series["X.mid"].iloc[-1] - 100.0 == pytest.approx(moved, abs=1e-6)
        model.step()
