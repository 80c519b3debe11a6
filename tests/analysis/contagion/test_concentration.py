"""Concentration and synchrony: shares that add up by hand, and times drawn at random or together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic import DEALERS, MAKERS, NOISE, VAULTS, a_recording, fills

from analysis.base.metric import Undefined, measure, metrics_of
from analysis.contagion import concentration
from analysis.contagion.concentration import hedges, herfindahl, synchrony
from sim.records import HEDGE, TRADE

SECONDS = 1800


def test_the_herfindahl_index_of_known_shares():
    """A half and two quarters: 1/4 + 2/16; signs and scale say nothing."""
    assert herfindahl(np.array([2.0, 1.0, 1.0])) == pytest.approx(0.375)
    assert herfindahl(np.array([-200.0, 100.0, -100.0])) == pytest.approx(0.375)
    assert herfindahl(np.array([0.0, 5.0])) == 1.0
    with pytest.raises(Undefined, match="nothing to have a share of"):
        herfindahl(np.zeros(3))


@given(st.lists(st.floats(0.01, 1e6), min_size=1, max_size=30))
def test_the_index_lies_between_equal_shares_and_one(amounts):
    assert 1 / len(amounts) - 1e-12 <= herfindahl(np.array(amounts)) <= 1 + 1e-12


def at_random(rates, seed=1, seconds=SECONDS):
    """Times and owners of independent Poisson hedgers, each at its own rate a second."""
    rng = np.random.default_rng(seed)
    times = [rng.uniform(0, seconds, rng.poisson(rate * seconds)) for rate in rates]
    return np.concatenate(times), np.repeat(np.arange(len(rates)), [each.size for each in times])


def together(hedgers, rate, joining, seed=1):
    """Hedgers who each join in a common event with a probability, events Poisson at a rate a second."""
    rng = np.random.default_rng(seed)
    events = rng.uniform(0, SECONDS, rng.poisson(rate * SECONDS))
    joins = rng.uniform(size=(events.size, hedgers)) < joining
    return np.repeat(events, joins.sum(axis=1)), np.nonzero(joins)[1]


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.3])
def test_independent_hedgers_have_no_synchrony_at_any_rate(rate):
    """Fifty of them: a ratio of 1 and a correlation of 0, up to noise."""
    found = synchrony(*at_random(np.full(50, rate)))
    assert found.ratio == pytest.approx(1.0, abs=0.15)
    assert found.correlation == pytest.approx(0.0, abs=0.004)


def test_a_rate_that_rises_slowly_for_all_is_no_synchrony():
    """Time squeezed towards the end: three times as many hedges a second there as at the start."""
    times, who = at_random(np.full(50, 0.1))
    squeezed = SECONDS * (np.sqrt(1 + 8 * times / SECONDS) - 1) / 2
    assert synchrony(squeezed, who).ratio == pytest.approx(1.0, abs=0.15)


def test_hedgers_who_always_act_together_are_perfectly_correlated():
    """As many times the variance as there are hedgers."""
    found = synchrony(*together(20, 0.05, 1.0))
    assert found.ratio == pytest.approx(20)
    assert found.correlation == pytest.approx(1.0)


def test_synchrony_grows_with_how_many_join_and_not_with_how_often():
    """Ratio 1 + (n - 1) p for rare events, whatever their rate."""
    found = [synchrony(*together(40, 0.05, joining)).ratio for joining in (0.05, 0.2, 0.6)]
    assert found == sorted(found)
    assert found == pytest.approx([1 + 39 * p for p in (0.05, 0.2, 0.6)], rel=0.15)
    often = synchrony(*together(40, 0.2, 0.2)).ratio
    assert often == pytest.approx(1 + 39 * 0.2, rel=0.2)


def test_an_order_in_many_fills_is_one_hedge():
    """Every hedge twenty times over changes nothing."""
    times, who = at_random(np.full(30, 0.05))
    assert synchrony(np.repeat(times, 20), np.repeat(who, 20)) == synchrony(times, who)


@pytest.mark.parametrize(
    ("times", "who", "reason"),
    [
        ([], [], "do not cover"),
        ([1.0, 5.0], [0, 1], "do not cover"),
        (np.arange(0, 120, 3.0), np.zeros(40, int), "fewer than two"),
    ],
)
def test_there_is_no_synchrony_of_one_or_of_an_instant(times, who, reason):
    with pytest.raises(Undefined, match=reason):
        synchrony(np.array(times), np.array(who, int))


def a_tape():
    """Two dealers and a vault hedge 3, 1 and 4 units; noise trades besides."""
    made = {"maker_population": MAKERS, "venue": 0}
    return fills(
        made | {"taker": 11, "taker_population": DEALERS, "qty": -3000, "reason": HEDGE, "time": 1.0},
        made | {"taker": 12, "taker_population": DEALERS, "qty": 1000, "reason": HEDGE, "time": 2.0},
        made | {"taker": 30, "taker_population": VAULTS, "qty": 4000, "reason": HEDGE, "time": 2.0},
        made | {"taker": 1, "taker_population": NOISE, "qty": 9000, "reason": TRADE, "time": 3.0},
    )


def test_hedging_is_as_concentrated_as_its_units():
    """(3, 1, 4) of 8 by account, half and half by population."""
    recording = a_recording({"BTC.mid": np.full(4, 100.0)}, fills=a_tape())
    assert hedges(recording, "BTC").units.tolist() == pytest.approx([3, 1, 4])
    found = measure(recording, metrics_of(concentration))
    assert found["BTC.hedging_concentration"]["value"] == pytest.approx((9 + 1 + 16) / 64)
    assert found["BTC.hedging_concentration_by_population"]["value"] == pytest.approx(0.5)
    assert "do not cover" in found["BTC.hedging_synchrony"]["reason"]


def test_gamma_is_as_concentrated_as_its_mean_size():
    """Dealers short 3 on average, vaults long 1; those who do not hedge are left out."""
    columns = {
        "dealers.net_gamma": [-2.0, -4.0],
        "vaults.net_gamma": [1.0, 1.0],
        "levered.net_gamma": [50.0, 50.0],
    }
    found = measure(a_recording(columns), metrics_of(concentration))
    assert found["BTC.gamma_concentration_by_population"]["value"] == pytest.approx((9 + 1) / 16)


def test_where_nobody_hedges_there_is_a_reason_and_no_number():
    found = measure(a_recording({"BTC.mid": [1.0, 1.0], "BTC.mark": [1.0, 1.0]}), metrics_of(concentration))
    assert all(entry["value"] is None for entry in found.values())
    assert found["BTC.hedging_concentration"]["reason"] == "nobody hedged in BTC"
    assert found["BTC.gamma_concentration"]["reason"] == "the recording holds no accounts"
