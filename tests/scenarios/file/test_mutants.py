"""Whatever a scenario file holds is taken or explained: in a line, soon, and without a traceback."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import mutants
import pytest

from scenarios.__main__ import BAD_INPUT, SUCCESS, main
from scenarios.process import memory_limit as memory

DEADLINE_SECONDS = 40  # of the processor's time: machines are busy, and kernels may have to be compiled
ASLEEP_SECONDS = 400
MEMORY_BYTES = 200_000_000
LONGEST_LINE = 3000
FEW, MANY = 320, 5000
BATCH = 40


class Hang(BaseException):
    """A case that takes too long."""


@contextmanager
def deadline(seconds: int) -> Iterator[None]:
    def late(number: int, frame: FrameType | None) -> None:
        raise Hang(f"no answer after {seconds} s")

    timers = {signal.ITIMER_PROF: signal.SIGPROF, signal.ITIMER_REAL: signal.SIGALRM}
    previous = {number: signal.signal(number, late) for number in timers.values()}
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, ASLEEP_SECONDS)
    try:
        yield
    finally:
        for timer in timers:
            signal.setitimer(timer, 0)
        for number, handler in previous.items():
            signal.signal(number, handler)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, on a machine on which large markets are refused and not built."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(memory, "limit_bytes", lambda: MEMORY_BYTES)
    return tmp_path


def answer(number: int, *command: str) -> int:
    """Exit code of a command about a mutant."""
    Path("mutant.toml").write_bytes(mutants.mutant(number).encode(errors="surrogatepass"))
    name, *rest = command
    with deadline(DEADLINE_SECONDS):
        return main([name, "mutant.toml", *mutants.overrides(number), *rest])


def check_said(said: str, code: int) -> None:
    """What went to stderr can be shown in a terminal, and says something if it was bad input."""
    lines = said.splitlines()
    assert all(line.isprintable() and len(line) <= LONGEST_LINE for line in lines), said[:2000]
    assert "Traceback" not in said
    assert (code == BAD_INPUT) == bool([line for line in lines if not line.startswith("warning: ")])


@pytest.mark.parametrize("first", range(0, FEW, BATCH))
def test_a_mutant_is_valid_or_explained(first: int, capsys: pytest.CaptureFixture[str]) -> None:
    codes = []
    for number in range(first, first + BATCH):
        codes.append(answer(number, "validate"))
        check_said(capsys.readouterr().err, codes[-1])
    assert set(codes) == {SUCCESS, BAD_INPUT}
    assert os.listdir() == ["mutant.toml"]


@pytest.mark.parametrize("first", range(0, FEW // 2, BATCH))
def test_a_mutant_of_an_older_version_is_rewritten_or_left(
    first: int, capsys: pytest.CaptureFixture[str]
) -> None:
    codes = []
    for number in range(first, first + BATCH):
        text = mutants.mutant(number).replace("schema_version = 2", "schema_version = 1")
        before = text.encode(errors="surrogatepass")
        Path("mutant.toml").write_bytes(before)
        with deadline(DEADLINE_SECONDS):
            codes.append(main(["migrate", "mutant.toml"]))
        check_said(capsys.readouterr().err, codes[-1])
        after = Path("mutant.toml").read_bytes()
        assert codes[-1] == SUCCESS or after == before
        assert codes[-1] == BAD_INPUT or b"schema_version = 2" in after
    assert set(codes) == {SUCCESS, BAD_INPUT}
    assert os.listdir() == ["mutant.toml"]


@pytest.mark.long
@pytest.mark.parametrize("first", range(0, MANY, BATCH))
def test_a_mutant_runs_or_is_explained(first: int, capsys: pytest.CaptureFixture[str]) -> None:
    """And leaves its folder, or nothing."""
    for number in range(first, first + BATCH):
        code = answer(number, "run", "--out", f"out{number}", "--no-figures", "--quiet")
        said = capsys.readouterr().err
        assert code in (SUCCESS, BAD_INPUT), f"mutant {number}: {said}"
        check_said(said, code)
        assert Path(f"out{number}").exists() == (code != BAD_INPUT)


def test_the_mutants_are_the_same_every_time() -> None:
    assert [mutants.mutant(n) for n in range(20)] == [mutants.mutant(n) for n in range(20)]
