"""Meta-orders: where they end, and the law of their impact."""

from __future__ import annotations

import numpy as np
import pytest
from samples import covered, over_seeds, with_impact
from synthetic import a_market, a_recording, fills

from analysis.base.estimate import Estimate
from analysis.base.metric import Undefined
from analysis.facts import meta_orders
from sim.records import BY_QUOTE, BY_TRADE, MOVE


def moved(*entries: tuple[int, int, int]) -> np.ndarray:
    """MOVE rows of (seq, half ticks, mover)."""
    made = np.zeros(len(entries), MOVE)
    made["seq"], made["half_ticks"], made["mover"] = np.array(entries).T
    return made


def test_a_meta_order_ends_with_a_pause_or_an_opposite_trade() -> None:
    """Account 7 buys twice, pauses, buys twice, sells twice; account 8 only once; impacts by hand."""
    made = fills(
        {"time": 0.0, "seq": 1, "group": 1, "taker": 7, "qty": 1000},
        {"time": 5.0, "seq": 3, "group": 2, "taker": 8, "qty": 500},
        {"time": 60.0, "seq": 5, "group": 3, "taker": 7, "qty": 2000},
        {"time": 60.0, "seq": 6, "group": 3, "taker": 7, "qty": 1000},
        {"time": 121.0, "seq": 9, "group": 4, "taker": 7, "qty": 1000},
        {"time": 122.0, "seq": 10, "group": 5, "taker": 7, "qty": 1000, "venue": 1},
        {"time": 123.0, "seq": 11, "group": 6, "taker": 7, "qty": -500},
        {"time": 124.0, "seq": 13, "group": 7, "taker": 7, "qty": -500},
    )
    path = moved(
        (0, 40, BY_QUOTE), (2, 4, BY_TRADE), (4, 8, BY_TRADE), (7, 12, BY_TRADE), (8, -2, BY_QUOTE),
        (12, -6, BY_TRADE), (14, -10, BY_TRADE), (15, 100, BY_QUOTE),
    )  # fmt: skip
    found = meta_orders.meta_orders(a_recording(fills=made, moves=path), "BTC")
    assert list(found.start) == [0.0, 121.0, 123.0]
    assert list(found.units) == [4.0, 2.0, 1.0]
    assert list(found.orders) == [2, 2, 2]
    mids = 65000 + 0.25 * np.array([40, 64, 62, 62, 62, 46])
    log = np.log(mids)
    assert found.impact == pytest.approx([log[1] - log[0], 0.0, log[4] - log[5]], abs=1e-15)


def test_the_pause_is_ten_steps_where_steps_are_long() -> None:
    """With steps of a minute two orders nine minutes apart are of one meta-order, eleven are not."""
    for apart, is_one in ((540.0, True), (660.0, False)):
        made = fills(
            {"time": 60.0, "seq": 1, "group": 1, "taker": 7, "qty": 1000},
            {"time": 60.0 + apart, "seq": 3, "group": 2, "taker": 7, "qty": 1000},
        )
        recording = a_recording(market=a_market(30, 60.0), fills=made, moves=moved((2, 4, BY_TRADE)))
        if is_one:
            assert list(meta_orders.meta_orders(recording, "BTC").units) == [2.0]
        else:
            with pytest.raises(Undefined, match="two orders in one direction"):
                meta_orders.meta_orders(recording, "BTC")


@pytest.mark.parametrize("exponent", [0.3, 0.5, 1.0])
def test_the_impact_law_that_was_planted_is_found(exponent: float) -> None:
    """Meta-orders whose mean impact is a power of their size, in fills and moves of the book."""
    recording = with_impact(exponent)
    found, law = meta_orders.impact(recording, "BTC"), meta_orders.impact_law(recording, "BTC")
    assert found.members.sum() > 2500
    assert law.exponent.low - 0.01 <= exponent <= law.exponent.high + 0.01
    assert law.exponent.high - law.exponent.low < 0.1
    assert np.all((found.low <= law.at(found.size) * 1.25) & (law.at(found.size) <= found.high * 1.25))


def test_the_interval_of_the_impact_exponent_covers_it() -> None:
    """Noise larger than the impact of the small ones, and common to a stretch of time."""

    def one(rng: np.random.Generator) -> Estimate:
        when, size = np.sort(rng.uniform(size=2000)), 10 ** rng.uniform(-6, -3, 2000)
        common = rng.normal(0, 0.02, 30)[(when * 30).astype(int)]
        move = 10 * np.sqrt(size) + common + rng.normal(0, 0.1, 2000)
        return meta_orders.law(meta_orders.by_size(when, size, move)).exponent

    found = over_seeds(60, one)
    assert np.mean([each.value for each in found]) == pytest.approx(0.5, abs=0.06)
    assert covered(0.5, found) >= 0.85


def test_moves_that_do_not_grow_with_size_have_no_law() -> None:
    """Impacts against the direction, sizes all alike, and a mean that falls and rises again."""
    rng = np.random.default_rng(6)
    when, size = np.sort(rng.uniform(size=2000)), 10 ** rng.uniform(-6, -3, 2000)
    with pytest.raises(Undefined, match="no power of the size"):
        meta_orders.law(meta_orders.by_size(when, size, -np.sqrt(size) + rng.normal(0, 1e-3, 2000)))
    bent = (np.log10(size) + 4.5) ** 2 + rng.normal(0, 0.01, 2000)
    with pytest.raises(Undefined, match="no power of the size"):
        meta_orders.law(meta_orders.by_size(when, size, bent))
    with pytest.raises(Undefined, match="span less than a decade"):
        meta_orders.by_size(when, np.full(2000, 1e-4), np.sqrt(size))
