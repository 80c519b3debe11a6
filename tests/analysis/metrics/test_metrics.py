"""Metrics, on recordings small enough to compute on paper; the paper stands in the test."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from synthetic import (
    DEALERS,
    LEVERED,
    MAKERS,
    NAMES,
    NOISE,
    a_market,
    a_recording,
    fills,
    rows,
)

from analysis.measures import metrics
from analysis.metrics.price import YEAR
from sim.recording.recording import Recording
from sim.records import FORCED, HEDGE, HEDGING, ISSUE, LIQUIDATING, SHOCK, TAKEOVER, TRADE, TRADING


def value(recording: Recording, name: str) -> Any:
    """Value of one metric."""
    return metrics(recording)[name]["value"]


def reason(recording: Recording, name: str) -> str:
    """Why a metric has no value."""
    entry = metrics(recording)[name]
    assert entry["value"] is None
    return str(entry["reason"])


def test_volatility_of_a_price_that_steps_by_known_returns() -> None:
    """Log returns +1%, -1%, +1% a step of one second: sqrt(1e-4 x year) per square root of a year."""
    mid = 100 * np.exp(np.array([0.0, 0.01, 0.0, 0.01]))
    recording = a_recording({"BTC.mid": mid})
    assert value(recording, "BTC.realised_volatility") == pytest.approx(0.01 * math.sqrt(YEAR))
    assert reason(recording, "BTC.realised_volatility_1min") == "the run is not longer than 60 s"


def test_volatility_over_a_minute_sees_what_lasts_a_minute() -> None:
    """A price that only alternates has no volatility over two steps, a drift of 1% a minute has 1%."""
    alternating = 100 * np.exp(0.01 * (np.arange(9) % 2))
    market = a_market(9, step_seconds=30.0)
    recording = a_recording({"BTC.mid": alternating, "BTC.value": alternating}, market)
    assert value(recording, "BTC.realised_volatility_1min") == pytest.approx(0.0)
    assert reason(recording, "BTC.excess_volatility") == "the exogenous value does not move"
    trend = 100 * np.exp(0.005 * np.arange(9))
    recording = a_recording({"BTC.mid": trend, "BTC.value": 1 + 0 * trend}, market)
    assert value(recording, "BTC.realised_volatility_1min") == pytest.approx(0.01 * math.sqrt(YEAR / 60))
    slow = a_recording({"BTC.mid": trend}, a_market(9, step_seconds=120.0))
    assert reason(slow, "BTC.realised_volatility_1min") == "a step of 120 s is too long for a horizon of 60 s"


def test_excess_volatility_is_one_for_a_price_that_is_the_value() -> None:
    """And two for a price whose logarithm moves twice as much."""
    path = np.cumsum(np.random.default_rng(1).normal(0, 1e-3, 200))
    same = a_recording({"BTC.mid": np.exp(path), "BTC.value": np.exp(path)})
    assert value(same, "BTC.excess_volatility") == pytest.approx(1.0)
    assert value(same, "BTC.pricing_error") == 0.0
    twice = a_recording({"BTC.mid": np.exp(2 * path), "BTC.value": np.exp(path)})
    assert value(twice, "BTC.excess_volatility") == pytest.approx(2.0)


def test_the_deepest_fall_is_from_a_high_before_it() -> None:
    """From 110 to 88 is 20%; the rise from 88 to 120 is 36.4%; the order of time matters."""
    recording = a_recording({"BTC.mid": [100.0, 110.0, 99.0, 88.0, 120.0]})
    assert value(recording, "BTC.max_drawdown") == pytest.approx(0.2)
    assert value(recording, "BTC.max_run_up") == pytest.approx(120 / 88 - 1)
    below_zero = a_recording({"BTC.mid": [1.0, -1.0]})
    assert reason(below_zero, "BTC.max_drawdown") == "BTC.mid is not above zero throughout"


def a_shocked_recording(
    qty: float, mid: list[float], at_hedge: list[float], *moves: tuple[float, int, int]
) -> Recording:
    """A shock at 2.0 s, over a second: it falls into the third step, which ends at 3 s.

    `moves` are (time, reason, half ticks); a half tick is 0.25.
    """
    shocks = [
        {"at": 40.0, "type": "market_order", "asset": "BTC", "qty": 1.0},
        {"at": 2.0, "type": "market_order", "asset": "BTC", "qty": qty, "over_seconds": 1.0},
        {"at": 1.0, "type": "outage", "population": "makers"},
    ]
    market = a_market(len(mid), shocks=shocks)
    table = rows(
        "moves", *({"asset": 0, "time": at, "reason": why, "half_ticks": by} for at, why, by in moves)
    )
    return a_recording({"BTC.mid": mid, "BTC.mid_at_hedge": at_hedge}, market, moves=table)


def test_a_sell_shock_its_overshoot_and_its_recovery() -> None:
    """From 100 its own trades take 2 away; the price is 90 at worst, 95 at 6 s and 97 in the end."""
    mid = [101.0, 100.0, 96.0, 90.0, 94.0, 95.0, 97.0]
    moves = ((2.0, SHOCK, -5), (2.9, SHOCK, -3), (2.5, HEDGE, -8), (3.1, TRADE, 7), (40.0, SHOCK, -99))
    recording = a_shocked_recording(-10.0, mid, [50.0, 50.0, 98.0, 93.0, 94.0, 95.0, 97.0], *moves)
    assert value(recording, "BTC.shock_direct_move") == pytest.approx(0.02)
    assert value(recording, "BTC.shock_largest_move") == pytest.approx(0.10)
    assert value(recording, "BTC.shock_overshoot") == pytest.approx(0.08)
    assert value(recording, "BTC.shock_lasting_move") == pytest.approx(0.03)
    assert value(recording, "BTC.shock_half_recovery") == 2.0


def test_hedges_count_from_the_shock_to_its_worst_over_what_was_asked() -> None:
    """Ten units are sold; hedgers sell two and a half and buy half of one back before the low."""
    mid = [100.0, 100.0, 98.0, 90.0, 94.0, 97.0]
    shocks = [{"at": 2.0, "type": "market_order", "asset": "BTC", "qty": -10.0, "over_seconds": 1.0}]
    sold = [(1.5, HEDGE, -7.0), (2.2, HEDGE, -2.5), (2.5, TRADE, -9.0), (3.5, HEDGE, 0.5), (4.5, HEDGE, -4.0)]
    made = fills(
        *({"step": int(at), "time": at, "reason": why, "qty": round(1000 * units)} for at, why, units in sold)
    )
    columns = {"BTC.mid": mid, "BTC.mid_at_hedge": mid}
    recording = a_recording(columns, a_market(len(mid), shocks=shocks), fills=made)
    assert value(recording, "BTC.shock_hedged") == pytest.approx(0.2)


def test_a_price_that_trends_from_the_shock_on_was_quiet_before() -> None:
    """Alternating until 300 s, and a steady fall after: the ratio of the whole run sees the fall."""
    mid = np.where(np.arange(600) < 300, 100 + np.arange(600) % 2, 100 - 0.05 * (np.arange(600) - 300))
    shocks = [{"at": 300.0, "type": "market_order", "asset": "BTC", "qty": -1.0}]
    recording = a_recording({"BTC.mid": mid}, a_market(600, shocks=shocks))
    assert value(recording, "BTC.quiet_variance_ratio_1min") == pytest.approx(0.0, abs=1e-9)
    assert value(recording, "BTC.variance_ratio_1min") > 0.1
    assert "no time before" in reason(a_recording({"BTC.mid": mid}), "BTC.quiet_variance_ratio_1min")


def test_a_variance_ratio_is_one_where_each_horizon_has_its_share() -> None:
    """A straight line in logarithms: ratios are the numbers of steps."""
    recording = a_recording({"BTC.mid": 100 * np.exp(1e-5 * np.arange(900))})
    for horizon, steps in (("10s", 10), ("1min", 60), ("5min", 300)):
        assert value(recording, f"BTC.variance_ratio_{horizon}") == pytest.approx(steps)


def test_a_buy_shock_is_the_mirror_image() -> None:
    """Its own trades make 1%, the price goes up 4% at worst and never takes half of it back."""
    mid, moves = [100.0, 100.0, 102.0, 104.0, 103.0], [(2.0, SHOCK, 4)]
    recording = a_shocked_recording(+10.0, mid, [100.0, 100.0, 101.0, 104.0, 103.0], *moves)
    assert value(recording, "BTC.shock_direct_move") == pytest.approx(0.01)
    assert value(recording, "BTC.shock_overshoot") == pytest.approx(0.03)
    assert "not regained" in reason(recording, "BTC.shock_half_recovery")


def test_a_market_that_absorbs_a_shock_has_an_overshoot_below_zero() -> None:
    """Its trades alone would have made 4%, and 3% before the hedgers' turn, but quotes returned."""
    mid, at_hedge = [100.0, 100.0, 99.0, 99.0], [100.0, 100.0, 97.0, 99.0]
    recording = a_shocked_recording(-10.0, mid, at_hedge, (2.0, SHOCK, -16))
    assert value(recording, "BTC.shock_largest_move") == pytest.approx(0.03)
    assert value(recording, "BTC.shock_overshoot") == pytest.approx(-0.01)
    assert value(recording, "BTC.shock_half_recovery") == 0.0
    unmoved = a_shocked_recording(-10.0, mid, at_hedge)
    assert "no moves" in reason(unmoved, "BTC.shock_direct_move")
    assert value(unmoved, "BTC.shock_largest_move") == pytest.approx(0.03)


