"""A frontier is found where it lies in a small market."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest

from scenarios.build.loading import load
from scenarios.file.errors import ScenarioError
from scenarios.frontier.frontier import default_folder, frontier
from scenarios.frontier.scale import scale_of
from scenarios.terminal.frontier_table import table

IMPACT = "venues.market.impact"


def test_the_gain_of_the_textbook_market_is_found(tmp_path):
    """gain = impact x 50, so its median passes 0.8 at an impact of 0.016."""
    scenario = load("linear_feedback", {"time.steps": 40})
    done = []
    outcome = frontier(
        scenario,
        tmp_path / "found",
        key=IMPACT,
        metric="X.median_loop_gain",
        level=0.8,
        high=0.019,
        most=120,
        progress=done.append,
    )
    assert outcome.crossing.estimate == pytest.approx(0.016, rel=0.01)
    assert "0.016" in table(outcome)
    assert done == list(range(1, outcome.crossing.runs + 1))
    runs = pq.read_table(tmp_path / "found" / "runs.parquet").to_pandas()
    assert len(runs) == outcome.crossing.runs
    assert runs["seed"].is_unique
    entry = json.loads((tmp_path / "found" / "frontier.json").read_text())
    assert entry["estimate"] == outcome.crossing.estimate
    assert entry["low"] <= entry["estimate"] <= entry["high"]
    manifest = json.loads((tmp_path / "found" / "manifest.json").read_text())
    assert (manifest["kind"], manifest["status"], manifest["is_found"]) == ("frontier", "finished", True)
    assert (tmp_path / "found" / "figures" / "frontier.png").stat().st_size > 10_000


def test_the_range_is_what_the_schema_allows(tmp_path):
    """Ten times a share of 0.4 is no share; whole numbers stay whole."""
    scenario = load("linear_crash", {"populations.dealers.exposure.share": 0.4})
    share = scale_of(scenario, "populations.dealers.exposure.share", None, None)
    assert (share.low, share.high) == (pytest.approx(0.04), 1.0)
    count = scale_of(scenario, "populations.dealers.count", None, None)
    assert (count.low, count.high, count.is_whole) == (100.0, 10_000.0, True)
    assert default_folder(scenario, "populations.dealers.count").name.startswith(
        "linear_crash-frontier-count-"
    )
    asked = [default_folder(scenario, "populations.dealers.count", "bad_debt", x) for x in (1, 2, 2)]
    assert asked[0] != asked[1] == asked[2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"key": "venues.market.impct"}, 'did you mean "impact"'),
        ({"key": "populations.dealers.exposure"}, "a table, not a number"),
        ({"metric": "bad_det>0"}, 'did you mean "bad_debt"'),
        ({"metric": "Y.max_drawdown"}, "no metric is named"),
        ({"level": 5.0}, "between 0 and 1"),
        ({"low": -1.0}, "allowed: at least 0"),
        ({"low": 0.5, "high": 0.1}, "is empty"),
        ({"arm": "mutd"}, 'did you mean "muted"'),
    ],
)
def test_what_cannot_be_searched_is_refused_before_anything_is_written(options, message, tmp_path):
    asked = {"key": IMPACT, "metric": "bad_debt>0", "level": 0.5} | options
    with pytest.raises(ScenarioError, match=message):
        frontier(load("linear_feedback"), tmp_path / "none", **asked)
    assert not list(tmp_path.iterdir())


def test_an_undefined_metric_fails_and_says_why(tmp_path):
    """Without a shock there is no overshoot."""
    scenario = load("linear_feedback", {"time.steps": 10})
    outcome = frontier(scenario, tmp_path / "none", key=IMPACT, metric="X.shock_overshoot", level=0.1)
    assert outcome.status == "failed"
    assert "no market_order shock" in table(outcome)
    assert json.loads((tmp_path / "none" / "frontier.json").read_text())["reason"] == outcome.reason
