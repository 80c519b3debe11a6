"""Arbitrageurs: they close the gap between book and pool, no further than it pays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from small_market import LPS, MAKERS, orders_of, refusals, small_market, units, value_shock

from scenarios.file.errors import ScenarioError
from sim.model import Model

TIGHT = MAKERS | {"spread_bps": 1.0, "size": 100.0, "learning_bps": 0.0, "volatility_factor": 0.0}
ARBS: dict[str, Any] = {
    "name": "arbs",
    "type": "arbitrageurs.Arbitrageurs",
    "count": 4,
    "book": "perp",
    "pool": "pool",
    "edge_bps": 1.0,
}
FREE = {"perp": {"taker_fee_bps": 0.0}, "pool": {"fee_bps": 10.0}}


def market_of(*, change: float, book: dict[str, Any] | None = None, **changes: Any) -> Model:
    settings = {"perp": FREE["perp"] | (book or {}), "pool": FREE["pool"]}
    return small_market(TIGHT, LPS, ARBS | changes, shocks=[value_shock(3.0, change)], settings=settings)


def gap_bps(model: Model) -> float:
    """How far the pool's mid is below the book's, basis points."""
    names = [venue.name for venue in model.venues]
    book, pool = (float(model.view.quotes[names.index(v)]["mid"]) for v in ("perp", "pool"))
    return (book / pool - 1) * 1e4


@pytest.mark.parametrize("change", [0.01, -0.01])
def test_they_close_a_gap_down_to_fees_spread_and_edge(change: float) -> None:
    model = market_of(change=change)
    for _ in range(3):
        model.step()
    assert abs(gap_bps(model)) < 0.5
    model.run()
    assert 9.0 < abs(gap_bps(model)) < 14.0


@pytest.mark.parametrize("change", [0.01, -0.01])
def test_both_legs_are_equal_and_opposite(change: float) -> None:
    model = market_of(change=change)
    model.run()
    spot = units(model, "arbs", "BTC-spot") - 200.0
    perpetual = units(model, "arbs", "BTC-perpetual")
    assert np.sign(spot.sum()) == np.sign(change)
    assert np.abs(spot).sum() > 2.0
    assert spot == pytest.approx(-perpetual, abs=1e-9)


def test_closing_a_gap_earns_them_more_than_the_edge() -> None:
    model = market_of(change=0.01)
    model.run()
    fills = model.recording().fills
    own = fills[fills["taker_population"] == "arbs"]
    assert own["qty"].sum() == 0
    profit = -(own["qty"] * own["price"]).sum() * 0.001
    notional = (own["qty"] * own["price"]).abs().sum() * 0.001 / 2
    assert notional > 100_000.0
    assert profit > 1e-4 * notional


def test_a_gap_inside_the_fee_is_left_alone() -> None:
    model = market_of(change=0.0008)
    assert orders_of(model, "arbs", 60).size == 0


def test_a_larger_edge_leaves_a_larger_gap() -> None:
    model = market_of(change=0.01, edge_bps=30.0)
    model.run()
    assert 38.0 < abs(gap_bps(model)) < 44.0


def test_the_basis_position_has_a_limit() -> None:
    model = market_of(change=0.05, max_units=0.5)
    model.run()
    assert units(model, "arbs", "BTC-perpetual") == pytest.approx([-0.5] * 4)


def test_spot_is_never_sold_short_nor_bought_without_cash() -> None:
    down = market_of(change=-0.05, spot_units=0.25)
    down.run()
    assert units(down, "arbs", "BTC-spot") == pytest.approx([0.0] * 4)
    up = market_of(change=0.05, cash=10_000.0)
    up.run()
    bought = units(up, "arbs", "BTC-spot") - 200.0
    assert (bought > 0.1).all()
    assert (bought < 0.21).all()


def test_looks_keep_their_clock_when_the_step_halves() -> None:
    sent = {}
    for step_seconds in (1.0, 0.5):
        model = small_market(
            TIGHT, LPS, ARBS | {"share": 1e-3, "interval_seconds": 2.0, "max_units": 1e6},
            shocks=[value_shock(0.0, 0.5)], steps=round(40 / step_seconds), step_seconds=step_seconds,
        )  # fmt: skip
        orders = orders_of(model, "arbs", model.steps_total)
        sent[step_seconds] = np.bincount(orders["account"], minlength=4)
    assert sent[1.0].min() >= 30
    assert np.abs(sent[1.0] - sent[0.5]).max() <= 4


def test_against_a_book_of_spot_they_trade_within_what_they_hold() -> None:
    model = market_of(change=0.05, book={"instrument": "spot"}, spot_units=3.0)
    model.run()
    fills = model.recording().fills
    own = fills[fills["taker_population"] == "arbs"]
    assert len(own) > 4
    assert own["qty"].sum() == 0
    assert units(model, "arbs", "BTC-spot") == pytest.approx([3.0] * 4)
    assert refusals(model, "arbs", "no_margin") == 0


@pytest.mark.parametrize(("pool", "message"), [({"lot": 0.01}, "an arbitrageur needs equal lots")])
def test_unequal_lots_are_refused(pool: dict[str, Any], message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        small_market(TIGHT, ARBS, settings={"pool": pool})
