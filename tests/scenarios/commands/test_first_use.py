"""What a new user meets: names that are found, commands that run as they are printed, a page, documents."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import places
import pytest
from numba.core import event
from places import ROOT, SUPPORT
from printed_commands import following, typed
from sweeping import process

from analysis.pages import report
from scenarios import load
from scenarios.__main__ import main
from scenarios.build import compilation
from scenarios.process.progress import progress
from sim.kernels.recording import observation as looking

WATCHED = places.WATCHED.read_text()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("watched.toml").write_text(WATCHED)
    return tmp_path


def test_a_new_scenario_runs_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "mine"]) == 0
    said = capsys.readouterr().out
    assert said == "mine.toml written; next: hedgequake run mine\n"
    assert typed(f"{said.partition('next: ')[2].strip()} --steps 2 --no-figures --quiet --out out") == 0
    Path("deep").mkdir()
    Path("mine.toml").rename("deep/own.toml")
    assert main(["validate", "deep/own"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("deep/own: valid; ")
    assert main(["validate", "deep/own", "--steps", "9"]) == 0
    assert "warning: deep/own.toml:" in capsys.readouterr().err, "what is wrong is in the file"


@pytest.mark.parametrize(
    ("name", "near"),
    [("mne", "mine"), ("deep/mne", "deep/mine"), ("clam", "calm"), ("watchd.toml", "watched")],
)
def test_a_name_that_is_not_found_is_like_one_that_is(
    name: str, near: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("deep").mkdir()
    for path in ("mine.toml", "deep/mine.toml"):
        Path(path).touch()
    assert main(["run", name]) == 2
    assert f'has this name; did you mean "{near}"?' in capsys.readouterr().err


def test_a_new_scenario_hides_none_of_the_library(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "calm"]) == 2
    assert capsys.readouterr().err == "calm: is the name of a scenario of the library; choose another\n"
    assert not Path("calm.toml").exists()


def test_a_page_that_fails_leaves_a_finished_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no\npaper")

    monkeypatch.setattr(report, "save", broken)
    assert main(["run", "watched.toml", "--out", "out", "--quiet"]) == 0
    said = capsys.readouterr()
    assert said.err.startswith("the results are whole, but not their page: ")
    assert "RuntimeError: no" in said.err
    assert said.err.count("\n") == 1
    assert following(said.out)[0] == "hedgequake report out"
    assert json.loads(Path("out/manifest.json").read_text())["status"] == "finished"


def document(*arguments: str) -> Any:
    """What a command in a process of its own prints; all of stdout is one document."""
    running = process(*arguments, cwd=Path.cwd())
    printed, errors = running.communicate()
    assert running.returncode == 0, errors
    assert "loud and clear" in errors
    return json.loads(printed)


def test_documents_hold_what_the_files_hold_and_nothing_else_is_on_stdout() -> None:
    """Whatever the user's own code prints, here and in workers."""
    text = (SUPPORT / "own_population.py").read_text()
    Path("loud.py").write_text(text + "\n\nprint('loud and clear')\n")
    Path("watched.toml").write_text(
        WATCHED.replace("own_population.", "loud.").replace('"watched"', '"watched"\nmodules = ["loud.py"]')
    )
    run = document("run", "watched.toml", "--out", "o", "--no-figures", "--json")
    assert (run["kind"], run["status"], run["folder"], run["page"]) == ("run", "finished", "o", None)
    assert run["manifest"] == json.loads(Path("o/manifest.json").read_text())
    assert run["metrics"] == json.loads(Path("o/metrics.json").read_text())
    assert run["next"][0] == "hedgequake report o"
    compared = document(
        *("amplify", "watched.toml", "--out", "a", "--no-figures", "--json", "--seeds", "2"),
        *("--workers", "2", "--arms", "base,muted", "--quiet", "--steps", "3"),
    )
    assert compared["kind"] == "amplification"
    assert compared["amplification"] == json.loads(Path("a/amplification.json").read_text())
    assert compared["next"] == ["hedgequake report a"]


def test_a_comparison_and_a_search_have_documents_too(capsys: pytest.CaptureFixture[str]) -> None:
    for seed in ("1", "2"):
        line = ["run", "watched.toml", "--out", seed, "--seed", seed, "--no-figures", "--quiet"]
        assert main(line) == 0
    capsys.readouterr()
    assert main(["compare", "1", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [run["folder"] for run in found["results"]] == ["1", "2"]
    (volatility,) = (row for row in found["metrics"] if row["metric"] == "BTC.realised_volatility")
    first, second = (
        json.loads(Path(name, "metrics.json").read_text())["BTC.realised_volatility"]["value"]
        for name in ("1", "2")
    )
    assert [value["value"] for value in volatility["values"]] == [first, second]
    assert volatility["differences"][1]["value"] == pytest.approx(second - first)
    assert volatility["amplified"] == [None, None]
    line = ["frontier", "watched.toml", "--key", "populations.noise.count", "--metric", "P(bad_debt > 0)"]
    more = ["--level", "0.5", "--low", "1", "--high", "3", "--runs", "4", "--workers", "1", "--no-figures"]
    assert main([*line, *more, "--out", "f", "--json", "--quiet"]) == 1, "it has no bad debt anywhere"
    search = json.loads(capsys.readouterr().out)
    assert search["frontier"] == json.loads(Path("f/frontier.json").read_text())
    assert (search["kind"], search["folder"]) == ("frontier", "f")


def test_bad_input_leaves_stdout_empty_with_a_document_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "watched.toml", "--steps", "0", "--json"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines()[-1] == (
        "--steps, over watched.toml: time.steps: found 0; allowed: at least 1"
    )


def test_progress_says_how_long_it_still_takes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the speed since the first step, which may have waited for compilation."""
    clock = iter([1000.0, *(1000.0 + 30 * n for n in range(1, 1001))])
    monkeypatch.setattr("scenarios.process.progress.time", SimpleNamespace(perf_counter=lambda: next(clock)))
    with progress("slow", 1000) as show:
        for done in range(1, 1001):
            show(done)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "slow: 100 of 1000 steps, 7.5 h left"
    assert lines[8] == "slow: 900 of 1000 steps, 50 min left"
    assert lines[9] == "slow: 1000 of 1000 steps"
    assert len(lines) == 10


def test_in_python_compiling_says_so_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of kernels of ours, once a market was built; a command says it in its own way."""
    monkeypatch.setattr(compilation._notice, "is_done", False)
    load("watched.toml").market()
    capsys.readouterr()
    kernel = {"dispatcher": looking.refresh}
    monkeypatch.setattr(compilation._notice, "is_done", False)
    with event.trigger_event(compilation.KIND, {"dispatcher": SimpleNamespace(py_func=typed)}):
        assert capsys.readouterr().err == ""
    for said in ("hedgequake: compiling kernels that no run has needed yet (once, up to a minute)\n", ""):
        with event.trigger_event(compilation.KIND, kernel):
            assert capsys.readouterr().err == said
    monkeypatch.setattr(compilation._notice, "is_done", False)
    with compilation.said_elsewhere(), event.trigger_event(compilation.KIND, kernel):
        assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("target", "is_developing"), [("run", False), ("check", True), ("test", True)])
def test_running_installs_no_tools_of_developers(target: str, is_developing: bool, folder: Path) -> None:
    planned = subprocess.run(
        ["make", "-n", "-C", str(ROOT), target, f"VENV={folder / 'venv'}"],
        capture_output=True,
        text=True,
        check=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")},
    ).stdout
    (installing,) = re.findall(r"pip .*--editable (.*)", planned)
    assert installing == ("'.[dev]'" if is_developing else ".")
