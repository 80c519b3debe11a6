"""Rerouting: replayed hedges go where the route would send them then, within the account's means."""

from __future__ import annotations

from typing import Any

import pytest
from on_a_pool import DEALERS, DEEP
from small_market import population, value_shock

from analysis.base.arms import BASE, MUTED, OPEN_LOOP
from scenarios.arms.arms import Arms
from scenarios.build.loading import parse
from scenarios.file.document import Document
from scenarios.file.schema import Scenario
from sim.recording.recording import Recording
from sim.records import MARKET, SWAP, orders

BOOKS_OF_OPTIONS = {
    "exposure": {
        "type": "synthetic",
        "open_interest": 200.0,
        "expiries_days": [30.0],
        "strikes": 0,
        "put_share": 0.0,
    },
    "contracts": 10,
    "opens_hedged": True,
    "capital": 0.0,
}


def hedged_in_both(dealers: dict[str, Any], shocks: list[dict[str, Any]], block_seconds: float) -> Scenario:
    """A cheap pool of spot, maybe on a chain, and a dearer market of perpetuals."""
    pool = {"name": "pool", "type": "amm.ConstantProduct", "asset": "BTC", "lot": 0.001, "fee_bps": 0.0}
    if block_seconds:
        pool["block_seconds"] = block_seconds
    linear = {"name": "linear", "type": "linear_impact.LinearImpact", "asset": "BTC", "lot": 0.001}
    route = {"route": {"venues": ["linear", "pool"]}, "count": 1}
    values = {
        "schema_version": 2,
        "name": "both",
        "time": {"steps": 40},
        "assets": [{"name": "BTC", "spot": 50_000.0, "driver": {"type": "drivers.Constant"}}],
        "venues": [
            linear | {"instrument": "perpetual", "impact": 0.001, "taker_fee_bps": 60.0},
            pool,
            {"name": "desk", "type": "rfq.Desk"},
        ],
        "populations": [DEEP, DEALERS | dealers | route],
        "shocks": shocks,
    }
    return parse(Document("both", values))


def hedges(scenario: Scenario) -> dict[str, list[tuple[str, int]]]:
    """Venue and lots of every hedge, by arm."""
    found: dict[str, Recording] = {}
    Arms(scenario, [BASE, MUTED, OPEN_LOOP]).run(3, found.__setitem__)
    return {
        arm: [
            (str(fill.venue).removesuffix("-sink"), int(fill.qty))
            for fill in recording.fills.query(
                "taker_population == 'dealers' and reason == 'hedge'"
            ).itertuples()
        ]
        for arm, recording in found.items()
    }


@pytest.mark.parametrize(("sign", "cash"), [(-1.0, 1.2e6), (-1.0, 2.4e6), (-1.0, 3.6e6), (1.0, 2.4e6)])
def test_a_hedge_that_is_sent_as_it_was_decided_goes_where_it_went(sign: float, cash: float) -> None:
    """The first one in all arms: what options owe counts against the cash for spot as it does in a hedge."""
    book = BOOKS_OF_OPTIONS | {"cash": cash, "exposure": BOOKS_OF_OPTIONS["exposure"] | {"sign": sign}}
    sent = hedges(hedged_in_both(book, [value_shock(2.0, 0.05)], 0.0))
    assert sent[BASE][0] == sent[MUTED][0] == sent[OPEN_LOOP][0]
    venues = {arm: each[0][0] for arm, each in sent.items()}
    assert venues[BASE] == ("pool" if sign < 0 and cash > 3e6 else "linear")


def test_what_waits_for_a_block_is_not_sold_again() -> None:
    """Spot for one hedge: the first goes to the pool, the others to the perpetual, in every arm."""
    treasury = {
        "treasury": 0.03,
        "exposure": {"type": "constant_gamma", "gamma": -0.2},
        "opens_hedged": False,
    }
    shocks = [value_shock(at, -0.02) for at in (13.0, 15.0, 17.0)]
    sent = hedges(hedged_in_both(treasury, shocks, 12.0))
    assert [venue for venue, _ in sent[MUTED]].count("pool") == 1
    assert [venue for venue, _ in sent[OPEN_LOOP]].count("pool") == 1
    sold = sum(lots for venue, lots in sent[OPEN_LOOP] if venue == "pool")
    assert -300_000 <= sold < 0


def test_of_two_orders_of_an_account_the_second_finds_what_the_first_has_left() -> None:
    """Spot for one of them: the other goes to the perpetual, whichever lots they were sized in."""
    treasury = {"treasury": 0.01, "exposure": {"type": "constant_gamma", "gamma": -0.2}}
    model = hedged_in_both(treasury, [], 0.0).market()
    model.step()
    own = population(model, "dealers")
    venues = {venue.name: venue.index for venue in model.venues}
    sent = orders(3)
    sent["account"], sent["venue"], sent["kind"] = own.first, venues["linear"], MARKET
    sent["qty"] = [-60_000, -60_000, 5]
    own.reroute(sent, model.view)
    assert sent["venue"].tolist() == [venues["pool"], venues["linear"], venues["pool"]]
    assert sent["kind"].tolist() == [SWAP, MARKET, SWAP]
    assert sent["qty"].tolist() == [-60_000, -60_000, 5]
