"""The textbook market: news and lambda times the flow, nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from linear_market import ANN, PERP, Textbook

from sim.records import (
    BY_TRADE,
    BY_VALUE,
    FOK,
    GTC,
    MID,
    MOVES,
    NO_MARGIN,
    NO_QUANTITY,
    NOT_FILLABLE,
    NOT_TRADED,
    NOTHING_TO_REDUCE,
    REDUCE_ONLY,
    SIDE_BY_VALUE,
    SLIPPAGE,
    SWAP,
)
from sim.setup.listing import OUTSIDE
from sim.venues.books.linear_impact import ReferenceDemand


def test_the_price_moves_by_lambda_for_each_unit_and_a_fill_pays_the_average():
    market = Textbook(impact=2.0)
    assert market.trade(300) == [(300, pytest.approx(103.0))]  # 3 units from 100 to 106
    assert market.mid == pytest.approx(106.0)
    assert market.trade(-100) == [(-100, pytest.approx(105.0))]
    assert market.mid == pytest.approx(104.0)
    quote = market.bench.quotes[0]
    assert quote["depth_bid"] == quote["depth_ask"] == 0.5
    assert (quote["flow"], quote["net_flow"], quote["volume"]) == (200, 200, 400)
    assert market.bench.ledger.position[PERP, [ANN, OUTSIDE]].tolist() == [200, -200]


def test_a_round_trip_costs_the_fee_and_nothing_else():
    market = Textbook(impact=3.0, fee_bps=10.0)
    for lots in (500, -200, -300):
        market.trade(lots)
    assert market.mid == pytest.approx(100.0)
    turnover = 5.0 * 107.5 + 2.0 * 112.0 + 3.0 * 104.5
    assert 1e6 - market.bench.ledger.cash[ANN] == pytest.approx(turnover * 1e-3)


@pytest.mark.parametrize(("follow", "expected"), [(1.0, 97.0), (0.5, 98.5), (0.0, 100.0)])
def test_news_moves_the_price_by_the_share_it_takes_over(follow, expected):
    market = Textbook(follow=follow)
    market.bench.assets[0]["value"] = 97.0
    market.venue.start_step(market.bench.tape)
    market.venue.start_step(market.bench.tape)  # the same news twice is once
    assert market.mid == pytest.approx(expected)


def test_without_impact_prices_are_exogenous():
    market = Textbook(impact=0.0)
    assert market.trade(10**6) == [(10**6, 100.0)]
    assert market.mid == 100.0
    assert market.limit(5, 200, price_ref=0) == [(5, 100.0)]
    assert market.limit(5, 199) == []


def test_a_limit_is_filled_until_the_price_it_moves_reaches_it():
    market = Textbook(impact=2.0)
    assert market.limit(500, 206) == [(150, pytest.approx(101.5))]  # 103 is 206 ticks
    assert market.limit(-500, -4, price_ref=MID) == [(-100, pytest.approx(102.0))]  # 2 below the mid
    assert market.limit(500, 200) == []  # 101 already
    assert market.limit(500, 206, tif=FOK) == []
    assert market.limit(100, 206, tif=FOK) == [(100, pytest.approx(102.0))]
    assert market.limit(1, 300, tif=GTC) == []
    assert market.refusals == [NOT_FILLABLE, NOT_TRADED]


def test_a_swap_names_the_worst_average_price_it_takes():
    market = Textbook(impact=2.0)
    market.outbox.swap(ANN, 0, 100, 100.9)
    assert market.execute() == []
    market.outbox.swap(ANN, 0, 100, 101.1)
    assert market.execute() == [(100, pytest.approx(101.0))]
    assert market.refusals == [SLIPPAGE]


def test_the_side_may_follow_the_valuation_at_arrival():
    market = Textbook(impact=2.0)
    for value in (101.0, 101.0, 102.0, 102.0):  # each order sees what the ones before did
        market.outbox.send(ANN, 0, SWAP, 100, value=value, flags=SIDE_BY_VALUE)
    assert [lots for lots, _ in market.execute()] == [100, -100, 100]
    assert market.refusals == []


def test_orders_beyond_the_sender_s_margin_are_refused_or_cut():
    market = Textbook()
    market.room[:, ANN] = 50, 30, 30
    assert market.trade(51) == []
    assert market.trade(-20) == [(-20, pytest.approx(99.8))]
    assert market.room[:, ANN].tolist() == [70, 10, 10]
    assert market.trade(-15, flags=REDUCE_ONLY) == [(-10, pytest.approx(99.5))]
    assert market.trade(-15, flags=REDUCE_ONLY) == []
    assert market.trade(0) == []
    market.outbox.cancel_all(ANN, 0)
    assert market.execute() == []
    assert market.refusals == [NO_MARGIN, NOTHING_TO_REDUCE, NO_QUANTITY, NOT_TRADED]


def test_the_price_never_falls_below_one_tick():
    market = Textbook(impact=2.0)
    assert market.trade(-4990) == []
    assert market.trade(-4900) == [(-4900, pytest.approx(51.0))]
    assert market.refusals == [NOT_FILLABLE]
    market.bench.assets[0]["value"] = 50.0
    market.venue.start_step(market.bench.tape)
    assert market.mid == pytest.approx(0.5)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(
    st.lists(st.one_of(st.integers(-100, 100).filter(bool), st.floats(90, 110)), max_size=40),
    st.one_of(st.just(0.0), st.floats(1e-9, 0.2)),
)
def test_the_price_is_the_value_plus_lambda_times_the_flow_and_every_move_is_recorded(events, impact):
    market = Textbook(impact=impact)
    flow, value = 0, 100.0
    for event in events:
        if isinstance(event, int):
            market.trade(event)
            flow += event
        else:
            value = market.bench.assets[0]["value"] = event
            market.venue.start_step(market.bench.tape)
    assert market.mid == pytest.approx(value + impact * flow * 0.01, rel=1e-12)
    moves = market.bench.tape.moves[: market.bench.tape.counts[MOVES]]
    assert abs(200 * 2 + moves["half_ticks"].sum() - market.mid / 0.25) <= 0.5 + 1e-9
    assert market.bench.quotes[0]["mid_half_ticks"] == 400 + moves["half_ticks"].sum()
    assert set(moves["mover"]) <= {BY_TRADE, BY_VALUE}
    assert (moves["half_ticks"] != 0).all()
    assert market.bench.ledger.check(0) < 1e-12


def test_an_order_that_would_take_the_price_beyond_what_is_exact_is_refused():
    """Where feedback is unstable prices get there; it must not end in nonsense."""
    market = Textbook(impact=1e12)
    assert market.trade(2 * 10**5) == []  # to 2e15, with ticks of 0.5 beyond 2^51 of them
    assert market.refusals == [NOT_FILLABLE]
    assert market.trade(100)[0][0] == 100


class Elastic(Textbook):
    """A reference-demand market: 100 units, of which 20 are held by others at the opening."""

    def made(self, parameters):
        own = ReferenceDemand.Parameters(tick=0.5, lot=0.01, supply=100.0, held=20.0)
        return ReferenceDemand("elastic", 0, 0, PERP, own)


def test_reference_traders_keep_the_worth_of_what_they_hold():
    """80 units at 100 are worth 8000; with 16 sold, 64 are worth 125 each (Frey & Stremme 1997)."""
    market = Elastic()
    assert market.trade(1600) == [(1600, pytest.approx(500.0 * np.log(1.25)))]  # integral of 8000 / b
    assert market.mid == pytest.approx(125.0)
    assert market.bench.quotes[0]["depth_bid"] == pytest.approx(64.0 / 125.0)
    assert market.trade(-1600) == [(-1600, pytest.approx(500.0 * np.log(1.25)))]
    assert market.mid == pytest.approx(100.0)


def test_reference_demand_follows_the_value_in_proportion():
    market = Elastic()
    market.trade(1600)
    market.bench.assets[0]["value"] = 110.0
    market.venue.start_step(market.bench.tape)
    assert market.mid == pytest.approx(137.5)


def test_nobody_buys_all_that_reference_traders_have_left():
    market = Elastic()
    assert market.trade(8000) == []
    assert market.refusals == [NOT_FILLABLE]
    assert market.limit(8000, 250) == [(1600, pytest.approx(500.0 * np.log(1.25)))]  # until 125


@given(st.lists(st.integers(-4000, 1500), min_size=1, max_size=8))
@settings(max_examples=30, deadline=None)
def test_the_price_of_reference_demand_depends_on_the_net_flow_alone(trades):
    market = Elastic()
    traded = sum(lots for wanted in trades if wanted for lots, _ in market.trade(wanted))
    assert market.mid == pytest.approx(8000.0 / (80.0 - 0.01 * traded))
