"""Pending: what waits counts as held, so that nobody sends the same trade at every look."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from on_a_pool import DEALERS, DEEP
from small_market import (
    listen,
    market_order,
    option_delta,
    orders_of,
    population,
    refusals,
    small_market,
    units,
    value_shock,
)

from agents.hedging.policies.band import Band
from analysis.base.arms import MUTED, OPEN_LOOP
from scenarios.arms.arms import Arms
from scenarios.build.loading import parse
from scenarios.file.document import Document
from sim import records as r
from sim.chains.blocks import Blocks
from sim.kernels.messages.owners import Owners
from sim.messages.outbox import Outbox
from sim.messages.pending import Pending, PendingLots
from sim.setup.draws import Draws

BLOCK = 12.0
OWNERS = Owners(np.array([0, 0, 1, 1], np.int16), np.array([0, 1, 0, 1], np.int32))
SOLD = market_order(1.0, -500.0)  # arrives with the block of 12 s and moves the price once


def on_a_chain(*populations: Any, block: float = BLOCK, steps: int = 36, **changes: Any) -> Any:
    """A pool whose blocks come every so many seconds."""
    venues = changes.pop("venues", ("pool", "desk"))
    settings = {"pool": {"block_seconds": block, "fee_bps": 0.0}}
    return small_market(DEEP, *populations, venues=venues, settings=settings, steps=steps, **changes)


def net_delta(model: Any, treasury: float = 0.5 * 0.2 * 50_000.0) -> float:
    """Of the dealers, their treasury aside."""
    return float(model.recording().series["dealers.net_delta"].to_numpy()[-1] - treasury)


# Hedges


def test_a_hedge_that_waits_for_a_block_is_sent_once() -> None:
    """Looks every second: one swap for the block of 24 s, one for what that block changed."""
    model = on_a_chain(DEALERS, shocks=[SOLD], steps=30)
    sent = orders_of(model, "dealers", 30)
    hedges = sent[sent["reason"] == r.HEDGE]
    late = hedges[hedges["time"] > 12.0]
    assert late["time"].tolist() == [13.0, 24.0, 25.0]
    assert abs(late["qty"][0]) > 100_000


@pytest.mark.parametrize(
    "policy",
    [
        {"type": "band", "width": 0.001},
        {"type": "time"},
        {"type": "leland", "cost": 0.0005},
        {"type": "whalley_wilmott", "cost": 0.0005, "risk_aversion": 1e-4},
    ],
    ids=lambda policy: policy["type"],
)
def test_every_policy_counts_what_waits_as_held(policy: dict[str, Any]) -> None:
    """A jump, then nothing: between two blocks a row sends what the jump asks for, and no more."""
    chain = {"type": "synthetic", "open_interest": 500.0, "expiries_days": [5.0], "strikes": 2}
    hedging = {"interval_seconds": 1.0, "synchrony": 1.0, **policy}
    own = DEALERS | {"exposure": chain, "hedging": hedging, "contracts": 10}
    model = on_a_chain(own, steps=24, shocks=[value_shock(13.0, -0.02)], venues=("linear", "pool", "desk"))
    sent = orders_of(model, "dealers", 24)
    hedges = sent[(sent["reason"] == r.HEDGE) & (sent["time"] >= 13.0)]
    assert hedges["time"][0] == 13.0
    assert abs(hedges["qty"][0]) > 10_000
    assert abs(hedges["qty"][1:]).sum() < 0.01 * abs(hedges["qty"][0])


def test_decay_sends_what_time_has_changed_once_whatever_waits() -> None:
    chain = {"type": "synthetic", "open_interest": 5000.0, "expiries_days": [0.01], "strikes": 0}
    own = DEALERS | {"exposure": chain, "hedging": {"type": "decay", "synchrony": 1.0}}
    shocks = [value_shock(1.0, 0.002)]
    model = on_a_chain(own, steps=40, shocks=shocks, venues=("linear", "pool", "desk"))
    for _ in range(12):
        model.step()
    before = option_delta(model, "dealers")[0]
    sent = orders_of(model, "dealers", 10)
    assert sent.size == 10
    assert 0.001 * sent["qty"].sum() == pytest.approx(before - option_delta(model, "dealers")[0], rel=0.02)


def test_a_row_may_add_to_what_waits_and_takes_the_cheaper_venue_for_the_rest() -> None:
    """A second jump while the first hedge waits: the second order is for the second jump."""
    hedging = {"type": "time", "interval_seconds": 1.0, "synchrony": 1.0}
    own = DEALERS | {"exposure": {"type": "constant_gamma", "gamma": -0.2}, "hedging": hedging}
    model = on_a_chain(
        own,
        steps=24,
        shocks=[value_shock(13.0, 0.01), value_shock(16.0, 0.01)],
        venues=("linear", "pool", "desk"),
    )
    sent = orders_of(model, "dealers", 24)
    hedges = sent[(sent["reason"] == r.HEDGE) & (sent["time"] >= 13.0)]
    assert hedges["time"].tolist() == [13.0, 16.0]
    assert hedges["qty"].tolist() == [100_000, 101_000]
    model.step()
    assert net_delta(model) == pytest.approx(0.0, abs=1.0)


def test_a_hedge_that_its_block_refuses_is_sent_again() -> None:
    """The price runs away while it waits: what follows is sent at once, what was refused after the block."""
    own = DEALERS | {"exposure": {"type": "constant_gamma", "gamma": -0.02}, "cash": 1e9}
    model = on_a_chain(own, steps=40)
    heard = listen(population(model, "dealers"))
    for step in range(40):
        if step in (2, 5):
            model.venues[0].state["cash"] *= 1.001 if step == 2 else 1.05
        model.step()
    sent = np.concatenate(heard)
    assert sent["time"][:3].tolist() == [2.0, 5.0, 12.0]
    assert sent["qty"][2] > 0.9 * sent["qty"][0]
    assert refusals(model, "dealers", "slippage") == 1
    assert abs(net_delta(model, treasury=0.5 * 0.02 * 50_000)) < 0.1


@pytest.mark.parametrize("latency", [0.4, 3.5])
def test_an_order_longer_on_its_way_than_a_step_is_not_sent_again(latency: float) -> None:
    own = DEALERS | {"latency_seconds": latency, "route": {"venues": ["linear"]}, "treasury": 0.0}
    model = small_market(own, venues=("linear", "desk"), steps=12, shocks=[value_shock(2.0, 0.01)])
    sent = orders_of(model, "dealers", 12)
    assert sent["time"].tolist() == [2.0]
    assert net_delta(model, 0.0) == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize("clock", ["fixed", "poisson"])
def test_screened_and_unscreened_hedgers_send_the_same_while_orders_wait(
    clock: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bands, several rows, refusals at blocks, and rounds in which orders are in flight."""
    chain = {"type": "synthetic", "open_interest": 3000.0, "expiries_days": [2.0, 9.0], "strikes": 4}
    hedging = {
        "type": "band",
        "width": {"dist": "uniform", "low": 0.0005, "high": 0.01},
        "interval_seconds": 0.7,
        "max_slippage": 0.002,
    }
    own = DEALERS | {
        "count": 20,
        "exposure": chain,
        "hedging": hedging,
        "route": {"venues": ["pool", "linear"]},
    }
    own |= {"latency_seconds": {"dist": "uniform", "low": 0.0, "high": 3.0}}

    def outcome() -> np.ndarray:
        model = small_market(
            DEEP | {"deposit": 2_000.0},
            own,
            venues=("linear", "pool", "desk"),
            settings={
                "pool": {"block_seconds": 5.0, "block_clock": clock, "fee_bps": 1.0},
                "linear": {"taker_fee_bps": 3.0},
            },
            asset={"driver": {"type": "drivers.GeometricBrownian", "volatility": 1.5}},
            steps=120,
        )
        return orders_of(model, "dealers", 120)

    screened = outcome()
    monkeypatch.setattr(Band, "reach", None)
    unscreened = outcome()
    assert screened.size > 200
    assert np.unique(screened["venue"]).size == 2
    assert np.array_equal(screened, unscreened)


