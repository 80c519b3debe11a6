"""Stylised facts on series whose answers are known: the signature, the scorecard, the figures."""

from __future__ import annotations

import math
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from samples import STEPS, covered, of_returns, over_seeds, with_impact
from synthetic import a_crash, a_market, a_recording

from analysis.base.estimate import Estimate
from analysis.base.metric import Undefined, measure, metrics_of
from analysis.facts import meta_orders, stylized
from analysis.facts import plots as stylized_plots
from analysis.figures.figure import figures_of
from sim.recording.recording import Recording
from sim.records import FILL

matplotlib.use("Agg")


def test_the_signature_of_a_random_walk_is_level() -> None:
    """Its volatility is covered at every interval, and that of short over long intervals is one."""
    truth = 1e-4 * math.sqrt(stylized.YEAR)
    made = over_seeds(60, lambda rng: stylized.signature(of_returns(rng.normal(0, 1e-4, STEPS)), "BTC"))
    assert list(made[0].seconds[[0, -1]]) == [1.0, 120.0]
    for at in (0, 5, 10):
        hits = [Estimate(one.volatility[at], one.low[at], one.high[at]) for one in made]
        assert covered(truth, hits) >= 0.8
    assert covered(1.0, [one.ratio for one in made]) >= 0.8


def test_bounce_lifts_the_short_end_of_the_signature_as_roll_says() -> None:
    """Half a spread of 2 bps on either side, at random: v + s^2 / (2 h) at each interval h."""
    spread, variance = 2e-4, 1e-8

    def bouncing(rng: np.random.Generator) -> stylized.Signature:
        sides = spread / 2 * np.sign(rng.normal(size=STEPS + 1))
        moves = rng.normal(0, math.sqrt(variance), STEPS)
        return stylized.signature(of_returns(moves + np.diff(sides)), "BTC")

    made = over_seeds(60, bouncing)
    for at in (0, 3, 6):
        second = made[0].seconds[at]
        truth = math.sqrt((variance + spread**2 / (2 * second)) * stylized.YEAR)
        assert np.mean([one.volatility[at] for one in made]) == pytest.approx(truth, rel=0.02)
        hits = [Estimate(one.volatility[at], one.low[at], one.high[at]) for one in made]
        assert covered(truth, hits) >= 0.85
    assert min(one.ratio.low for one in made) > 1


def test_volume_that_comes_with_moves_correlates_with_them() -> None:
    """As many units as the price moves in a step, against as many whatever it does."""
    rng = np.random.default_rng(4)
    moves = rng.normal(0, 1e-4, STEPS) * np.repeat(rng.uniform(0.2, 3, 60), 60)

    def traded(lots: np.ndarray) -> Estimate:
        made = np.zeros(STEPS, FILL)
        made["step"], made["qty"] = np.arange(1, STEPS + 1), np.rint(lots)
        return stylized.volume_and_size(of_returns(moves, fills=made), "BTC")

    with_moves, whatever = traded(1e7 * np.abs(moves)), traded(rng.integers(1, 1000, STEPS))
    assert with_moves.low > 0.2
    assert whatever.low < 0 < whatever.high


@pytest.fixture(scope="module")
def crash() -> Recording:
    """An hour with a crash in it."""
    return a_crash()


def test_every_metric_has_a_value_or_a_reason(crash: Recording) -> None:
    """In a crash most have a value; where nothing moves all have a reason."""
    found = measure(crash, metrics_of(stylized))
    assert {"BTC.tail_index", "BTC.excess_kurtosis", "BTC.impact_exponent", "BTC.signature_ratio"} <= set(
        found
    )
    assert found["BTC.tail_index"]["value"] == stylized.tail(crash, "BTC").exponent.value
    assert sum(each["value"] is not None for each in found.values()) >= 6
    still = measure(a_recording({"BTC.mid": np.full(STEPS, 9.0)}), metrics_of(stylized))
    assert all(each["value"] is None and each["reason"] for each in still.values())


def panel() -> Any:
    """Axes of a figure as the gallery makes it."""
    return Figure(figsize=(7.4, 4.2)).subplots()