def test_without_a_shock_nothing_is_said_about_it() -> None:
    """Undefined is not zero; and a run that ended before its shock says so."""
    recording = a_recording({"BTC.mid": [1.0, 1.0], "BTC.mid_at_hedge": [1.0, 1.0]})
    assert reason(recording, "BTC.shock_overshoot").startswith("the scenario has no market_order shock")
    interrupted = a_shocked_recording(-1.0, [100.0, 100.0], [100.0, 100.0])
    assert reason(interrupted, "BTC.shock_overshoot") == "the run ended before the shock"


def test_spread_and_depth_when_the_book_loses_a_side() -> None:
    """A step without an ask has no spread, and no units offered."""
    columns = {
        "BTC.mid": [100.0, 100.0, 200.0],
        "BTC.spread": [1.0, math.nan, 4.0],
        "BTC.depth_bid": [8.0, 6.0, 4.0],
        "BTC.depth_ask": [10.0, math.nan, 2.0],
    }
    recording = a_recording(columns, a_market(3, step_seconds=10.0))
    assert value(recording, "BTC.mean_spread") == pytest.approx(150.0)  # of 100 and 200 bps
    assert value(recording, "BTC.worst_spread") == pytest.approx(200.0)
    assert value(recording, "BTC.quoted_share") == pytest.approx(2 / 3)
    assert value(recording, "BTC.mean_depth_bid") == pytest.approx(6.0)
    assert value(recording, "BTC.mean_depth_ask") == pytest.approx(4.0)
    assert value(recording, "BTC.worst_depth") == pytest.approx(3.0)
    assert reason(a_recording(), "BTC.mean_spread") == "the recording has no series 'BTC.spread'"


