"""A calibration finds what made its targets, says how sure that is, and loses nothing that it has run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import tomllib

import numpy as np
import pyarrow.parquet as pq
import pytest
from places import ROOT
from recovery import HELD_OUT, KEYS, MARKET, MOMENTS, fitted, scenario, simulated

from scenarios.__main__ import main
from scenarios.build.loading import load
from scenarios.calibration import targets as reading
from scenarios.calibration.calibrate import calibrate
from scenarios.calibration.evaluation import Evaluation
from scenarios.calibration.outcome import _most_moved, keys_of, moments_of
from scenarios.process.interruption import Interruption

SMALL = """
[keys]
"venues.market.impact" = {low = 0.002, high = 0.05, log = true}  # what a unit moves

[moments]
"X.median_loop_gain" = {target = 0.6, error = 0.01, source = "made up"}
"probe.exponent" = {target = 1.0, error = 0.05, held_out = true}

[probe]
sizes = [0.0003, 0.001]
at = 5.0
over_seconds = 5.0
horizons = [1.0]
"""
QUICK = ["--seeds", "2", "--points", "4", "--refine", "2", "--workers", "1", "--quiet"]


def identified_and_within(outcome, truth):
    """Of each key that is called identified, whether it lies within two standard errors of the truth."""
    return [
        abs(about["value"] - truth[key]) < 2 * about["standard_error"]
        for key, about in keys_of(outcome).items()
        if about["is_identified"]
    ]


def test_a_market_is_recovered(tmp_path):
    """One trial of the ten below, in a shorter market."""
    targets, truth = simulated(np.array([0.4, 0.6, 0.5]), 1003, steps=80)
    outcome = fitted(targets, tmp_path / "out", steps=80, rounds=4, seeds=6)
    assert identified_and_within(outcome, truth) == [True, True, True]
    off = {name: entry["off"] for name, entry in moments_of(outcome).items()}
    assert max(abs(off[name]) for name in MOMENTS if name != HELD_OUT) < 3
    assert abs(off[HELD_OUT]) < 5


@pytest.mark.long
def test_what_it_calls_identified_lies_within_two_standard_errors(tmp_path):
    """Ten markets made at random keys: in eight at least, all identified keys; nearly all are identified."""
    rng, good, identified = np.random.default_rng(7), 0, 0
    for trial in range(10):
        targets, truth = simulated(rng.uniform(0.2, 0.8, len(KEYS)), 1000 + trial)
        outcome = fitted(targets, tmp_path / str(trial), workers=2)
        within = identified_and_within(outcome, truth)
        good += all(within)
        identified += len(within)
        off = [entry["off"] for entry in moments_of(outcome).values() if not entry["held_out"]]
        assert np.abs(off).max() < 4
    assert good >= 8
    assert identified >= 27


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The folder of a small calibration, by the command line."""
    folder = tmp_path_factory.mktemp("calibration")
    (folder / "targets.toml").write_text(SMALL)
    out = folder / "out"
    assert (
        main(["calibrate", str(MARKET), "--to", str(folder / "targets.toml"), "--out", str(out), *QUICK]) == 0
    )
    return folder


def test_the_fitted_scenario_is_the_file_with_another_value(small):
    """The loop gain is 50 x impact; all else in the text stays, and its description says who made it."""
    text, before = (small / "out" / "fitted.toml").read_text(), MARKET.read_text()
    fit = load(small / "out" / "fitted.toml")
    assert fit["venues.market.impact"] == pytest.approx(0.6 / 50, rel=0.01 / 0.6)
    changed = set(text.splitlines()) - set(before.splitlines())
    assert len([line for line in changed if "impact = " in line]) == 1
    assert "hedgequake calibrate" in fit.description
    assert "--seeds 2" in fit.description
    fit["venues.market.impact"] = load(MARKET)["venues.market.impact"]
    assert {**fit.resolved(), "description": ""} == {**load(MARKET).resolved(), "description": ""}


def test_moments_and_keys_are_written_beside_what_was_aimed_at(small):
    moments = json.loads((small / "out" / "moments.json").read_text())
    gain, exponent = moments["X.median_loop_gain"], moments["probe.exponent"]
    assert (gain["target"], gain["error"], gain["source"], gain["held_out"]) == (0.6, 0.01, "made up", False)
    assert gain["off"] == pytest.approx((gain["value"] - 0.6) / 0.01)
    assert abs(gain["off"]) < 1
    assert exponent["held_out"]
    assert exponent["value"] == pytest.approx(1.0, abs=0.01)
    key = json.loads((small / "out" / "keys.json").read_text())["venues.market.impact"]
    assert key["is_identified"]
    assert key["standard_error"] == pytest.approx(0.01 / 50, rel=0.05)
    assert key["moves_most"] == "X.median_loop_gain"
    points = pq.read_table(small / "out" / "points.parquet").to_pandas()
    assert len(points) == 1 + 4 + 2 * (2 + 2) + 2
    assert points["venues.market.impact"][0] == pytest.approx(load(MARKET)["venues.market.impact"])
    assert points["distance"].min() < 1
    assert (small / "out" / "figures" / "moments.png").is_file()
    assert not list(small.glob(".out.begun*"))


