"""Whose a folder is: only what we wrote is ever replaced, and a finished result only by a finished one."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import places
import pytest
from sweeping import process, rows, tags, until, written
from sweeping import scenario as swept

from scenarios import load
from scenarios.__main__ import main
from scenarios.arms.amplify import amplify
from scenarios.file.errors import ScenarioError
from scenarios.file.schema import Scenario
from scenarios.folders import ownership
from scenarios.folders.folder import FAILED, FINISHED, INTERRUPTED, ResultsFolder
from scenarios.process.interruption import Interruption
from scenarios.runs.run import run
from scenarios.sweeps.sweep import merge, sweep

WATCHED = places.WATCHED.read_text()
RUN = ["run", "watched.toml", "--out", "p", "--quiet", "--no-figures"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("watched.toml").write_text(WATCHED)
    return tmp_path


@pytest.fixture
def watched() -> Scenario:
    return load("watched.toml")


def made(path: str, status: str = FINISHED, *, force: bool = False, kind: str = "run", **files: str) -> Path:
    """Where a result with these files lands."""
    with ResultsFolder(Path(path), kind, force=force) as results:
        (results.partial / "figures").mkdir()
        for name, text in ({"metrics": "{}", "figures/price": "png"} | files).items():
            (results.partial / name).write_text(text)
        results.sign({"status": status})
        return results.publish()


def content(path: Path | str) -> dict[str, bytes]:
    """Every file below a folder."""
    return {
        str(each.relative_to(path)): each.read_bytes() for each in Path(path).rglob("*") if each.is_file()
    }


def refusal(path: str, *, force: bool = True, kind: str = "run") -> str:
    """Why nothing may be put there; what is there stays as it is."""
    before = content(path)
    with pytest.raises(ScenarioError) as caught:
        made(path, force=force, kind=kind)
    assert content(path) == before
    assert not [each for each in Path().iterdir() if each.name.startswith(f".{path}.")]
    return str(caught.value)


@pytest.mark.parametrize("force", [[], ["--force"]])
@pytest.mark.parametrize(
    "manifest",
    [
        '{"status":"ok"}',
        '{"status":"finished"}',
        '{"status":"running","kind":"sweep"}',
        "[]",
        "{",
        '"x"',
        "1",
    ],
)
def test_a_manifest_of_somebody_else_s_makes_no_result_of_ours(
    manifest: str, force: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("p").mkdir()
    Path("p/precious.txt").write_text("x")
    Path("p/manifest.json").write_text(manifest)
    before = content("p")
    assert main([*RUN, *force]) == 2
    assert content("p") == before
    assert capsys.readouterr().err == (
        "p: is there and holds no result of ours; move it away, or choose another --out\n"
    )


def test_a_result_of_an_earlier_version_is_never_replaced() -> None:
    Path("p").mkdir()
    Path("p/manifest.json").write_text('{"status": "interrupted", "versions": {}, "scenario": "calm"}')
    assert refusal("p").startswith("p: was made by an earlier version, which does not list what it wrote")


def test_what_is_no_folder_is_not_replaced() -> None:
    Path("p").write_text("x")
    with pytest.raises(ScenarioError, match="p: is there and is no folder"):
        made("p", force=True)
    assert Path("p").read_text() == "x"


@pytest.mark.parametrize(
    "name",
    ["notes.txt", ".hidden", "figures/mine.png", "deep/er/notes.txt", "empty/", "link", "figures/link"],
)
@pytest.mark.parametrize("status", [FINISHED, INTERRUPTED, FAILED])
def test_a_result_with_something_of_the_user_s_in_it_is_not_replaced(name: str, status: str) -> None:
    """The first such file is named; when it is gone, the result gives way."""
    made("p", status)
    own = Path("p", name)
    own.parent.mkdir(parents=True, exist_ok=True)
    if name == "empty/":
        own.mkdir()
    elif "link" in name:
        own.symlink_to(Path.home())
    else:
        own.write_text("years of work")
    assert refusal("p").startswith(f"p: holds {name}, which hedgequake did not write; move it away")
    own.rmdir() if name == "empty/" else own.unlink()
    shutil.rmtree("p/deep", ignore_errors=True)
    assert made("p", force=True, metrics="new") == Path("p").resolve()
    assert Path("p/metrics").read_text() == "new"


@pytest.mark.parametrize("held", ["amplification", "frontier", "sweep", "replication"])
def test_a_result_of_another_kind_is_not_replaced(held: str) -> None:
    made("p", INTERRUPTED, kind=held)
    assert f"holds {'an' if held[0] == 'a' else 'a'} {held}, which a run never replaces" in refusal("p")


def test_files_that_commands_draw_later_are_ours(watched: Scenario) -> None:
    """Drawing and reporting list what they write; a copy beside them is the user's."""
    run(watched, Path("p"), figures="none")
    assert main(["plot", "p"]) == 0
    assert main(["report", "p"]) == 0
    listed = json.loads(Path("p/manifest.json").read_text())["files"]
    assert {"report.html", "series.parquet", "manifest.json"} < {*listed}
    assert ownership.first_foreign(Path("p"), listed) is None
    shutil.copy("p/report.html", "p/report of june.html")
    assert main([*RUN, "--force"]) == 2
    Path("p/report of june.html").unlink()
    assert main([*RUN, "--force"]) == 0
    assert "report.html" not in content("p")


