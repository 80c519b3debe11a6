"""Reduce-only in a whole market: whatever else is sent, such an order never turns a position round."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from small_market import MAKERS, SPOT, market_order, population, refusals, small_market

from analysis.base.arms import MUTED
from scenarios.arms.arms import Arms
from scenarios.build.loading import parse
from scenarios.file.document import Document
from sim import records as r

LONG = {
    "name": "levered",
    "type": "levered.LeveredTraders",
    "count": 1,
    "notional": SPOT,  # 1,000 lots of 0.001
    "leverage": 2.0,
    "cash": 1e6,
    "long_share": 1.0,
}


def market(*venues: str, **changes: Any) -> tuple[Any, int, int]:
    """A market with somebody who is long 1,000 lots; the account, and the row of the first venue."""
    others = [MAKERS | {"learning_bps": 0.0}] if "perp" in venues else []
    others.append({"name": "idle", "type": "momentum.MomentumTraders", "venue": venues[0], "threshold": 10.0})
    model = small_market(*others, LONG, venues=(*venues, "desk"), **changes)
    model.step()
    return model, population(model, "levered").first, model.listing.venue(venues[0]).index


def held(model: Any, account: int) -> int:
    return int(model.ledger.position[model.ledger.universe.names.index("BTC-perpetual"), account])


@pytest.mark.parametrize("venue", ["perp", "linear"])
def test_a_far_bid_beside_it_lets_a_reduce_only_order_sell_no_more(venue: str) -> None:
    model, account, index = market(venue, steps=4)
    box = model.router.outbox
    box.now = model.time
    box.market(account, index, -3000, flags=r.REDUCE_ONLY)
    box.limit(account, index, 10, 1)
    assert held(model, account) == 1000
    model.step()
    assert held(model, account) == 0


def test_several_reduce_only_orders_of_one_instant_close_a_position_once() -> None:
    model, account, index = market("perp", steps=4)
    box = model.router.outbox
    box.now = model.time
    for _ in range(3):
        box.market(account, index, -700, flags=r.REDUCE_ONLY)
    box.market(account, index, -50)  # this one may sell short
    model.step()
    assert held(model, account) == -50
    assert refusals(model, "levered", "nothing_to_reduce") == 1


def test_what_rests_reduces_what_is_left_though_its_owner_sent_nothing_since() -> None:
    """It rests for 1,000, 600 are sold elsewhere, and an outsider buys it: 400, not 1,000."""
    model, account, index = market(
        "perp", "linear", steps=6, shocks=[market_order(4.0, 3.0)], settings={"linear": {"impact": 0.0}}
    )
    ask = int(model.view.quotes[index]["ask_tick"])
    box = model.router.outbox
    box.now = model.time
    box.limit(account, index, -1000, ask - 1, flags=r.REDUCE_ONLY)
    model.step()
    box.now = model.time
    box.market(account, model.listing.venue("linear").index, -600)
    model.step()
    assert held(model, account) == 400
    for _ in range(3):
        model.step()
    fills = model.recording().fills
    assert fills[fills["maker_population"] == "levered"]["qty"].tolist() == [400]
    assert held(model, account) == 0


def test_a_sink_and_a_pool_go_by_the_position_too() -> None:
    """Spot sold into a pool, and what a muted hedger would sell outside the market."""
    values = {
        "schema_version": 2,
        "name": "mutable",
        "time": {"steps": 4},
        "assets": [{"name": "BTC", "spot": SPOT, "driver": {"type": "drivers.Constant"}}],
        "venues": [
            {"name": "pool", "asset": "BTC", "type": "amm.ConstantProduct", "lot": 0.001},
            {"name": "desk", "asset": "BTC", "type": "rfq.Desk"},
        ],
        "populations": [
            {"name": "lps", "type": "liquidity_providers.LiquidityProviders", "pool": "pool", "count": 1}
            | {"deposit": 100.0, "route": {"venues": ["pool"]}},
            {"name": "dealers", "type": "dealers.OptionDealers", "count": 1, "cash": 1e7, "treasury": 0.001}
            | {"exposure": {"type": "constant_gamma", "gamma": 0.02}, "route": {"venues": ["pool"]}},
        ],
    }
    arms = Arms(parse(Document("mutable", values)), ["base", MUTED])
    for arm, name in (("base", "pool"), (MUTED, "pool-sink")):
        model = arms.market(arm, 1)
        account = population(model, "dealers").first
        index = next(venue.index for venue in model.venues if venue.name == name)
        spot = model.ledger.universe.names.index("BTC-spot")
        assert model.ledger.position[spot, account] == 1000
        box = model.router.outbox
        box.now = 0.0
        for qty in (-700, -700, 5):
            box.market(account, index, qty, flags=r.REDUCE_ONLY if qty < 0 else 0)
        model.step()
        assert model.ledger.position[spot, account] == 5
        sold = model.recording().fills.query("taker_population == 'dealers' and reason == 'trade'")["qty"]
        assert sold.tolist() == [-700, -300, 5], arm


def test_a_position_that_a_batch_has_opened_can_be_reduced_in_it() -> None:
    """The position is that of the moment, not of the batch's beginning."""
    model, account, index = market("linear", steps=4, settings={"linear": {"impact": 0.0}})
    box = model.router.outbox
    box.now = model.time
    for qty, flags in ((500, 0), (-9000, r.REDUCE_ONLY), (-20, 0), (9000, r.REDUCE_ONLY)):
        box.market(account, index, qty, flags=flags)
    model.step()
    fills = model.recording().fills
    own = fills[(fills["taker_population"] == "levered") & (fills["venue"] == "linear")]["qty"]
    assert own.tolist() == [500, -1500, -20, 20]
    assert np.isclose(held(model, account), 0)
