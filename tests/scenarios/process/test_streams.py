"""Closed, full and broken streams, read-only and full folders: a line, an exit code, no traceback."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from places import ROOT, SUPPORT

from scenarios.__main__ import main
from scenarios.file import library
from scenarios.process import streams

HAS_FULL = Path("/dev/full").exists()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("watched.toml").write_text((SUPPORT / "watched.toml").read_text())
    return tmp_path


def shell(command: str) -> subprocess.CompletedProcess[str]:
    """A command line of a shell, in which `hedgequake` is what is tested."""
    own = f'hedgequake() {{ {sys.executable} -m scenarios "$@"; }}; {command}'
    return subprocess.run(
        ["bash", "-c", own],
        env=os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(SUPPORT)))},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.skipif(not HAS_FULL, reason="there is no /dev/full here")
def test_a_full_output_is_told_once() -> None:
    done = shell("hedgequake list > /dev/full")
    assert (done.returncode, done.stderr) == (1, "No space left on device\n")


def test_without_standard_streams_a_run_does_what_it_did_with_them() -> None:
    run = "hedgequake run watched.toml --no-figures --out"
    assert shell(f"{run} a 2>&-").returncode == 0
    assert shell(f"{run} b >&- 2>&- <&-").returncode == 0
    assert shell("hedgequake validate nothing 2>&-").returncode == 2
    for name in ("metrics.json", "series.parquet", "fills.parquet"):
        assert Path("a", name).read_bytes() == Path("b", name).read_bytes()


@pytest.mark.skipif(not HAS_FULL, reason="there is no /dev/full here")
def test_remarks_that_cannot_be_written_fail_no_run() -> None:
    done = shell("hedgequake run watched.toml --no-figures --out a 2>/dev/full")
    assert done.returncode == 0
    assert "watched: finished, 5 of 5 steps" in done.stdout


def test_letters_that_a_stream_does_not_know_are_escaped() -> None:
    done = shell("PYTHONIOENCODING=ascii hedgequake validate 'caf\u00e9'")
    assert done.returncode == 2
    assert done.stderr.startswith(r"caf\xe9: no such file")


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_new_in_a_folder_that_takes_no_file_is_bad_input(
    number: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = Path.open

    def refused(path: Path, mode: str = "r", *more: Any, **others: Any) -> Any:
        if mode == "x":
            raise OSError(number, os.strerror(number), str(path))
        return whole(path, mode, *more, **others)

    monkeypatch.setattr(Path, "open", refused)
    assert main(["new", "mine"]) == 2
    assert capsys.readouterr().err == f"mine.toml: cannot be written: {os.strerror(number)}\n"


def test_a_starter_that_is_not_whole_is_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Path.open

    @contextmanager
    def full(path: Path) -> Iterator[Any]:
        with whole(path, "x") as file:
            yield file
        raise OSError(errno.ENOSPC, "No space left on device")

    def opened(path: Path, mode: str = "r", *more: Any, **others: Any) -> Any:
        return full(path) if mode == "x" else whole(path, mode, *more, **others)

    monkeypatch.setattr(Path, "open", opened)
    assert main(["new", "mine"]) == 2
    assert not os.path.lexists("mine.toml")


@pytest.mark.parametrize(("number", "code"), [(errno.EROFS, 2), (errno.EACCES, 2), (errno.ENOSPC, 1)])
def test_a_result_that_cannot_be_written_is_a_line(
    number: int, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(path: Path, text: str, *_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(Path, "write_text", refused)
    assert main(["run", "watched.toml", "--quiet", "--no-figures", "--out", "out"]) == code
    said = capsys.readouterr().err
    assert said.endswith(f"{os.strerror(number)}\n")
    assert said.count("\n") == 1
    assert sorted(os.listdir()) == ["watched.toml"]


def test_a_list_that_cannot_be_read_is_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused() -> list[str]:
        raise PermissionError(errno.EACCES, "Permission denied", "/there")

    monkeypatch.setattr(library, "names", refused)
    assert main(["list"]) == 2
    assert capsys.readouterr().err == "/there: Permission denied\n"


def test_a_market_that_finds_no_memory_is_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*_: object) -> None:
        raise MemoryError("Unable to allocate 3 GiB")

    monkeypatch.setattr("scenarios.arms.arms.build", refused)
    assert main(["validate", "watched.toml", "--trust"]) == 1
    said = "out of memory: Unable to allocate 3 GiB; fewer participants, contracts or steps need less\n"
    assert capsys.readouterr().err.endswith(said)


def test_remarks_go_where_they_can() -> None:
    class Broken:
        encoding = "utf-8"

        def write(self, text: str) -> int:
            raise BrokenPipeError

        def flush(self) -> None:
            raise OSError(errno.ENOSPC, "")

    stream = streams.Unfailing(Broken())
    assert stream.write("abc") == 3
    stream.flush()
    assert stream.encoding == "utf-8"