@pytest.mark.parametrize("status", [INTERRUPTED, FAILED])
def test_a_finished_result_is_replaced_by_a_finished_one_only(status: str) -> None:
    """Others land beside: the last of them in one place, and what is the user's there stays too."""
    first = made("p", metrics="finished")
    before = content(first)
    beside = made("p", status, force=True, metrics="1")
    assert beside == Path(f"p.{status}").resolve()
    assert made("p", status, force=True, metrics="2") == beside
    assert (beside / "metrics").read_text() == "2"
    (beside / "notes.txt").write_text("mine")
    assert made("p", status, force=True, metrics="3") == Path(f"p.{status}-2").resolve()
    assert content(first) == before
    assert (beside / "notes.txt").read_text() == "mine"
    assert made("p", FINISHED, force=True, metrics="4") == first
    assert (first / "metrics").read_text() == "4"


def test_what_came_there_during_a_run_is_kept_and_the_run_too() -> None:
    """A second process may have finished there, or somebody put a file into the folder."""
    with ResultsFolder(Path("p"), "run") as results:
        (results.partial / "metrics").write_text("slow")
        results.sign({"status": FINISHED})
        made("q", metrics="fast").rename("p")
        assert results.publish() == Path("p.finished").resolve()
    assert Path("p/metrics").read_text() == "fast"
    assert Path("p.finished/metrics").read_text() == "slow"


def test_an_interrupted_run_leaves_the_finished_one_and_says_where_it_is(
    watched: Scenario, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(RUN) == 0
    before = content("p")
    assert main([*RUN, "--force", "--set", "populations.watchers.breaks_at=2"]) == 1
    said = capsys.readouterr()
    assert "p: kept as it is; the failed result is in p.failed\n" in said.err
    assert content("p") == before
    assert ownership.status_of(Path("p.failed")) == FAILED
    interruption = Interruption()

    def interrupt(done: int) -> None:
        interruption.signal = signal.SIGINT

    outcome = run(
        watched, Path("p"), force=True, figures="none", progress=interrupt, interruption=interruption
    )
    assert outcome.folder == Path("p.interrupted").resolve()
    assert content("p") == before


def test_an_interrupted_comparison_leaves_the_finished_one(watched: Scenario) -> None:
    line = {"seeds": 2, "arms": ["base", "aa"], "figures": "none", "force": True}
    assert amplify(watched, Path("p"), **line).status == FINISHED
    before = content("p")
    interruption = Interruption()
    interruption.signal = signal.SIGTERM
    outcome = amplify(watched, Path("p"), interruption=interruption, **line)
    assert (outcome.status, outcome.folder.name) == (INTERRUPTED, "p.interrupted")
    assert content("p") == before
    with pytest.raises(ScenarioError, match="holds an amplification, which a run never replaces"):
        run(watched, Path("p"), force=True)


def stopped(interruption: Interruption, after: int) -> Any:
    """A tally that interrupts a sweep after so many runs."""

    def tally(done: int, planned: int, failed: int) -> None:
        interruption.signal = signal.SIGINT if done >= after else 0

    return tally


def test_a_sweep_that_replaces_a_finished_one_is_made_beside_it(tmp_path: Path) -> None:
    """Interrupted it stays there, and goes on with the same call; finished it takes the place."""
    out = tmp_path / "out"
    sweep(swept(tmp_path, tags(3)), out, start="serial")
    before = content(out)
    longer = swept(tmp_path, tags(40))
    interruption = Interruption()
    cut = sweep(
        longer, out, start="serial", force=True, tally=stopped(interruption, 1), interruption=interruption
    )
    assert (cut.status, cut.folder) == (INTERRUPTED, tmp_path / "out.next")
    assert content(out) == before
    out.rename(tmp_path / ".out.replaced")  # as if a process were killed just then
    whole = sweep(longer, out, start="serial", force=True)
    assert (whole.status, whole.folder, whole.fresh) == (FINISHED, out, 40 - cut.done)
    assert len(rows(out)) == 40
    assert not (tmp_path / "out.next").exists()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".out")]


