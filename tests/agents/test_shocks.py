"""Exogenous orders: what the market does not take is carried, and what it never takes is a failure."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest
from small_market import MAKERS, market_order, population, small_market, units

from analysis.base.metric import measure
from analysis.measures import known
from scenarios.file.errors import ScenarioError
from sim.model import Model

LIMITED = MAKERS | {"count": 4, "levels": 3, "growth": 1.0, "inventory_limit": 1e6, "learning_bps": 0.0}


def sold(qty: float, *, over: float = 0.0, steps: int = 60, **makers: Any) -> Model:
    shock = market_order(5.0, qty) | {"over_seconds": over}
    return small_market(LIMITED | makers, venues=("perp",), steps=steps, shocks=[shock])


def values(model: Model) -> dict[str, Any]:
    entries = measure(model.recording(), [known()[name] for name in ("shock_executed", "market_failed")])
    return {name.rpartition(".")[2]: entry["value"] for name, entry in entries.items()}


@pytest.mark.parametrize("qty", [-1000.0, 1000.0])
@pytest.mark.parametrize("over", [0.0, 10.0])
def test_the_rest_of_an_order_is_sent_until_it_is_filled(qty: float, over: float) -> None:
    """The makers show 4 x 3 x 20 units a side; they quote again every second."""
    model = sold(qty, over=over)
    for _ in range(7):
        model.step()
    assert 0 < abs(units(model, "shocks", "BTC-perpetual")[0]) < abs(qty)
    model.run()
    assert units(model, "shocks", "BTC-perpetual")[0] == qty
    assert values(model) == {"shock_executed": 1.0, "market_failed": 0}


def test_an_order_the_other_way_waits_until_the_first_is_done() -> None:
    shocks = [market_order(5.0, -1000.0), market_order(6.0, 1000.0)]
    model = small_market(LIMITED, venues=("perp",), steps=120, shocks=shocks)
    model.run()
    assert units(model, "shocks", "BTC-perpetual")[0] == 0.0
    fills = model.recording().fills
    taken, given = (fills.query(f"{side}_population == 'shocks'") for side in ("taker", "maker"))
    own = pd.concat([taken.set_index("time")["qty"], -given.set_index("time")["qty"]]).sort_index()
    assert (own[own < 0].sum(), own[own > 0].sum()) == (-1_000_000, 1_000_000)
    assert own[own < 0].index.max() <= own[own > 0].index.min()
    assert values(model) == {"shock_executed": 1.0, "market_failed": 0}


def test_what_rounding_to_lots_takes_is_no_failure() -> None:
    market = small_market(
        LIMITED, venues=("perp",), shocks=[market_order(5.0, -20.4)], settings={"perp": {"lot": 1.0}}
    )
    market.run()
    assert values(market) == {"shock_executed": 1.0, "market_failed": 0}


@pytest.mark.parametrize("over", [0.0, 10.0])
def test_an_order_of_less_than_half_a_lot_is_refused_at_its_place(over: float) -> None:
    shocks = [market_order(5.0, -20.0), market_order(6.0, 0.49) | {"over_seconds": over}]
    said = r"shocks\.1\.qty: comes to 0\.49 lots of 1; .*allowed: at least 0\.5, half a lot"
    with pytest.raises(ScenarioError, match=said):
        small_market(LIMITED, venues=("perp",), shocks=shocks, settings={"perp": {"lot": 1.0}})


def test_what_makers_at_their_limits_never_take_is_a_market_failure() -> None:
    """Quotes under way when a maker reaches its limit are filled too."""
    model = sold(-1000.0, inventory_limit=100.0)
    model.run()
    done = -units(model, "shocks", "BTC-perpetual")[0]
    assert 400.0 <= done <= 700.0
    assert values(model) == {"shock_executed": pytest.approx(done / 1000.0), "market_failed": 1}


def test_a_shock_cut_off_by_the_end_counts_what_was_sent() -> None:
    model = sold(-100.0, over=10.0, steps=10)
    model.run()
    assert units(model, "shocks", "BTC-perpetual")[0] == -50.0
    assert values(model) == {"shock_executed": 1.0, "market_failed": 0}


def test_an_order_that_the_market_takes_at_once_is_one_order() -> None:
    model = sold(-20.0)
    model.run()
    own = population(model, "shocks")
    assert (model.recording().fills["taker_population"] == own.name).sum() == 1


def test_an_order_trades_as_far_as_its_protection_and_its_rest_stays_there() -> None:
    """Four makers show 20 each at three levels, 10 bp apart; the first two are within reach."""
    market = small_market(
        LIMITED | {"spread_bps": 5.0, "spacing_bps": 10.0, "skew_bps": 0.0, "interval_seconds": 3000.0},
        venues=("perp",),
        shocks=[market_order(5.0, -200.0) | {"protection_bps": 15.0}],
    )
    for _ in range(6):
        before = market.view.quotes["bid"][0]
        market.step()
    book = market.venues[0].resting
    own = book[book["account"] == population(market, "shocks").account[0, 0]]
    limit = math.floor(before * (1 - 15e-4) / market.view.quotes["tick"][0])
    assert own["price"].tolist() == [limit]
    assert units(market, "shocks", "BTC-perpetual")[0] == -160.0
    assert own["qty"].sum() == -40_000
    assert market.view.quotes["ask_tick"][0] == limit


@pytest.mark.parametrize("qty", [-400.0, 400.0])
def test_what_rests_is_never_sold_twice(qty: float) -> None:
    """Makers trade against it at the very instant of its next look: what is left moves, and no more."""
    market = small_market(
        LIMITED | {"latency_seconds": 0.0, "interval_seconds": 1.0, "spread_bps": 1.0},
        venues=("perp",),
        shocks=[market_order(5.0, qty) | {"protection_bps": 1.0}],
        steps=120,
    )
    market.run()
    assert units(market, "shocks", "BTC-perpetual")[0] == qty
    assert values(market) == {"shock_executed": 1.0, "market_failed": 0}


def test_patience_with_a_side_that_ends_nothing_is_refused() -> None:
    said = r"venues\.perp\.empty_seconds: .*stops_when_empty = true"
    with pytest.raises(ScenarioError, match=said):
        small_market(LIMITED, venues=("perp",), settings={"perp": {"empty_seconds": 1.5}})


@pytest.mark.parametrize(("patience", "fails"), [(1.5, True), (11.0, False)])
def test_a_side_may_be_empty_for_as_long_as_the_book_says(patience: float, fails: bool) -> None:
    """The sale at 5 s empties the bids; the maker is back within the 10 s of its clock."""
    market = small_market(
        LIMITED | {"count": 1, "interval_seconds": 10.0},
        venues=("perp",),
        shocks=[market_order(5.0, -60.0) | {"protection_bps": 5000.0}],
        settings={"perp": {"stops_when_empty": True, "empty_seconds": patience}},
    )
    market.run()
    assert bool(market.failures) == fails
    assert values(market)["market_failed"] == fails
