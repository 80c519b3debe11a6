"""Populations of the order books of the literature, and in small what they reproduce."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from small_market import orders_of, small_market

from scenarios.build.loading import load
from scenarios.file.errors import ScenarioError
from scenarios.file.library import REPLICATED
from scenarios.published import buis2024, cont_stoikov_talreja, santa_fe
from scenarios.replications import independent_runs
from scenarios.replications.independent_runs import IndependentRun
from sim import records as r
from sim.model import Model

FLOW: dict[str, Any] = {
    "name": "flow",
    "type": "zero_intelligence.ZeroIntelligenceTraders",
    "venue": "perp",
    "limit_rates": [3.0, 1.0],
    "tail_scale": 4.0,
    "tail_exponent": 1.0,
    "reach_ticks": 8,
    "market_rate": 2.0,
    "cancel_rates": [0.5, 0.25],
    "cancel_reach_ticks": 4,
    "places": 6,
    "size": 0.002,
    "opening": [{"price": 49_999.0, "units": 0.01, "orders": 5}, {"price": 50_001.0, "units": -0.01}],
}
SECONDS = 200


def test_a_flow_has_its_rates_by_distance() -> None:
    model = small_market(FLOW, venues=("perp",), steps=SECONDS)
    assert model.venues[0].levels(1).tolist() == [[99_998, 10]]
    sent = orders_of(model, "flow", SECONDS)
    limits, cancels = sent[sent["kind"] == r.LIMIT], sent[sent["kind"] == r.CANCEL_AT]
    rates = [3.0, 1.0, *(4.0 / distance for distance in range(3, 9))]
    for distance, rate in enumerate(rates, 1):
        for side in (1, -1):
            count = ((limits["price"] == distance) & (limits["qty"] == 2 * side)).sum()
            assert abs(count - rate * SECONDS) < 4 * math.sqrt(rate * SECONDS)
    for distance, rate in enumerate([0.5, 0.25, 0.25, 0.25], 1):
        expected = 2 * 6 * rate * SECONDS
        assert abs((cancels["price"] == distance).sum() - expected) < 4 * math.sqrt(expected)
    markets = (sent["kind"] == r.MARKET).sum()
    assert abs(markets - 4.0 * SECONDS) < 4 * math.sqrt(4.0 * SECONDS)
    assert (np.diff(sent["time"]) >= 0).all()
    within = sent["time"] % 1.0
    assert within.mean() == pytest.approx(0.5, abs=4 / math.sqrt(12 * sent.size))


def test_thinned_cancels_take_each_order_off_at_its_rate() -> None:
    quiet = {"limit_rates": [], "tail_scale": 0.0, "market_rate": 0.0, "cancel_rates": [0.05, 0.02]}
    opening = [
        {"price": 49_999.5, "units": 0.2, "orders": 100},
        {"price": 49_999.0, "units": 0.2, "orders": 100},
        {"price": 50_000.0, "units": -2.0, "orders": 1},
    ]
    own = {"opening": opening, "places": 100, "cancel_rates": [0.05, 0.02]}
    left = np.zeros(2)
    for seed in range(10):
        flow = FLOW | quiet | own
        model = small_market(flow, venues=("perp",), steps=10, seed=seed)
        model.run()
        there = dict(model.venues[0].levels(1).tolist())
        left += there.get(99_999, 0) / 2, there.get(99_998, 0) / 2
    for found, rate in zip(left, (0.05, 0.02), strict=True):
        survives = math.exp(-10 * rate)
        assert abs(found - 1000 * survives) < 4 * math.sqrt(1000 * survives * (1 - survives))


def test_with_one_cancel_rate_lives_are_exponential() -> None:
    model = small_market(FLOW | {"cancel_rates": [0.1]}, venues=("perp",), steps=SECONDS)
    sent = orders_of(model, "flow", SECONDS)
    limits = sent[sent["kind"] == r.LIMIT]
    lives = limits["good_till"] - limits["time"]
    assert not (sent["kind"] == r.CANCEL_AT).any()
    assert lives.mean() == pytest.approx(10.0, abs=40 / math.sqrt(lives.size))


def test_a_session_begins_with_the_opening_book() -> None:
    model = small_market(FLOW | {"session_seconds": 5.0}, venues=("perp",), steps=10)
    for _ in range(5):
        model.step()
    seen: list[list[list[int]]] = []
    book: Any = model.venues[0]
    execute = book.execute

    def watched(orders: Any, due: Any, until: float, *rest: Any) -> None:
        execute(orders, due, until, *rest)
        if until == 5.0:
            seen.append(book.levels(1).tolist() + book.levels(-1).tolist())

    book.execute = watched
    model.step()
    assert seen[0] == [[99_998, 10], [100_002, 10]]


def test_more_rates_than_the_reach_are_refused() -> None:
    with pytest.raises(ScenarioError, match="reach_ticks is 1"):
        small_market(FLOW | {"reach_ticks": 1}, venues=("perp",))


ANONYMOUS: dict[str, Any] = {
    "name": "anonymous",
    "type": "anonymous.AnonymousTraders",
    "venue": "perp",
    "rate": 20.0,
    "immediacy": 0.25,
    "informed_share": 0.4,
    "largest": 2.0,
    "offset": -10.0,
    "offset_sd": 5.0,
    "opening": [{"price": 49_990.0, "units": 5.0}, {"price": 50_010.0, "units": -5.0}],
}


def test_anonymous_orders_are_informed_and_marketable_as_often_as_asked() -> None:
    model = small_market(ANONYMOUS, venues=("perp",), steps=SECONDS)
    sent = orders_of(model, "anonymous", SECONDS)
    markets, limits = sent[sent["kind"] == r.MARKET], sent[sent["kind"] == r.LIMIT]
    error = 4 * 0.5 / math.sqrt(markets.size)
    assert markets.size / sent.size == pytest.approx(0.25, abs=error)
    assert ((markets["flags"] == r.SIDE_BY_VALUE).mean()) == pytest.approx(0.4, abs=error)
    assert (limits["price_ref"] == r.ABSOLUTE).mean() == pytest.approx(0.4, abs=error)
    size = np.abs(sent["qty"]) * 0.001
    assert size.max() <= 2.0
    assert size.mean() == pytest.approx(1.0, abs=4 * 2.0 / math.sqrt(12 * sent.size))


def test_limit_prices_are_normal_around_value_and_mid() -> None:
    model = small_market(ANONYMOUS, venues=("perp",), steps=SECONDS)
    sent = orders_of(model, "anonymous", SECONDS)
    limits = sent[sent["kind"] == r.LIMIT]
    by_value = limits[limits["price_ref"] == r.ABSOLUTE]
    beyond = np.sign(by_value["qty"]) * (by_value["price"] * 0.5 - 50_000.0)
    assert beyond.mean() == pytest.approx(-10.0, abs=4 * 5 / math.sqrt(beyond.size))
    assert beyond.std() == pytest.approx(5.0, abs=4 * 5 / math.sqrt(beyond.size))
    by_mid = limits[limits["price_ref"] == r.MID]["price"] * 0.5
    assert by_mid.mean() == pytest.approx(10.0 - 0.125, abs=4 * 5 / math.sqrt(by_mid.size))


def hedged(straddles: float) -> Model:
    hedger = {
        "name": "hedger",
        "type": "straddles.StraddleHedgers",
        "venue": "perp",
        "straddles": straddles,
        "volatility": 1000.0 * math.sqrt(365 * 86400 / 40.0),
        "session_seconds": 20.0,
        "expiry_seconds": 40.0,
        "interval_seconds": 1.0,
        "cycle": 4,
    }
    resting = {"cancel_rates": [], "limit_rates": [], "tail_scale": 0.0, "market_rate": 0.0}
    levels = [
        {"price": 50_000.0 + side * away, "units": -side * 1.0}
        for side in (1, -1)
        for away in range(10, 1000, 20)
    ]
    shock = {"at": 0.5, "type": "market_order", "asset": "BTC", "qty": 10.0}
    return small_market(
        FLOW | resting | {"opening": levels}, hedger, venues=("perp",), steps=30, shocks=[shock]
    )


def test_a_straddle_hedger_rests_first_and_then_takes() -> None:
    model = hedged(-4.0)
    sent = orders_of(model, "hedger", 5)
    away = 100.0  # ten levels of 20 were bought up: the ask went from 50,010 to 50,210
    delta = [-4.0 * math.erf(away / (1000.0 * math.sqrt(1 - k / 40) * math.sqrt(2))) for k in range(1, 5)]
    assert model.view.assets[0]["mid"] >= 50_100.0
    assert sent["kind"].tolist() == [r.LIMIT, r.LIMIT, r.LIMIT, r.MARKET]
    assert set(sent["price_ref"][:3].tolist()) == {r.OWN_BEST}
    assert sent["qty"][0] == round(-delta[0] * 1000)
    assert sent["qty"][:3].sum() == round(-delta[2] * 1000), "what rests counts"
    assert set(sent["reason"].tolist()) == {r.HEDGE}


def test_straddle_hedgers_do_not_look_while_a_hedge_is_on_its_way() -> None:
    late = {"populations.hedger.latency_seconds": 1800.0}
    with pytest.raises(ScenarioError, match="still be on its way at the next look"):
        load(REPLICATED / "buis2024.toml", late).market()


def test_straddles_are_struck_anew_and_orders_withdrawn_when_a_session_begins() -> None:
    model = hedged(-4.0)
    hedger = model.populations[1]
    for _ in range(20):
        model.step()
    assert model.view.resting[0]["resting"][hedger.first] > 0
    assert abs(hedger.unlisted[1]) > 0.1
    model.step()
    assert model.view.resting[0]["resting"][hedger.first] == 0
    assert hedger.unlisted[1] == 0.0
    density = 2.0 / math.sqrt(2 * math.pi) / 1000.0
    assert hedger.unlisted[0] == pytest.approx(-4.0 * density, rel=1e-6)


def test_long_straddles_sell_into_a_rise_and_none_do_nothing() -> None:
    assert (orders_of(hedged(4.0), "hedger", 3)["qty"] < 0).all()
    assert orders_of(hedged(0.0), "hedger", 3).size == 0


# What is reproduced, in small.


def test_the_spread_without_intelligence_is_the_published_one() -> None:
    for epsilon, tick, published in ((0.5, 0.005, 1.105), (0.1, 1.0, 1.198)):
        setting = santa_fe.setting(epsilon, tick, is_short=False)
        centre, low, high = independent_runs.mean(santa_fe.spreads(IndependentRun("santa_fe", 0, setting, 3)))
        assert abs(centre - published) < 0.02 * published + 0.5 * (high - low)
        assert high - low < 0.15 * published


def test_the_next_move_follows_the_queues() -> None:
    for bid, ask in ((1, 5), (4, 2)):
        setting = cont_stoikov_talreja.setting(bid, ask, is_short=False) | {"time.steps": 300}
        moves = cont_stoikov_talreja.first_moves(IndependentRun("cont_stoikov_talreja", 0, setting, 2))
        found = cont_stoikov_talreja.row(bid, ask, moves)
        assert moves.size == 300
        assert found.published == cont_stoikov_talreja.PUBLISHED[bid - 1][ask - 1]
        assert abs(found.ours - found.published) < 0.5 * (found.high - found.low) + 0.001


def test_a_market_of_impatient_traders_fails_and_one_of_patient_traders_does_not() -> None:
    for cell, fails in (
        (buis2024.Cell("immediacy", 0.5, 0, 100), True),
        (buis2024.Cell("immediacy", 0.3, 0, 0), False),
        (buis2024.Cell("decay", 0.175, -80, 100), True),
    ):
        trial = IndependentRun("buis2024", 0, cell.setting() | {"time.steps": 400}, 1)
        assert buis2024.has_failed(trial) is fails


def test_the_published_table_agrees_with_itself_and_not_with_its_mirror() -> None:
    cells = buis2024.chosen(quick=False)
    assert len(cells) == 13 * 9
    runs = np.full(len(cells), 20)
    failed = np.array([cell.published / 5 for cell in cells]).astype(int)
    error, correlation, *orderings = buis2024.shape_rows(buis2024.Table(cells, failed, runs))
    assert (error.ours, correlation.ours) == (0.0, pytest.approx(1.0))
    assert [each.ours for each in orderings] == [90.0, 0.0, 100.0, 0.0]
    mirrored = np.array([buis2024.chosen(quick=False)[k].published / 5 for k in mirror(cells)]).astype(int)
    other = buis2024.shape_rows(buis2024.Table(cells, mirrored, runs))
    assert other[0].ours > 30.0
    assert abs(other[2].ours - other[2].published) > other[2].tolerance


def mirror(cells: list[buis2024.Cell]) -> list[int]:
    """Positions of the cells with the opposite straddles."""
    return [
        cells.index(next(c for c in cells if c[:2] == x[:2] and c.position == -x.position)) for x in cells
    ]


def test_every_cell_without_straddles_is_judged_and_no_other() -> None:
    cells = buis2024.chosen(quick=True)
    runs = np.full(len(cells), 40)
    rows = buis2024.cell_rows(buis2024.Table(cells, np.zeros(len(cells), int), runs))
    assert [row.tolerance is not None for row in rows] == [cell.position == 0 for cell in cells]
    assert buis2024.tolerance_of(20.0) == pytest.approx(100 * (3 * math.sqrt(0.16 / 20) + 0.03))