def test_a_sweep_with_something_of_the_user_s_in_it_is_not_replaced(tmp_path: Path) -> None:
    """Finished, begun, or only a shard of it; what it wrote itself, figures too, is no obstacle."""
    own, other, out = swept(tmp_path, tags(2)), swept(tmp_path, tags(3)), tmp_path / "out"
    sweep(own, out, start="serial")
    assert main(["plot", str(out)]) == 0
    sweep(other, out, start="serial", force=True)
    for name in ("notes.txt", ".notes", "shards/notes.txt"):
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_text("mine")
        with pytest.raises(ScenarioError, match=f"holds {name}, which hedgequake did not write"):
            sweep(own, out, start="serial", force=True)
        (out / name).unlink()
    assert len(rows(out)) == 3


def test_merging_keeps_what_is_the_user_s_among_the_shards(tmp_path: Path) -> None:
    path, out = str(written(tmp_path, tags(4))), tmp_path / "out"
    for number in (1, 2):
        line = ["sweep", path, "--shard", f"{number}/2", "--out", str(out), "--engine", "serial", "--quiet"]
        assert main(line) == 0
    notes = out / "shards" / "1-of-2" / "notes.txt"
    notes.write_text("mine")
    with pytest.raises(ScenarioError, match=r"shards/1-of-2: holds notes\.txt"):
        merge(out)
    assert notes.read_text() == "mine"
    notes.unlink()
    assert merge(out).status == FINISHED


@pytest.mark.parametrize("command", ["run", "sweep"])
def test_a_folder_in_which_a_process_works_is_left_to_it(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its lock names it, in the folder or in that of a shard, and dies with it."""
    own, out = swept(tmp_path, tags(2)), tmp_path / "out"
    sweep(own, out, start="serial")
    if command == "run":
        ownership.sign(out, "run", {"status": INTERRUPTED})
    (out / "shards" / "1-of-2").mkdir(parents=True)
    (out / "shards" / "1-of-2" / "scenario.toml").touch()
    holds = "import fcntl, sys, time; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX); "
    holds += "f.write('node7 4242'); f.flush(); print('held', flush=True); time.sleep(600)"
    for place in (out, out / "shards" / "1-of-2"):
        lock = [sys.executable, "-c", holds, str(place / ".lock")]
        with subprocess.Popen(lock, stdout=subprocess.PIPE, text=True) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == "held\n"
            line = ["watched.toml"] if command == "run" else [str(tmp_path / "troubled.toml"), "--force"]
            try:
                assert main([command, *line, "--quiet", "--out", str(out)]) == 2
                assert "another process is at work in it: process 4242 on node7" in capsys.readouterr().err
                assert (out / "runs.parquet").is_file()
            finally:
                other.kill()
        assert (place / ".lock").is_file()
        ownership.check_free(out, "out")


def test_a_running_sweep_is_not_run_over_and_a_killed_one_is_no_hindrance(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = written(tmp_path, tags(4), seconds=0.5), tmp_path / "out"
    running = process("sweep", str(path), "--out", str(out), "--engine", "serial", "--quiet")
    until(lambda: (out / "design.parquet").exists() or running.poll() is not None)
    assert main(["run", "watched.toml", "--quiet", "--out", str(out), "--force"]) == 2
    assert "holds a sweep, which a run never replaces" in capsys.readouterr().err
    again = ["sweep", str(path), "--out", str(out), "--engine", "serial", "--quiet", "--force"]
    assert main(again) == 2
    assert f"another process is at work in it: process {running.pid} on " in capsys.readouterr().err
    running.kill()
    running.communicate()
    with (out / ".lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert main([*again[:-1], "--set", "populations.watchers.seconds=0.0", "--force"]) == 0
    assert ownership.status_of(out) == FINISHED


def test_a_replication_never_writes_over_what_is_the_user_s(capsys: pytest.CaptureFixture[str]) -> None:
    line = ["replicate", "contagion", "--runs", "2", "--workers", "1", "--quick", "--out", "r"]
    Path("r").mkdir()
    Path("r/contagion.csv").write_text("measured by hand")
    assert main(line) == 2
    assert "r: is there and holds no result of ours" in capsys.readouterr().err
    Path("r/contagion.csv").rename("measured.csv")
    ownership.share(Path("r"), ownership.REPLICATION, "r", ["pinning.csv"])
    Path("r/contagion.csv").write_text("measured by hand")
    assert main(line) == 2
    assert "r: holds contagion.csv, which hedgequake did not write" in capsys.readouterr().err
    assert Path("r/contagion.csv").read_text() == "measured by hand"


def test_a_folder_that_cannot_be_read_is_said_to_be_so() -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    made("p")
    Path("p/figures").chmod(0)
    try:
        assert refusal("p").startswith("p: cannot be read: ")
    finally:
        Path("p/figures").chmod(0o755)