def traded(units: float, taker: int, phase: int, why: int, venue: int = 0) -> dict[str, int]:
    """A fill of so many units; a lot is 0.001."""
    return {
        "qty": round(units * 1000),
        "taker_population": taker,
        "phase": phase,
        "reason": why,
        "venue": venue,
    }


def test_volume_is_divided_by_who_asked_for_it() -> None:
    """3 units of noise, 4 hedged (5 sold... 1 bought back), 2 forced, 10 from outside: 20 in all."""
    tape = fills(
        traded(3.0, NOISE, TRADING, TRADE),
        traded(-4.0, DEALERS, HEDGING, HEDGE),
        traded(1.0, DEALERS, HEDGING, HEDGE, venue=1),
        traded(-2.0, LEVERED, LIQUIDATING, FORCED),
        traded(-10.0, -1, TRADING, SHOCK),
        traded(500.0, DEALERS, HEDGING, ISSUE),
        traded(7.0, LEVERED, LIQUIDATING, TAKEOVER),
        traded(9.0, LEVERED, TRADING, TRADE, venue=-1),
    )
    recording = a_recording({"BTC.mid": [1.0]}, fills=tape)
    assert value(recording, "BTC.volume") == pytest.approx(20.0)
    shares = {name: value(recording, f"BTC.volume_share.{name}") for name in NAMES}
    expected = {"noise": 0.15, "dealers": 0.25, "levered": 0.10}
    assert shares == pytest.approx(dict.fromkeys(NAMES, 0.0) | expected)
    assert value(recording, "BTC.phase_share.trade") == pytest.approx(0.65)
    assert value(recording, "BTC.phase_share.hedge") == pytest.approx(0.25)
    assert value(recording, "BTC.hedging_volume") == pytest.approx(5.0)
    assert value(recording, "BTC.net_hedging_flow") == pytest.approx(-3.0)
    assert value(recording, "BTC.hedging_share") == pytest.approx(0.25)
    assert value(recording, "BTC.net_forced_flow") == pytest.approx(-2.0)
    assert value(recording, "BTC.forced_share") == pytest.approx(0.10)
    quiet = a_recording({"BTC.mid": [1.0]})
    assert value(quiet, "BTC.volume") == 0.0
    assert (
        reason(quiet, "BTC.hedging_share") == reason(quiet, "BTC.volume_share.noise") == "nothing was traded"
    )