# Arms


def crash_on_a_chain() -> Any:
    """Dealers short gamma who hedge at a pool on a chain, and a sale by an outsider."""
    return parse(
        Document(
            "chained",
            {
                "schema_version": 2,
                "name": "chained",
                "time": {"steps": 40},
                "assets": [{"name": "BTC", "spot": 50_000.0, "driver": {"type": "drivers.Constant"}}],
                "venues": [
                    {"name": "pool", "asset": "BTC", "type": "amm.ConstantProduct", "lot": 0.001}
                    | {"fee_bps": 0.0, "block_seconds": 3.0, "block_clock": "poisson"},
                    {"name": "desk", "asset": "BTC", "type": "rfq.Desk"},
                ],
                "populations": [DEEP, DEALERS | {"count": 3}],
                "shocks": [SOLD, market_order(20.0, -500.0)],
            },
        )
    )


def test_muted_hedges_wait_for_the_block_that_the_market_would_have_had_them_in() -> None:
    """Only the impact is taken away, not the time; and a flow replayed meets the same blocks."""
    found: dict[str, Any] = {}
    Arms(crash_on_a_chain(), ["base", MUTED, OPEN_LOOP]).run(3, found.__setitem__)
    times = {}
    for arm, recording in found.items():
        fills = recording.fills
        times[arm] = np.unique(fills.loc[fills["reason"] == "hedge", "time"].to_numpy())
    blocks = Blocks("poisson", 3.0, Draws(3, "pool"))
    for arm in times:
        assert times[arm].size > 1
        assert times[arm] == pytest.approx(blocks.next_at(times[arm]), abs=1e-9), arm
    assert np.array_equal(times[MUTED], times[OPEN_LOOP])


def test_a_block_counts_for_what_rounding_puts_a_little_after_it() -> None:
    blocks = Blocks("poisson", 5.0, Draws(1, "pool"))
    at = blocks.next_at(np.arange(0.0, 500.0))
    assert np.array_equal(blocks.next_at(np.nextafter(at, np.inf)), np.nextafter(at, np.inf))
    assert (blocks.next_at(at + 1e-6) > at + 1e-6).all()


