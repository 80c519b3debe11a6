"""Once a minute a run records what rests within some distances of the mid, and metrics average it."""

from __future__ import annotations

import numpy as np
import pytest
from small_market import MAKERS, SPOT, small_market

from analysis.base.metric import Undefined
from analysis.metrics import liquidity, quality
from sim.recording.depths import DISTANCES_BPS

NOISE = {"name": "noise", "type": "noise.NoiseTraders", "venue": "perp", "count": 5, "market_rate": 0.2}


def test_depths_are_sums_of_the_levels_within_reach() -> None:
    model = small_market(MAKERS, NOISE, venues=("perp",), steps=120)
    depths, book = model.run().depths, model.venues[0]
    assert sorted(set(depths["step"])) == [59, 119]
    last = depths.query("step == 119")
    mid = float(model.view.quotes[0]["mid"])
    for row in last.itertuples():
        for side, sign in (("bid", 1), ("ask", -1)):
            levels = book.levels(sign)
            within = np.abs(levels[:, 0] * 0.5 - mid) <= 1e-4 * row.distance_bps * mid
            assert getattr(row, side) == pytest.approx(levels[within, 1].sum() * 0.001)
    assert (np.diff(last["bid"]) >= 0).all()
    assert last["bid"].iloc[-1] > 0


def test_the_metrics_are_means_over_minutes() -> None:
    recording = small_market(MAKERS, NOISE, venues=("perp",), steps=120).run()
    for distance in DISTANCES_BPS:
        rows = recording.depths.query("distance_bps == @distance")
        found = getattr(liquidity, f"depth_{distance:.0f}bps")(recording, "BTC")
        assert found == pytest.approx((rows["bid"] + rows["ask"]).mean() / 2)


def test_a_market_of_linear_impact_has_the_depth_of_its_impact() -> None:
    settings = {"linear": {"impact": 2.0}}
    recording = small_market(venues=("linear",), steps=60, settings=settings).run()
    assert liquidity.depth_100bps(recording, "BTC") == pytest.approx(0.01 * SPOT / 2.0)


def test_a_run_of_seconds_has_no_depths() -> None:
    recording = small_market(MAKERS, venues=("perp",), steps=59).run()
    with pytest.raises(Undefined, match="once a minute"):
        liquidity.depth_10bps(recording, "BTC")


def test_volume_a_day_leaves_out_what_was_filled_in_a_sink() -> None:
    from places import SUPPORT

    from scenarios.arms.arms import Arms
    from scenarios.build.loading import load

    found: dict[str, tuple[float, float]] = {}
    scenario = load(SUPPORT / "probed_market.toml")

    def look(arm, run):
        traded = run.fills.query("reason != 'hedge'")["qty"].abs().sum() * 1e-6
        hedged = run.fills.query("reason == 'hedge'")["qty"].abs().sum() * 1e-6
        assert hedged > 0
        expected = traded if arm == "muted" else traded + hedged
        found[arm] = quality.volume_per_day(run, "X"), expected * 86400 / 100

    Arms(scenario, ["base", "muted"]).run(1, look)
    for measured, expected in found.values():
        assert measured == pytest.approx(expected)


def test_a_random_walk_has_a_variance_ratio_of_one() -> None:
    driver = {"type": "drivers.GeometricBrownian", "volatility": 0.6}
    recording = small_market(venues=("linear",), steps=7200, asset={"driver": driver}).run()
    assert quality.variance_ratio_1min(recording, "BTC") == pytest.approx(1.0, abs=0.25)
    still = small_market(venues=("linear",), steps=120).run()
    with pytest.raises(Undefined):
        quality.variance_ratio_1min(still, "BTC")
