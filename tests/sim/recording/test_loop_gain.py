"""The loop gain: each part against what it must be, and its whole against what prices do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from bench import FIRST, Bench
from small_market import MAKERS, SPOT, market_order, population, small_market, value_shock
from synthetic import a_recording

from analysis.base.metric import Undefined
from analysis.metrics import loop_gain
from scenarios import load, market
from sim.accounts.margin.margin import Margin
from sim.kernels.recording import gain
from sim.messages.columns import SERIES
from sim.model import Model
from sim.recording.recording import Recording

PERP = 1
ANN, BEN = FIRST, FIRST + 1
MAINTENANCE = 0.01
LEVERED: dict[str, Any] = {
    "name": "levered",
    "type": "levered.LeveredTraders",
    "count": 4000,
    "notional": 2000.0,
    "leverage": {"dist": "uniform", "low": 20.0, "high": 49.0},
    "long_share": 0.6,
}
ENGINE = {"name": "engine", "type": "liquidators.ExchangeLiquidators"}
DEALERS: dict[str, Any] = {
    "name": "dealers",
    "type": "dealers.OptionDealers",
    "count": 20,
    "cash": 1e9,
    "exposure": {"type": "constant_gamma", "gamma": -0.002},
    "hedging": {"type": "time"},
    "route": {"venues": ["linear"]},
    "latency_seconds": 0.0,
}
NEWS = {"driver": {"type": "drivers.GeometricBrownian", "volatility": 0.5}}
TEXTBOOK = ("linear", "desk", "liquidation")
PRICED_BY_TRADES = {"index": {"external": 0.0, "venues": {"linear": 1.0}}}


def column(recording: Recording, name: str, asset: str = "BTC") -> np.ndarray:
    return np.asarray(recording.column("series", f"{asset}.{name}"))


def levered_market(
    *shocks: dict[str, Any], impact: float = 0.05, share: float = 1.0, **changes: Any
) -> Model:
    """Longs and shorts on a linear market whose mark is the mid."""
    settings = {
        "linear": {"impact": impact},
        "liquidation": {"close_fraction": share, "small_notional": 0.0, "backstop": 0.0},
    }
    populations = (LEVERED | changes, ENGINE)
    return small_market(
        *populations, venues=TEXTBOOK, settings=settings, steps=40, shocks=shocks, asset=PRICED_BY_TRADES
    )


def units_at_thresholds(model: Model, low: float, high: float, side: int) -> float:
    """Units of the longs (side 1) or shorts (-1) whose liquidation price lies in between, by hand.

    Equity q S / L + q (P - S) meets maintenance m |q| P at P = S (1 - side / L) / (1 - side m).
    """
    levered = population(model, "levered")
    units, leverage = levered.lots * 0.001, levered.leverage
    threshold = SPOT * (1 - side / leverage) / (1 - side * MAINTENANCE)
    return float(np.abs(units[(units * side > 0) & (threshold > low) & (threshold < high)]).sum())


def test_it_is_the_textbook_s_in_the_textbook_s_market() -> None:
    """linear_feedback: lambda 0.01 x short gamma 50 = 0.5, from the first step to the last."""
    recording = market("linear_feedback", **{"time.steps": 400}).run()
    for name in ("loop_gain", "loop_gain_up", "loop_gain_down", "loop_gain_instant"):
        assert column(recording, name, "X") == pytest.approx(np.full(400, 0.5), rel=1e-5), name
    assert column(recording, "permanent_impact", "X") == pytest.approx(np.full(400, 0.01))
    assert column(recording, "hedging_response", "X") == pytest.approx(np.ones(400), rel=1e-5)
    assert loop_gain.distance_to_instability(recording, "X") == pytest.approx(0.5, rel=1e-5)


@pytest.mark.parametrize(("change", "side", "danger"), [(-0.008, 1, "down"), (0.008, -1, "up")])
@pytest.mark.parametrize("share", [1.0, 0.2])
def test_thresholds_near_the_mark_add_their_density(
    change: float, side: int, danger: str, share: float
) -> None:
    """After a move towards them, lambda x (units forced / distance), in their direction only."""
    model = levered_market(value_shock(1.0, change), share=share)
    recording = model.run()
    assert not model.liquidations
    mark = SPOT * (1 + change)
    reach = 0.005 * mark
    low, high = (mark - reach, mark) if side > 0 else (mark, mark + reach)
    density = share * units_at_thresholds(model, low, high, side) / reach
    assert density > 0.005
    assert column(recording, f"liquidation_density_{danger}")[-1] == pytest.approx(density, rel=1e-9)
    assert column(recording, f"loop_gain_{danger}")[-1] == pytest.approx(0.05 * density, rel=1e-9)
    assert column(recording, "loop_gain")[-1] == column(recording, f"loop_gain_{danger}")[-1]
    other = "up" if danger == "down" else "down"
    assert column(recording, f"loop_gain_{other}")[-1] == 0.0


def test_a_push_into_the_thresholds_goes_as_far_as_the_gain_says() -> None:
    """The branching ratio is lambda rho: news that moves the price by d leaves it at d / (1 - gain)."""
    settings: dict[str, Any] = {"impact": 1.5, "count": 8000, "long_share": 1.0}
    before = levered_market(value_shock(1.0, -0.012), **settings).run()
    mid, level = column(before, "mid")[-1], column(before, "loop_gain_down")[-1]
    assert 0.25 < level < 0.75
    push = 0.005 * mid * (1 - level)
    second = value_shock(20.0, -push / (SPOT * (1 - 0.012)))
    after = levered_market(value_shock(1.0, -0.012), second, **settings).run()
    assert mid - column(after, "mid")[-1] == pytest.approx(push / (1 - level), rel=0.03)


def test_thresholds_are_counted_again_when_liquidations_used_them_up() -> None:
    """Below the mark at the end only those are left that a hand count finds there."""
    model = levered_market(value_shock(1.0, -0.015))
    recording = model.run()
    assert len(model.liquidations) > 100
    mark = column(recording, "mark")[-1]
    density = units_at_thresholds(model, 0.995 * mark, mark, 1) / (0.005 * mark)
    assert column(recording, "liquidation_density_down")[-1] == pytest.approx(density, rel=1e-9)


def test_options_count_at_their_delta_and_only_perpetuals_are_forced() -> None:
    """Ann's 10 perpetuals are hedged by deep calls written, Ben's are not."""
    bench = Bench(2, holders=1, cash=13.9)
    bench.trade(BEN, 0, PERP, 1000, 100.0)
    densities = np.zeros(1, gain.FEEDBACK)

    def count(share: float, small: float) -> tuple[float, float]:
        ledger, margin = bench.ledger, bench.margin
        everybody = np.flatnonzero(margin.is_checked).astype(np.int32)
        mark = float(bench.view.assets["mark"][0])
        worth = np.zeros((2, 2, ledger.cash.size))
        for move, columns in zip((0.0, -gain.DISTANCE * mark), worth, strict=True):
            margin.assess_moved(everybody, 0, move, *columns)
        own = ledger.holdings, ledger.terms, densities
        gain.count_thresholds(everybody, 0, mark, worth, share, small, *own)
        return float(densities["density_up"][0]), float(densities["density_down"][0])

    # Ben's equity is 13.9 and he needs 10 at a mark of 100: 3.9 to lose, at 9.9 a unit of price, is near.
    assert count(0.2, 0.0) == (0.0, pytest.approx(2.0 / 0.5))
    assert count(0.2, 1000.0) == (0.0, pytest.approx(10.0 / 0.5))
    bench.trade(ANN, 0, PERP, 1000, 100.0)
    assert count(0.2, 1000.0) == (0.0, pytest.approx(20.0 / 0.5))
    call = bench.list_option(20.0, 86400.0)
    bench.trade(ANN, 3, call, -1000, 80.0)
    bench.ledger.cash[ANN] += 75.0  # what the short calls tie up
    bench.assess()
    assert bench.view.holder_delta[0] == pytest.approx(-10.0)
    assert count(0.2, 1000.0) == (0.0, pytest.approx(10.0 / 0.5)), "a fall costs Ann nothing now"
    bench.trade(ANN, 0, PERP, -2000, 100.0)  # short both: a rise is what she fears
    assert count(0.2, 1000.0) == (pytest.approx(2.0 / 0.5), pytest.approx(10.0 / 0.5))


def test_accounts_that_are_ruled_out_have_no_threshold_near(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking at the accounts that `Margin.near` lists gives what looking at everybody gives."""
    scenario = load("linear_crash")
    for key, value in {
        "time.steps": 150,
        "shocks.0.at": 30.0,
        "populations.dealers.count": 60,
        "populations.levered.leverage": 40.0,
    }.items():
        scenario[key] = value
    looked: list[int] = []
    near = Margin.near

    def counting(margin: Margin, move: float) -> np.ndarray:
        looked.append(near(margin, move).size)
        return near(margin, move)

    monkeypatch.setattr(Margin, "near", counting)
    screened = scenario.market().run()
    monkeypatch.setattr(Margin, "near", lambda margin, _: np.flatnonzero(margin.is_checked).astype(np.int32))
    everybody = scenario.market().run()
    for side in ("up", "down"):
        name = f"liquidation_density_{side}"
        np.testing.assert_array_equal(column(screened, name), column(everybody, name))
    assert column(screened, "liquidation_density_down").max() > 0.0
    assert np.median(looked) < 2000, "and there is less to look at"