# Others who trade towards a position


def test_arbitrageurs_do_not_send_again_what_waits_for_a_later_block() -> None:
    """A look in a step whose block comes before the order of that look, and after that of the last."""
    own = {
        "name": "arbitrageurs",
        "type": "arbitrageurs.Arbitrageurs",
        "book": "linear",
        "pool": "pool",
        "count": 1,
        "share": 1.0,
        "edge_bps": 0.0,
        "spot_units": 5_000.0,
        "max_units": 5_000.0,
        "cash": 1e9,
        "interval_seconds": 1.0,
        "latency_seconds": 2.2,
    }
    model = on_a_chain(own, block=1.5, shocks=[value_shock(1.0, 0.01)], venues=("linear", "pool", "desk"))
    sent = orders_of(model, "arbitrageurs", 30)
    swaps = sent[sent["kind"] == r.SWAP]
    assert swaps.size < 4
    quotes = model.view.quotes
    assert quotes[1]["mid"] == pytest.approx(quotes[0]["mid"], rel=1e-4)
    assert abs(swaps["qty"][1:]).sum() < 0.01 * abs(swaps["qty"][0])


def test_momentum_traders_at_a_pool_buy_a_position_once() -> None:
    own = {
        "name": "momentum",
        "type": "momentum.MomentumTraders",
        "venue": "pool",
        "count": 4,
        "cash": 1e8,
        "max_units": 5.0,
        "interval_seconds": 1.0,
        "latency_seconds": 0.0,
    }
    model = on_a_chain(own, shocks=[value_shock(13.0, 0.05)], venues=("linear", "pool", "desk"), steps=40)
    sent = orders_of(model, "momentum", 40)
    first = sent[(sent["time"] >= 13.0) & (sent["time"] < 24.0)]
    assert np.bincount(first["account"], first["qty"]) == pytest.approx([5_000.0] * 4, rel=0.1)
    held = units(model, "momentum", "BTC-spot")
    assert held == pytest.approx([5.0] * 4, abs=0.01)


# The count itself


def sent(*rows: dict[str, Any]) -> Pending:
    """Orders that wait, of accounts 0 to 3; venue 0 trades 0 and redeems 2, venue 1 is a desk."""
    box = Outbox()
    orders = r.orders(len(rows))
    for order, fields in zip(orders, rows, strict=True):
        for name, value in fields.items():
            order[name] = value
    box.extend(orders)
    pending = Pending(box, OWNERS, 2, 3)
    pending.trade(0, [0, 2])
    pending.trade(1, [-1])
    pending.trade(2, [1])
    return pending


def test_what_trades_at_once_counts_and_what_may_rest_does_not() -> None:
    counted = {
        "market": ({"kind": r.MARKET, "qty": 7}, 0, 7),
        "swap": ({"kind": r.SWAP, "qty": -7}, 0, -7),
        "immediate": ({"kind": r.LIMIT, "tif": r.IOC, "qty": 7}, 0, 7),
        "fill or kill": ({"kind": r.LIMIT, "tif": r.FOK, "qty": 7}, 0, 7),
        "resting": ({"kind": r.LIMIT, "qty": 7}, 0, 0),
        "quote": ({"kind": r.QUOTE, "qty": 7}, 0, 0),
        "cancel": ({"kind": r.CANCEL, "qty": 7}, 0, 0),
        "side by value": ({"kind": r.MARKET, "qty": 7, "flags": r.SIDE_BY_VALUE}, 0, 0),
        "deposit": ({"kind": r.ADD_LIQUIDITY, "qty": 7}, 0, 0),
        "redemption": ({"kind": r.REMOVE_LIQUIDITY, "qty": 7}, 2, -7),
        "request": ({"kind": r.REQUEST, "venue": 1, "qty": 7, "instrument": 1}, 1, 7),
        "elsewhere": ({"kind": r.MARKET, "venue": 2, "qty": 7}, 1, 7),
    }
    for name, (order, instrument, lots) in counted.items():
        pending = sent(order | {"account": 2})
        assert pending.of(2, instrument) == lots, name
        assert pending.of(3, instrument) == pending.of(2, 1 - min(instrument, 1)) == 0, name


def test_rows_see_theirs_by_instrument_and_once_more_when_they_are_gone() -> None:
    pending = sent(
        {"kind": r.MARKET, "account": 2, "qty": 5},
        {"kind": r.MARKET, "account": 2, "qty": -2},
        {"kind": r.MARKET, "account": 3, "venue": 2, "qty": 4},
        {"kind": r.MARKET, "account": 1, "qty": 9},
    )
    rows = PendingLots(np.array([[2, 3]]), [1, 0])
    assert rows.look(pending).tolist() == [0, 1]
    assert rows.lots.tolist() == [[0, 4], [3, 0]]
    pending._outbox.count = 0
    assert rows.look(pending).tolist() == [0, 1]
    assert rows.look(pending).tolist() == []
    assert not rows.lots.any()
