"""The commands as a user meets them: exit codes, what goes to stdout and stderr, signals."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from places import ROOT, SUPPORT

from scenarios.__main__ import main
from scenarios.file import library

IMPORTS = 'imports the module "own_population" from '
WATCHED = (SUPPORT / "watched.toml").read_text()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("watched.toml").write_text(WATCHED)
    return tmp_path


def started(*arguments: str) -> subprocess.Popen[str]:
    """A process running the command line, once it is past building the market."""
    process = subprocess.Popen(
        [sys.executable, "-m", "scenarios", *arguments],
        env=os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(SUPPORT)))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while process.poll() is None and not list(Path().glob(".out.partial.*")):
        time.sleep(0.02)
    return process


def told(errors: str) -> str:
    """What is said on stderr, without the note on the watchers' module."""
    return "".join(line for line in errors.splitlines(True) if not line.startswith(IMPORTS))


def test_a_run_leaves_the_search_for_garbage_as_it_was(tmp_path: Path) -> None:
    """It is held while the program starts, whatever becomes of the run."""
    for line in (["run", "calm", "--steps", "1", "--no-figures", "--quiet"], ["run", "clam"]):
        main([*line, "--out", str(tmp_path / "out")])
        assert gc.isenabled()


def test_without_a_command_it_prints_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "usage: hedgequake" in capsys.readouterr().out


def test_list_prints_the_library(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == library.names()
    assert all(len(line.split()) > 3 for line in lines)


def test_list_wraps_in_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["list"]) == 0
    plain = capsys.readouterr().out
    assert max(map(len, plain.splitlines())) > 80
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(["list"]) == 0
    wrapped = capsys.readouterr().out
    assert max(map(len, wrapped.splitlines())) <= 80
    assert wrapped.split() == plain.split()
    assert [line.split()[0] for line in wrapped.splitlines() if line[0] != " "] == library.names()


def test_validate_takes_what_run_takes_and_names_the_file_once(capsys: pytest.CaptureFixture[str]) -> None:
    line = ["validate", "watched.toml", "--trust", "--steps", "7", "--set", "populations.noise.count=5"]
    assert main(line) == 0
    assert capsys.readouterr().out == (
        "watched.toml: valid; 7 steps, 1 venues, 6 participants in 2 populations\n"
    )
    assert main(["validate", "watched.toml", "--set", "populations.noise.cuont=5"]) == 2
    assert told(capsys.readouterr().err).startswith(
        "--set, over watched.toml: populations.noise.cuont: unknown key"
    )


SHOCK = '\n[[shocks]]\nat = {at}\ntype = "{type}"\nasset = "BTC"\n{size}\n'


@pytest.mark.parametrize(
    ("at", "size", "warning"),
    [
        (5.0, "qty = 1.0", "31: shocks.0.at: found 5; the run ends at 5 s, so it never comes"),
        (4.9, "qty = 1.0", ""),
        (4.0, "return = 0.1", ""),
        (4.1, "return = 0.1", "31: shocks.0.at: found 4.1; the run ends at 5 s, so it never comes"),
        (
            2.0,
            "qty = 1.0\nover_seconds = 9.0",
            "35: shocks.0.over_seconds: found 9; the run ends at 5 s, so only a part of it comes",
        ),
        (2.0, "qty = 1.0\nover_seconds = 3.0", ""),
    ],
)
def test_a_shock_after_the_end_is_warned_of(
    at: float, size: str, warning: str, capsys: pytest.CaptureFixture[str]
) -> None:
    kind = "market_order" if "qty" in size else "value"
    Path("watched.toml").write_text(WATCHED + SHOCK.format(at=at, type=kind, size=size))
    assert main(["validate", "watched.toml", "--trust"]) == 0
    said = capsys.readouterr()
    assert told(said.err) == (f"warning: watched.toml:{warning}\n" if warning else "")
    assert said.out.startswith("watched.toml: valid; ")
    assert main(["run", "watched.toml", "--quiet", "--no-figures", "--out", "out"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", library.names())
def test_every_scenario_of_the_library_is_valid(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", name]) == 0
    assert f"{name}: valid" in capsys.readouterr().out


def test_schema_prints_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["properties"]["schema_version"]["maximum"] == 2


def test_new_writes_a_valid_starter_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "mine"]) == 0
    assert main(["validate", "mine.toml"]) == 0
    assert "mine.toml: valid; " in capsys.readouterr().out
    text = Path("mine.toml").read_text()
    assert text.startswith("#")
    assert main(["new", "mine"]) == 2
    assert capsys.readouterr().err == "mine.toml: is there already; choose another name\n"
    assert Path("mine.toml").read_text() == text


def test_the_starter_runs() -> None:
    assert main(["new", "mine"]) == 0
    assert main(["run", "mine.toml", "--steps", "5", "--no-figures", "--out", "out"]) == 0


def test_quiet_says_nothing_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "watched.toml", "--out", "out", "--no-figures", "--quiet"]) == 0
    assert capsys.readouterr().err == ""


