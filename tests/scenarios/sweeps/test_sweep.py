"""A sweep does its design, all of it, once, and the same whoever does it."""

from __future__ import annotations

import json
import os
import shlex
import tracemalloc
from concurrent.futures import Executor, Future
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from places import ROOT, SUPPORT
from scipy import stats
from sweeping import GRID, TAG, VOLATILITY, noted, rows, scenario, tags, written

from analysis.measures import chosen, listed
from scenarios import load, read_sweep
from scenarios.__main__ import main
from scenarios.file.errors import ScenarioError
from scenarios.file.sweep_schema import Stop
from scenarios.folders.ownership import manifest
from scenarios.runs.run import Interruption
from scenarios.sweeps.dispatch import Dispatch
from scenarios.sweeps.experiment import Experiment, Plan
from scenarios.sweeps.jobs_left import JobsLeft, Shard
from scenarios.sweeps.stopping import Looks, half_width
from scenarios.sweeps.sweep import sweep
from scenarios.sweeps.worker import Assignment, RunReport
from scenarios.sweeps.worker_files import RUNS, Stream, WorkerFiles, batches
from sim.messages.columns import TABLES

ALL_TABLES = set(TABLES) - {"series"}


def test_whoever_does_the_runs_and_in_whatever_order_the_files_are_the_same(tmp_path, monkeypatch):
    """Byte by byte: this thread, one process and two, Dask, and three shards merged."""
    monkeypatch.setenv("PYTHONPATH", f"{SUPPORT}{os.pathsep}{ROOT}")
    own = scenario(tmp_path, GRID)
    sweep(own, tmp_path / "serial", start="serial")
    expected = (tmp_path / "serial" / "runs.parquet").read_bytes()
    for workers in (1, 2):
        sweep(own, tmp_path / str(workers), workers=workers)
        assert (tmp_path / str(workers) / "runs.parquet").read_bytes() == expected
    sweep(own, tmp_path / "dask", dask="local", workers=2)
    assert (tmp_path / "dask" / "runs.parquet").read_bytes() == expected
    out = str(tmp_path / "shards")
    path = str(tmp_path / "troubled.toml")
    for number in (3, 1, 2):
        line = ["sweep", path, "--shard", f"{number}/3", "--out", out, "--engine", "serial", "--quiet"]
        assert main(line) == 0
        assert main(["merge", out, "--trust"]) == (0 if number == 2 else 1)
    assert (tmp_path / "shards" / "runs.parquet").read_bytes() == expected
    names = {place.name for place in (tmp_path / "shards").iterdir()}
    assert names == {
        *("scenario.toml", "manifest.json", "design.parquet", "runs.parquet"),
        *("timing.parquet", "failures.parquet"),
    }


def test_points_share_their_draws_unless_they_are_independent(tmp_path):
    """What a tag changes is nothing, so with common random numbers all is equal, and without nothing is."""
    given = tags(3, "replicates = 4")
    outcome = sweep(scenario(tmp_path, given), tmp_path / "common", start="serial")
    table = read_sweep(outcome.folder).dataset()["X.max_drawdown"].squeeze("arm")
    assert (table == table.isel({TAG: 0})).all()
    assert np.unique(table).size == 4
    own = given.replace("replicates = 4", "replicates = 4\nindependent = true")
    sweep(scenario(tmp_path, own), tmp_path / "own", start="serial")
    runs = rows(tmp_path / "own")
    assert runs["seed"].is_unique
    assert runs["X.max_drawdown"].is_unique


def test_a_sweep_that_was_interrupted_does_exactly_what_is_missing(tmp_path):
    """After any number of interruptions; the folder says how far it is and is never counted twice."""
    own, out = scenario(tmp_path, tags(60, "replicates = 2")), tmp_path / "out"
    for stop in (1, 4):
        interruption = Interruption()

        def stop_after(done, planned, failed, stop=stop, interruption=interruption):
            interruption.signal = 2 if done >= stop else 0

        outcome = sweep(own, out, start="serial", tally=stop_after, interruption=interruption)
        assert outcome.status == "interrupted"
        assert len(rows(out)) == len(noted(tmp_path)) == outcome.done < 120
        assert json.loads((out / "manifest.json").read_text())["runs_done"] == outcome.done
    assert sweep(own, out, start="serial").fresh == 120 - outcome.done
    assert sorted(noted(tmp_path)) == sorted([*range(60), *range(60)])
    assert sweep(own, out, start="serial").fresh == 0


