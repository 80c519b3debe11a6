"""What a run prints when it ends."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from places import SUPPORT

from scenarios.__main__ import main

WATCHED = (SUPPORT / "watched.toml").read_text()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("watched.toml").write_text(WATCHED)
    return tmp_path


def test_run_prints_a_summary_and_leaves_the_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "watched.toml", "--out", "out", "--no-figures"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("watched: finished, 5 of 5 steps in ")
    for words in ("liquidations", "bad debt", "largest residual"):
        assert words in said.out
    for label in (
        "largest fall from a high",
        "largest rise from a low",
        "realised volatility over 1 min, per year",
    ):
        assert f"BTC {label}" in said.out
    assert ["results", "out"] in [line.split() for line in said.out.splitlines()]
    assert "watched: 5 of 5 steps" in said.err
    assert not Path("out/figures").exists()


def test_the_volatility_of_a_summary_says_over_what_time(capsys: pytest.CaptureFixture[str]) -> None:
    """That of single steps is not that of minutes, which bounce and drift make smaller or larger."""
    changes = ["--set", "time.step_seconds=0.5", "--steps", "3", "--no-figures"]
    assert main(["run", "watched.toml", *changes]) == 0
    said = capsys.readouterr().out
    assert "BTC realised volatility over 0.5 s, per year" in said
    assert re.search(r"over 1 min, per year +- \(the run is not longer than 60 s\)", said)