def test_each_asset_counts_its_own_trades_and_liquidations() -> None:
    """Two assets, a book each with its own lot; liquidations belong where their instrument does."""
    market = a_market(
        assets=[{"name": "BTC"}, {"name": "ETH"}],
        venues=[{"name": "b", "asset": "BTC", "lot": 0.001}, {"name": "e", "asset": "ETH", "lot": 0.1}],
        instruments=["BTC-perpetual", "ETH-perpetual", "ETH-9-100-P"],
    )
    tape = fills(traded(3.0, NOISE, TRADING, TRADE, 0), traded(0.02, NOISE, TRADING, TRADE, 1))
    forced = rows(
        "liquidations",
        {"instrument": 0, "notional": 10.0, "population": LEVERED, "account": 4},
        {"instrument": 1, "notional": 20.0, "population": LEVERED, "account": 4},
        {"instrument": 2, "notional": 40.0, "population": DEALERS, "account": 5},
    )
    recording = a_recording({"BTC.mid": [1.0]}, market, fills=tape, liquidations=forced)
    assert value(recording, "BTC.volume") == pytest.approx(3.0)
    assert value(recording, "ETH.volume") == pytest.approx(2.0)
    assert value(recording, "BTC.liquidation_count") == 1
    assert value(recording, "ETH.liquidation_notional") == pytest.approx(60.0)
    assert value(recording, "liquidations_of.levered") == 2
    assert value(recording, "liquidated_notional_of.dealers") == pytest.approx(40.0)
    assert value(recording, "liquidated_accounts") == 2