def test_another_design_or_another_result_is_not_touched(tmp_path, capsys):
    line = ["sweep", str(written(tmp_path, tags(2))), "--engine", "serial", "--quiet", "--out"]
    out = tmp_path / "out"
    assert main([*line, str(out), "--resume"]) == 2
    assert "holds no sweep to resume" in capsys.readouterr().err
    assert not out.exists()
    assert main([*line, str(out)]) == 0
    before = (out / "runs.parquet").read_bytes()
    assert main([*line, str(out), "--set", "time.steps=5"]) == 2
    assert "another design or scenario; --force replaces it" in capsys.readouterr().err
    assert (out / "runs.parquet").read_bytes() == before
    assert main([*line, str(out), "--set", "time.steps=5", "--force"]) == 0
    assert (out / "runs.parquet").read_bytes() != before
    assert main(["sweep", "linear_feedback", "--quiet", "--out", str(tmp_path / "none")]) == 2
    assert "no [sweep] in it" in capsys.readouterr().err


def test_runs_of_another_version_of_the_code_are_not_mixed_in(tmp_path, monkeypatch):
    own, out = scenario(tmp_path, tags(2)), tmp_path / "out"
    sweep(own, out, start="serial")
    monkeypatch.setattr("scenarios.sweeps.experiment.sources_hash", lambda scenario: "another")
    with pytest.raises(ScenarioError, match="another version of the code"):
        sweep(own, out, start="serial")


def older(folder: Path) -> dict[Path, bytes]:
    """Make a sweep folder one that an older version left half done; what it holds then."""
    scenario = folder / "scenario.toml"
    scenario.write_text(scenario.read_text().replace("schema_version = 2", "schema_version = 1"))
    about = {**manifest(folder), "status": "interrupted", "design_hash": "another", "sources": "another"}
    (folder / "manifest.json").write_text(json.dumps(about))
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_half_done_sweep_of_an_older_version_says_what_to_do(tmp_path, capsys):
    """Going on with it, in one piece or in shards, and merging it are refused, and nothing is touched."""
    file, out = str(written(tmp_path, tags(2))), tmp_path / "out"
    line = ["sweep", file, "--engine", "serial", "--quiet", "--out", str(out)]
    assert main([*line, "--shard", "1/2"]) == 0
    assert main(line) == 0
    held = older(out / "shards" / "1-of-2") | older(out)
    capsys.readouterr()
    for more in ([], ["--resume"], ["--shard", "1/2"]):
        assert main([*line, *more]) == 2
        said = capsys.readouterr().err.splitlines()[-1]
        assert said.startswith(f"{out}: holds runs of another version of the code (hedgequake 0.1.0, ")
        assert "finish it with that version, begin anew beside it with --out DIR" in said
    assert main(["merge", str(out), "--trust"]) == 2
    assert "finish it with that version" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in held if path.is_file()} == held
    assert main([*line, "--force"]) == 0


