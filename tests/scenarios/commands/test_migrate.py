"""`migrate` brings a file to the newest version and changes nothing else in it, or does not touch it."""

from __future__ import annotations

import codecs
import os
import stat
import warnings
from pathlib import Path

import pytest
from version_one import NEW, OLD

from scenarios import load
from scenarios.__main__ import main
from scenarios.file import library

CHANGES = """\
old.toml:2: - schema_version = 1  # the first
old.toml:2: + schema_version = 2  # the first
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("old.toml").write_text(OLD)
    return tmp_path


def migrate(*arguments: str) -> int:
    return main(["migrate", *arguments, "--trust"])


def test_comments_order_and_layout_stay(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.warns(UserWarning, match="hedgequake migrate old.toml"):
        before = load("old.toml")
    assert migrate("old.toml") == 0
    assert Path("old.toml").read_text() == NEW
    said = capsys.readouterr().out
    assert said.startswith(CHANGES)
    assert "old.toml:28: - hedging.width = 0.5\n" in said
    assert said.endswith("old.toml written\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        after = load("old.toml")
    assert after == before
    assert after.digest() == before.digest()
    assert os.listdir() == ["old.toml"]


def test_a_second_time_nothing_changes(capsys: pytest.CaptureFixture[str]) -> None:
    assert migrate("old.toml") == 0
    capsys.readouterr()
    assert migrate("old.toml") == 0
    assert capsys.readouterr().out == "old.toml: of version 2, the newest; nothing to change\n"
    assert Path("old.toml").read_text() == NEW
    assert migrate("old.toml", "--check") == 0
    assert migrate("old.toml", "--out", "new.toml") == 0
    assert os.listdir() == ["old.toml"]


def test_a_check_says_what_would_change_and_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert migrate("old.toml", "--check") == 1
    assert capsys.readouterr().out.startswith(CHANGES)
    assert Path("old.toml").read_text() == OLD
    assert os.listdir() == ["old.toml"]


def test_another_file_is_written_only_where_none_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert migrate("old.toml", "--out", "new.toml") == 0
    assert (Path("old.toml").read_text(), Path("new.toml").read_text()) == (OLD, NEW)
    Path("new.toml").write_text("mine")
    assert migrate("old.toml", "--out", "new.toml") == 2
    assert "new.toml: is there already; choose another --out" in capsys.readouterr().err
    assert Path("new.toml").read_text() == "mine"
    assert migrate("old.toml", "--out", "no/new.toml") == 2
    assert "no/new.toml: cannot be written: No such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("seconds = 1.0, w", "secnds = 1.0, w", 'secnds: unknown key; did you mean "seconds"?'),
        ("steps = 4", "steps = ", "old.toml:6: not valid TOML"),
        ("schema_version = 1", "schema_version = 9", "a newer hedgequake is needed"),
        ("schema_version = 1", "schema_version = 0", "found 0; allowed: at least 1"),
    ],
)
def test_what_is_no_scenario_is_left_alone(
    capsys: pytest.CaptureFixture[str], old: str, new: str, said: str
) -> None:
    text = OLD.replace(old, new)
    Path("old.toml").write_text(text)
    assert migrate("old.toml") == 2
    assert said in capsys.readouterr().err
    assert Path("old.toml").read_text() == text
    assert os.listdir() == ["old.toml"]


def test_what_cannot_be_rewritten_is_left_alone(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scenarios.file.edits.removed", lambda text, path: text)
    assert migrate("old.toml") == 2
    assert "populations.clocks.hedging.width: unknown key" in capsys.readouterr().err
    assert Path("old.toml").read_text() == OLD


@pytest.mark.parametrize("call", ["os.fsync", "pathlib.Path.replace"])
def test_a_file_is_whole_when_its_place_cannot_be_written(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(call, full)
    assert migrate("old.toml") == 2
    assert "old.toml: cannot be written: No space left on device" in capsys.readouterr().err
    assert Path("old.toml").read_text() == OLD
    assert os.listdir() == ["old.toml"]


def test_a_link_and_the_rights_of_a_file_stay(folder: Path) -> None:
    Path("old.toml").chmod(0o640)
    Path("link.toml").symlink_to("old.toml")
    assert migrate("link.toml") == 0
    assert Path("link.toml").is_symlink()
    assert Path("old.toml").read_text() == NEW
    assert stat.S_IMODE(Path("old.toml").stat().st_mode) == 0o640


@pytest.mark.parametrize("comment", ["", "  # the first"])
@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
def test_the_ends_of_lines_and_the_mark_of_bytes_stay(comment: str, mark: bytes) -> None:
    """And that no line ends the last line."""
    before, after = (
        mark + text.replace("  # the first", comment).replace("\n", "\r\n").removesuffix("\r\n").encode()
        for text in (OLD, NEW)
    )
    Path("old.toml").write_bytes(before)
    assert migrate("old.toml") == 0
    assert Path("old.toml").read_bytes() == after
    assert main(["validate", "old.toml", "--trust"]) == 0


def test_paths_in_a_file_lead_where_they_led(capsys: pytest.CaptureFixture[str]) -> None:
    """From another folder they would lead elsewhere: then the file is not written."""
    Path("notes.csv").write_text("a\n")
    Path("old.toml").write_text(OLD.replace('name = "dotted"\n', 'name = "dotted"\nnotes = "notes.csv"\n'))
    Path("deep").mkdir()
    assert migrate("old.toml", "--out", "deep/new.toml") == 2
    assert 'no file "notes.csv"' in capsys.readouterr().err
    Path("deep/notes.csv").write_text("b\n")
    assert migrate("old.toml", "--out", "deep/new.toml") == 2
    assert "would say something else" in capsys.readouterr().err
    assert os.listdir("deep") == ["notes.csv"]


def test_code_is_imported_only_where_it_is_trusted(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate", "old.toml"]) == 2
    said = capsys.readouterr().err
    assert "own_population.Watchers" in said
    assert "hedgequake migrate old.toml --trust" in said
    assert Path("old.toml").read_text() == OLD


def test_the_library_and_the_starter_are_of_the_newest_version(capsys: pytest.CaptureFixture[str]) -> None:
    scenarios = (path for path in library.FOLDER.rglob("*.toml") if path.parent.name != "targets")
    for path in (*scenarios, library.STARTER):
        assert main(["migrate", str(path), "--check"]) == 0, path
