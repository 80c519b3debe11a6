"""Memory of returns, volatility and order signs, on samples made to remember so much."""

from __future__ import annotations

import numpy as np
import pytest
from samples import STEPS, covered, long_memory, of_returns, over_seeds
from scipy.signal import lfilter
from synthetic import a_recording, fills

from analysis.base.estimate import Estimate
from analysis.base.metric import Undefined
from analysis.facts import autocorrelation as memory
from analysis.facts import meta_orders, stylized
from sim.records import FILL


def test_autocorrelation_of_an_autoregression_is_a_power_of_its_coefficient() -> None:
    """rho(lag) = 0.5^lag, covered at each of the first lags and where nothing is left."""
    found = over_seeds(
        100, lambda rng: memory.autocorrelation(lfilter([1], [1, -0.5], rng.normal(size=STEPS + 50))[50:])
    )
    assert list(found[0].first[:4]) == [1, 2, 3, 4]
    assert list(found[0].last[:4]) == [2, 3, 4, 6]
    for at in (0, 1, 2, 6):
        truth = 0.5 ** np.arange(found[0].first[at], found[0].last[at]).astype(float)
        hits = covered(
            float(truth.mean()), [Estimate(one.value[at], one.low[at], one.high[at]) for one in found]
        )
        assert hits >= 0.87


@pytest.mark.parametrize("exponent", [0.3, 0.55])
def test_the_decay_of_long_memory_is_measured_without_bias(exponent: float) -> None:
    """A sample an hour long, whose mean strays: the exponent comes out, and its interval covers it."""
    found = over_seeds(
        60, lambda rng: memory.decay(memory.autocorrelation(long_memory(rng, exponent))).exponent
    )
    assert np.mean([each.value for each in found]) == pytest.approx(exponent, abs=0.05)
    assert covered(exponent, found) >= 0.85


def test_what_has_no_memory_has_no_decay() -> None:
    """Noise, a series too short, one that does not vary, and one that decays at once."""
    rng = np.random.default_rng(2)
    with pytest.raises(Undefined, match="not above zero over the first lags"):
        memory.decay(memory.autocorrelation(rng.normal(size=STEPS)))
    with pytest.raises(Undefined, match="299 observations are too few"):
        memory.autocorrelation(rng.normal(size=299))
    with pytest.raises(Undefined, match="do not vary"):
        memory.autocorrelation(np.ones(STEPS))
    with pytest.raises(Undefined, match="too slowly"):
        memory.decay(memory.autocorrelation(np.sin(np.arange(STEPS) / 400) + rng.normal(0, 0.1, STEPS)))


def test_successive_returns_correlate_as_they_were_made_to() -> None:
    """An autoregression of 0.3 over a step; over minutes nearly nothing is left of it."""
    made = over_seeds(
        30, lambda rng: of_returns(lfilter([1], [1, -0.3], rng.normal(0, 1e-4, STEPS + 50))[50:])
    )
    assert covered(0.3, [stylized.successive(each, "BTC", stylized.STEP) for each in made]) >= 0.85
    minutes = [stylized.successive(each, "BTC", stylized.MINUTE) for each in made]
    assert np.mean([each.value for each in minutes]) == pytest.approx(0, abs=0.08)
    assert covered(0.0, minutes) >= 0.8


def test_an_order_that_fills_in_parts_has_one_sign() -> None:
    """Three fills of one order, one of the next, and a swap in the pool that is no order of the book."""
    made = fills(
        {"time": 1.0, "seq": 1, "group": 1, "taker": 7, "qty": 5},
        {"time": 1.0, "seq": 2, "group": 1, "taker": 7, "qty": 4},
        {"time": 1.0, "seq": 3, "group": 1, "taker": 7, "qty": 3},
        {"time": 1.0, "seq": 4, "group": 2, "taker": 7, "qty": 2},
        {"time": 2.0, "seq": 5, "group": 3, "taker": 8, "qty": -1, "venue": 1},
    )
    found = meta_orders.fills_of(a_recording(fills=made), "BTC")
    assert list(found.is_first) == [True, False, False, True, True]
    assert list(found.is_listed) == [True, True, True, True, False]
    with pytest.raises(Undefined, match="2 observations are too few"):
        stylized.sign_memory(a_recording(fills=made), "BTC")


def test_signs_of_split_orders_remember_as_they_were_made_to() -> None:
    """Signs of a process with long memory: the arcsine law keeps its exponent at long lags."""
    signs = np.sign(long_memory(np.random.default_rng(3), 0.5, 40_000))
    made = np.zeros(signs.size, FILL)
    made["qty"], made["time"] = signs, np.arange(signs.size) * 0.09
    made["seq"] = made["group"] = np.arange(signs.size)
    found = stylized.sign_decay(a_recording({"BTC.mid": np.ones(STEPS)}, fills=made), "BTC").exponent
    assert found.low <= 0.5 <= found.high
    assert found.high - found.low < 0.3
