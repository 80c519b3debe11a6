"""Latent investors: what they have in mind, what they show, and how a market of them answers an order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from small_market import SPOT, market_order, population, small_market, units, value_shock

from scenarios.file.errors import ScenarioError
from sim.model import Model
from sim.setup.listing import SECONDS_PER_YEAR

INVESTORS: dict[str, Any] = {
    "name": "latent",
    "type": "latent.LatentInvestors",
    "venue": "perp",
    "count": 600,
    "daily_volume": 100_000.0,
    "volatility": 0.45,
    "reach_bps": {"dist": "pareto", "minimum": 10.0, "tail": 1.17},
    "latency_seconds": 0.0,
}
BPS = 1e-4
BID, ASK = 0, 1


def market_of(shocks: Any = (), steps: int = 40, **changes: Any) -> Model:
    return small_market(INVESTORS | changes, venues=("perp",), steps=steps, shocks=shocks)


def mids(model: Model) -> np.ndarray:
    found = []
    while model.running:
        model.step()
        found.append(float(model.view.quotes[0]["mid"]))
    return np.array(found)


def stepped(model: Model, steps: int) -> Any:
    for _ in range(steps):
        model.step()
    return population(model, "latent")


def test_what_would_trade_grows_as_the_square_of_the_distance() -> None:
    """Twice 0.12 V at one standard deviation of a day on each side of it: cumulative, k V (d / sigma)^2."""
    own = population(market_of(count=4000, size_spread=0.0), "latent")
    lots, daily = own._who.lots, 0.45 / np.sqrt(365)
    for sigmas in (0.2, 1.0, 3.0):
        near = lots[own.tolerance <= sigmas * daily].sum() * 0.001
        assert near == pytest.approx(0.12 * 100_000 * sigmas**2, rel=0.01)
    assert BPS * 3.0 <= own.tolerance.min() < own.tolerance.max() <= BPS * 2000.0


def test_a_row_waits_as_long_as_a_random_walk_takes_for_its_tolerance() -> None:
    own = population(market_of(renewal=0.3), "latent")
    second = 0.45 / SECONDS_PER_YEAR**0.5
    assert own._who.wait == pytest.approx(0.3 * (own.tolerance / second) ** 2)


def test_what_is_near_is_shown_and_what_is_far_is_not() -> None:
    model = market_of(laziness=0.0)
    own = stepped(model, 20)
    mid, who, state = float(model.view.quotes[0]["mid"]), own._who, own._state
    for side, sign in ((BID, -1), (ASK, 1)):
        distance = sign * (state.price[side] / mid - 1.0)
        wanted = state.left[side] > 0
        assert (state.shown[side] > 0)[wanted & (distance < who.reach - 1e-4)].all()
        assert (state.shown[side] == 0)[distance > 1.5 * who.reach + 1e-4].all()
    resting = model.venues[0].accounts
    assert (resting["buying"][own.accounts] == np.where(state.shown[BID] > 0, state.left[BID], 0)).all()


def test_an_intention_that_was_filled_is_gone_until_the_next_review() -> None:
    model = market_of([market_order(5.2, -200.0)], steps=60, nearest_bps=20.0)
    own = stepped(model, 7)
    filled = np.flatnonzero(units(model, "latent", "BTC-perpetual") > 0)
    gone = filled[(own._state.left[BID, filled] == 0)]
    assert gone.size > 3
    due = own._state.next_review[gone].copy()
    while model.running:
        model.step()
        reviewed = due <= model.time - 1.0
        assert (own._state.left[BID, gone] == 0)[~reviewed].all()
    assert (own._state.left[BID, gone] > 0)[due < 55.0].all()


@pytest.mark.parametrize(("response", "expected"), [(1.0, -0.02), (0.5, -0.01), (0.0, 0.0)])
def test_prices_move_with_news_by_what_a_row_takes_over(response: float, expected: float) -> None:
    model = market_of([value_shock(5.0, -0.02)], news_response=response, nearest_bps=500.0)
    own = stepped(model, 4)
    before = own._state.price.copy()
    own = stepped(model, 4)
    same = own._state.next_review > model.time + 3600
    moved = np.log(own._state.price / before)[:, same]
    assert moved == pytest.approx(np.full(moved.shape, response * np.log(0.98)))
    own_price = mids(market_of([value_shock(5.0, -0.02)], news_response=response))[-1]
    assert own_price / SPOT - 1.0 == pytest.approx(expected, abs=2e-3)


def test_rows_that_look_at_different_times_each_learn_what_is_new_to_them() -> None:
    """A fall every four seconds, and looks every three to twelve: what is new to one is not to another."""
    falls = [value_shock(4.0 * (1 + n), -0.01 * (1 + n)) for n in range(5)]
    interval = {"dist": "uniform", "low": 3.0, "high": 12.0}
    own = stepped(market_of(falls, news_interval_seconds=interval, nearest_bps=500.0), 25)
    assert np.unique(own._state.seen).size > 2
    assert own._state.anchor == pytest.approx(own._state.seen)


def test_news_is_learned_late_and_with_an_error() -> None:
    model = market_of(
        [value_shock(5.0, -0.02)], news_interval_seconds=10.0, news_noise=0.3, nearest_bps=500.0, steps=30
    )
    own = stepped(model, 10)
    late = float((own._state.seen == SPOT).mean())
    assert 0.3 < late < 0.7
    own = stepped(model, 12)
    assert (own._state.seen < SPOT).all()
    moved = np.log(own._state.anchor / SPOT)
    assert moved.mean() == pytest.approx(np.log(0.98), rel=0.05)
    assert moved.std() == pytest.approx(0.3 * abs(np.log(0.98)), rel=0.15)


@pytest.mark.parametrize(("qty", "side", "sign"), [(-2000.0, BID, -1), (2000.0, ASK, 1)])
def test_nobody_pays_more_than_the_best_price_asks(qty: float, side: int, sign: int) -> None:
    """After a sale many would pay more than is asked; each bids what is asked, and the price steps up."""
    model = market_of(shocks=[market_order(20.0, qty)], steps=60)
    own = stepped(model, 21)
    for _ in range(10):
        best = int(model.view.quotes[0]["ask_tick" if side == BID else "bid_tick"])
        before = own._state.shown[side].copy()
        model.step()
        shown, price = own._state.shown[side], own._state.price[side] / 0.5
        sent = (shown > 0) & (shown != before)
        assert (sign * (shown - best) >= 0)[sent].all()
        eager = sent & (sign * (price - best) < -1)
        assert (shown[eager] == best).all()
        if eager.any():
            return
    pytest.fail("nobody would have paid more")


def test_nobody_holds_more_than_it_has_the_capital_for() -> None:
    shocks = [market_order(float(at), -2000.0) for at in range(2, 38, 4)]
    model = market_of(shocks, most_intentions=1.0, furthest_bps=300.0)
    own = population(model, "latent")
    model.run()
    share = np.abs(units(model, "latent", "BTC-perpetual")) * 1000 / own._who.most
    assert (share > 0.999).sum() > 20
    assert (share > 1.001).sum() < 20, "an order that is filled while its change is under way"
    assert (share < 2.0).all()
    assert not (model.recording().rejects["population"] == "latent").any()


def test_a_larger_sale_makes_a_larger_fall() -> None:
    """Square-root-like, and no vacuum: thirty times the size moves the price by three to twelve times."""
    calm = mids(market_of(steps=60))
    falls = []
    for qty in (30.0, 100.0, 300.0, 900.0, 3000.0, 20_000.0):
        shock = market_order(20.0, -qty) | {"over_seconds": 20.0}
        falls.append(-np.log(mids(market_of([shock], steps=60)) / calm)[20:45].min())
    assert (np.diff(falls) > 0).all()
    assert 3.0 < falls[3] / falls[0] < 12.0


def test_arms_review_at_the_same_times() -> None:
    quiet, shocked = market_of(steps=30), market_of([market_order(5.0, -500.0)], steps=30)
    for model in (quiet, shocked):
        model.run()
    states = [population(model, "latent")._state for model in (quiet, shocked)]
    assert (states[0].next_review == states[1].next_review).all()
    assert (states[0].price != states[1].price).any()


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ScenarioError, match=r"latent\.furthest_bps: is below nearest_bps \(3\)"):
        market_of(furthest_bps=1.0)
