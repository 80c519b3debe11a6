"""Noise traders: rates, sizes and distances are those asked for, whatever the step and the company."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from small_market import MAKERS, SPOT, orders_of, small_market

from sim.model import Model
from sim.records import LIMIT, MARKET, MID

NOISE: dict[str, Any] = {
    "name": "noise",
    "type": "noise.NoiseTraders",
    "venue": "perp",
    "count": 40,
    "limit_rate": 1.5,
    "market_rate": 0.5,
    "size": 0.2,
    "offset_bps": 20.0,
    "lifetime_seconds": 30.0,
}
SECONDS = 60


def market_of(step_seconds: float = 1.0, **changes: Any) -> Model:
    steps = round(SECONDS / step_seconds)
    return small_market(NOISE | changes, venues=("perp",), steps=steps, step_seconds=step_seconds)


@pytest.fixture(scope="module", params=[1.0, 0.5])
def sent(request: pytest.FixtureRequest) -> np.ndarray:
    model = market_of(request.param)
    return orders_of(model, "noise", model.steps_total)


def test_orders_come_at_their_rates(sent: np.ndarray) -> None:
    for kind, rate in ((LIMIT, 1.5), (MARKET, 0.5)):
        expected = 40 * SECONDS * rate
        assert abs((sent["kind"] == kind).sum() - expected) < 4 * np.sqrt(expected)


def test_every_row_sends_and_times_are_even_over_the_run(sent: np.ndarray) -> None:
    per_row = np.bincount(sent["account"], minlength=40)
    assert (np.abs(per_row - 2 * SECONDS) < 5 * np.sqrt(2 * SECONDS)).all()
    assert sent["time"].mean() == pytest.approx(SECONDS / 2, abs=4 * SECONDS / np.sqrt(12 * sent.size))
    within = sent["time"] % 0.5
    assert within.mean() == pytest.approx(0.25, abs=4 * 0.5 / np.sqrt(12 * sent.size))


def test_sides_are_a_fair_coin_and_sizes_exponential(sent: np.ndarray) -> None:
    size = np.abs(sent["qty"]) * 0.001
    error = 4 / np.sqrt(sent.size)
    assert (sent["qty"] > 0).mean() == pytest.approx(0.5, abs=0.5 * error)
    assert size.mean() == pytest.approx(0.2, abs=0.2 * error)
    assert (size > 0.2).mean() == pytest.approx(np.exp(-1), abs=0.5 * error)
    assert size.min() >= 0.001


def test_limit_orders_rest_at_an_exponential_distance_for_an_exponential_life(sent: np.ndarray) -> None:
    limits = sent[sent["kind"] == LIMIT]
    error = 4 / np.sqrt(limits.size)
    distance = (limits["price"] - 0.5) * 0.5 / SPOT * 1e4
    assert set(limits["price_ref"].tolist()) == {MID}
    assert limits["price"].min() >= 1
    assert distance.mean() == pytest.approx(20.0, abs=20 * error)
    assert (limits["good_till"] - limits["time"]).mean() == pytest.approx(30.0, abs=30 * error)
    assert (limits["good_till"] > limits["time"]).all()


def test_rows_may_differ() -> None:
    own = {"market_rate": 0.0, "limit_rate": {"dist": "choice", "values": [0.2, 4.0]}}
    per_row = np.bincount(orders_of(market_of(**own), "noise", SECONDS)["account"], minlength=40)
    assert set(np.round(per_row / SECONDS / 3.8).astype(int).tolist()) == {0, 1}


def test_a_silent_population_sends_nothing() -> None:
    assert orders_of(market_of(limit_rate=0.0, market_rate=0.0), "noise", 20).size == 0


def test_another_population_changes_no_draw() -> None:
    alone = orders_of(small_market(NOISE, venues=("perp",)), "noise", 20)
    others = small_market(MAKERS, NOISE, {**NOISE, "name": "more"}, venues=("perp",))
    among = orders_of(others, "noise", 20)
    for field in ("time", "account", "kind", "qty", "good_till"):
        assert (alone[field] == among[field]).all()
    assert np.abs(alone["price"] / among["price"].clip(1) - 1)[alone["price"] > 200].max() < 0.02


def test_two_populations_of_another_name_and_another_seed_draw_other_numbers() -> None:
    first = orders_of(small_market(NOISE, venues=("perp",)), "noise", 5)
    other = orders_of(small_market(NOISE | {"name": "other"}, venues=("perp",)), "other", 5)
    later = orders_of(small_market(NOISE, venues=("perp",), seed=2), "noise", 5)
    for box in (other, later):
        assert first.size != box.size or (first["qty"] != box["qty"]).any()
