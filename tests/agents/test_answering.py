"""Levered traders who answer their losses: margin added, stops, targets, and coming back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from small_market import SPOT, orders_of, population, small_market, units, value_shock

from sim.model import Model
from sim.records import MARKET, REDUCE_ONLY, REQUEST

ONE: dict[str, Any] = {
    "name": "levered",
    "type": "levered.LeveredTraders",
    "count": 1,
    "notional": 100_000.0,
    "leverage": 10.0,
    "long_share": 1.0,
}
ENGINE = {"name": "engine", "type": "liquidators.ExchangeLiquidators"}
VENUES = ("linear", "desk", "liquidation")
PERP, CENTS = "BTC-perpetual", "reserve"
CROWD = ONE | {
    "count": 300,
    "notional": {"dist": "lognormal", "median": 60_000.0, "sigma": 1.0},
    "leverage": {"dist": "uniform", "low": 5.0, "high": 40.0},
    "long_share": 0.6,
    "top_up_share": 0.4,
    "top_ups": 2,
    "stop_share": 0.4,
    "stop_drawdown": {"dist": "uniform", "low": 0.2, "high": 0.8},
    "profit_share": 0.2,
    "reentry_seconds": {"dist": "uniform", "low": 5.0, "high": 20.0},
    "reentry_side": "coin",
}


def market_of(*shocks: tuple[float, float], steps: int = 30, base: Any = ONE, **changes: Any) -> Model:
    jumps = [value_shock(at, change) for at, change in shocks]
    return small_market(base | changes, ENGINE, venues=VENUES, shocks=jumps, steps=steps)


def fall_to(price: float) -> float:
    return price / SPOT - 1.0


def run(model: Model) -> Model:
    model.run()
    assert all(residual < 1e-12 for residual in model.residuals().values())
    return model


@pytest.mark.parametrize(("price", "added"), [(47_380.0, 0.0), (47_350.0, 2_500.0), (45_700.0, 5_000.0)])
def test_margin_is_added_at_the_ratio(price: float, added: float) -> None:
    """Two units and 10,000 of equity: E < 5 x 1% x 2 p where p < 90,000 / 1.9 = 47,368.

    With 2,500 more, where p < 87,500 / 1.9 = 46,053.
    """
    model = run(market_of((3.0, fall_to(price)), top_up_share=1.0, top_up_at=5.0, reserve=0.5, top_ups=2))
    row = population(model, "levered").accounts
    assert units(model, "levered", CENTS) == pytest.approx([5_000.0 - added], abs=1e-9)
    assert model.view.equity[row] == pytest.approx([10_000.0 - 2 * (SPOT - price) + added], rel=1e-6)
    assert model.worth()[row] == pytest.approx([15_000.0 - 2 * (SPOT - price)], rel=1e-6)


def test_who_would_be_liquidated_is_not_if_it_tops_up() -> None:
    """Equity of 10,000 is gone at 45,000, and maintenance begins at 45,455."""
    shock = (3.0, fall_to(45_300.0))
    assert run(market_of(shock)).liquidations
    assert not run(
        market_of((2.0, fall_to(46_500.0)), (6.0, 45_300.0 / 46_500.0 - 1), top_up_share=1.0, top_up_at=4.0)
    ).liquidations


def test_a_reserve_is_out_of_reach_of_whoever_liquidates() -> None:
    """400 are left at 45,200; selling two units costs 452 of fees: the fund pays 52, the reserve stays."""
    own = ONE | {"top_up_share": 1.0, "latency_seconds": 50.0}
    settings = {"liquidation": {"backstop": 0.0}, "linear": {"taker_fee_bps": 50.0}}
    shocks = [value_shock(3.0, fall_to(45_200.0))]
    model = run(small_market(own, ENGINE, venues=VENUES, settings=settings, shocks=shocks, steps=30))
    row = population(model, "levered").accounts
    assert (units(model, "levered", CENTS) == 10_000.0).all()
    assert model.view.equity[row] == pytest.approx([0.0], abs=1e-6)
    [debt] = model.waterfall.debts
    assert (debt.account, debt.insurance) == (row[0], pytest.approx(52.0, rel=1e-3))


@pytest.mark.parametrize(("price", "is_out"), [(47_550.0, False), (47_450.0, True)])
@pytest.mark.parametrize("side", [1.0, -1.0])
def test_a_stop_closes_once_the_share_of_equity_is_lost(price: float, is_out: bool, side: float) -> None:
    """Half of 10,000 is lost by two units at 2,500 from the entry."""
    to = SPOT + side * (price - SPOT)
    own = {"stop_share": 1.0, "stop_drawdown": 0.5, "long_share": float(side > 0)}
    model = run(market_of((3.0, fall_to(to)), **own))
    assert (units(model, "levered", PERP) == 0.0).all() == is_out
    assert not model.liquidations


def test_profit_is_taken_at_the_gain() -> None:
    own = {"profit_share": 1.0, "profit_gain": 0.5}
    assert (units(run(market_of((3.0, fall_to(52_450.0)), **own)), "levered", PERP) == 2.0).all()
    model = run(market_of((3.0, fall_to(52_550.0)), **own))
    assert (units(model, "levered", PERP) == 0.0).all()
    row = population(model, "levered").accounts
    assert model.view.cash[row] == pytest.approx([10_000.0 + 2 * 2_550.0], rel=1e-6)


def test_who_is_out_comes_back_after_its_pause_with_the_leverage_of_the_opening() -> None:
    """4,800 of equity are left at 47,400, which 10 times are 1.012 units in lots of .001."""
    own = {"stop_share": 1.0, "stop_drawdown": 0.5, "reentry_seconds": 10.0, "latency_seconds": 0.0}
    model = market_of((3.0, fall_to(47_400.0)), **own)
    held = []
    for _ in range(20):
        model.step()
        held.append(float(units(model, "levered", PERP)[0]))
    assert held[2] == 2.0
    assert held[3] == 0.0
    assert held.index(pytest.approx(1.012)) == 14
    assert held[-1] == pytest.approx(1.012)


def test_the_liquidated_come_back_on_what_is_left() -> None:
    model = market_of((3.0, fall_to(45_440.0)), reentry_seconds=5.0, steps=25)
    run(model)
    own = model.recording().fills.query("taker_population == 'levered' and reason == 'trade'")
    assert len(own) == 1
    left = model.view.equity[population(model, "levered").accounts][0]
    assert units(model, "levered", PERP)[0] == pytest.approx(10 * left / 45_440.0, abs=0.001)


def test_a_coin_chooses_the_side_by_row_and_entry_alone() -> None:
    """The same rows flip in worlds that stop them at different times."""
    own = CROWD | {
        "count": 100,
        "stop_share": 1.0,
        "stop_drawdown": 0.3,
        "long_share": 1.0,
        "leverage": 10.0,
        "top_up_share": 0.0,
        "profit_share": 0.0,
        "reentry_seconds": 5.0,
    }
    sides = [np.sign(units(run(market_of((at, -0.04), base=own)), "levered", PERP)) for at in (3.0, 12.0)]
    assert (sides[0] == sides[1]).all()
    assert 25 < (sides[0] < 0).sum() < 75


def test_latency_counts_and_what_is_on_its_way_is_not_sent_again() -> None:
    own = {"stop_share": 1.0, "top_up_share": 1.0, "top_up_at": 8.0, "latency_seconds": 4.5}
    model = market_of((3.0, fall_to(48_900.0)), (10.0, -0.15), **own)
    sent = orders_of(model, "levered", 20)
    assert sent["kind"].tolist() == [REQUEST, MARKET]
    assert sent["time"].tolist() == [3.0, 10.0]
    assert sent["flags"].tolist() == [0, REDUCE_ONLY]
    assert sent["qty"].tolist() == [-1_000_000, -2_000]
    assert model.recording().fills["time"].tolist()[-2:] == [7.5, 14.5]


def test_the_marks_between_which_nobody_is_looked_at_leave_nothing_out() -> None:
    """Rows that are looked at in every step send the same orders."""
    shocks = [(float(at), 0.012 * (-1) ** (at // 7) - 0.003) for at in range(2, 40, 2)]
    sent = []
    for looks_always in (False, True):
        model = market_of(*shocks, base=CROWD, steps=45)
        own = population(model, "levered")
        if looks_always:
            lines, decide = own._standings, own.decide

            def decide_all(*given: Any, lines: Any = lines, decide: Any = decide) -> None:
                lines.low[:] = np.inf
                decide(*given)

            own.decide = decide_all
        sent.append(orders_of(model, "levered", 45))
    assert len(sent[0]) > 200
    assert (sent[0] == sent[1]).all()


def test_a_crowd_that_answers_conserves_cash_and_reserves_and_repeats() -> None:
    shocks = [(5.0, -0.03), (15.0, -0.03), (25.0, 0.05)]
    first, again = (run(market_of(*shocks, base=CROWD, steps=40)) for _ in range(2))
    assert first.recording().fills.equals(again.recording().fills)
    assert set(first.recording().fills["instrument"]) == {PERP, CENTS}


def test_without_shares_nobody_looks_and_nothing_is_listed() -> None:
    model = market_of()
    assert orders_of(model, "levered", 3).size == 0
    assert CENTS not in model.ledger.universe.names
