"""What may happen to a sweep, done to it for real: nothing finished is lost, repeated or counted twice."""

from __future__ import annotations

import json
import os
import resource
import shlex
import signal
from pathlib import Path

from places import ROOT, SUPPORT
from sweeping import TAG, is_running, noted, process, rows, scenario, tags, until, written
from troubled_population import MENDED

from scenarios import read_sweep
from scenarios.__main__ import main
from scenarios.sweeps.sweep import sweep
from scenarios.sweeps.worker_files import PARTS

SLOW = 0.05
"""Seconds a step, four steps a run."""


def whole(folder: Path, count: int) -> bytes:
    """What `runs.parquet` holds when nothing happens to the sweep."""
    calm = folder / "calm"
    calm.mkdir()
    sweep(scenario(folder, tags(count)), calm / "out", start="serial")
    (folder / "log").unlink()
    return rows(calm / "out").drop(columns="run_id").to_csv().encode()


def same(out: Path) -> bytes:
    """What it holds now; run ids differ where the scenario says to be slow."""
    return rows(out).drop(columns="run_id").to_csv().encode()


def test_a_killed_parent_takes_its_workers_along_and_the_same_command_does_what_is_missing(tmp_path):
    """SIGKILL of the parent half way; then the runs that were not finished are done, and no others."""
    expected = whole(tmp_path, 24)
    path, out = written(tmp_path, tags(24), seconds=SLOW), tmp_path / "out"
    first = process("sweep", str(path), "--out", str(out), "--workers", "2", "--quiet")
    until(lambda: len(noted(tmp_path)) >= 8)
    workers = {int(line.split()[1]) for line in (tmp_path / "log").read_text().splitlines()}
    first.kill()
    first.communicate()
    until(lambda: not any(map(is_running, workers)), 60)
    finished = _finished(out)
    begun = len(noted(tmp_path))
    assert 0 < len(finished) < 24
    assert begun - len(finished) <= 2, "no more is lost than what was being run"
    assert json.loads((out / "manifest.json").read_text())["status"] == "running"
    assert main(["sweep", str(path), "--out", str(out), "--resume", "--quiet"]) == 0
    again = noted(tmp_path)[begun:]
    assert sorted(again) == sorted(set(range(24)) - finished)
    assert same(out) == expected
    assert not (out / PARTS).exists()


def _finished(out: Path) -> set[int]:
    from scenarios.sweeps.worker_files import RUNS, batches

    return {row["design_id"] for batch in batches(out / PARTS, RUNS) for row in batch.to_pylist()}


class _Killer:
    """Kills the worker that began a run last, once a few are done."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "log"
        self._has_killed = False

    def __call__(self, done: int, planned: int, failed: int) -> None:
        if done >= 4 and not self._has_killed:
            self._has_killed = True
            os.kill(int(self._log.read_text().splitlines()[-1].split()[1]), signal.SIGKILL)


def test_a_killed_worker_costs_at_most_what_it_was_running(tmp_path):
    """The pool is rebuilt in the same session; every run is there once."""
    expected = whole(tmp_path, 16)
    own, out = scenario(tmp_path, tags(16), seconds=SLOW), tmp_path / "out"
    outcome = sweep(own, out, workers=2, tally=_Killer(tmp_path))
    assert (outcome.status, outcome.done, outcome.failed) == ("finished", 16, 0)
    assert same(out) == expected
    assert len(noted(tmp_path)) <= 18, "two runs were lost at most"


def test_a_run_that_kills_its_worker_is_given_up_alone_and_tried_again_by_the_next_command(tmp_path):
    """The other runs are done; once mended, the same command does the one that is missing."""
    given = {"trouble": "kill", "troubled_tag": 3}
    own, out = scenario(tmp_path, tags(8), **given), tmp_path / "out"
    outcome = sweep(own, out, workers=2)
    assert (outcome.status, outcome.done, outcome.failed) == ("failed", 7, 1)
    (failure,) = read_sweep(out).failures.to_dict("records")
    assert (failure["design_id"], failure["reason"]) == (3, "the worker died")
    assert json.loads(failure["parameters"]) == {TAG: 3}
    (tmp_path / MENDED).touch()
    begun = len(noted(tmp_path))
    outcome = sweep(own, out, workers=2)
    assert (outcome.status, outcome.done, outcome.failed) == ("finished", 8, 0)
    assert noted(tmp_path)[begun:] == [3]
    assert read_sweep(out).failures.empty


def test_a_run_that_raises_is_noted_with_a_command_that_repeats_it_and_not_repeated(tmp_path, capsys):
    """Nor does it take others along; the exit code says that a run failed."""
    given = {"trouble": "raise", "troubled_tag": 2}
    path, out = written(tmp_path, tags(5, "replicates = 2"), **given), tmp_path / "out"
    line = ["sweep", str(path), "--out", str(out), "--engine", "serial", "--quiet"]
    assert main(line) == 1
    assert "8 of 10 runs done, 2 failed" in capsys.readouterr().out
    results = read_sweep(out)
    assert results.runs["status"].tolist() == ["finished"] * 4 + ["failed"] * 2 + ["finished"] * 4
    assert results.runs["X.max_drawdown"].isna().sum() == 2
    failure = results.failures.iloc[1]
    assert failure["reason"] == "ZeroDivisionError: they were told to break"
    assert "in decide" in failure["traceback"]
    program, *arguments = shlex.split(failure["command"])
    assert program == "hedgequake"
    assert main([*arguments, "--out", str(tmp_path / "one"), "--quiet", "--no-figures"]) == 1
    assert "they were told to break" in capsys.readouterr().err
    assert json.loads((tmp_path / "one" / "manifest.json").read_text())["seed"] == failure["seed"]
    begun = len(noted(tmp_path))
    assert main(line) == 1
    assert len(noted(tmp_path)) == begun


def test_a_step_that_never_returns_is_ended_and_the_pool_rebuilt(tmp_path):
    """Its worker is killed after the time limit; the others' runs are done all the same."""
    own = scenario(tmp_path, tags(6, "time_limit_seconds = 0.3"), trouble="hang", troubled_tag=1)
    outcome = sweep(own, tmp_path / "out", workers=2)
    assert (outcome.done, outcome.failed) == (5, 1)
    (reason,) = read_sweep(tmp_path / "out").failures["reason"]
    assert reason.startswith("a step did not return")
    assert max(noted(tmp_path).count(tag) for tag in range(6)) <= 2