def test_losses_beyond_equity_are_followed_to_who_paid() -> None:
    """Bad debt of 7, of which the fund took 5 and the winners 2; without liquidations all is zero."""
    forced = rows(
        "liquidations",
        {"instrument": 0, "bad_debt": 4.0, "insurance_paid": 4.0},
        {"instrument": 0, "bad_debt": 3.0, "insurance_paid": 1.0, "socialised": 2.0},
    )
    columns = {"insurance_fund": [100.0, 95.0], "accounts_in_breach": [3, 1]}
    recording = a_recording(columns, liquidations=forced)
    found = {name: entry["value"] for name, entry in metrics(recording).items()}
    assert found["bad_debt"] == found["insurance_fund_used"] + found["socialised_loss"] == 7.0
    assert (found["insurance_fund_start"], found["insurance_fund_end"]) == (100.0, 95.0)
    assert found["worst_accounts_in_breach"] == 3
    quiet = a_recording({"insurance_fund": [math.nan, math.nan]})
    assert value(quiet, "bad_debt") == value(quiet, "BTC.liquidation_count") == 0
    assert reason(quiet, "insurance_fund_end") == "insurance_fund was never known"


def test_makers_earn_what_their_accounts_earned() -> None:
    """Two makers, one of them losing; a market without makers has no maker profit."""
    accounts = rows(
        "populations",
        {"population": MAKERS, "pnl": 12.0},
        {"population": MAKERS, "pnl": -2.0},
        {"population": DEALERS, "pnl": -50.0, "hedging_cost": 8.0},
        {"population": -1, "pnl": 99.0},
    )
    recording = a_recording(populations=accounts)
    assert value(recording, "maker_profit") == pytest.approx(10.0)
    assert value(recording, "profit.dealers") == pytest.approx(-50.0)
    assert value(recording, "hedging_cost.dealers") == pytest.approx(8.0)
    nobody = a_recording(market=a_market(populations=[{"name": "noise", "type": "noise.PoissonFlow"}]))
    assert reason(nobody, "maker_profit") == "the market has no makers"


def test_what_only_traders_can_have_is_not_measured_for_the_systems_accounts() -> None:
    """Nobody liquidates the fee desk and it hedges nothing; what it earns is its own."""
    entries = [
        {"name": "fees", "type": "system", "count": 1, "hedges": False},
        {"name": "dealers", "type": "dealers.OptionDealers", "count": 1, "hedges": True},
    ]
    accounts = rows("populations", {"population": 0, "pnl": 5.0}, {"population": 1, "hedging_cost": 8.0})
    found = metrics(a_recording(market=a_market(populations=entries), populations=accounts))
    of_fees = {name.rpartition(".")[0] for name in found if name.endswith(".fees")}
    of_dealers = {name.rpartition(".")[0] for name in found if name.endswith(".dealers")}
    traders_only = {"liquidations_of", "liquidated_notional_of", "hedging_cost", "delta_covar"}
    assert of_dealers - of_fees == traders_only
    assert found["profit.fees"]["value"] == 5.0
    assert found["hedging_cost.dealers"]["value"] == 8.0


def test_a_hedging_cost_that_nobody_can_tell_says_why() -> None:
    """Where a pool sets the price there is no reference mid to compare a hedge with."""
    accounts = rows("populations", {"population": DEALERS, "hedging_cost": math.nan})
    recording = a_recording(populations=accounts)
    assert reason(recording, "hedging_cost.dealers") == "it hedged where no reference mid is recorded"
    assert value(recording, "hedging_cost.makers") == 0.0


def test_refusals_are_counted_by_reason() -> None:
    """Every reason has its count, none of them for orders that were not refused."""
    refused = rows("rejects", {"refusal": 1}, {"refusal": 1}, {"refusal": 6})
    found = metrics(a_recording(rejects=refused))
    counts = {name: entry["value"] for name, entry in found.items() if name.startswith("rejects.")}
    assert counts["rejects.no_margin"] == 2
    assert counts["rejects.halted"] == 1
    assert sum(counts.values()) == 3
    assert "rejects." not in counts
