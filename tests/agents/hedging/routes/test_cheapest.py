"""A hedge goes where its size costs least, of what its sender can pay."""

from __future__ import annotations

import pytest
from short_dealers import EXOGENOUS, dealers, net_delta
from small_market import (
    LPS,
    MAKERS,
    refusals,
    small_market,
    value_shock,
)

from scenarios.file.errors import ScenarioError


@pytest.mark.parametrize(("pool_fee", "chosen"), [(0.5, "pool"), (200.0, "perp")])
def test_the_route_picks_the_venue_that_is_cheaper_for_the_size(pool_fee: float, chosen: str) -> None:
    model = small_market(
        MAKERS | {"spread_bps": 50.0, "size": 200.0, "learning_bps": 0.0},
        LPS | {"deposit": 5000.0},
        dealers(
            route={"venues": ["perp", "pool"]},
            treasury=0.5,
            capital=2.0,
            cash=1e7,
            customer_trades_per_day=8640.0,
            customer_units=0.05,
            hedging={"type": "time"},
        ),
        settings={"pool": {"fee_bps": pool_fee}},
    )
    model.run()
    fills = model.recording().fills
    own = fills[(fills["taker_population"] == "dealers") & (fills["reason"] == "hedge")]
    assert len(own) > 50
    assert set(own["venue"]) == {chosen}


def test_a_row_without_cash_or_spot_sends_no_order_to_a_pool() -> None:
    lps = LPS | {"route": {"venues": ["linear"]}}
    own = dealers(route={"venues": ["pool"]}, capital=0.05, hedging={"width": 0.0001})
    model = small_market(own, lps, venues=("linear", "pool", "desk"), shocks=[value_shock(2.0, -0.04)])
    before = refusals(model, "dealers", "no_margin")
    model.run()
    assert (net_delta(model, "BTC-spot") > 0.01).any(), "nobody needed to sell"
    assert (net_delta(model, "BTC-spot") < -0.01).any(), "nobody lacked the cash to buy"
    assert refusals(model, "dealers", "no_margin") == before


def test_a_route_to_a_desk_is_refused() -> None:
    with pytest.raises(ScenarioError, match="trades no spot or perpetual"):
        small_market(dealers(route={"venues": ["desk"]}), venues=EXOGENOUS)
