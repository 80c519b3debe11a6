"""Cautions: arms that were not shocked alike, and markets that failed."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.feedback.amplification import compare
from analysis.feedback.cautions import cautions, chances

ALIKE = {"base": np.ones(8), "muted": np.ones(8)}


@pytest.mark.parametrize("name", ["BTC.shock_executed", "market_failed"])
def test_of_arms_that_were_shocked_alike_and_did_not_fail_nothing_is_said(name: str) -> None:
    values = ALIKE if "shock" in name else {arm: 0.0 * each for arm, each in ALIKE.items()}
    assert cautions({name: compare(values)}) == []
    assert cautions({}) == []


def test_arms_that_were_not_shocked_alike_are_told_apart() -> None:
    found = cautions({"ETH.shock_executed": compare({"base": np.full(8, 0.46), "muted": np.ones(8)})})
    assert found == [
        "ETH: the arms were not shocked alike: of the shock was executed 46.0% in base, 100.0% in muted"
    ]


def test_failed_markets_are_counted_by_arm() -> None:
    base = np.array([1.0, 0, 0, 1, 0, 0, 0, 1])
    values = {"base": base, "muted": 0 * base, "wide": np.full(8, np.nan)}
    found = cautions({"market_failed": compare(values) | {"chances": chances(values)}})
    assert found == ["the market failed in 3 of 8 runs of base: the moves in them are lower bounds"]


def test_the_chance_of_failure_has_wilsons_interval() -> None:
    """Of 3 in 8 and 0 in 8, by the formula; an arm in which nothing could fail has no chance."""
    found = chances(
        {"base": np.array([1.0, 0, 0, 1, 0, 0, np.nan, 0, 1]), "muted": np.zeros(8), "x": np.full(8, np.nan)}
    )
    assert list(found) == ["base", "muted"]
    assert (found["base"]["failed"], found["base"]["runs"], found["base"]["chance"]) == (3, 8, 0.375)
    z = 1.959964
    for arm, p in (("base", 0.375), ("muted", 0.0)):
        middle, reach = p + z**2 / 16, z * np.sqrt(p * (1 - p) / 8 + z**2 / 256)
        expected = (np.array([middle - reach, middle + reach]) / (1 + z**2 / 8)).tolist()
        assert found[arm]["interval"] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("failing", "bound", "said"),
    [
        ("base", "lower", "a lower bound: runs of base failed"),
        ("muted", "upper", "an upper bound: runs of muted failed"),
        ("base muted", "neither", "undefined: runs of both failed"),
    ],
)
def test_a_ratio_of_runs_that_failed_is_a_bound_or_undefined(failing: str, bound: str, said: str) -> None:
    """The run stays in the mean; which bound the ratio is depends on whose runs failed."""
    muted = np.array([2.0, 3, 4, 3, 2, 4, 3, 3])
    values = {
        "base": 2 * muted + np.array([0, 0, 0, 0, 0.5, -0.5, 0, 0]),
        "muted": muted,
        "open_loop": muted + 1,
    }
    failed = {arm: np.arange(8) == 2 for arm in failing.split()}
    entry = compare(values, failed=failed)
    assert entry["bound"] == bound
    assert entry["base"]["mean"] == 6.0
    assert entry["ratio"] == (None if bound == "neither" else 2.0)
    assert (entry["interval"] is None) == (entry["difference"]["value"] is None) == (bound == "neither")
    assert entry["against_muted"]["base"]["ratio"] == entry["ratio"]
    assert entry["feedback_ratio"].get("bound") == ("lower" if "base" in failing else None)
    assert entry["flow_ratio"].get("bound") == ("upper" if "muted" in failing else None)
    assert compare(values, failed={arm: np.zeros(8, bool) for arm in values}) == compare(values)
    [caution] = cautions({"BTC.max_drawdown": entry})
    assert caution.startswith(f"base over muted is {said}")
    assert caution.endswith("in BTC.max_drawdown")


def test_a_run_that_failed_counts_only_where_its_pair_is_defined() -> None:
    muted = np.array([2.0, 3, np.nan, 3, 2, 4, 3, 3, 4])
    values = {"base": np.where(np.isnan(muted), 9.0, 2 * muted), "muted": muted}
    assert "bound" not in compare(values, failed={"base": np.arange(9) == 2})
