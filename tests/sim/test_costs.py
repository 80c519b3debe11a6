"""What the View says that trading costs, against what trading does cost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from small_market import MAKERS, SPOT, small_market

from sim import records as r
from sim.kernels.costs import BUYING, CURVES, SELLING
from sim.messages.view import OFFSETS_BPS, VENUE_STATE, View, frozen

FEE = 0.0005
POOL = CURVES.index("constant_product")


def viewed(**fields: Any) -> View:
    """A View of one venue whose row says this."""
    quotes = np.zeros(1, VENUE_STATE)
    quotes["bid"], quotes["ask"], quotes["lot"] = 99.0, 101.0, 0.01
    for name, value in fields.items():
        quotes[name] = value
    view = View()
    view.quotes = frozen(quotes)
    return view


def test_through_the_depth_shown_the_price_rises_in_proportion() -> None:
    """5 units over 2 of price, from the best one; half of the way is paid on average, and the fee."""
    curve = viewed(depth_ask=5.0, depth_bid=10.0, depth_span=2.0, taker_fee=0.001).curve
    assert curve.shape == (1, 2, 16)
    j = OFFSETS_BPS.index(100)
    bought, sold = curve[0, BUYING, j], curve[0, SELLING, j]
    assert bought["units"] == pytest.approx(5.0 * 1.01 / 2.0)
    assert bought["cost"] == pytest.approx(1.001 * bought["units"] * (101.0 + 0.5 * 1.01))
    assert sold["units"] == pytest.approx(10.0 * 0.99 / 2.0)
    assert sold["cost"] == pytest.approx(-0.999 * sold["units"] * (99.0 - 0.5 * 0.99))
    assert (np.diff(curve["units"], axis=2) > 0).all()
    assert (curve[0, :, 0]["units"] == 0.0).all()
    assert (curve[0, :, 0]["cost"] == 0.0).all()


FLAT = {"taker_fee": 0.001}, {"taker_fee": 0.001, "depth_ask": np.inf, "depth_bid": np.inf, "depth_span": 1.0}


@pytest.mark.parametrize("fields", FLAT)
def test_where_nothing_moves_the_price_any_size_trades_at_the_best_one(fields: dict[str, float]) -> None:
    """A venue without depth of its own, and one with more than can be traded."""
    curve = viewed(**fields).curve[0]
    assert np.isfinite(curve["units"]).all()
    assert np.isfinite(curve["cost"]).all()
    for units in (0.0, 1e-3, 1.0, 1e6, 1e11):
        bought, sold = (np.interp(units, side["units"], side["cost"]) for side in curve)
        assert bought == pytest.approx(1.001 * 101.0 * units)
        assert sold == pytest.approx(-0.999 * 99.0 * units)


NOTHING: dict[str, tuple[dict[str, Any], tuple[int, ...]]] = {
    "a desk": (dict.fromkeys(("bid", "ask"), 0.0), (BUYING, SELLING)),
    "an empty market": (dict.fromkeys(("bid", "ask"), np.nan), (BUYING, SELLING)),
    "a halted one": (
        {"is_halted": 1, "depth_ask": 5.0, "depth_bid": 5.0, "depth_span": 2.0},
        (BUYING, SELLING),
    ),
    "one that shows no depth in its span": ({"depth_span": 2.0}, (BUYING, SELLING)),
    "no bids": ({"bid": np.nan, "depth_ask": 5.0, "depth_span": 2.0}, (SELLING,)),
    "no asks": ({"ask": np.nan, "depth_bid": 5.0, "depth_span": 2.0}, (BUYING,)),
    "an empty pool": ({"bid": np.nan, "ask": np.nan, "curve": POOL, "pool_fee": 0.003}, (BUYING, SELLING)),
}


@pytest.mark.parametrize("case", NOTHING)
def test_where_nothing_can_be_traded_any_size_costs_infinitely_much(case: str) -> None:
    fields, sides = NOTHING[case]
    curve = viewed(**fields).curve[0]
    assert not np.isnan(curve["units"]).any()
    assert not np.isnan(curve["cost"]).any()
    for side, (units, cost) in enumerate((each["units"], each["cost"]) for each in curve):
        assert (units[0], cost[0]) == (0.0, 0.0)
        assert np.isinf(np.interp(1e-3, units, cost)) == (side in sides)
        assert (np.diff(units) > 0).all() == (side not in sides)


def test_a_desk_and_a_pool_without_deposits_are_not_free_in_a_market_either() -> None:
    model = small_market(MAKERS, venues=("perp", "linear", "pool", "desk", "liquidation"))
    model.step()
    curve = model.view.curve
    assert not np.isnan([curve["units"], curve["cost"]]).any()
    free = {venue.name for venue in model.venues if not np.isinf(curve[venue.index, :, 1:]["cost"]).all()}
    assert free == {"perp", "linear"}


@pytest.mark.parametrize("side", [BUYING, SELLING])
def test_a_pool_charges_what_its_curve_says(side: int) -> None:
    """A swap of the size of a point costs what the point says, and leaves the price so far away."""
    depositors = {"name": "lps", "type": "liquidity_providers.LiquidityProviders", "pool": "pool"}
    depositors |= {"deposit": 500.0, "count": 2, "route": {"venues": ["pool"]}}
    j, sign = OFFSETS_BPS.index(100), 1.0 if side == BUYING else -1.0
    empty = small_market(depositors, venues=("pool", "desk"))
    knot = empty.view.curve[0, side, j]
    best = float(empty.view.quotes[0]["ask" if side == BUYING else "bid"])
    order = {"at": 0.0, "type": "market_order", "asset": "BTC", "qty": sign * round(knot["units"], 3)}
    model = small_market(depositors, venues=("pool", "desk"), shocks=[order])
    model.step()
    fill = model.recording().fills.query("venue == 'pool' and reason == 'shock'").iloc[0]
    assert fill["price"] * fill["qty"] * 0.001 == pytest.approx(knot["cost"], rel=2e-4)
    after = float(model.view.quotes[0]["ask" if side == BUYING else "bid"])
    assert after == pytest.approx(best * (1 + sign * 0.01), rel=1e-5)
    assert best == pytest.approx(SPOT * (1 + sign * FEE), rel=1e-4)


def test_the_view_says_how_one_trades_at_a_venue_at_once() -> None:
    model = small_market(MAKERS, venues=("perp", "linear", "pool", "desk", "liquidation"))
    said = {v.name: tuple(model.view.quotes[v.index][["takes", "is_whole"]]) for v in model.venues}
    assert said["perp"] == said["linear"] == (r.MARKET, 0)
    assert said["pool"] == (r.SWAP, 1)
    assert (said["desk"], said["liquidation"]) == ((r.REQUEST, 0), (r.SEIZE, 0))


def test_a_curve_is_as_fresh_as_the_quotes() -> None:
    model = small_market(MAKERS, venues=("perp", "desk"), steps=3)
    before = model.view.curve
    model.step()
    assert not np.array_equal(before, model.view.curve)
    with pytest.raises(AttributeError):
        model.view.curve = before  # type: ignore[misc]