def test_a_run_of_many_slow_steps_stops_itself_between_two(tmp_path):
    """The time limit is looked at after every step, on every engine."""
    own = scenario(tmp_path, tags(3, "time_limit_seconds = 0.2"), slow_tag=1, slow_seconds=0.15)
    outcome = sweep(own, tmp_path / "out", start="serial")
    assert (outcome.done, outcome.failed) == (2, 1)
    (reason,) = read_sweep(tmp_path / "out").failures["reason"]
    assert reason.startswith("TimeLimit: step 2 of 4 was reached")


def test_a_full_disk_stops_it_with_one_line_and_the_same_command_goes_on(tmp_path):
    """RLIMIT_FSIZE: no file may grow beyond a few runs; what was written is kept and not done again."""
    expected = whole(tmp_path, 12)
    path, out = written(tmp_path, tags(12), seconds=0.01), tmp_path / "out"
    limit = 20_000
    running = process(
        *("sweep", str(path), "--out", str(out), "--workers", "1", "--quiet"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    _, errors = running.communicate(timeout=120)
    assert running.returncode == 1
    (line,) = errors.splitlines()
    assert "File too large" in line
    assert "the same command goes on from here" in line
    begun = len(noted(tmp_path))
    assert 0 < begun < 12
    assert main(["sweep", str(path), "--out", str(out), "--engine", "serial", "--quiet"]) == 0
    assert len(noted(tmp_path)) - begun <= 12 - (begun - 1), (
        "only the run that could not be written is repeated"
    )
    assert same(out) == expected


def test_ctrl_c_publishes_what_is_done(tmp_path):
    """Exit code 130, a folder that can be read, and the rest by the same command."""
    expected = whole(tmp_path, 16)
    path, out = written(tmp_path, tags(16), seconds=SLOW), tmp_path / "out"
    running = process("sweep", str(path), "--out", str(out), "--quiet")
    until(lambda: len(noted(tmp_path)) >= 6)
    running.send_signal(signal.SIGINT)
    said, _ = running.communicate(timeout=120)
    assert running.returncode == 130
    assert said.startswith("interrupted: ")
    done = set(read_sweep(out).runs["design_id"])
    begun = len(noted(tmp_path))
    assert 0 < len(done) < 16
    assert not (out / PARTS).exists()
    sweep(scenario(tmp_path, tags(16), seconds=SLOW), out, workers=2)
    assert sorted(noted(tmp_path)[begun:]) == sorted(set(range(16)) - done)
    assert same(out) == expected


def test_a_killed_dask_worker_loses_nothing(tmp_path, monkeypatch):
    """A local cluster of two, one of them killed in a run: Dask runs at least once, a run counts once."""
    monkeypatch.setenv("PYTHONPATH", f"{SUPPORT}{os.pathsep}{ROOT}")
    expected = whole(tmp_path, 24)
    own, out = scenario(tmp_path, tags(24), seconds=SLOW), tmp_path / "out"
    outcome = sweep(own, out, workers=2, dask="local", tally=_Killer(tmp_path))
    assert (outcome.status, outcome.done, outcome.failed) == ("finished", 24, 0)
    assert same(out) == expected
    assert rows(out)["run_id"].is_unique
    assert len({line.split()[1] for line in (tmp_path / "log").read_text().splitlines()}) >= 2
