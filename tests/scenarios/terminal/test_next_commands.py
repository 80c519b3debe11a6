"""What a command says to do next can be done as it stands, whatever characters paths have."""

from __future__ import annotations

import shlex
from pathlib import Path

import places
import pytest
from printed_commands import following, typed
from sweeping import tags, written

from scenarios.__main__ import main

WATCHED = places.WATCHED.read_text()


ODD = "sp ü's; $(x)"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("watched.toml").write_text(WATCHED)
    return tmp_path


def test_a_run_ends_with_its_page_and_commands_that_run_as_they_stand(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whatever characters the folder and the values have."""
    line = ["run", "watched.toml", "--out", ODD, "--set", "description=it's; $(x)", "--steps", "3"]
    assert main(line) == 0
    said = capsys.readouterr().out
    assert Path(ODD, "report.html").is_file()
    assert f"page{' ' * 42}{ODD}/report.html" in said
    compared, beside = following(said)
    assert compared.startswith("hedgequake amplify watched.toml --steps 3 --set ")
    assert " --arm muted --out " in beside
    for command in (f"{compared} --seeds 2 --workers 1 --no-figures --quiet --out amplified", beside):
        assert typed(command) == 0
    assert f"− {ODD}" in capsys.readouterr().out
    assert Path(f"{ODD}-muted", "report.html").is_file()
    assert typed(f"hedgequake plot {shlex.quote(ODD)}") == 0


def test_without_figures_there_is_no_page_and_the_report_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "watched.toml", "--out=-o", "--no-figures"]) == 0
    report_of, *_ = following(capsys.readouterr().out)
    assert report_of == "hedgequake report ./-o"
    assert not Path("./-o/report.html").exists()
    assert typed(report_of) == 0
    assert Path("./-o/report.html").is_file()


def test_a_run_that_failed_says_nothing_to_go_on_with(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "watched.toml", "--out", "o ü", "--set", "populations.watchers.breaks_at=2"]) == 1
    said = capsys.readouterr()
    assert "next:" not in said.out
    assert said.err.splitlines()[-1].endswith("; see o ü/traceback.txt")


def test_commands_of_sweeps_are_quoted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = str(written(tmp_path, tags(2))), ODD
    line = ["sweep", path, "--engine", "serial", "--quiet", "--out", out]
    assert main([*line, "--shard", "1/1"]) == 0
    merging = capsys.readouterr().out.splitlines()[-1].partition(": ")[2]
    assert typed(merging) == 0
    assert main(line) == 0
    drawing = capsys.readouterr().out.splitlines()[-1].removeprefix("next: ")
    assert typed(drawing) == 0
    assert main(["merge", out]) == 2
    said = capsys.readouterr().err
    assert shlex.split(said[said.index("`") + 1 : said.rindex("`")])[-1] == out