def test_figures_show_what_was_measured(crash: Recording) -> None:
    """The chosen tail, the signature and the autocorrelations are the points drawn."""
    ax = stylized_plots.tail_exponent(crash, panel())
    chosen = stylized.tail(crash, "BTC")
    marks = [line.get_xydata().tolist() for line in ax.get_lines()]
    assert [[chosen.exceedances, chosen.exponent.value]] in marks
    ax = stylized_plots.volatility_signature(crash, panel())
    found = stylized.signature(crash, "BTC")
    assert np.allclose(ax.get_lines()[0].get_xydata(), np.stack([found.seconds, 100 * found.volatility], 1))
    ax = stylized_plots.return_memory(crash, panel())
    assert np.allclose(ax.get_lines()[1].get_ydata(), stylized.size_memory(crash, "BTC").value)


def test_the_square_root_law_is_drawn_beside_the_fit() -> None:
    """Slope 1/2 on logarithmic axes, and the fitted slope."""
    recording = with_impact(0.5)
    ax = stylized_plots.meta_order_impact(recording, panel())
    slopes = {}
    for line in ax.get_lines():
        x, y = np.log(line.get_xydata().T)
        slopes[line.get_label()] = (y[-1] - y[0]) / (x[-1] - x[0])
    exponent = meta_orders.impact_law(recording, "BTC").exponent.value
    assert slopes["square-root law"] == pytest.approx(0.5)
    assert slopes[f"fitted, exponent {exponent:.2g}"] == pytest.approx(exponent)


def test_every_figure_draws_a_crash_or_says_what_is_missing(crash: Recording) -> None:
    """Nothing but Undefined is raised, titles and both axes are labelled; an empty run draws nothing."""
    drawn = 0
    for each in figures_of(stylized_plots):
        try:
            ax = each(crash, panel(), asset="BTC")
        except Undefined:
            continue
        drawn += 1
        assert ax.get_title("left")
        assert ax.get_xlabel().endswith(")")
        assert ax.get_ylabel().endswith(")")
    assert drawn >= 7
    for each in figures_of(stylized_plots):
        with pytest.raises(Undefined):
            each(a_recording(), panel(), asset="BTC")


def test_spreads_and_depths_are_drawn_as_shares_of_steps() -> None:
    """Spreads of 1 to 4 bps: a quarter of the steps at each; depths of 10 and 20 half and half."""
    columns = {
        "BTC.mid": np.full(4, 10_000.0),
        "BTC.spread": [1.0, 2.0, 3.0, 4.0],
        "BTC.depth_bid": [10.0, 20.0, 10.0, 20.0],
        "BTC.depth_ask": [5.0, 5.0, 5.0, np.nan],
    }
    recording = a_recording(columns)
    spread = stylized_plots.spread_distribution(recording, panel()).get_lines()[0].get_xydata()
    assert np.allclose(spread, [[1, 1.0], [2, 0.75], [3, 0.5], [4, 0.25]])
    bid = stylized_plots.depth_distribution(recording, panel()).get_lines()[0].get_xydata()
    assert np.allclose(bid, [[10, 0.25], [10, 0.5], [20, 0.75], [20, 1.0]])


def test_a_step_too_long_or_a_run_too_short_for_a_horizon_is_said() -> None:
    """A minute in steps of two, and in a run of 29 minutes."""
    path = np.exp(np.cumsum(np.random.default_rng(1).normal(0, 1e-4, 1740)))
    slow = a_recording({"BTC.mid": path}, a_market(1740, step_seconds=120.0))
    with pytest.raises(Undefined, match="too long for a horizon of 60 s"):
        stylized.returns(slow, "BTC", 60.0)
    with pytest.raises(Undefined, match="shorter than 30 times 60 s"):
        stylized.returns(a_recording({"BTC.mid": path}), "BTC", 60.0)
    assert stylized.horizons(a_recording({"BTC.mid": path}), "BTC") == [1.0, 5.0, 10.0, 30.0]
