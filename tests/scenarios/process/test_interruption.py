"""Ctrl-C and SIGTERM while figures are drawn: what is whole stays, the exit code says what came."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numba
import pytest
from places import ROOT, SUPPORT

from scenarios import load
from scenarios.__main__ import main
from scenarios.arms.amplify import amplify
from scenarios.build.compilation import cut_short
from scenarios.frontier.frontier import frontier
from scenarios.process.interruption import GRACE_SECONDS, Interruption
from sim.recording.recording import Recording

VOLATILITY = "assets.BTC.driver.volatility"
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(SUPPORT)))}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("watched.toml").write_text((SUPPORT / "watched.toml").read_text())
    return tmp_path


def interrupted(number: int, *command: str) -> subprocess.CompletedProcess[str]:
    """What becomes of a command whose second figure sends its own process a signal."""
    return subprocess.run(
        [sys.executable, str(SUPPORT / "interrupted_figure.py"), str(int(number)), *command],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=300,
    )


def pictures(folder: str) -> list[str]:
    return sorted(path.stem for path in Path(folder).glob("*.png"))


def status(folder: str) -> str:
    found: str = json.loads(Path(folder, "manifest.json").read_text())["status"]
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_stops_drawing_and_keeps_what_is_finished(number: signal.Signals) -> None:
    """The steps are done, so the run is finished; figures can be drawn from its tables at any time."""
    done = interrupted(number, "run", "watched.toml", "--out", "out", "--quiet")
    assert done.returncode == 128 + number, done.stderr
    assert done.stderr == (
        "interrupted while drawing; the results are whole, hedgequake plot out draws all figures\n"
    )
    assert status("out") == "finished"
    assert "signalling" in pictures("out/figures")
    assert len(pictures("out/figures")) == 2
    assert Recording.read("out").table("series").num_rows == 5
    assert main(["plot", "out"]) == 0
    assert len(pictures("out/figures")) > 2
    assert not list(Path().glob(".out.*"))


def test_plot_stops_after_the_figure_it_is_at() -> None:
    assert main(["run", "watched.toml", "--out", "out", "--no-figures", "--quiet"]) == 0
    done = interrupted(signal.SIGINT, "plot", "out")
    assert done.returncode == 130, done.stderr
    assert len(done.stdout.split()) == len(pictures("out/figures")) == 2
    assert done.stderr.startswith("interrupted while drawing; ")


def test_a_report_that_is_interrupted_leaves_the_one_there_was() -> None:
    assert main(["run", "watched.toml", "--out", "out", "--no-figures", "--quiet"]) == 0
    Path("out/report.html").write_text("older")
    done = interrupted(signal.SIGTERM, "report", "out")
    assert (done.returncode, done.stdout) == (143, ""), done.stderr
    assert done.stderr == "interrupted; nothing more is written\n"
    assert Path("out/report.html").read_text() == "older"


def test_an_amplification_stops_drawing_too() -> None:
    line = ["--seeds", "2", "--workers", "1", "--arms", "base,aa", "--out", "out", "--quiet"]
    done = interrupted(signal.SIGTERM, "amplify", "watched.toml", *line)
    assert done.returncode == 143, done.stderr
    assert len(pictures("out/base/figures")) == 2
    assert status("out") == "interrupted"
    assert Recording.read("out/base").table("series").num_rows == 5


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_compilation(number: signal.Signals, tmp_path: Path) -> None:
    """No step was done, so no tables are left; that takes none of the kernels that were still to come."""
    with subprocess.Popen(
        [sys.executable, "-m", "scenarios", "run", "watched.toml", "--out", "out"],
        env=ENVIRONMENT | {"HEDGEQUAKE_CACHE": str(tmp_path / "cache")},
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stderr is not None
        assert run.stderr.readline().startswith('imports the module "own_population"')
        assert run.stderr.readline() == "compiling kernels that no run has needed yet\n"
        run.send_signal(number)
        said = run.stderr.read()
    assert (run.returncode, said) == (128 + number, "")
    assert json.loads(Path("out/manifest.json").read_text())["steps_done"] == 0
    assert status("out") == "interrupted"
    assert not list(Path("out").glob("*.parquet"))
    assert main(["run", "watched.toml", "--out", "out", "--quiet", "--no-figures"]) == 0


def test_what_is_compiled_is_left_after_a_signal_and_what_is_not_goes_on() -> None:
    interruption, reached = Interruption(), []
    with cut_short(interruption):
        interruption.signal = signal.SIGTERM
        reached.append("computing")
        numba.njit(lambda number: number + 1)(1)
        reached.append("compiled")
    assert reached == ["computing"]
    interruption.signal = 0
    with cut_short(interruption):
        assert numba.njit(lambda number: number + 1)(1) == 2
        reached.append("compiled")
    assert reached == ["computing", "compiled"]


def test_studies_that_are_told_to_stop_before_a_run_is_done_publish_that_they_were() -> None:
    told = Interruption()
    told.signal = signal.SIGTERM
    scenario = load("watched.toml")
    compared = amplify(scenario, Path("compared"), seeds=2, arms=["base", "aa"], interruption=told)
    asked: dict[str, Any] = {"metric": "BTC.max_drawdown", "level": 0.01, "low": 0.5, "high": 2.0}
    searched = frontier(scenario, Path("searched"), key=VOLATILITY, interruption=told, **asked)
    assert (compared.rows, searched.rows, searched.crossing) == ([], [], None)
    assert status("compared") == status("searched") == "interrupted"


def test_nothing_is_begun_after_a_signal_and_what_was_begun_is_finished() -> None:
    interruption, made = Interruption(), []
    for item in interruption.until(range(5)):
        made.append(item)
        interruption.signal = signal.SIGINT if item == 2 else 0
    assert made == [0, 1, 2]
    assert interruption.is_cut
    whole = Interruption()
    assert list(whole.until("ab")) == ["a", "b"]
    assert not whole.is_cut


def deaf(*arguments: str) -> subprocess.Popen[str]:
    """A process that is in compiled code by now, and stays there."""
    process = subprocess.Popen(
        [sys.executable, str(SUPPORT / "deaf.py"), *arguments],
        env=os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(SUPPORT)))},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "deaf\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_compiled_code_ends_at_the_signal_that_asks_for_it_at_once(number: signal.Signals) -> None:
    process = deaf("at_once")
    process.send_signal(number)
    assert process.wait(60) == 128 + number


def test_compiled_code_ends_at_the_second_signal_and_not_at_the_first() -> None:
    process = deaf()
    process.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(2 * GRACE_SECONDS)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 128 + signal.SIGINT


def test_a_child_by_fork_has_signals_of_its_own() -> None:
    """What it hears must not count as heard by its parent."""
    with Interruption():
        child = os.fork()
        if child == 0:
            heard = signal.set_wakeup_fd(-1)
            os._exit(0 if heard == -1 else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert signal.set_wakeup_fd(-1) != -1
