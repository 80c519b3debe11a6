"""What a study has done outlives whatever ends it, and is gone when the study is finished."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenarios.file.errors import ScenarioError
from scenarios.folders.begun import RUNS, Begun


def begun(tmp_path: Path, identity: str = "a" * 20) -> Begun:
    return Begun(tmp_path / "study", identity)


def lines(tmp_path: Path) -> Path:
    return next(tmp_path.glob(f".study.begun.*/{RUNS}"))


def test_results_are_found_again(tmp_path):
    with begun(tmp_path) as first:
        first.keep("7", [1.5, float("nan"), None])
    with begun(tmp_path) as second:
        value, undefined, nothing = second.results["7"]
    assert value == 1.5
    assert undefined != undefined
    assert nothing is None


def test_a_torn_line_is_not_read_and_spoils_none_after_it(tmp_path):
    with begun(tmp_path) as first:
        first.keep("1", 1)
        first.keep("2", 2)
    lines(tmp_path).write_bytes(lines(tmp_path).read_bytes()[:-3])
    with begun(tmp_path) as second:
        assert second.results == {"1": 1}
        second.keep("3", 3)
    with begun(tmp_path) as third:
        assert third.results == {"1": 1, "3": 3}


def test_another_study_to_the_same_place_starts_from_nothing(tmp_path):
    with begun(tmp_path) as first:
        first.keep("1", 1)
    with begun(tmp_path, "b" * 20) as other:
        assert other.results == {}


def test_two_processes_are_not_at_one_study(tmp_path):
    with begun(tmp_path), pytest.raises(ScenarioError, match="another process is at work"), begun(tmp_path):
        pass


def test_nothing_is_left_of_what_is_over_or_never_began(tmp_path):
    with begun(tmp_path, "b" * 20) as other:
        other.keep("1", 1)
    with begun(tmp_path) as first:
        first.keep("1", 1)
        first.over()
    assert list(tmp_path.iterdir()) == []
    with begun(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []
