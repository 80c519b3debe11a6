"""Code that a scenario brings: named, hashed, run as it was hashed, and not where it is not trusted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from places import ROOT
from sweeping import MARKET, rows

from scenarios import load
from scenarios.__main__ import main
from scenarios.arms.amplify import amplify
from scenarios.file.errors import ScenarioError
from scenarios.file.schema import Scenario
from scenarios.file.trust import trusted
from scenarios.sweeps.sweep import sweep
from scenarios.workers.engines import LOCAL
from scenarios.workers.workers import Failure, run_over

NAMED = 'modules = ["code/idlers.py"]\n'
TEXT = (
    MARKET.replace('name = "troubled"\ntime = {steps = 4}', f'name = "own"\n{NAMED}time = {{steps = 3}}')
    .replace('"watchers"', '"idlers"')
    .replace("troubled_population.Troubled", "idlers.Idlers")
)
UNNAMED = TEXT.replace(NAMED, "")
SWEEP = '\n[sweep]\ndesign = "grid"\n[sweep.over]\n"populations.idlers.tag" = [0, 1, 2]\n'
CODE = '''\
"""Of a user's own."""
from pathlib import Path
from sim.population import Population
(Path(__file__).parent / "runs").open("a").write("x")


class Idlers(Population):
    """They buy a unit a step.

    Notes
    -----
    Their own words.
    """

    phases = ("trade",)

    class Parameters(Population.Parameters):
        tag: int = 0

    def decide(self, phase, view, outbox):
        MORE