@pytest.mark.parametrize(("learning", "size"), [(0.5, 20.0), (2.0, 40.0)])
def test_a_book_s_permanent_impact_is_what_its_makers_learn(learning: float, size: float) -> None:
    """Somebody sells 10; once the makers have requoted, the mid is 10 x the recorded impact lower."""
    makers = MAKERS | {"learning_bps": learning, "size": size, "skew_bps": 0.0, "anchor_per_second": 0.0}
    recording = small_market(makers, venues=("perp",), steps=20, shocks=[market_order(5.0, -10.0)]).run()
    impact = column(recording, "permanent_impact")
    assert impact[0] == pytest.approx(learning * 1e-4 * SPOT)
    mid = column(recording, "mid")
    assert mid[3] - mid[-1] == pytest.approx(10.0 * impact[0], rel=0.02)


def test_makers_are_averaged_by_what_they_quote_and_venues_add_their_depths() -> None:
    """Quoting 1 and 3 units a side and learning 1 and 2 bps, together 1.75; beside a pool of 1,000 units."""
    pair = (
        MAKERS | {"levels": 1, "size": 0.25, "learning_bps": 1.0},
        MAKERS | {"name": "others", "levels": 1, "size": 0.75, "learning_bps": 2.0},
    )
    lps = {"name": "lps", "type": "liquidity_providers.LiquidityProviders", "pool": "pool", "count": 2}
    lps |= {"deposit": 500.0, "route": {"venues": ["perp"]}}
    alone = column(small_market(*pair, venues=("perp",), steps=2).run(), "permanent_impact")[0]
    assert alone == pytest.approx(1.75e-4 * SPOT)
    beside = column(small_market(*pair, lps, venues=("perp", "pool"), steps=2).run(), "permanent_impact")[0]
    assert 1 / beside == pytest.approx(1 / alone + 1000.0 / (2 * SPOT), rel=1e-6)


