"""A results folder is whole or not there, and says what it is."""

from __future__ import annotations

import gc
import json
import os
from pathlib import Path
from typing import Any

import own_population
import places
import pytest

from scenarios import load, market
from scenarios.__main__ import main
from scenarios.file.errors import ScenarioError
from scenarios.file.schema import Scenario
from scenarios.folders.folder import ResultsFolder, status_of
from scenarios.runs.run import RUN, Interruption, default_folder, overrides, run

WATCHED = places.WATCHED.read_text()
TABLES = ("series", "fills", "causes", "moves", "liquidations", "populations")


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scenario:
    monkeypatch.chdir(tmp_path)
    Path("watched.toml").write_text(WATCHED)
    return load("watched.toml")


def manifest(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return content


def left_over(folder: Path) -> list[str]:
    return [path.name for path in folder.parent.iterdir() if path.name.startswith(".")]


def test_a_finished_run_leaves_every_file_and_says_so(watched: Scenario) -> None:
    steps: list[int] = []
    outcome = run(watched, Path("out"), progress=steps.append)
    assert outcome.failure == ""
    assert steps == [1, 2, 3, 4, 5]
    names = {path.name for path in Path("out").iterdir()}
    assert names >= {
        "manifest.json",
        "scenario.toml",
        "metrics.json",
        "figures",
        *(f"{t}.parquet" for t in TABLES),
    }
    assert list(Path("out/figures").glob("*.png"))
    said = manifest(Path("out"))
    assert said["status"] == "finished"
    assert said["steps_done"] == 5
    assert said["scenario_hash"] == watched.digest()
    assert said["residuals"]["BTC-spot"] == 0
    assert said["residuals"]["cash"] < 1e-9
    assert left_over(Path("out")) == []


def test_the_folder_holds_the_scenario_that_makes_it_again(watched: Scenario) -> None:
    run(watched, Path("first"), figures="none")
    again = load("first/scenario.toml")
    assert again == watched
    run(again, Path("second"), figures="none")
    for table in TABLES:
        assert Path(f"first/{table}.parquet").read_bytes() == Path(f"second/{table}.parquet").read_bytes()


def test_another_seed_makes_another_market(watched: Scenario) -> None:
    run(watched, Path("first"), figures="none")
    watched.seed = 2
    run(watched, Path("second"), figures="none")
    assert Path("first/series.parquet").read_bytes() != Path("second/series.parquet").read_bytes()


def test_metrics_are_numbers_or_say_why_not(watched: Scenario) -> None:
    run(watched, Path("out"), figures="none")
    metrics = json.loads(Path("out/metrics.json").read_text())
    assert metrics["bad_debt"]["value"] == 0
    assert all(entry["unit"] and entry["source"] for entry in metrics.values())
    assert all(entry["value"] is not None or entry["reason"] for entry in metrics.values())


def test_a_run_that_breaks_keeps_its_steps_and_the_traceback(watched: Scenario) -> None:
    watched["populations.watchers.breaks_at"] = 3
    outcome = run(watched, Path("out"))
    assert outcome.status == manifest(Path("out"))["status"] == "failed"
    assert manifest(Path("out"))["steps_done"] == 3
    assert "these watchers were told to break" in Path("out/traceback.txt").read_text()
    assert Path("out/series.parquet").is_file()
    assert not Path("out/figures").exists()


def test_an_interrupted_run_says_how_far_it_came(watched: Scenario) -> None:
    interruption = Interruption()

    def interrupt(done: int) -> None:
        interruption.signal = 2 if done == 2 else 0

    outcome = run(watched, Path("out"), progress=interrupt, interruption=interruption)
    assert outcome.status == manifest(Path("out"))["status"] == "interrupted"
    assert manifest(Path("out"))["steps_done"] == 2


def test_a_finished_result_is_replaced_only_by_force(watched: Scenario) -> None:
    run(watched, Path("out"), figures="none")
    before = manifest(Path("out"))
    with pytest.raises(ScenarioError, match=r"^out: holds a finished result; --force replaces it"):
        run(watched, Path("out"), figures="none")
    assert manifest(Path("out")) == before
    watched.seed = 5
    run(watched, Path("out"), figures="none", force=True)
    assert manifest(Path("out"))["seed"] == 5
    assert left_over(Path("out")) == []


def test_an_unfinished_result_gives_way(watched: Scenario) -> None:
    watched["populations.watchers.breaks_at"] = 3
    run(watched, Path("out"))
    watched["populations.watchers.breaks_at"] = -1
    run(watched, Path("out"), figures="none")
    assert status_of(Path("out")) == "finished"


def test_what_is_no_result_is_never_replaced(watched: Scenario) -> None:
    Path("thesis").mkdir()
    Path("thesis/chapter.txt").write_text("years of work")
    with pytest.raises(ScenarioError, match="holds no result"):
        run(watched, Path("thesis"), force=True)
    assert Path("thesis/chapter.txt").read_text() == "years of work"


def test_bad_input_writes_nothing(watched: Scenario) -> None:
    watched.time.steps = -1
    with pytest.raises(ScenarioError):
        run(watched, Path("deep/out"))
    assert not Path("deep").exists()


def test_a_later_run_clears_up_after_killed_ones_but_not_after_living_ones(tmp_path: Path) -> None:
    target = ResultsFolder(tmp_path / "out", RUN)
    own = target.partial.name.removesuffix(str(os.getpid()))
    dead, living = tmp_path / f"{own}{2**22 + 1}", tmp_path / f"{own}{os.getppid()}"
    other = tmp_path / own.replace(".out.", ".output.")
    for folder in (dead, living, other):
        folder.mkdir()
    with target:
        assert not dead.exists()
        assert living.exists()
        assert other.exists()


def test_a_result_moved_aside_by_a_killed_run_comes_back(tmp_path: Path) -> None:
    target = ResultsFolder(tmp_path / "out", RUN)
    aside = tmp_path / target.partial.name.replace(".partial.", ".replaced.").replace(
        str(os.getpid()), "4194305"
    )
    aside.mkdir()
    (aside / "manifest.json").write_text('{"status": "interrupted"}')
    with target:
        assert status_of(tmp_path / "out") == "interrupted"


def test_the_default_folder_is_named_by_scenario_and_hash(watched: Scenario) -> None:
    assert default_folder(watched) == Path("results") / f"watched-{watched.digest()[:8]}"


def test_market_is_the_market_of_the_file_with_another_seed_and_values(watched: Scenario) -> None:
    watched.seed, watched.time.steps = 7, 3
    mine = watched.market().run()
    theirs = market("watched.toml", rng=7, **{"time.steps": 3}).run()
    assert len(theirs.series) == 3
    assert theirs.fills.equals(mine.fills)
    assert theirs.series.equals(mine.series)


def test_drawing_that_breaks_leaves_the_garbage_collector_as_it_was(
    watched: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A notebook goes on: garbage is looked for again, and what it holds was not set apart for good."""
    apart, seen = gc.get_freeze_count(), []

    def broken(*_: object) -> None:
        seen.append(gc.isenabled())
        raise RuntimeError("no ink")

    monkeypatch.setattr("analysis.gallery.saved", broken)
    outcome = run(watched, Path("out"))
    assert outcome.figures_failed == {"gallery": "RuntimeError: no ink"}
    assert outcome.status == "finished"
    assert (seen, gc.isenabled(), gc.get_freeze_count()) == ([False], True, apart)


def test_the_manifest_lists_what_was_set_over_the_file(watched: Scenario) -> None:
    """By whatever way it was set; what says the same as the file is nothing set."""
    run(watched, Path("plain"), figures="none")
    assert manifest(Path("plain"))["overrides"] == {}
    spot = watched["assets.BTC.spot"]
    over = load("watched.toml", {"time.steps": 3, "assets.BTC.spot": spot})
    over["seed"] = watched.seed + 1
    run(over, Path("over"), figures="none")
    assert manifest(Path("over"))["overrides"] == {"seed": watched.seed + 1, "time.steps": 3}
    assert over.overlaid("base").overrides() == manifest(Path("over"))["overrides"]


def test_what_an_arm_sets_is_listed_as_well(watched: Scenario) -> None:
    spot = watched["assets.BTC.spot"]
    armed = load("watched.toml", {"arms.dear.set": {"assets.BTC.spot": 2 * spot}})
    assert overrides(armed, "dear")["assets.BTC.spot"] == 2 * spot
    assert "assets.BTC.spot" not in overrides(armed)


def test_a_file_that_needs_what_is_set_over_it_has_it_listed(watched: Scenario) -> None:
    """Nothing can be compared with a file that is none by itself, but its values."""
    Path("half.toml").write_text(WATCHED.replace("steps = 5", "steps = 0"))
    half = load("half.toml", {"time.steps": 4})
    assert half.overrides()["time.steps"] == 4


def test_a_result_of_an_older_version_is_read(watched: Scenario, capsys: pytest.CaptureFixture[str]) -> None:
    """Its report, its figures and a comparison; what its scenario says in vain is nobody's to change."""
    run(watched, Path("out"), figures="none")
    file = Path("out/scenario.toml")
    old = file.read_text().replace("schema_version = 2", "schema_version = 1")
    file.write_text(old.replace("\nseconds = 1.0", "\nwidth = 0.1\nseconds = 1.0"))
    assert "width" in file.read_text()
    assert main(["report", "out", "--trust"]) == 0
    assert main(["plot", "out"]) == 0
    assert main(["compare", "out", "out"]) == 0
    assert capsys.readouterr().err == f'imports the module "own_population" from {own_population.__file__}\n'


def test_what_a_version_leaves_out_is_no_override(watched: Scenario) -> None:
    text = WATCHED.replace("schema_version = 2", "schema_version = 1")
    Path("old.toml").write_text(text.replace("seconds = 1.0}", "seconds = 1.0, width = 0.1}"))
    with pytest.warns(UserWarning, match="no longer said: populations.*width"):
        assert load("old.toml").overrides() == {}
