"""High-frequency makers: quotes around the mid, what they foresee, and how long their capital lasts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from small_market import SPOT, market_order, orders_of, population, small_market, units, value_shock

from agents.high_frequency import HighFrequencyMakers
from agents.kernels.anticipating import Flow, price_of, watch
from scenarios.file.errors import ScenarioError
from sim.base.jit import kernel
from sim.messages.view import VENUE_STATE
from sim.model import Model

ONE: dict[str, Any] = {
    "name": "hft",
    "type": "high_frequency.HighFrequencyMakers",
    "venue": "perp",
    "count": 1,
    "levels": 3,
    "spread_bps": 2.0,
    "spacing_bps": 3.0,
    "size": 1.0,
    "growth": 2.0,
    "skew_bps": 0.0,
    "calm_volatility": 100.0,
    "latency_seconds": 0.0,
}


@kernel
def price_seen(quotes, reach, before):
    return price_of(quotes[0], reach, before)


def market_of(steps: int = 10, shocks: Any = (), **changes: Any) -> Model:
    return small_market(ONE | changes, venues=("perp",), steps=steps, shocks=shocks)


def best(model: Model) -> tuple[float, float]:
    quote = model.view.quotes[0]
    return float(quote["bid"]), float(quote["ask"])


def test_ladders_stand_around_the_mid() -> None:
    sent = orders_of(market_of(), "hft", 1)
    bids, asks = sent[sent["qty"] > 0], sent[sent["qty"] < 0]
    assert bids["qty"].tolist() == [1000, 2000, 4000]
    assert asks["qty"].tolist() == [-1000, -2000, -4000]
    for level, (bid, ask) in enumerate(zip(bids["price"], asks["price"], strict=True)):
        away = SPOT * (2.0 + 3.0 * level) * 1e-4
        assert bid == math.floor((SPOT - away) / 0.5)
        assert ask == math.ceil((SPOT + away) / 0.5)


def test_news_moves_them_by_the_share_they_take_over() -> None:
    for response in (1.0, 0.5):
        model = market_of(shocks=[value_shock(3.0, 0.01)], news_response=response)
        model.run()
        assert sum(best(model)) / 2 == pytest.approx(SPOT * 1.01**response, rel=1e-4)


@pytest.mark.parametrize(
    ("bid", "ask", "expected"),
    [
        (99.99, 100.01, 100.0),  # no wider than the ladder: the mid
        (99.0, 99.9, 99.9 * 0.999),  # where they were is outside: as near to that as the ladder allows
        (95.0, 106.0, 99.98),  # far wider: where they were
        (math.nan, 99.0, 99.0 * 0.999),  # nobody bids, and somebody asks for less
        (math.nan, math.nan, 99.98),
    ],
)
def test_the_mid_of_a_book_wider_than_their_ladder_is_no_price(
    bid: float, ask: float, expected: float
) -> None:
    quotes = np.zeros(1, VENUE_STATE)
    quote = quotes[0]
    quote["bid"], quote["ask"], quote["mid"] = bid, ask, 0.5 * (bid + ask)
    quote["bid_tick"], quote["ask_tick"] = (-1 if math.isnan(price) else 1 for price in (bid, ask))
    assert price_seen(quotes, 0.001, 99.98) == pytest.approx(expected)


def test_at_a_book_of_spot_they_quote_both_sides_around_the_inventory_they_bring() -> None:
    spot = {"perp": {"instrument": "spot"}}
    own = ONE | {"inventory_limit": 30.0, "skew_bps": 50.0}
    model = small_market(own, venues=("perp",), settings=spot, shocks=[market_order(3.0, 30.0)], steps=8)
    for _ in range(2):
        model.step()
    assert units(model, "hft", "BTC-spot") == pytest.approx([30.0])
    assert best(model) == (math.floor(SPOT * (1 - 2e-4) * 2) / 2, math.ceil(SPOT * (1 + 2e-4) * 2) / 2)
    model.run()
    assert not (model.recording().rejects["population"] == "hft").any()
    assert (units(model, "hft", "BTC-spot") >= 0.0).all()
    (brought,) = units(
        small_market(own | {"spot_units": 7.0}, venues=("perp",), settings=spot), "hft", "BTC-spot"
    )
    assert brought == pytest.approx(7.0)


@pytest.mark.parametrize("name", ["most_flow", "learning_rate", "horizon_seconds"])
def test_what_all_makers_share_is_not_drawn_by_row(name: str) -> None:
    with pytest.raises(ScenarioError, match=rf"hft\.{name}"):
        market_of(**{name: {"dist": "uniform", "low": 0.1, "high": 0.2}})


def test_only_the_surprise_in_flow_moves_them() -> None:
    """A buy of 0.5 a second makes the forecast rise at once and fall back as it is forgotten."""
    bought = [market_order(2.0, 0.5)]
    foreseen = {"memory_seconds": [10.0], "anticipation_bps": [40.0], "most_flow": 1e6}
    still, moved = market_of(9, bought), market_of(9, bought, **foreseen)
    gaps = []
    while still.running:
        still.step()
        moved.step()
        gaps.append(np.log(sum(best(moved)) / sum(best(still))) * 1e4)
    average = 0.5 * (1 - math.exp(-0.1))
    expected = [0.0] * 3 + [40.0 * average * math.exp(-0.1 * k) for k in range(6)]
    assert gaps == pytest.approx(expected, abs=0.15)


def test_weights_become_those_by_which_flow_moves_the_price() -> None:
    """The mid follows the average of the flow by 7 bps a unit and second, over four looks, and noise."""
    rng = np.random.default_rng(1)
    flow = Flow(
        np.array([20.0]),
        *np.zeros((2, 1)),
        np.zeros(1),
        np.zeros((4, 1)),
        np.ones(4),
        np.zeros(4),
        1e6,
        0.002,
    )
    averages, net, mid = [0.0] * 4, 0, 100.0
    for step in range(1, 40_001):
        net += int(rng.normal(0, 1000))
        mid *= math.exp((7.0 * averages[-4] / 4 + rng.normal(0, 0.2)) * 1e-4)
        watch(float(step), net, 0.001, mid, flow)
        averages.append(float(flow.average[0]))
    then = sum(np.corrcoef(averages[8 : -4 - lag], averages[8 + lag : -4 or None])[0, 1] for lag in range(4))
    assert flow.weight[0] == pytest.approx(7.0 * then / 4, rel=0.1)


def test_sizes_shrink_with_capital_and_end_with_it() -> None:
    """Bought high, marked low: half of what lies above exhaustion is lost, then all."""
    model = market_of(60, inventory_limit=5.0, cash=20_000.0, exhaustion=0.2, learning_rate=0.0)
    own = population(model, "hft")
    model.step()
    assert own._who.strength[0] == 1.0
    for left, strength in ((0.6, 0.5), (0.1, 0.0)):
        own._opening[0] = model.view.standing(own.account[0])[0][0] / left
        model.step()
        assert own._who.strength[0] == pytest.approx(strength)
    assert model.venues[0].accounts["resting"][own.first] == 0


def test_a_maker_that_is_ruined_is_liquidated() -> None:
    """It buys what is sold, knows nothing of the news, and the others go on falling."""
    keepers = {"name": "liquidators", "type": "liquidators.ExchangeLiquidators"}
    other = {"name": "makers", "type": "makers.MarketMakers", "venue": "perp", "count": 3, "size": 20.0}
    shocks = [market_order(3.0, -60.0), *(value_shock(float(at), -0.01) for at in range(5, 20))]
    model = small_market(
        ONE
        | {"cash": 60_000.0, "size": 10.0, "inventory_limit": 40.0, "exhaustion": 0.0, "news_response": 0.0},
        other,
        keepers,
        venues=("perp", "desk", "liquidation"),
        steps=40,
        shocks=shocks,
    )
    model.run()
    own = population(model, "hft")
    assert {each.account for each in model.liquidations} == {own.first}
    assert units(model, "hft", "BTC-perpetual")[0] == 0.0
    assert own.peak[0] > 0.4
    assert set(model.residuals().values()) - {model.residuals()["cash"]} == {0}


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ScenarioError, match=r"hft\.anticipation_bps: has 2 numbers for 3 averages"):
        market_of(anticipation_bps=[1.0, 2.0])
    assert HighFrequencyMakers.steady["thinning"] == 0.0
