"""Liquidity providers who leave a pool when volatility is high, and come back when it is low."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from small_market import ARBITRAGEURS, LPS, orders_of, small_market, units, value_shock

from sim.model import Model
from sim.records import ADD_LIQUIDITY, REMOVE_LIQUIDITY

LEAVING: dict[str, Any] = LPS | {
    "deposit": 100.0,
    "hedged_share": 1.0,
    "hedging": {"type": "band", "width": 0.001},
    "route": {"venues": ["linear"]},
    "withdrawal_volatility": 5.0,
    "return_seconds": 0.0,
    "return_share": 0.5,
}
STAYING = LPS | {"name": "others", "deposit": 100.0, "route": {"venues": ["linear"]}}
PERP, COIN, SHARE = "BTC-perpetual", "BTC-spot", "pool-share"


def market_of(*shocks: tuple[float, float], steps: int = 60, **changes: Any) -> Model:
    """A fall of 5% in a step makes 37 a year of the volatility that is averaged over a minute."""
    jumps = [value_shock(at, change) for at, change in shocks]
    everybody = LEAVING | changes, STAYING, ARBITRAGEURS
    return small_market(*everybody, venues=("linear", "pool", "desk"), shocks=jumps, steps=steps)


def run(model: Model) -> Model:
    model.run()
    assert all(residual < 1e-12 for residual in model.residuals().values())
    return model


def in_pool(model: Model) -> np.ndarray:
    """Units of the asset that each provider has in the pool."""
    share = model.ledger.universe.names.index(SHARE)
    per_unit = float(model.ledger.terms[share]["delta"] / model.ledger.terms[share]["lot"])
    held: np.ndarray = units(model, "lps", SHARE) * per_unit
    return held


def test_who_bears_less_leaves_with_what_it_has_in_the_pool() -> None:
    """The pool is at the value by then: of 100 units there are 100 / sqrt(.95) at 47,500."""
    calm, wild = run(market_of((5.0, -0.001))), run(market_of((5.0, -0.05)))
    assert in_pool(calm) == pytest.approx([100.0 / 0.999**0.5] * 2, rel=1e-3)
    assert in_pool(wild) == pytest.approx([0.0] * 2)
    assert units(wild, "lps", COIN) == pytest.approx([100.0] * 2, rel=0.03)
    assert (units(wild, "others", SHARE) > 0).all()
    sent = orders_of(market_of((5.0, -0.05), latency_seconds=0.5), "lps", 30)
    left = sent[sent["kind"] == REMOVE_LIQUIDITY]
    assert left["account"].tolist() == [0, 1]
    assert left["time"].tolist() == [6.0, 6.0]


def test_an_index_does_not_believe_a_pool_that_was_left() -> None:
    """Nobody is there to move its price, while the value falls on."""
    index = {"external": 0.3, "venues": {"pool": 0.7}, "stale_seconds": 20.0}
    left = small_market(
        LEAVING,
        venues=("linear", "pool", "desk"),
        steps=60,
        asset={"index": index},
        shocks=[value_shock(5.0, -0.05), value_shock(15.0, -0.05)],
    )
    run(left)
    series = left.recording().series
    rest = float(left.view.quotes[1]["mid"])
    value = series["BTC.value"].iloc[-1]
    assert rest > 1.05 * value
    assert series["BTC.index"].iloc[24] == pytest.approx(0.3 * value + 0.7 * rest, rel=1e-6)
    assert series["BTC.index"].iloc[-1] == pytest.approx(value)


def test_a_part_may_stay() -> None:
    stayed = run(market_of((5.0, -0.05), withdrawn_share=0.75))
    whole = run(market_of((5.0, -0.05), withdrawal_volatility=1e3))
    assert units(stayed, "lps", SHARE) == pytest.approx(0.25 * units(whole, "lps", SHARE), rel=1e-6)


def test_the_hedge_follows_what_is_left() -> None:
    """Out of the pool what a row has does not change with the price: a second fall asks for no hedge."""
    traded = {}
    for share in (0.0, 0.5, 1.0):
        model = market_of((5.0, -0.05), (40.0, -0.05), steps=80, withdrawn_share=share)
        for _ in range(39):
            model.step()
        before = units(model, "lps", PERP)
        run(model)
        net = in_pool(model) + units(model, "lps", COIN) + units(model, "lps", PERP)
        assert np.abs(net).max() < 0.2
        traded[share] = (units(model, "lps", PERP) - before).sum()
    assert traded[1.0] == 0.0
    assert traded[0.5] == pytest.approx(0.5 * traded[0.0], rel=0.1)
    assert traded[0.0] < -3.0


def test_it_comes_back_below_the_lower_volatility_and_not_before_its_time() -> None:
    """37 falls to 2.5 in 120 ln(37 / 2.5) = 323 s."""
    model = market_of((5.0, -0.05), steps=400)
    sent = orders_of(model, "lps", 400)
    back = sent[sent["kind"] == ADD_LIQUIDITY]
    assert back["account"].tolist() == [0, 1]
    assert back["time"] == pytest.approx([329.0] * 2, abs=5.0)
    assert (in_pool(model) > 95.0).all()
    later = orders_of(market_of((5.0, -0.05), steps=500, return_seconds=450.0), "lps", 500)
    assert later["time"][later["kind"] == ADD_LIQUIDITY].tolist() == [456.0] * 2


def test_who_came_back_may_leave_again() -> None:
    sent = orders_of(market_of((5.0, -0.05), (380.0, 0.05), steps=400), "lps", 400)
    moved = sent[np.isin(sent["kind"], (ADD_LIQUIDITY, REMOVE_LIQUIDITY))]
    assert moved["kind"].tolist() == [REMOVE_LIQUIDITY] * 2 + [ADD_LIQUIDITY] * 2 + [REMOVE_LIQUIDITY] * 2


def test_what_waits_for_a_block_is_not_redeemed_again() -> None:
    model = small_market(
        LEAVING,
        STAYING,
        venues=("linear", "pool", "desk"),
        settings={"pool": {"block_seconds": 20.0}},
        shocks=[value_shock(5.0, -0.05)],
        steps=60,
    )
    sent = orders_of(model, "lps", 60)
    assert (sent["kind"] == REMOVE_LIQUIDITY).sum() == 2
    assert units(model, "lps", SHARE) == pytest.approx([0.0] * 2)


def test_a_deposit_takes_no_more_cash_than_there_is() -> None:
    """Rows of little capital have lost some on the way; what they cannot match stays in their accounts."""
    model = run(market_of((5.0, -0.05), steps=400, capital=0.05))
    assert (in_pool(model) > 50.0).all()
    assert not (model.recording().rejects["population"] == "lps").any()


def test_who_hedges_in_the_pool_too_counts_what_it_took_out_once() -> None:
    model = run(market_of((5.0, -0.05), (40.0, -0.05), steps=80, route={"venues": ["linear", "pool"]}))
    assert (in_pool(model) == 0.0).all()
    net = units(model, "lps", COIN) + units(model, "lps", PERP)
    assert np.abs(net).max() < 0.2


def test_thresholds_are_drawn_by_row_and_the_run_repeats() -> None:
    spread = {"dist": "lognormal", "median": 20.0, "sigma": 1.0}
    first, again = (
        run(market_of((5.0, -0.05), count=50, deposit=4.0, withdrawal_volatility=spread)) for _ in range(2)
    )
    assert 10 < (units(first, "lps", SHARE) == 0.0).sum() < 45
    assert first.recording().fills.equals(again.recording().fills)
