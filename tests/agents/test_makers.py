"""Market makers: where they quote, how much, and when they leave."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
from small_market import SPOT, market_order, orders_of, population, small_market, units, value_shock

from scenarios.file.errors import ScenarioError
from sim.model import Model
from sim.records import QUOTE
from sim.setup.listing import SECONDS_PER_YEAR

ONE: dict[str, Any] = {
    "name": "makers",
    "type": "makers.MarketMakers",
    "venue": "perp",
    "count": 1,
    "levels": 3,
    "spread_bps": 10.0,
    "spacing_bps": 5.0,
    "volatility_factor": 0.0,
    "size": 2.0,
    "growth": 1.5,
    "learning_bps": 0.0,
    "skew_bps": 0.0,
    "anchor_per_second": 0.0,
    "calm_volatility": 100.0,
}
VENUES = ("perp", "desk")


def market_of(steps: int = 10, shocks: Any = (), atm: float = 0.6, **changes: Any) -> Model:
    return small_market(
        ONE | changes, venues=VENUES, steps=steps, shocks=shocks, asset={"smile": {"atm": atm}}
    )


def best(model: Model) -> tuple[float, float]:
    """Best bid and ask."""
    quote = model.view.quotes[0]
    return float(quote["bid"]), float(quote["ask"])


def down(price: float) -> float:
    return math.floor(price / 0.5) * 0.5


def up(price: float) -> float:
    return math.ceil(price / 0.5) * 0.5


def test_a_row_quotes_the_levels_it_drew_under_tags_that_no_other_has() -> None:
    model = market_of(count=30, levels={"dist": "uniform", "low": 1.0, "high": 6.4})
    makers = population(model, "makers")
    assert set(makers.levels.tolist()) == {1, 2, 3, 4, 5, 6}
    sent = orders_of(model, "makers", 1)
    rows = sent["account"]
    assert np.bincount(rows[sent["qty"] > 0]).tolist() == makers.levels.tolist()
    assert np.bincount(rows[sent["qty"] < 0]).tolist() == makers.levels.tolist()
    assert np.unique(sent["target"]).size == sent.size == 2 * makers.levels.sum()
    assert sent["target"].max() < 2 * 6 * 30, "what was claimed: the largest ladder for every row"
    alike = [row for row in range(30) if makers.levels[row] == 3]
    same = orders_of(market_of(count=30, levels=3), "makers", 1)
    assert (sent[np.isin(rows, alike)]["price"] == same[np.isin(same["account"], alike)]["price"]).all()


def test_what_makers_learn_is_averaged_over_what_each_quotes() -> None:
    two = {"dist": "choice", "values": [1, 3]}
    model = market_of(count=10, levels=two, learning_bps={"dist": "uniform", "low": 0.0, "high": 1.0})
    makers = population(model, "makers")
    quoted = np.where(makers.levels == 1, 2.0, 2.0 + 3.0 + 4.5)
    impact, size = makers.permanent_impact(0)
    assert size == pytest.approx(quoted.sum())
    assert impact == pytest.approx(1e-4 * np.average(makers.column("learning_bps"), weights=quoted))


@pytest.mark.parametrize(
    ("levels", "said"),
    [
        (0, "must be at least 1"),
        (51, "must be at most 50"),
        (2.5, "a whole number"),
        ({"dist": "lognormal", "median": 5.0, "sigma": 0.5, "max": 50.0}, "not at least 1; give it a `min`"),
        ({"dist": "uniform", "low": 1.0, "high": 51.0}, "not at most 50; give it a `min` or `max`"),
    ],
)
def test_levels_are_whole_numbers_from_one_to_fifty(levels: Any, said: str) -> None:
    with pytest.raises(ScenarioError, match=re.escape(said)):
        market_of(levels=levels)


def test_they_quote_levels_outwards_from_the_half_spread() -> None:
    sent = orders_of(market_of(), "makers", 1)
    bids, asks = sent[sent["qty"] > 0], sent[sent["qty"] < 0]
    assert set(sent["kind"].tolist()) == {QUOTE}
    assert (bids["price"] * 0.5).tolist() == [down(SPOT * (1 - (10 + 5 * i) * 1e-4)) for i in range(3)]
    assert (asks["price"] * 0.5).tolist() == [up(SPOT * (1 + (10 + 5 * i) * 1e-4)) for i in range(3)]
    assert bids["qty"].tolist() == [2000, 3000, 4500]
    assert asks["qty"].tolist() == [-2000, -3000, -4500]


def test_flow_moves_both_quotes_for_good() -> None:
    model = market_of(learning_bps=4.0, shocks=[market_order(2.0, -5.0)])
    model.run()
    assert population(model, "makers").fair == pytest.approx(SPOT * math.exp(-4e-4 * 5), rel=1e-12)
    fair = SPOT * math.exp(-4e-4 * 5)
    assert best(model) == (down(fair * (1 - 1e-3)), up(fair * (1 + 1e-3)))


def test_what_it_learnt_fades_towards_the_value_at_the_anchor_rate() -> None:
    model = market_of(steps=40, learning_bps=4.0, anchor_per_second=0.05, shocks=[market_order(2.0, -5.0)])
    model.run()
    makers = population(model, "makers")
    gap = SPOT * (1 - math.exp(-4e-4 * 5))
    waited = float(makers._makers.updated[0]) - 3.0
    assert SPOT - makers.fair[0] == pytest.approx(gap * math.exp(-0.05 * waited), rel=0.06)


@pytest.mark.parametrize(("response", "fall"), [(1.0, 0.02), (0.5, 1 - math.sqrt(0.98)), (0.0, 0.0)])
def test_they_take_over_their_share_of_news(response: float, fall: float) -> None:
    model = market_of(news_response=response, shocks=[value_shock(2.0, -0.02)])
    model.run()
    assert population(model, "makers").fair == pytest.approx(SPOT * (1 - fall))


def test_inventory_shifts_both_quotes_against_it() -> None:
    model = market_of(skew_bps=100.0, inventory_limit=50.0, shocks=[market_order(2.0, -5.0)])
    model.run()
    assert units(model, "makers", "BTC-perpetual") == pytest.approx([5.0])
    centre = SPOT * (1 - 100e-4 * 5 / 50)
    assert best(model) == (down(centre * (1 - 1e-3)), up(centre * (1 + 1e-3)))


def test_inventory_never_passes_its_limit() -> None:
    shocks = [market_order(3.0 * i, -5.0) for i in range(1, 9)]
    model = market_of(steps=30, inventory_limit=12.0, shocks=shocks)
    model.run()
    assert units(model, "makers", "BTC-perpetual") == pytest.approx([12.0])
    assert math.isnan(best(model)[0])


def test_the_half_spread_widens_by_its_multiple_of_one_seconds_volatility() -> None:
    model = market_of(volatility_factor=2.0, atm=1.5)
    sent = orders_of(model, "makers", 1)
    half = 1e-3 + 2.0 * 1.5 / math.sqrt(SECONDS_PER_YEAR)
    assert sent["price"][0] * 0.5 == down(SPOT * (1 - half))
    assert sent["price"][1] * 0.5 == up(SPOT * (1 + half))


@pytest.mark.parametrize(("atm", "part"), [(0.4, 1.0), (1.0, 1.0), (4.0, 0.25**0.5), (8.1, 0.0)])
def test_sizes_thin_above_calm_volatility_and_vanish_at_withdrawal(atm: float, part: float) -> None:
    own = {"calm_volatility": 1.0, "thinning": 0.5, "withdrawal_volatility": 8.0}
    sent = orders_of(market_of(atm=atm, **own), "makers", 1)
    expected = [math.floor(2000 * part * 1.5**level + 1e-6) for level in range(3)]
    assert np.abs(sent["qty"][::2]).tolist() == expected


def test_a_crash_drains_the_book_and_calm_refills_it() -> None:
    own = {"calm_volatility": 1.0, "withdrawal_volatility": 8.0}
    model = market_of(steps=400, shocks=[value_shock(5.0, -0.02)], **own)
    model.run()
    depth = model.recording().series["BTC.depth_bid"].to_numpy()
    assert depth[3] > 0
    assert depth[8:20].max() == 0
    assert depth[-1] > 0


@pytest.mark.parametrize("step_seconds", [1.0, 0.5, 0.25])
def test_rows_requote_by_their_own_clocks_whatever_the_step(step_seconds: float) -> None:
    own = ONE | {"count": 20, "interval_seconds": 2.0}
    model = small_market(own, venues=VENUES, steps=round(40 / step_seconds), step_seconds=step_seconds)
    sent = orders_of(model, "makers", round(40 / step_seconds))
    per_row = np.bincount(sent["account"]) / 6
    assert (per_row >= 20).all()
    assert (per_row <= 21).all()


def test_at_a_book_of_spot_they_quote_both_sides_around_the_inventory_they_bring() -> None:
    model = small_market(
        ONE | {"inventory_limit": 30.0, "skew_bps": 50.0},
        venues=("perp",),
        settings={"perp": {"instrument": "spot"}},
    )
    for _ in range(2):
        model.step()
    assert units(model, "makers", "BTC-spot") == pytest.approx([30.0])
    assert best(model) == (down(SPOT * (1 - 1e-3)), up(SPOT * (1 + 1e-3)))
