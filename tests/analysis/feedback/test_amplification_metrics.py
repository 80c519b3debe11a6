"""Comparisons over paired seeds: hand-computed ratios, coverage of intervals, what is undefined."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.feedback.amplification import compare, difference, ratio


def test_a_comparison_on_paper():
    """Means 6, 3 and 4: hedging doubles, its flow makes 4/3 of that and its feedback 3/2."""
    muted = np.array([2.0, 3, 4, 3, 2, 4, 3, 3])
    base, opened = muted + 3 + np.array([0, 0, 0, 0, 0.5, -0.5, 0, 0]), muted + 1
    entry = compare({"base": base, "muted": muted, "open_loop": opened}, "1", "made up")
    assert entry["muted"] == {"mean": 3.0, "sd": pytest.approx(np.sqrt(4 / 7)), "seeds": 8, "undefined": 0}
    assert (entry["kind"], entry["ratio"], entry["seeds_to_halve"]) == ("ratio", 2.0, 32)
    assert entry["flow_ratio"]["value"] == pytest.approx(4 / 3)
    assert entry["feedback_ratio"]["value"] == pytest.approx(3 / 2)
    assert (entry["flow"]["value"], entry["feedback"]["value"], entry["difference"]["value"]) == (1, 2, 3)
    low, high = entry["interval"]
    assert 1.5 < low < 2.0 < high < 2.7
    assert entry["flow"]["interval"] == [1.0, 1.0]


def test_equal_arms_have_ratios_of_exactly_one():
    """Whatever the values, with no error."""
    values = np.random.default_rng(3).lognormal(size=30)
    entry = compare({"base": values, "muted": values / 2, "aa": values.copy()})
    assert entry["against_base"]["aa"]["ratio"] == 1.0
    assert entry["against_base"]["aa"]["interval"] == [1.0, 1.0]
    assert entry["against_base"]["aa"]["difference_interval"] == [0.0, 0.0]


@pytest.mark.parametrize("seeds", [1, 7])
def test_few_equal_seeds_say_nothing_of_how_sure_they_are(seeds):
    values = np.arange(1.0, seeds + 1)
    entry = compare({"base": values, "muted": values.copy()})
    assert (entry["ratio"], entry["interval"], entry["mc_error"]) == (1.0, None, None)
    assert entry["against_base"]["muted"] == {
        "ratio": 1.0,
        "interval": None,
        "difference": 0.0,
        "difference_interval": None,
        "seeds": seeds,
    }


@pytest.mark.parametrize("seeds", [8, 12, 40])
def test_intervals_cover_the_truth_about_as_often_as_they_say(seeds):
    """Log-normal worlds shared by both arms: the intervals of ratio and difference hold the truth."""
    rng, held = np.random.default_rng(11), np.zeros(2)
    for _ in range(300):
        world = rng.lognormal(0, 0.5, seeds)
        noise = rng.lognormal(-0.02, 0.2, (2, seeds))
        above, below = 2 * world * noise[0], world * noise[1]
        found, apart = ratio(above, below), difference(above, below)
        held += found.low <= 2.0 <= found.high, apart.low <= np.exp(0.125) <= apart.high
    assert (held / 300 > 0.90).all()
    assert (held / 300 < 0.985).all()


def test_pairs_are_kept_together():
    """The interval of a ratio of arms that share their world is far narrower than of strangers."""
    rng = np.random.default_rng(3)
    world = rng.lognormal(0, 0.5, 40)
    paired = ratio(2 * world * rng.lognormal(0, 0.1, 40), world)
    strangers = ratio(2 * rng.lognormal(0, 0.5, 40), rng.lognormal(0, 0.5, 40))
    assert paired.high - paired.low < 0.4 * (strangers.high - strangers.low)


def test_the_error_is_that_of_the_mean():
    """Of a difference: standard deviation over the root of the number of seeds."""
    apart = np.random.default_rng(5).normal(1.0, 2.0, 400)
    assert difference(apart, np.zeros(400)).error == pytest.approx(apart.std() / 20, rel=0.05)


@pytest.mark.parametrize(
    ("base", "muted", "reason"),
    [
        ([3.0, 1, 2, 5] * 2, [0.0] * 8, "it is 0 in the muted arm"),
        ([0.0] * 8, [0.0] * 8, "it is 0 in every arm"),
        ([3.0, 1, 2, 5] * 2, [-1.0, 1, 0.2, 0.1] * 2, "a mean is not clearly above 0"),
        ([np.nan] * 8, [1.0] * 8, "in no seed is it defined in every arm"),
    ],
)
def test_what_has_no_ratio_says_why(base, muted, reason):
    """A difference is given where there is one."""
    entry = compare({"base": np.array(base), "muted": np.array(muted)})
    assert (entry["kind"], entry["ratio"], entry["interval"]) == ("difference", None, None)
    assert entry["reason"] == reason
    assert (entry["difference"]["value"] is None) == bool(np.isnan(base).all())


def test_only_seeds_that_are_defined_in_both_arms_are_compared():
    """An undefined value is left out with its partner, and counted; printed means give the printed ratio."""
    base, muted = np.array([2.0, 4, np.nan, 6, 8, 9]), np.array([1.0, 2, 3, 3, 4, np.nan])
    entry = compare({"base": base, "muted": muted})
    assert (entry["seeds_compared"], entry["base"]["undefined"], entry["muted"]["undefined"]) == (4, 1, 1)
    assert entry["ratio"] == entry["base"]["mean"] / entry["muted"]["mean"] == 2.0


def test_another_arm_does_not_change_the_headline():
    """Seeds in which it is undefined are still compared between base and muted."""
    base, muted = np.arange(2.0, 12.0), np.arange(1.0, 11.0)
    other = np.where(np.arange(10) < 3, np.nan, 5.0)
    alone, beside = (
        compare({"base": base, "muted": muted}),
        compare({"base": base, "muted": muted, "x": other}),
    )
    assert alone["ratio"] == beside["ratio"]
    assert alone["interval"] == beside["interval"]
    assert beside["against_base"]["x"]["seeds"] == 7


def test_too_few_seeds_have_no_interval():
    """Seven seeds give a ratio and no claim."""
    values = np.arange(1.0, 8.0)
    entry = compare({"base": 2 * values + 0.1, "muted": values})
    assert entry["ratio"] == pytest.approx(2.025, abs=0.001)
    assert entry["interval"] is None
    assert entry["difference"]["interval"] is None