def test_plot_draws_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "watched.toml", "--out", "out", "--no-figures"]) == 0
    capsys.readouterr()
    assert main(["plot", "out"]) == 0
    drawn = capsys.readouterr().out.split()
    assert drawn
    assert all(Path(path).is_file() for path in drawn)


def test_set_seed_and_steps_change_the_run() -> None:
    options = ["--set", "populations.noise.count=2", "--set", "name=other", "--seed", "9", "--steps", "3"]
    assert main(["run", "watched.toml", "--no-figures", *options]) == 0
    (out,) = Path("results").iterdir()
    assert out.name.startswith("other-")
    manifest = json.loads((out / "manifest.json").read_text())
    assert (manifest["seed"], manifest["steps_done"]) == (9, 3)
    assert manifest["scenario_hash"].startswith(out.name.removeprefix("other-"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "wtched.toml"], "wtched.toml: no such file, and no scenario of the library has this name"),
        (["validate", "nope"], "nope: no such file"),
        (
            ["run", "watched.toml", "--set", "time.stps=3"],
            "--set, over watched.toml: time.stps: unknown key; did you mean",
        ),
        (
            ["run", "watched.toml", "--set", "populations.nose.count=3"],
            "--set, over watched.toml: populations.nose.count: no",
        ),
        (["run", "watched.toml", "--set", "time.steps"], "--set: time.steps: no value; write it like"),
        (
            ["run", "watched.toml", "--set", "time.steps=many"],
            '--set, over watched.toml: time.steps: found "many"; allow',
        ),
        (
            ["run", "watched.toml", "--steps", "0"],
            "--steps, over watched.toml: time.steps: found 0; allowed: at least 1",
        ),
        (
            ["run", "watched.toml", "--seed", "-1"],
            "--seed, over watched.toml: seed: found -1; allowed: at least 0",
        ),
        (
            ["run", "watched.toml", "--set", 'populations.noise.size={dist = "uniform"'],
            '--set, over watched.toml: populations.noise.size: found {dist = "uniform"; this is no valid',
        ),
        (
            ["run", "watched.toml", "--set", "populations.noise.size=wide"],
            '--set, over watched.toml: populations.noise.size: found "wide"; allowed: a number or a dist',
        ),
        (["plot", "."], ".: not a results folder"),
        (["new", "a/b"], "a/b: not a name: letters, digits, _ and -"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_exits_2_with_one_line_and_writes_nothing(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(Path().rglob("*"))
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert told(said.err).startswith(message)
    assert told(said.err).count("\n") == 1
    assert sorted(Path().rglob("*")) == before


@pytest.mark.parametrize(
    "arguments", [["amplifi", "watched.toml"], ["run"], ["run", "watched.toml", "--steps", "x"]]
)
def test_a_command_line_that_does_not_parse_exits_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


def test_parts_that_do_not_fit_together_are_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    Path("watched.toml").write_text(WATCHED.replace('venue = "book"', 'venue = "bok"'))
    assert main(["run", "watched.toml", "--out", "out"]) == 2
    assert "bok" in capsys.readouterr().err
    assert not Path("out").exists()


def test_a_finished_result_is_kept_unless_forced(capsys: pytest.CaptureFixture[str]) -> None:
    run = ["run", "watched.toml", "--out", "out", "--no-figures", "--quiet"]
    assert main(run) == 0
    assert main(run) == 2
    assert capsys.readouterr().err.startswith("out: holds a finished result; --force replaces it")
    assert main([*run, "--force"]) == 0


def test_a_failed_run_exits_1_and_says_where_it_broke(capsys: pytest.CaptureFixture[str]) -> None:
    broken = ["--set", "populations.watchers.breaks_at=2", "--out", "out"]
    assert main(["run", "watched.toml", "--quiet", *broken]) == 1
    said = capsys.readouterr().err
    assert said.startswith("failed after 2 steps: ZeroDivisionError: these watchers were told to break; see ")
    assert said.count("\n") == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_told_to_stop_publishes_what_it_has(number: signal.Signals) -> None:
    process = started("run", "watched.toml", "--out", "out", "--steps", "300000")
    process.send_signal(number)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 128 + number, errors
    manifest = json.loads(Path("out/manifest.json").read_text())
    assert manifest["status"] == "interrupted"
    assert manifest["steps_done"] < 300_000
    assert not list(Path().glob(".out.*"))


def test_a_run_killed_leaves_no_result_and_the_next_clears_up() -> None:
    process = started("run", "watched.toml", "--out", "out", "--steps", "300000")
    process.kill()
    process.communicate()
    assert not Path("out").exists()
    assert list(Path().glob(".out.partial.*"))
    assert main(["run", "watched.toml", "--out", "out", "--no-figures", "--quiet"]) == 0
    assert not list(Path().glob(".out.*"))
