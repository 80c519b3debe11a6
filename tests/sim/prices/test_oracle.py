"""The oracle: an index of several prices, and a mark that follows the market within a band."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pydantic import ValidationError

from sim.messages.view import ASSET, VENUE_STATE
from sim.prices.oracle import Index, Mark, Oracle


def look(oracle, time, value=100.0, mid=100.0, venues=()):
    asset, quotes = np.zeros(1, ASSET), np.zeros(max(len(venues), 1), VENUE_STATE)
    asset["value"], asset["mid"] = value, mid
    for row, price in enumerate(venues):
        quotes[row]["bid"] = quotes[row]["ask"] = quotes[row]["mid"] = price
    oracle.update(time, asset, quotes)
    return float(asset[0]["index"]), float(asset[0]["mark"])


def test_the_index_is_a_weighted_price_of_venues_and_the_external_value():
    oracle = Oracle(Index(external=1.0, venues={"pool": 3.0}), Mark(), {"pool": 0})
    assert look(oracle, 0.0, value=100.0, venues=[104.0])[0] == pytest.approx(103.0)


def test_a_venue_that_never_had_a_price_weighs_nothing():
    oracle = Oracle(Index(external=1.0, venues={"pool": 3.0}), Mark(), {"pool": 0})
    assert look(oracle, 0.0, value=100.0, venues=[math.nan])[0] == 100.0
    alone = Oracle(Index(external=0.0, venues={"pool": 3.0}), Mark(), {"pool": 0})
    assert look(alone, 0.0, value=100.0, venues=[math.nan])[0] == 100.0  # there is nothing else
    assert look(alone, 1.0, value=100.0, venues=[90.0])[0] == 90.0


@pytest.mark.parametrize("step", [0.25, 0.5, 1.0])
def test_the_external_value_is_as_old_as_its_heartbeat_however_long_a_step(step):
    oracle = Oracle(Index(heartbeat_seconds=2.5), Mark(), {})
    seen = {}
    for i in range(int(10 / step) + 1):
        seen[i * step], _ = look(oracle, i * step, value=100.0 + i * step)
    beats = {0.0: 0.0, 1.0: 0.0, 2.0: 0.0, 3.0: 2.5, 4.0: 2.5, 5.0: 5.0, 8.0: 7.5, 10.0: 10.0}
    for time, beat in beats.items():  # the first look after each beat
        assert seen[time] == pytest.approx(100.0 + math.ceil(beat / step) * step)


def test_the_mark_approaches_a_lasting_premium_at_its_time_constant():
    """Deribit: index + moving average over 30 s of (market - index)."""
    oracle = Oracle(Index(), Mark(window_seconds=30.0, band=0.5), {})
    look(oracle, 0.0)
    for second in range(1, 31):
        _, mark = look(oracle, float(second), mid=101.0)
    assert mark == pytest.approx(101.0 - math.exp(-1.0))


def test_looking_more_often_leaves_the_mark_where_it_is():
    coarse, fine = (Oracle(Index(), Mark(window_seconds=30.0, band=0.5), {}) for _ in range(2))
    look(coarse, 0.0)
    look(fine, 0.0)
    for i in range(1, 9):
        _, fine_mark = look(fine, 2.5 * i, mid=97.0)
    look(fine, 20.0, mid=97.0)  # twice at one instant is once
    _, coarse_mark = look(coarse, 20.0, mid=97.0)
    assert fine_mark == pytest.approx(coarse_mark, rel=1e-12)


@pytest.mark.parametrize(("mid", "edge"), [(150.0, 101.5), (50.0, 98.5)])
def test_the_mark_stays_within_its_band_of_the_index(mid, edge):
    oracle = Oracle(Index(), Mark(window_seconds=1.0, band=0.015), {})
    for second in range(60):
        _, mark = look(oracle, float(second), mid=mid)
    assert mark == pytest.approx(edge)


def test_averaged_venue_prices_hold_against_a_moment_s_spike():
    oracle = Oracle(Index(external=0.0, venues={"p": 1.0}, averaging_seconds=60.0), Mark(), {"p": 0})
    for second in range(10):
        assert look(oracle, float(second), venues=[100.0])[0] == pytest.approx(100.0)
    spiked, _ = look(oracle, 10.0, venues=[160.0])
    assert spiked == pytest.approx(160.0 - 60.0 * math.exp(-1 / 60))
    assert look(oracle, 11.0, venues=[math.nan])[0] == pytest.approx(spiked)  # then it has no price


def priced(depth, bid=99.0, ask=101.0):
    quotes = np.zeros(1, VENUE_STATE)
    quotes["bid"], quotes["ask"], quotes["mid"], quotes["lot"], quotes["depth_span"] = (
        bid,
        ask,
        120.0,
        0.1,
        1.0,
    )
    quotes["depth_bid"], quotes["depth_ask"] = 5.0, depth
    return quotes


@pytest.mark.parametrize("gone", [priced(0.09), priced(5.0, bid=math.nan), priced(5.0, ask=math.nan)])
def test_a_venue_without_a_price_counts_for_a_while_and_comes_back_with_a_new_one(gone):
    oracle = Oracle(
        Index(venues={"pool": 1.0}, stale_seconds=10.0, averaging_seconds=9.0), Mark(), {"pool": 0}
    )
    asset = np.zeros(1, ASSET)
    asset["value"] = asset["mid"] = 100.0
    seen = {}
    for second in range(40):
        oracle.update(float(second), asset, gone if 5 <= second < 30 else priced(0.1))
        seen[second] = float(asset[0]["index"])
    assert seen[4] == seen[14] == pytest.approx(110.0)
    assert seen[15] == seen[29] == 100.0
    assert seen[30] == seen[39] == pytest.approx(110.0)


def test_an_index_without_any_source_stays_where_it_is():
    oracle = Oracle(Index(external=0.0, venues={"p": 1.0}, stale_seconds=2.0), Mark(), {"p": 0})
    asset = np.zeros(1, ASSET)
    asset["value"] = asset["mid"] = 100.0
    oracle.update(0.0, asset, priced(0.1))
    oracle.update(9.0, asset, priced(0.0))
    assert asset[0]["index"] == pytest.approx(120.0)


def test_weights_that_make_no_index_are_refused():
    with pytest.raises(ValueError, match="sum to 0"):
        Oracle(Index(external=0.0), Mark(), {})
    with pytest.raises(ValidationError):
        Index(venues={"pool": -1.0})
