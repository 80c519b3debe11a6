"""A profile names every part of a market, and changes nothing of what it does."""

from __future__ import annotations

import json
import re
from itertools import count
from pathlib import Path

import pytest

from scenarios import load
from scenarios.__main__ import main
from scenarios.runs.step_profile import REST, StepProfile

LINE = ["run", "linear_crash", "--steps", "30", "--figures", "none", "--quiet", "--force"]


def test_time_of_a_part_is_its_own_and_not_that_of_what_it_calls() -> None:
    """On a clock that ticks once a look: a call takes a tick, and one more for each call within it."""
    ticks = count()
    market = load("linear_crash", {"time.steps": 12}).market()
    profile = StepProfile(market, clock=lambda: float(next(ticks)))
    while market.running:
        profile.step()
    for name, calls in profile.calls.items():
        if name.startswith("decisions of"):
            assert profile.seconds[name] == calls > 0
    assert profile.calls[REST] == 11
    within = sum(calls for name, calls in profile.calls.items() if name != REST)
    assert profile.seconds[REST] > 11
    assert sum(profile.seconds.values()) == 11 + 2 * within


def test_the_command_tells_it_and_the_run_is_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*LINE, "--out", f"{tmp_path}/plain"]) == 0
    assert "us a step" not in capsys.readouterr().out
    assert main([*LINE, "--out", f"{tmp_path}/timed", "--profile"]) == 0
    told = capsys.readouterr().out
    parts = ("decisions of dealers", "quotes of perp", "orders carried out", "margin", "recording", REST)
    for part in (*parts, "a step"):
        assert re.search(rf"^{part} +[0-9.]+ +[0-9]+%", told, re.MULTILINE), part
    plain, timed = (tmp_path / name for name in ("plain", "timed"))
    assert (plain / "metrics.json").read_text() == (timed / "metrics.json").read_text()
    for table in plain.glob("*.parquet"):
        assert table.read_bytes() == (timed / table.name).read_bytes()
    assert main([*LINE, "--out", f"{tmp_path}/timed", "--profile", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert list(document["profile"].values()) == sorted(document["profile"].values(), reverse=True)
