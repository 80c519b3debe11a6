"""Comparisons over paired seeds: hand-computed ratios, coverage of intervals, what is undefined."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.feedback import compare, difference, ratio


def test_a_comparison_on_paper():
    """Means 6, 3 and 4: hedging doubles, its flow makes 4/3 of that and its feedback 3/2."""
    base, muted, opened = np.array([5.0, 6, 7, 6]), np.array([2.0, 3, 4, 3]), np.array([3.0, 4, 5, 4])
    entry = compare({"base": base, "muted": muted, "open_loop": opened}, "1", "made up")
    assert entry["base"] == {"mean": 6.0, "sd": pytest.approx(np.sqrt(2 / 3)), "seeds": 4, "undefined": 0}
    assert (entry["kind"], entry["ratio"], entry["seeds_to_halve"]) == ("ratio", 2.0, 16)
    assert entry["flow_ratio"]["value"] == pytest.approx(4 / 3)
    assert entry["feedback_ratio"]["value"] == pytest.approx(3 / 2)
    assert (entry["flow"]["value"], entry["feedback"]["value"], entry["difference"]["value"]) == (1, 2, 3)
    low, high = entry["interval"]
    assert 7 / 4 <= low < 2.0 < high <= 5 / 2
    assert entry["difference"]["interval"] == [3.0, 3.0]


def test_equal_arms_have_ratios_of_exactly_one():
    """Whatever the values, with no error."""
    values = np.random.default_rng(3).lognormal(size=30)
    entry = compare({"base": values, "muted": values / 2, "aa": values.copy()})
    assert entry["against_base"]["aa"]["ratio"] == 1.0
    assert entry["against_base"]["aa"]["interval"] == [1.0, 1.0]
    assert entry["against_base"]["aa"]["difference_interval"] == [0.0, 0.0]


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    """Log-normal worlds shared by both arms: the paired interval of the ratio holds 2 in about 95%."""
    rng, held, widths = np.random.default_rng(11), 0, []
    for _ in range(300):
        world = rng.lognormal(0, 0.5, 40)
        above, below = 2 * world * rng.lognormal(-0.005, 0.1, 40), world * rng.lognormal(-0.005, 0.1, 40)
        found = ratio(above, below)
        held += found.low <= 2.0 <= found.high
        widths.append(found.high - found.low)
    assert 0.90 <= held / 300 <= 0.98
    apart = [ratio(rng.lognormal(0, 0.5, 40), rng.lognormal(0, 0.5, 40)) for _ in range(20)]
    assert np.mean(widths) < 0.5 * np.mean([each.high - each.low for each in apart])


def test_the_error_is_that_of_the_mean():
    """Of a difference: standard deviation over the root of the number of seeds."""
    apart = np.random.default_rng(5).normal(1.0, 2.0, 400)
    assert difference(apart, np.zeros(400)).error == pytest.approx(apart.std() / 20, rel=0.05)


@pytest.mark.parametrize(
    ("base", "muted", "reason"),
    [
        ([3.0, 1, 2, 5], [0.0, 0, 0, 0], "it is 0 in the muted arm"),
        ([0.0, 0, 0, 0], [0.0, 0, 0, 0], "it is 0 in every arm"),
        ([3.0, 1, 2, 5], [-1.0, 1, 0.2, 0.1], "a mean is not clearly above 0"),
        ([np.nan] * 4, [1.0] * 4, "in no seed is it defined in every arm"),
    ],
)
def test_what_has_no_ratio_says_why(base, muted, reason):
    """A difference is given where there is one."""
    entry = compare({"base": np.array(base), "muted": np.array(muted)})
    assert (entry["kind"], entry["ratio"], entry["interval"]) == ("difference", None, None)
    assert entry["reason"] == reason
    assert (entry["difference"]["value"] is None) == bool(np.isnan(base).all())


def test_only_seeds_that_are_defined_in_every_arm_are_compared():
    """An undefined value is left out with its partners, and counted."""
    base, muted = np.array([2.0, 4, np.nan, 6, 8, 9]), np.array([1.0, 2, 3, 3, 4, np.nan])
    entry = compare({"base": base, "muted": muted})
    assert (entry["seeds_compared"], entry["base"]["undefined"], entry["muted"]["undefined"]) == (4, 1, 1)
    assert entry["ratio"] == 2.0


def test_too_few_seeds_have_no_interval():
    """Three seeds give a ratio and no claim."""
    entry = compare({"base": np.array([2.0, 3, 4]), "muted": np.array([1.0, 2, 2])})
    assert entry["ratio"] is None or entry["interval"] is None