def test_what_moves_most_is_defined():
    names = ["a", "b", "c"]
    assert _most_moved(np.array([np.nan, 1.0, 2.0]), names) == "c"
    assert _most_moved(np.array([np.nan, 0.0, 0.0]), names) is None


def test_what_is_held_out_has_no_say(small, tmp_path):
    """With another target for it the search goes the same way."""
    said = SMALL.replace("target = 1.0, error = 0.05", "target = 5.0, error = 0.001")
    (tmp_path / "targets.toml").write_text(said)
    to = ["--to", str(tmp_path / "targets.toml"), "--out", str(tmp_path / "out"), "--no-figures"]
    assert main(["calibrate", str(MARKET), *to, *QUICK]) == 0
    points = [pq.read_table(place / "out" / "points.parquet").to_pandas() for place in (small, tmp_path)]
    assert points[0].equals(points[1])


def test_a_calibration_that_was_killed_goes_on_to_the_same_end(small, tmp_path):
    """SIGKILL in the middle: what was kept is not run again, and the end is that of one go."""
    out, targets = tmp_path / "out", small / "targets.toml"
    arguments = ["calibrate", str(MARKET), "--to", str(targets), "--out", str(out), *QUICK]
    process = subprocess.Popen(
        [sys.executable, "-m", "scenarios", *arguments], cwd=ROOT, stdout=subprocess.DEVNULL
    )
    patience = time.monotonic() + 120
    while not (kept := list(tmp_path.glob(".out.begun.*/runs.jsonl"))) or kept[0].read_text().count("\n") < 5:
        assert process.poll() is None
        assert time.monotonic() < patience
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before, ran, run = kept[0].read_text().count("\n"), [], Evaluation.run
    assert not out.exists()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Evaluation, "run", lambda self, job: ran.append(job) or run(self, job))
        assert main(arguments) == 0
    points = pq.read_table(out / "points.parquet").to_pandas()
    assert 0 < len(ran) <= points["seeds"].sum() - before
    assert points.equals(pq.read_table(small / "out" / "points.parquet").to_pandas())
    for name in ("moments.json", "keys.json"):
        assert (out / name).read_text() == (small / "out" / name).read_text()


def test_figures_are_drawn_again(small, tmp_path, capsys):
    folder = tmp_path / "copy"
    shutil.copytree(small / "out", folder)
    picture = folder / "figures" / "moments.png"
    before = picture.read_bytes()
    picture.unlink()
    assert main(["plot", str(folder)]) == 0
    assert picture.read_bytes() == before
    assert main(["report", str(folder)]) == 2
    assert "holds a calibration" in capsys.readouterr().err


def test_an_interrupted_calibration_is_published_with_what_it_has(small, tmp_path):
    """Then the same call finishes it, and what it has found is what one go finds."""
    market = load(MARKET)
    targets, interruption = reading.read(small / "targets.toml", market), Interruption()
    options = {"made_by": "a test", "seeds": 2, "points": 4, "rounds": 2, "figures": "none"}
    stop = {"progress": lambda done: setattr(interruption, "signal", 2 * (done >= 60))}
    first = calibrate(market, targets, tmp_path / "out", interruption=interruption, **stop, **options)
    assert first.status == "interrupted"
    assert 4 <= len(first.places) < 14
    key = json.loads((first.folder / "keys.json").read_text())["venues.market.impact"]
    assert key["reason"] == "the search did not end"
    second = calibrate(market, targets, tmp_path / "out", **options)
    assert second.status == "finished"
    assert moments_of(second) == json.loads((small / "out" / "moments.json").read_text())


