"""Worlds: the variance between them without the luck of the seeds, and the key that a ratio hangs on."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.feedback.cautions import of_worlds
from analysis.feedback.worlds import Ratios, hanging

WORLDS, SEEDS = 24, 12


def markets(rng, truth, *, common=0.4, own=0.05):
    """Base and muted of worlds whose log ratios are `truth`: luck that all share, and luck of each run."""
    shared = rng.lognormal(0, 0.5, SEEDS)
    answer = rng.normal(0, common, SEEDS)
    found = []
    for log in truth:
        muted = shared * rng.lognormal(0, 0.02, SEEDS)
        found.append({"base": np.exp(log + answer + rng.normal(0, own, SEEDS)) * muted, "muted": muted})
    return found


def ratios(values):
    return Ratios.of(values, [{}] * len(values))


def test_the_variance_between_worlds_is_found_without_the_luck_of_their_seeds():
    """Over many trials the estimate has the mean of the truth, though seeds are shared by all worlds."""
    rng, found, luck, naive = np.random.default_rng(3), [], [], []
    for _ in range(200):
        each = ratios(markets(rng, rng.normal(0.7, 0.05, WORLDS), own=0.15))
        found.append(each.between())
        luck.append(each.monte_carlo())
        naive.append(np.square(each.errors).mean())
    assert np.mean(found) == pytest.approx(0.05**2, rel=0.12)
    assert np.mean(luck) == pytest.approx(0.15**2 / SEEDS, rel=0.3)
    assert np.mean(naive) > 4 * np.mean(luck), "the shared luck is no difference between worlds"


def test_the_interval_is_that_of_the_worlds_and_not_of_their_luck():
    rng = np.random.default_rng(5)
    truth = rng.normal(0.7, 0.1, 400)
    each = ratios(markets(rng, truth, common=0.2, own=0.3))
    low, high = np.log(each.entry({"a": truth})["interval"])
    wide_low, wide_high = np.quantile(each.logs, (0.025, 0.975))
    assert high - low == pytest.approx(2 * 1.96 * 0.1, rel=0.15)
    assert wide_high - wide_low > 1.25 * (high - low)


def test_worlds_that_differ_by_their_luck_alone_cannot_be_measured():
    """Half of the time the estimate is below zero; then there is no interval, and that is said."""
    rng = np.random.default_rng(7)
    entries = [ratios(markets(rng, np.full(WORLDS, 0.7))).entry({"a": rng.random(WORLDS)}) for _ in range(60)]
    unmeasured = [entry for entry in entries if entry["interval"] is None]
    assert 15 < len(unmeasured) < 45
    for entry in unmeasured:
        assert entry["variance_between"] <= 0
        assert "not measurable" in entry["reason"]


def test_worlds_without_a_ratio_are_counted_and_not_filled_in():
    """Too few seeds, a mean that is not above 0, failures in both arms: eight measured worlds are needed."""
    rng = np.random.default_rng(9)
    values = markets(rng, rng.normal(0.7, 0.1, 12))
    values[0]["base"][3:] = np.nan
    values[1]["muted"][:] = 0.0
    values[2]["base"][5] = np.nan
    failed = [{} for _ in values]
    failed[3] = {arm: np.arange(SEEDS) == 0 for arm in ("base", "muted")}
    failed[4] = {"base": np.arange(SEEDS) == 0}
    entry = Ratios.of(values, failed).entry({"a": np.arange(12.0)})
    assert (entry["worlds"], entry["measured"]) == (12, 9)
    assert [world["ratio"] is None for world in entry["as_drawn"][:5]] == [True, True, False, True, False]
    assert [world.get("bound", "") for world in entry["as_drawn"][2:5]] == ["", "neither", "lower"]
    whole = ratios(values).entry({"a": np.arange(12.0)})
    told = "1 are lower bounds, 1 are undefined, for runs of both arms failed, in a, b"
    assert of_worlds({"a": entry, "b": entry, "c": whole}) == [f"of the ratios of 12 worlds {told}"]
    entry = Ratios.of(values[:8], failed[:8]).entry({"a": np.arange(8.0)})
    assert entry["interval"] is None
    assert entry["reason"] == "there is a ratio in 5 of 8 worlds; it takes 8"


def test_what_is_the_same_in_every_world_hangs_on_nothing():
    values = np.random.default_rng(1).lognormal(size=SEEDS)
    entry = ratios(
        [{"base": 3.3 * values * scale, "muted": values * scale} for scale in np.arange(1, 11) / 7]
    ).entry({"a": np.arange(10.0)})
    assert entry["interval"] == pytest.approx([3.3, 3.3])
    assert (entry["hangs_on"], entry["keys"]["a"]["rank_correlation"]) == (None, 0.0)


def test_a_key_is_named_if_it_stands_out_and_only_then():
    """The one that the ratio falls with is found; of five that do nothing one is named once in twenty."""
    rng, named = np.random.default_rng(11), 0
    for _ in range(200):
        keys = {name: rng.random(WORLDS) for name in "abcde"}
        named += hanging(keys, rng.normal(size=WORLDS))["hangs_on"] is not None
    assert 2 <= named <= 22
    keys = {name: rng.random(WORLDS) for name in "abcde"}
    found = hanging(keys, np.exp(-3 * keys["c"]) + 0.05 * rng.normal(size=WORLDS))
    assert found["hangs_on"] == "c"
    low, high = found["keys"]["c"]["interval"]
    assert -1 <= low < found["keys"]["c"]["rank_correlation"] < high < -found["noise_floor"]


def test_rank_correlations_are_those_of_scipy():
    from scipy.stats import spearmanr

    rng = np.random.default_rng(13)
    keys = {"a": rng.random(20), "b": rng.integers(0, 3, 20).astype(float)}
    logs = rng.normal(size=20)
    for key, about in hanging(keys, logs)["keys"].items():
        assert about["rank_correlation"] == pytest.approx(spearmanr(keys[key], logs).statistic, abs=1e-12)