def test_a_book_whose_makers_say_nothing_has_the_impact_of_what_rests() -> None:
    noise = {"name": "noise", "type": "noise.NoiseTraders", "venue": "perp", "count": 40, "limit_rate": 2.0}
    recording = small_market(noise, venues=("perp",), steps=60).run()
    depth = (column(recording, "depth_bid") + column(recording, "depth_ask")) / 2
    span = 0.005 * column(recording, "mid")
    rests = depth > 0
    assert rests.any()
    assert column(recording, "permanent_impact")[rests] == pytest.approx((span / depth)[rests])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"hedging": {"type": "time", "response": 0.0}}, 0.0),
        ({"hedging": {"type": "time", "response": 0.5}}, 1.0),  # the rest follows within seconds
        ({"hedging": {"type": "time", "interval_seconds": 60.0}}, 0.63),  # on average half a minute late
        ({"latency_seconds": 30.0}, 0.48),  # 30 s in flight, and up to 30 s of waiting for the last one
    ],
)
def test_the_response_is_what_is_hedged_within_a_minute(changes: dict[str, Any], expected: float) -> None:
    """A delay of L seconds counts exp(-L / 60), here averaged over the delays there are.

    Prices are exogenous (impact 0); the regression remembers five minutes, which costs it some 0.05 of
    a late response, and the test averages two hours of it.
    """
    model = small_market(
        DEALERS | changes, venues=("linear",), steps=7200, asset=NEWS, settings={"linear": {"impact": 0.0}}
    )
    response = column(model.run(), "hedging_response")
    assert (response[:59] == 1.0).all(), "assumed for a minute"
    assert (response[59:] != 1.0).all()
    assert response[600:].mean() == pytest.approx(expected, abs=0.08)
    assert ((response >= 0.0) & (response <= gain.LARGEST)).all()