def test_a_run_that_fails_is_said_and_the_others_count(small, tmp_path, monkeypatch):
    """One of 28 raises: the moments of its place are those of the other seed."""
    run, ran = Evaluation.run, []

    def fails_once(self, job):
        ran.append(job)
        if len(ran) == 3:
            raise RuntimeError("broken on purpose")
        return run(self, job)

    monkeypatch.setattr(Evaluation, "run", fails_once)
    out = tmp_path / "out"
    arguments = ["calibrate", str(MARKET), "--to", str(small / "targets.toml"), "--out", str(out), *QUICK]
    assert main(arguments) == 1
    manifest = json.loads((out / "manifest.json").read_text())
    assert list(manifest["failures"].values()) == ["RuntimeError: broken on purpose"]
    assert list(pq.read_table(out / "points.parquet")["seeds"].to_pylist()).count(1) == 1
    assert "broken on purpose" in (out / "traceback.txt").read_text()


def test_an_undefined_moment_is_said(tmp_path, capsys):
    """Too short a run for the correlation of minutes."""
    said = SMALL.replace('"probe.exponent"', '"X.return_autocorrelation_1min"')
    (tmp_path / "targets.toml").write_text(said)
    out = tmp_path / "out"
    to = ["--to", str(tmp_path / "targets.toml"), "--out", str(out), "--set", "time.steps=40"]
    assert main(["calibrate", str(MARKET), *to, *QUICK, "--no-figures"]) == 0
    told = capsys.readouterr().out
    assert "undefined: 40 observations are too few" in told
    entry = json.loads((out / "moments.json").read_text())["X.return_autocorrelation_1min"]
    assert (entry["value"], entry["undefined"]) == (None, 4)


@pytest.mark.parametrize(
    ("before", "after", "line", "said"),
    [
        ("venues.market.impact", "venues.market.impct", 3, 'did you mean "impact"'),
        ("venues.market.impact", "venues.markt.impact", 3, 'nothing in venues is named "markt"'),
        ("venues.market.impact", "venues.market.type", 3, "not a number"),
        ("venues.market.impact", "venues.market", 3, "is a table in the scenario"),
        ("low = 0.002", "low = -0.002", 3, "above 0 where log = true"),
        ("low = 0.002, high = 0.05, log = true", "low = -1.0, high = 0.05", 3, "found -1"),
        ("X.median_loop_gain", "X.median_lop_gain", 6, 'did you mean "X.median_loop_gain"'),
        ("X.median_loop_gain", "median_loop_gain", 6, 'did you mean "X.median_loop_gain"'),
        ("probe.exponent", "probe.exponnt", 7, 'did you mean "probe.exponent"'),
        ("error = 0.01", "error = 0.0", 6, "above 0"),
        ("error = 0.01,", "", 6, "missing"),
        ("source", "sauce", 6, 'did you mean "source"'),
        ("target = 0.6, error = 0.01", "target = 0.6, error = 0.01, held_out = true", 5, "nothing to fit"),
        ("sizes = [0.0003, 0.001]", "sizes = [3.0]", 10, "at most 1"),
        ("at = 5.0", 'arm = "mutd"', 11, 'did you mean "muted"'),
        ("at = 5.0", 'asset = "Y"', 11, 'no asset is named "Y"'),
        ("at = 5.0", "at = 0.5", 11, "before the sale"),
    ],
)
def test_what_is_wrong_with_targets_is_said_with_its_line(before, after, line, said, tmp_path, capsys):
    assert before in SMALL
    (tmp_path / "targets.toml").write_text(SMALL.replace(before, after))
    to = ["--to", str(tmp_path / "targets.toml"), "--out", str(tmp_path / "out")]
    assert main(["calibrate", str(MARKET), *to, *QUICK]) == 2
    told = capsys.readouterr().err
    assert f"targets.toml:{line}: " in told
    assert said in told
    assert [path.name for path in tmp_path.iterdir()] == ["targets.toml"]


def test_a_file_of_targets_that_is_not_there(capsys):
    assert main(["calibrate", str(MARKET), "--to", "liquid_perpetul", *QUICK]) == 2
    assert 'did you mean "liquid_perpetual"' in capsys.readouterr().err


def test_the_targets_that_come_along_fit_the_scenario_they_are_named_after():
    """Every moment is a metric or of a probe, has a source, and something is held out."""
    for path in reading.FOLDER.glob("*.toml"):
        values = tomllib.loads(path.read_text())
        assert all(moment["source"] for moment in values["moments"].values())
        assert any(moment.get("held_out") for moment in values["moments"].values())
        assert reading.read(path.stem, load(path.stem)).is_probed


def test_whole_numbers_stay_whole():
    targets = reading.Targets(
        keys={"populations.noise.count": {"low": 1.0, "high": 9.0}},
        moments={"X.volume": {"target": 1.0, "error": 1.0}},
    )
    values = reading.Space(targets, scenario(10)).values(np.array([0.44]))
    assert values == {"populations.noise.count": 5}
    assert isinstance(values["populations.noise.count"], int)
