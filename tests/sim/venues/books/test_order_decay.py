"""Books whose resting volume decays, that fail when a side is empty, and cancels by place."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from book_market import Market, order
from small_market import MAKERS, small_market

from analysis.base.metric import Undefined
from analysis.metrics.failure import market_failed, time_to_failure
from scenarios.file.library import REPLICATED
from scenarios.replications.independent_runs import IndependentRun
from sim import records as r
from sim.model import Model
from sim.recording.recording import Recording

LOTS = 10**13
ZETA = 0.002
DUST = 1e4  # lots that rounding down at every look may cost


def stream(count: int, seed: int) -> np.ndarray:
    """Limit and market orders around 100 of a few accounts, each at its own time."""
    rng = np.random.default_rng(seed)
    rows = r.orders(count)
    rows["time"] = np.arange(count)
    rows["kind"] = rng.choice([r.LIMIT] * 8 + [r.MARKET, r.QUOTE], count)
    rows["qty"] = rng.choice([-1, 1], count) * rng.integers(1, LOTS, count)
    rows["price_ref"] = rng.choice([r.MID, r.OPPOSITE_BEST], count)
    rows["price"] = rng.integers(-2, 25, count)
    rows["tif"] = rng.choice([r.GTC] * 8 + [r.FOK], count)
    rows["value"] = rng.random(count)
    rows["account"] = rng.integers(0, 6, count)
    is_quote = rows["kind"] == r.QUOTE
    rows["target"][is_quote] = rows["account"][is_quote] % 5
    return rows


def full_book(**rules: Any) -> Market:
    m = Market(**rules)
    m.book.make_durable(np.array([5]))
    for away in range(1, 30):
        m.send(r.LIMIT, LOTS, 100 - away)
        m.send(r.LIMIT, -LOTS, 100 + away)
    return m


def traded(m: Market) -> dict[tuple[float, ...], int]:
    """Lots by time, price, maker and taker; what is left of an order by rounding may trade or not."""
    lots: dict[tuple[float, ...], int] = {}
    for fill in m.fills:
        key = (fill["time"], fill["price"], fill["maker"], fill["taker"])
        lots[key] = lots.get(key, 0) + int(fill["qty"])
    return lots


@pytest.mark.parametrize("seed", range(4))
def test_volume_brought_up_to_date_when_looked_at_is_that_of_touching_every_order(seed: int) -> None:
    lazy, eager = full_book(order_decay=ZETA), full_book(order_decay=ZETA)
    rows = stream(1500, seed)
    rows["time"] += lazy.clock
    lazy.send_all(rows)
    for k in range(rows.size):
        eager.send_all(rows[k : k + 1])
        eager.book._storage.wear()
    ours, theirs = traded(lazy), traded(eager)
    for key in ours.keys() | theirs.keys():
        assert ours.get(key, 0) == pytest.approx(theirs.get(key, 0), rel=1e-9, abs=DUST)
    assert lazy.moves["half_ticks"].tolist() == eager.moves["half_ticks"].tolist()
    for side in (1, -1):
        depth, touched = np.array(lazy.levels(side)), np.array(eager.levels(side))
        assert depth[:, 0].tolist() == touched[:, 0].tolist()
        assert depth[:, 1] == pytest.approx(touched[:, 1], rel=1e-9, abs=DUST)
    assert lazy.fills.size > 100


def test_a_volume_loses_by_its_squared_distance_from_each_mid_that_orders_met() -> None:
    m = Market(order_decay=ZETA)
    m.send(r.LIMIT, LOTS, 90)  # meets the opening mid, as do the next two
    m.send(r.LIMIT, LOTS, 98)
    m.send(r.LIMIT, -LOTS, 104)
    m.send(r.LIMIT, LOTS, 100)  # met 101
    m.send(r.LIMIT, LOTS, 100)  # met 102
    at_90 = ZETA * (10**2 + 10**2 + 11**2 + 12**2)
    levels = dict(m.levels(1))
    assert levels[90] == pytest.approx(LOTS * math.exp(-at_90), abs=10)
    assert levels[98] == pytest.approx(LOTS * math.exp(-ZETA * (2**2 + 3**2 + 4**2)), abs=10)
    assert levels[100] == pytest.approx(LOTS * (1 + math.exp(-ZETA * 2**2)), abs=10)
    assert dict(m.levels(-1))[104] == pytest.approx(LOTS * math.exp(-ZETA * (3**2 + 2**2)), abs=10)


def test_durable_orders_keep_their_size_and_leave_others_theirs() -> None:
    m = Market(order_decay=0.01)
    m.book.make_durable(np.array([1]))
    m.send(r.LIMIT, LOTS, 90, account=0)
    m.send(r.LIMIT, LOTS, 90, account=1)
    assert m.levels(1) == [[90, 2 * LOTS]]
    m.send(r.LIMIT, -LOTS, 110, account=0)
    assert m.levels(1) == [[90, pytest.approx(LOTS * (1 + math.exp(-1.0)), abs=10)]]


def test_a_best_price_that_has_worn_off_is_the_best_no_longer() -> None:
    m = Market(order_decay=0.5)
    m.book.make_durable(np.array([1]))
    for qty, price, account in ((10, 99, 1), (-10, 101, 0), (-10, 150, 1)):
        m.send(r.LIMIT, qty, price, account=account)
    before = m.moves.size
    for _ in range(10):
        m.send(r.MARKET, 0, account=0)
    assert m.levels(-1) == [[150, 10]]
    assert m.quote["mid"] == 124.5
    assert [(x["half_ticks"], r.MOVERS[x["mover"]]) for x in m.moves[before:]] == [(49, "cancel")]


def test_a_book_without_decay_keeps_its_volumes() -> None:
    m = full_book()
    m.send_all(order(r.MARKET, LOTS, time=m.clock + 1))
    assert m.levels(1)[0] == [99, LOTS]


# Market failure.


def test_an_empty_side_ends_trading_where_the_book_is_watched() -> None:
    m = Market(stops_when_empty=True)
    m.send(r.LIMIT, 5, 99)
    m.send(r.LIMIT, -5, 101)
    m.book.start_step(m.tape)
    assert m.book.failure() == {}
    rows = np.concatenate([order(r.MARKET, 5, time=3.0), order(r.LIMIT, -5, 101, time=4.0)])
    m.send_all(rows)
    assert m.book.failure() == {"venue": "book", "time": 3.0, "side": "ask"}
    assert m.levels(-1) == []


def test_a_side_may_be_empty_before_the_book_has_opened_or_where_nobody_minds() -> None:
    m = Market(stops_when_empty=True)
    m.send(r.LIMIT, 5, 99)
    m.book.start_step(m.tape)
    m.send(r.LIMIT, 5, 98)
    assert m.book.failure() == {}
    free = Market()
    free.send(r.LIMIT, 5, 99)
    free.book.start_step(free.tape)
    free.send(r.MARKET, -5)
    assert free.book.failure() == {}


def failing() -> Model:
    values = {"populations.anonymous.immediacy": 0.6, "time.steps": 200}
    model: Model = IndependentRun("buis2024", 0, values, 1).market()
    return model


def test_a_market_that_fails_stops_the_run_and_says_so_in_the_recording(tmp_path: Any) -> None:
    model = failing()
    recording = model.run()
    assert not model.running
    assert model.steps_taken < 200
    (failure,) = recording.market["failures"]
    assert failure["venue"] == "book"
    assert (model.steps_taken - 1) * 900 < failure["time"] <= model.steps_taken * 900
    book = model.venues[0]
    empty = {"bid": [1], "ask": [-1], "both": [1, -1]}[failure["side"]]
    assert all(book.levels(side).size == 0 for side in empty)
    recording.write(tmp_path)
    read = Recording.read(tmp_path)
    assert read.market["failures"] == [failure]
    assert market_failed(read) == 1
    assert time_to_failure(read) == failure["time"]


def test_a_market_that_could_fail_and_did_not_is_told_from_one_that_is_not_watched() -> None:
    calm = IndependentRun("buis2024", 0, {"time.steps": 5}, 1).market().run()
    assert market_failed(calm) == 0
    with pytest.raises(Undefined, match="no market failed"):
        time_to_failure(calm)
    with pytest.raises(Undefined, match="watched"):
        market_failed(small_market(MAKERS, venues=("perp",), steps=2).run())


def test_a_run_that_ends_by_failure_is_a_finished_run(tmp_path: Any) -> None:
    from scenarios.build.loading import load
    from scenarios.runs.run import run

    values = {"populations.anonymous.immediacy": 0.6, "time.steps": 100}
    scenario = load(REPLICATED / "buis2024.toml", values)
    outcome = run(scenario, tmp_path / "failed", figures="none")
    assert outcome.status == "finished"
    assert outcome.steps_done < 100


# Cancels by place.


def test_a_cancel_by_place_takes_the_own_order_that_stands_there() -> None:
    m = Market()
    m.send(r.LIMIT, -5, 101)
    for account, qty in ((1, 1), (2, 2), (1, 3), (1, 4)):
        m.send(r.LIMIT, qty, 99, account=account)
    by_place = {"account": 1, "price_ref": r.OPPOSITE_BEST, "target": 4}
    m.send(r.CANCEL_AT, 1, 2, value=0.3, **by_place)  # the second of its own
    assert m.levels(1) == [[99, 7]]
    m.send(r.CANCEL_AT, 1, 2, value=0.8, **by_place)  # a fourth is not there
    m.send(r.CANCEL_AT, 1, 3, value=0.1, **by_place)  # nothing at that price
    m.send(r.CANCEL_AT, -1, 2, value=0.1, **by_place)  # nothing on that side
    assert m.levels(1) == [[99, 7]]
    assert m.refusals == []