def test_where_nobody_hedges_the_response_stays_assumed_and_the_gain_is_zero() -> None:
    recording = small_market(
        venues=("linear",), settings={"linear": {"impact": 0.1}}, steps=90, asset=NEWS
    ).run()
    assert (column(recording, "hedging_response") == 1.0).all()
    assert (column(recording, "loop_gain") == 0.0).all()


def test_long_gamma_damps() -> None:
    model = small_market(
        DEALERS | {"exposure": {"type": "constant_gamma", "gamma": 0.002}},
        venues=("linear",),
        settings={"linear": {"impact": 5.0}},
        asset=NEWS,
        steps=90,
    )
    assert column(model.run(), "loop_gain") == pytest.approx(np.full(90, -0.2), rel=0.02)


def test_against_resting_depth_the_thinner_side_counts() -> None:
    """Makers full of inventory bid less than they offer: a fall meets the thinner side."""
    dealers = DEALERS | {"route": {"venues": ["perp"]}}
    makers = MAKERS | {"inventory_limit": 60.0, "skew_bps": 0.0}
    shocks = [market_order(5.0, -100.0)]
    recording = small_market(dealers, makers, venues=("perp",), steps=12, shocks=shocks).run()
    bid, ask = column(recording, "depth_bid"), column(recording, "depth_ask")
    assert bid[-1] < 0.8 * ask[-1]
    span = 0.005 * column(recording, "mid")
    assert column(recording, "loop_gain_instant") == pytest.approx(0.04 * span / np.minimum(bid, ask))


def test_without_a_market_there_is_no_gain() -> None:
    """An empty book has no impact to speak of: undefined, not zero; nor has it metrics."""
    recording = small_market(venues=("perp",), steps=3).run()
    for name in ("loop_gain", "loop_gain_up", "loop_gain_instant", "permanent_impact"):
        assert np.isnan(column(recording, name)).all(), name
    assert (column(recording, "hedging_response") == 1.0).all()
    for each in (loop_gain.median_loop_gain, loop_gain.distance_to_instability):
        with pytest.raises(Undefined, match="never known"):
            each(recording, "BTC")


def test_metrics_leave_out_the_minute_in_which_the_response_is_assumed() -> None:
    """The constants that say how long are the kernel's."""
    assert loop_gain.WARM_UP_SECONDS == gain.WARM_UP
    assert loop_gain.WARM_UP_STEPS == gain.LEAST_STEPS
    levels = np.concatenate([np.full(59, 0.9), np.full(99, 0.2), [0.5, np.nan]])
    recording = a_recording({"BTC.loop_gain": levels})
    assert loop_gain.worst_loop_gain(recording, "BTC") == 0.5
    assert loop_gain.median_loop_gain(recording, "BTC") == 0.2
    assert loop_gain.distance_to_instability(recording, "BTC") == pytest.approx(1 - 0.203)
    short = a_recording({"BTC.loop_gain": levels[:59]})
    assert loop_gain.worst_loop_gain(short, "BTC") == 0.9, "a short run has nothing else"
    late = a_recording({"BTC.loop_gain": np.where(np.arange(160) < 59, levels, np.nan)})
    with pytest.raises(Undefined, match="first minute only"):
        loop_gain.worst_loop_gain(late, "BTC")


def test_every_column_recorded_is_declared_with_its_unit() -> None:
    """Two assets: each name in its place, and known to the table of units."""
    recording = load("tests/support/two_assets.toml").market().run()
    names = recording.table("series").column_names
    assert {name.split(".")[-1] for name in names} - {"step", "time_s"} <= set(SERIES)
    assert column(recording, "mid", "BTC")[0] == pytest.approx(60000.0, rel=0.01)
    assert column(recording, "mid", "ETH")[0] == pytest.approx(2000.0, rel=0.01)
    for asset in ("BTC", "ETH"):
        known = column(recording, "loop_gain", asset)
        up, down = (column(recording, f"loop_gain_{side}", asset) for side in ("up", "down"))
        np.testing.assert_array_equal(known, np.maximum(up, down))
        impact, density = (
            column(recording, n, asset) for n in ("permanent_impact", "liquidation_density_down")
        )
        hedging = impact * (column(recording, "liquidation_density_up", asset) - density)
        assert up - down == pytest.approx(hedging, abs=1e-12)
