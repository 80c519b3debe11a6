"""Meta-orders: runs of one side, with lengths that have a power tail."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import numpy as np
import pytest
from small_market import MAKERS, market_order, orders_of, small_market

from scenarios.file.errors import ScenarioError
from sim.model import Model
from sim.records import MARKET

ONE: dict[str, Any] = {
    "name": "metas",
    "type": "meta_orders.MetaOrders",
    "venue": "perp",
    "count": 40,
    "size": 0.02,
    "interval_seconds": 1.0,
    "pause_seconds": 1.0,
}


def market_of(steps: int = 10, shocks: Any = (), **changes: Any) -> Model:
    return small_market(MAKERS, ONE | changes, venues=("perp",), steps=steps, shocks=shocks)


def test_slices_are_market_orders_at_the_pace_and_size_asked_for() -> None:
    sent = orders_of(market_of(400, size_spread=0.5), "metas", 400)
    assert set(sent["kind"]) == {MARKET}
    assert sent.size == pytest.approx(40 * 400, rel=0.12)
    lots = np.abs(sent["qty"])
    assert np.median(lots) == pytest.approx(20, abs=1)
    assert np.log(lots).std() == pytest.approx(0.5, rel=0.05)
    assert (np.diff(sent["time"][sent["account"] == 0]) > 0).all()


def test_a_market_of_spot_is_refused_and_one_of_a_perpetual_named() -> None:
    spot = {"perp": {"instrument": "spot"}}
    with pytest.raises(
        ScenarioError, match=r'metas\.venue: "perp" trades spot, of which nobody sells'
    ) as refused:
        small_market(MAKERS, ONE, venues=("perp", "linear"), settings=spot)
    assert "linear" in str(refused.value)


def test_lengths_of_runs_have_the_tail_they_were_given() -> None:
    """P(n > x) = x^-1.5 of meta-orders; of their mean slices, 3 or 2.6 with whole numbers; sides by coin."""
    model = market_of(600, pause_seconds=1e-6)
    own = next(p for p in model.populations if p.name == "metas")
    sent = orders_of(model, "metas", 600)
    started = own._who.started.sum()
    assert sent.size / started == pytest.approx(2.6, rel=0.25)
    signs = [np.sign(sent["qty"][sent["account"] == row]) for row in range(40)]
    runs = np.array([len(list(each)) for row in signs for _, each in groupby(row.tolist())])
    assert (runs > 8).mean() > 3 * 0.5**8
    assert np.mean([sign.mean() for sign in signs]) == pytest.approx(0.0, abs=0.15)


def test_the_flow_is_the_same_whatever_the_market_does() -> None:
    quiet = orders_of(market_of(30), "metas", 30)
    shocked = orders_of(market_of(30, [market_order(5.0, -500.0)]), "metas", 30)
    for name in ("time", "qty", "account"):
        assert (quiet[name] == shocked[name]).all()


def test_a_step_holds_no_more_slices_than_a_row_may_send() -> None:
    """What is left follows in the next step, at the times it was drawn for."""
    model = market_of(3, count=1, interval_seconds=0.01, most_slices=1e9, tail=0.1)
    sent = orders_of(model, "metas", 3)
    assert np.bincount((sent.size // 64,)).size == 4
    assert sent.size == 3 * 64