def test_a_new_sweep_begins_beside_one_of_an_older_version(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    line = ["sweep", str(written(tmp_path, tags(2))), "--engine", "serial"]
    assert main(line) == 0
    (own,) = Path("results").iterdir()
    old = own.rename("results/troubled-sweep-00000000")
    held = older(old.absolute())
    assert main([*line, "--resume"]) == 2
    assert f"{old}: holds runs of another version of the code" in capsys.readouterr().err
    assert not own.exists()
    assert main(line) == 0
    assert f"; a new one begins in {own}" in capsys.readouterr().err
    assert own.is_dir()
    assert {path: path.read_bytes() for path in held} == held


def test_equal_points_of_a_sample_are_run_once_and_counted_each(tmp_path):
    given = f"""[sweep]\ndesign = "saltelli"\npoints = 4\n[sweep.over]
"{TAG}" = [1, 2]
"{VOLATILITY}" = [0.2, 0.4]
"""
    outcome = sweep(scenario(tmp_path, given), tmp_path / "out", start="serial")
    found = read_sweep(tmp_path / "out").runs
    assert len(found) == outcome.planned == 16
    assert len(noted(tmp_path)) == found[[TAG, VOLATILITY]].drop_duplicates().shape[0] <= 4
    assert found.groupby([TAG, VOLATILITY])["X.max_drawdown"].nunique().eq(1).all()


@pytest.mark.parametrize("start", ["serial", "forkserver"])
def test_what_is_kept_is_what_the_run_itself_leaves(tmp_path, start):
    """Series and events of every run, in one file a table."""
    given = tags(3, 'keep = "all"\nreplicates = 2')
    own, out = scenario(tmp_path, given), tmp_path / "out"
    sweep(own, out, start=start, workers=2)
    results = read_sweep(out)
    assert [path.name for path in (out / "series").iterdir()] == ["series-0000.parquet"]
    run = results.runs.iloc[3]
    own["seed"] = int(run["seed"])
    recording = own.market().run()
    kept = results.series().query("run_id == @run.run_id").drop(columns="run_id")
    pd.testing.assert_frame_equal(
        kept.reset_index(drop=True), pd.DataFrame(recording.series), check_dtype=False
    )
    assert results.series()["run_id"].value_counts().eq(4).all()
    events = {path.name.partition("-")[0] for path in (out / "events").iterdir()}
    assert events <= ALL_TABLES
    assert len(results.events("populations")) == 6 * len(recording.populations)


def test_a_run_by_itself_gives_what_it_gave_in_the_sweep(tmp_path, capsys):
    """The command for a run that is compared with a muted arm exempts the same accounts from margin."""
    out, name = tmp_path / "out", "linear_crash"
    own = load(
        name, {"time.steps": 3, "sweep": {"design": "grid", "over": {"populations.vaults.count": [5]}}}
    )
    own["sweep.arms"] = ["base", "muted"]
    sweep(own, out, start="serial")
    run = rows(out).iloc[0]
    from scenarios.sweeps.compaction import command

    words = shlex.split(command(out / "scenario.toml", Plan(Experiment(own)), dict(run)))
    assert main([*words[1:], "--out", str(tmp_path / "one"), "--quiet", "--no-figures"]) == 0
    alone = json.loads((tmp_path / "one" / "metrics.json").read_text())
    for name in ("BTC.realised_volatility", "BTC.max_drawdown", "BTC.median_loop_gain"):
        assert alone[name]["value"] == run[name]


def test_a_light_list_is_measured_and_others_by_name(tmp_path):
    assert chosen(None) == listed("light")
    named = [each.function.__name__ for each in chosen(["X.max_drawdown", "volume_share"], "X.max_run_up")]
    assert named == ["max_drawdown", "volume_share", "max_run_up"]
    sweep(scenario(tmp_path, tags(1, 'metrics = ["max_drawdown"]')), tmp_path / "out", start="serial")
    assert read_sweep(tmp_path / "out").metrics == ["X.max_drawdown"]


def test_a_torn_part_keeps_its_whole_batches(tmp_path):
    """Cut anywhere, and whatever stands behind the cut, the batches before it are read."""
    batch = pa.RecordBatch.from_pydict({"run_id": pa.array(["a"]), "x": pa.array([1.0])})
    stream = Stream(tmp_path / "runs-1.arrow", batch.schema)
    sizes = []
    for _ in range(3):
        stream.append(batch)
        sizes.append((tmp_path / "runs-1.arrow").stat().st_size)
    stream.close()
    content = (tmp_path / "runs-1.arrow").read_bytes()
    for cut in range(0, len(content), 7):
        (tmp_path / "runs-1.arrow").write_bytes(content[:cut])
        assert len(list(batches(tmp_path, RUNS))) == sum(size <= cut for size in sizes)


def looked(values: np.ndarray, stop: Stop, first: int) -> int:
    """Replicates at which a point stops."""
    looks = Looks(stop, first)
    while not looks.is_over:
        looks.look([values[: looks.due].tolist()])
    return looks.due


@pytest.mark.parametrize(
    ("draw", "mean", "deviation"),
    [
        (lambda rng: rng.normal(0, 1, 400), 0.0, 1.0),
        (lambda rng: rng.exponential(1, 400), 1.0, 1.0),
        (lambda rng: (rng.random(400) < 0.2) * 1.0, 0.2, 0.4),
    ],
    ids=["normal", "skewed", "rare events"],
)
def test_looking_does_not_spoil_the_interval(draw, mean, deviation, monkeypatch):
    """Intervals of the width asked for hold the mean in about 95% of 600 points, means are not shifted."""
    quantiles = stats.t.ppf(0.975, np.arange(1, 500))
    monkeypatch.setattr(
        "scenarios.sweeps.stopping.half_width",
        lambda values: quantiles[len(values) - 2] * np.std(values, ddof=1) / np.sqrt(len(values)),
    )
    rng = np.random.default_rng(11)
    width = 1.96 * deviation / 8.0
    stop = Stop(metric="m", half_width=width, max_replicates=400)
    errors, counts = [], []
    for _ in range(600):
        values = draw(rng)
        counts.append(looked(values, stop, 16))
        errors.append(values[: counts[-1]].mean() - mean)
    assert np.mean(np.abs(errors) <= width) > 0.92
    assert abs(np.mean(errors)) < 0.2 * width
    assert 64 < np.mean(counts) < 90, "64 would do if the deviation were known; a batch confirms"


def test_the_half_width_is_that_of_a_t_interval():
    interval = stats.t.interval(0.95, 4, loc=2.0, scale=stats.sem([0.0, 1.0, 2.0, 3.0, 4.0]))
    assert half_width([0.0, 1.0, 2.0, 3.0, 4.0]) == pytest.approx(interval[1] - 2.0)
    assert half_width([1.0]) == np.inf


def test_points_stop_when_they_are_narrow_whatever_the_order_and_after_a_resume(tmp_path):
    """The noisier point takes more replicates; the runs are the same by any engine, in one go or two."""
    given = f"""[sweep]\ndesign = "grid"\nreplicates = 8
[sweep.over]\n"{VOLATILITY}" = [0.2, 0.4, 4.0]
[sweep.stop]\nmetric = "X.max_drawdown"\nhalf_width = 2.5e-5\nmax_replicates = 64
"""
    own = scenario(tmp_path, given)
    outcome = sweep(own, tmp_path / "serial", start="serial")
    counts = rows(tmp_path / "serial").groupby("design_id").size().tolist()
    assert counts[0] < counts[1] < counts[2] == 64
    assert outcome.stopped == {"narrow": 2, "at_max_replicates": 1}
    assert outcome.planned == outcome.done == sum(counts)
    expected = (tmp_path / "serial" / "runs.parquet").read_bytes()
    sweep(own, tmp_path / "two", workers=2)
    assert (tmp_path / "two" / "runs.parquet").read_bytes() == expected
    interruption = Interruption()

    def stop_after(done, planned, failed):
        interruption.signal = 2 if done >= 20 else 0

    sweep(own, tmp_path / "out", start="serial", tally=stop_after, interruption=interruption)
    assert sweep(own, tmp_path / "out", start="serial").fresh < sum(counts)
    assert (tmp_path / "out" / "runs.parquet").read_bytes() == expected


class Instant(Executor):
    """An executor whose runs take no time and leave nothing."""

    def submit(self, fn, /, jobs):
        future: Future = Future()
        future.set_result([RunReport(run, "finished", 0.5, 0.001) for job in jobs for _, run in job.arms])
        return future


class InstantEngine:
    workers, ahead, died, falls_together = 2, 2, (ZeroDivisionError,), True

    def open(self, workers=None):
        return Instant()

    def close(self, executor, *, at_once):
        pass


def test_the_parent_s_memory_hardly_grows_with_the_number_of_runs(tmp_path):
    """20,000 runs cost it less than 16 MiB: an id and how it ended, no results."""
    plan = Plan(Experiment(scenario(tmp_path, tags(20, "replicates = 1000"))))
    jobs_left = JobsLeft(plan, {})
    dispatch = Dispatch(
        jobs_left,
        InstantEngine(),
        Assignment(str(tmp_path), "s", ""),
        WorkerFiles(tmp_path, "s-parent"),
        dict,
        None,
    )
    tracemalloc.start()
    try:
        assert sum(dispatch.run()) == 20_000
        assert tracemalloc.get_traced_memory()[1] < 16 * 2**20
    finally:
        tracemalloc.stop()
    assert not jobs_left.take(1)


def test_shards_take_every_job_once(tmp_path):
    plan = Plan(Experiment(scenario(tmp_path, tags(7, "replicates = 3"))))
    taken = [job[:2] for number in (1, 2, 3, 4) for job in JobsLeft(plan, {}, Shard(number, 4)).take(99)]
    assert sorted(taken) == [(point, replicate) for point in range(7) for replicate in range(3)]


def test_the_frames_are_tidy_and_a_grid_has_dimensions(tmp_path, capsys):
    path, out = written(tmp_path, GRID), tmp_path / "out"
    assert main(["sweep", str(path), "--out", str(out), "--engine", "serial"]) == 0
    shown = capsys.readouterr()
    assert "finished: 24 of 24 runs done, 0 failed" in shown.out
    assert f"next: hedgequake plot {out}" in shown.out
    assert "troubled: 24 of 24 runs, " in shown.err
    results = read_sweep(out)
    assert results.keys == [VOLATILITY, TAG]
    assert results.design["design_id"].tolist() == list(range(6))
    first = results.runs.columns[:8].tolist()
    assert first == ["run_id", "design_id", "replicate", "seed", "arm", "status", VOLATILITY, TAG]
    assert len(results.timing) == 24
    assert set(results.timing.columns) >= {"run_id", "wall_seconds", "host", "worker"}
    data = results.dataset()
    assert dict(data.sizes) == {VOLATILITY: 2, TAG: 3, "replicate": 2, "arm": 2}
    chosen_run = results.runs.query("design_id == 4 and replicate == 1 and arm == 'wide'").iloc[0]
    cell = data["X.max_drawdown"].sel({VOLATILITY: 0.5, TAG: 1, "replicate": 1, "arm": "wide"})
    assert float(cell) == chosen_run["X.max_drawdown"]
    with pytest.raises(FileNotFoundError, match=r"holds no runs\.parquet"):
        read_sweep(tmp_path)