'''


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A scenario in a folder, its module in one below, and a results folder to stand in."""
    monkeypatch.chdir(tmp_path)
    Path("code").mkdir()
    brought()
    Path("own.toml").write_text(TEXT)
    return tmp_path


def brought(more: str = "pass", first: str = "", name: str = "idlers", place: str = "code") -> None:
    Path(place, f"{name}.py").write_text(first + CODE.replace("MORE", more))


def runs(place: str = "code") -> int:
    """How often a module was run."""
    return len(Path(place, "runs").read_text()) if Path(place, "runs").exists() else 0


def refusal(*words: str) -> str:
    with pytest.raises(ScenarioError) as caught:
        load(*words)
    return str(caught.value)


def test_what_reads_a_scenario_runs_none_of_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    """Whether it is named or stands in the folder one is in; trusted, it is run."""
    Path("stray.py").write_text(CODE.replace("MORE", "pass"))
    Path("stray.toml").write_text(UNNAMED.replace("idlers.I", "stray.I"))
    for file, kind, place in (("own.toml", "idlers.Idlers", "code"), ("stray.toml", "stray.Idlers", ".")):
        assert main(["validate", file, "--set", "time.steps=4"]) == 0
        assert capsys.readouterr().out == (
            f"{file}: no fault found, but not all checked; "
            "4 steps, 1 venues, 1 participants in 1 populations\n"
            f"not imported, so no market was built: {kind}; "
            f"to trust this code: hedgequake validate {file} --set time.steps=4 --trust\n"
        )
        assert runs(place) == 0
        assert main(["validate", file, "--trust"]) == 0
        said = capsys.readouterr()
        assert said.out == f"{file}: valid; 3 steps, 1 venues, 1 participants in 1 populations\n"
        path = Path(place, kind.split(".")[0] + ".py").resolve()
        assert said.err == f'imports the module "{path.stem}" from {path}\n'
        assert runs(place) == 1


def test_commands_on_a_results_folder_run_none_of_its_code(
    capsys: pytest.CaptureFixture[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also not what lies in the folder itself when one stands in it."""
    assert main(["run", "own.toml", "--out", "out", "--quiet", "--no-figures"]) == 0
    capsys.readouterr()
    sys.modules.pop("idlers")
    brought("pass", first="raise SystemExit('never trust')\n")
    brought("pass", first="raise SystemExit('never trust')\n", place="out")
    for command in (["report", "."], ["plot", "."], ["compare", ".", "."]):
        monkeypatch.chdir(folder / "out")
        assert main(command) == 0
    said = capsys.readouterr().out
    assert (
        "not imported: idlers.Idlers; with what they say of themselves: hedgequake report . --trust" in said
    )
    monkeypatch.chdir(folder)
    assert "Their own words" not in Path("out/report.html").read_text()
    assert "was not imported" in Path("out/report.html").read_text()
    assert main(["report", "out", "--trust"]) == 2
    assert "never trust" in capsys.readouterr().err
    brought()
    assert main(["report", "out", "--trust"]) == 0
    assert "They buy a unit a step" in Path("out/report.html").read_text()


def test_what_is_still_wrong_is_found_without_running_code(capsys: pytest.CaptureFixture[str]) -> None:
    """Everything that is not the class's own: keys, names, types that nobody has."""
    Path("own.toml").write_text(TEXT.replace('asset = "X"', 'asset = "Y"') + "count = 0\n")
    assert main(["validate", "own.toml"]) == 2
    said = capsys.readouterr().err
    assert 'own.toml:14: venues.market.asset: no asset is named "Y"' in said
    assert "own.toml:23: populations.idlers.count: found 0; allowed: at least 1" in said
    Path("own.toml").write_text(TEXT.replace("idlers.Idlers", "idlrs.Idlers"))
    assert main(["validate", "own.toml"]) == 2
    assert 'own.toml:22: populations.idlers.type: no population type is named "idlrs.Idlers"' in (
        capsys.readouterr().err
    )
    assert runs() == 0


def test_running_says_what_it_imports(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    line = ["run", "own.toml", "--no-figures", "--out"]
    assert main([*line, "one"]) == 0
    said = capsys.readouterr().err
    assert said.count(f'imports the module "idlers" from {folder / "code" / "idlers.py"}\n') == 1
    assert main([*line, "two", "--quiet"]) == 0
    assert capsys.readouterr().err == ""


def test_the_bytes_of_a_module_are_in_the_hash_and_are_what_is_run() -> None:
    """An edit of equal length within a second too, which compiled copies would miss."""
    first = load("own.toml")
    before = first.digest()
    brought("boom")
    second = load("own.toml")
    assert before != second.digest()
    assert second.digest() == load("own.toml").digest()
    first.populations[0].factory.decide(None, "trade", None, None)
    with pytest.raises(NameError, match="boom"):
        second.market().step()
    assert not list(Path("code").glob("__pycache__"))
    Path("copy").mkdir()
    Path("copy/own.toml").write_text(TEXT)
    Path("copy/code").mkdir()
    brought("boom", place="copy/code")
    assert load("copy/own.toml").digest() == second.digest()
    assert load("linear_crash").modules is None


def test_two_scenarios_may_bring_files_of_one_name() -> None:
    """Each keeps its own, in whatever order they are built."""
    Path("other/code").mkdir(parents=True)
    Path("other/own.toml").write_text(TEXT)
    brought("raise ZeroDivisionError", place="other/code")
    mine, theirs = load("own.toml"), load("other/own.toml")
    for scenario, breaks in ((mine, False), (theirs, True), (mine, False)):
        model = scenario.market()
        if breaks:
            with pytest.raises(ZeroDivisionError):
                model.step()
        else:
            model.step()
    Path("stray.toml").write_text(UNNAMED)
    brought(place=".")
    assert 'for another scenario; name this one in modules = ["idlers.py"]' in refusal("stray.toml")


def test_modules_may_use_those_named_before_them() -> None:
    Path("code/helping.py").write_text("AMOUNT = 3\n")
    brought("assert AMOUNT == 3", first="from helping import AMOUNT\n")
    said = refusal("own.toml")
    assert "No module named 'helping' (idlers.py, line 1); name \"helping.py\" in modules before it" in said
    Path("own.toml").write_text(TEXT.replace('["code/', '["code/helping.py", "code/'))
    load("own.toml").market().step()
    Path("code/helping.py").write_text("AMOUNT = 4\n")
    with pytest.raises(AssertionError):
        load("own.toml").market().step()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise SystemExit(0)", "SystemExit: 0 (idlers.py, line 1)"),
        ("import sys; sys.exit()", "SystemExit (idlers.py, line 1)"),
        ("1 / 0", "ZeroDivisionError: division by zero (idlers.py, line 1)"),
        ("class", "SyntaxError: invalid syntax (idlers.py, line 1)"),
        ("raise BaseException('all is lost')", "BaseException: all is lost (idlers.py, line 1)"),
        ("import nowhere", "ModuleNotFoundError: No module named 'nowhere' (idlers.py, line 1)"),
        ("raise ValueError('two\\nlines')", "ValueError: two lines (idlers.py, line 1)"),
    ],
)
def test_whatever_a_module_does_when_it_is_imported_is_bad_input(
    code: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line with file and line; of a module in the current folder too."""
    brought(first=f"{code}\n")
    for command in ("run", "amplify", "validate"):
        trust = ["--trust"] if command == "validate" else ["--out", "out", "--quiet"]
        assert main([command, "own.toml", *trust]) == 2
        told = capsys.readouterr()
        assert told.err.splitlines()[-1] == f"own.toml:3: modules.0: idlers.py cannot be imported: {said}"
        assert told.out == ""
    assert not Path("out").exists()
    Path("own.toml").write_text(UNNAMED)
    Path("code/idlers.py").rename("idlers.py")
    assert main(["run", "own.toml", "--out", "out", "--quiet"]) == 2
    assert capsys.readouterr().err == (
        f"own.toml:21: populations.idlers.type: idlers.Idlers cannot be imported: {said}\n"
    )


@pytest.mark.parametrize(
    ("where", "body"),
    [
        ("building", "    def __init__(self, *given):\n        raise SystemExit(0)\n"),
        ("building", "    def __init__(self, *given):\n        raise KeyError('b')\n"),
        ("opening", "    phases = ('open',)\n"),
        (
            "checking",
            "    class Parameters(Population.Parameters):\n        tag: int = 1\n\n"
            "        @__import__('pydantic').field_validator('tag', mode='before')\n"
            "        @classmethod\n        def look(cls, tag):\n            raise SystemExit(3)\n",
        ),
    ],
)
def test_whatever_it_does_while_a_market_is_built_is_bad_input(
    where: str, body: str, capsys: pytest.CaptureFixture[str]
) -> None:
    brought("raise SystemExit('enough')" if where == "opening" else "pass")
    with Path("code/idlers.py").open("a") as file:
        file.write(f"\n{body}")
    Path("own.toml").write_text(TEXT + "tag = 1\n")
    for command in (["validate", "--trust"], ["run", "--out", "out"], ["amplify", "--out", "out"]):
        assert main([command[0], "own.toml", *command[1:]]) == 2
        said = capsys.readouterr().err.splitlines()[-1]
        assert said.startswith("own.toml")
        assert "(idlers.py, line " in said
        assert "SystemExit" in said or "KeyError: 'b'" in said
    assert not Path("out").exists()


def test_a_module_that_ends_the_program_in_a_step_ends_the_run_only(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Here, in workers of a comparison, and in a sweep."""
    brought("raise SystemExit(0)")
    assert main(["run", "own.toml", "--out", "out", "--quiet"]) == 1
    assert "failed after 0 steps: SystemExit: 0" in capsys.readouterr().err
    assert "idlers.py" in Path("out/traceback.txt").read_text()
    line = {"seeds": 2, "arms": ["base"], "figures": "none"}
    for workers in (1, 2):
        outcome = amplify(load("own.toml"), Path(f"amplified{workers}"), workers=workers, **line)
        assert outcome.status == "failed"
        assert {failure.reason for failure in outcome.failures.values()} == {"SystemExit: 0"}
    Path("own.toml").write_text(TEXT + SWEEP)
    assert sweep(load("own.toml"), Path("swept"), start="serial").failed == 3


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("makers.py", "makers.py has the name of a module of hedgequake; give it another"),
        ("order_book.py", "order_book.py has the name of a module of hedgequake"),
        ("json.py", "json.py has the name of a module of Python; give it another"),
        ("numpy.py", "numpy.py has the name of another module, "),
        ("SALib.py", "SALib.py has the name of another module, "),
        ("mine.txt", "mine.txt is no module; name a file such as mine.py"),
        ("my-code.py", "my-code.py is no module; name a file such as mine.py"),
        ("nowhere.py", 'no file "code/nowhere.py" in '),
    ],
)
def test_what_can_be_no_module_is_refused(name: str, said: str) -> None:
    if name != "nowhere.py":
        Path("code", name).write_text("raise SystemExit('never')")
    Path("own.toml").write_text(TEXT.replace("idlers.py", name))
    assert f"modules.0: {said}" in refusal("own.toml")


def seen(scenario: Scenario) -> str:
    """What a worker runs of the module; a task of the pool."""
    return Path(scenario.populations[0].factory.__module__).name + str(scenario.populations[0].factory.SEEN)


def test_workers_run_the_code_that_was_hashed(folder: Path) -> None:
    """Not what was made of the file since; wherever they start and stand."""
    brought(first="SEEN_AT_IMPORT = 1\n")
    with Path("code/idlers.py").open("a") as file:
        file.write("\n    SEEN = SEEN_AT_IMPORT\n")
    own = load("own.toml")
    text = Path("code/idlers.py").read_text()
    results = run_over(seen, [own, own], workers=2)
    assert next(results)[1] == "idlers1"
    Path("code/idlers.py").write_text(text.replace("IMPORT = 1", "IMPORT = 2"))
    assert next(results)[1] == "idlers1"
    assert not any(isinstance(result, Failure) for _, result in results)


def test_a_sweep_s_workers_import_the_modules_by_any_engine(folder: Path) -> None:
    Path("own.toml").write_text(TEXT + SWEEP)
    own, expected = load("own.toml"), None
    for start in LOCAL:
        outcome = sweep(own, Path(start), start=start, workers=2)
        assert (outcome.done, outcome.failed, outcome.trouble) == (3, 0, "")
        found = Path(start, "runs.parquet").read_bytes()
        assert found == (expected := expected or found)
    outcome = sweep(own, Path("dask"), dask="local", workers=2)
    assert Path("dask/runs.parquet").read_bytes() == expected
    brought("boom")
    with pytest.raises(ScenarioError, match="another design or scenario"):
        sweep(load("own.toml"), Path("serial"), start="serial")
    assert len(rows(Path("serial"))) == 3


def test_merging_asks_for_trust(capsys: pytest.CaptureFixture[str]) -> None:
    Path("own.toml").write_text(TEXT + SWEEP)
    assert main(["sweep", "own.toml", "--shard", "1/1", "--out", "s", "--engine", "serial", "--quiet"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == (
        "next, when all 1 shards are finished: hedgequake merge s --trust"
    )
    before = runs()
    assert main(["merge", "s"]) == 2
    assert capsys.readouterr().err == (
        "s: merging has to import idlers.Idlers, which runs this code; "
        "if you trust it: hedgequake merge s --trust\n"
    )
    assert runs() == before
    assert main(["merge", "s", "--trust"]) == 0


def test_a_type_may_name_no_module_that_would_be_run_untrusted() -> None:
    """Not those of Python either, nor packages above."""
    for kind in ("antigravity.Fly", "this.Zen", "pytest.__main__.Run", "code.idlers.Idlers"):
        Path("own.toml").write_text(TEXT.replace("idlers.Idlers", kind))
        before = {*sys.modules}
        with trusted(False):
            assert load("own.toml").not_imported() == [kind]
        assert kind.split(".")[0] not in {*sys.modules} - before


def test_the_resolved_scenario_names_the_modules_by_their_whole_path(folder: Path) -> None:
    assert main(["run", "own.toml", "--out", "out", "--quiet", "--no-figures"]) == 0
    again = load("out/scenario.toml")
    assert again.modules == [str(folder / "code" / "idlers.py")]
    assert json.loads(Path("out/manifest.json").read_text())["scenario_hash"] == again.digest()


def test_a_process_started_elsewhere_finds_what_the_file_names(folder: Path, tmp_path_factory) -> None:
    place = tmp_path_factory.mktemp("elsewhere")
    done = subprocess.run(
        [sys.executable, "-m", "scenarios", "run", str(folder / "own.toml"), "--no-figures", "--out", "out"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=place,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f'imports the module "idlers" from {folder / "code" / "idlers.py"}' in done.stderr
