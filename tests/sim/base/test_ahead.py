"""Kernels are compiled ahead, by two processes: what is recorded, and what is left out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from places import ROOT

from scenarios import load
from sim.base import ahead, typed_call
from sim.kernels.accounts import posting

TWO = """
from sim.base import ahead
from sim.base.jit import ENTRIES
from sim.kernels.accounts.posting import find_flat, transfer
ahead.WORTH_SECONDS = 0.0
ahead._processors = lambda: {processors}
ahead.compile_ahead([transfer, find_flat])
print(len(transfer.overloads), len(find_flat.overloads), len([*ENTRIES]))
"""


def prepared(name: str) -> list[str]:
    """Kernels that a market of the library is prepared to call, those worth dividing among processes."""
    typed_call.PREPARED.clear()
    load(name).market().release()
    return [
        ahead.name_of(kernel)
        for kernel in typed_call.PREPARED
        if sum(task.seconds for task in ahead.recorded().get(ahead.name_of(kernel), [])) > 0.5
    ]


def called() -> tuple[Any, tuple[Any, ...]]:
    """A kernel of a market that was called, and the types it was called with."""
    load("linear_feedback").market().step()
    return posting.post, next(iter(posting.post.overloads))


def test_a_market_prepares_no_costly_kernel_of_what_it_does_not_have() -> None:
    assert [name for name in prepared("linear_feedback") if "options" in name or "books.book" in name] == []
    assert [name for name in prepared("liquid_perpetual") if "options" in name or "pools" in name] == []
    whole = prepared("calm")
    for part in ("options.portfolio.price", "books.book.execute", "pools.swaps.execute_pool"):
        assert f"sim.kernels.{part}" in whole


def test_parts_take_about_as_long_and_begin_with_the_longest() -> None:
    tasks = [ahead.Task(str(seconds), "", seconds) for seconds in (1.0, 8.0, 3.0, 2.0, 2.5)]
    parts = ahead.divided(tasks, 2)
    assert [[task.seconds for task in part] for part in parts] == [[8.0], [3.0, 2.5, 2.0, 1.0]]


def test_a_task_is_the_kernel_and_types_that_it_was_made_of() -> None:
    kernel, types = called()
    made = ahead.task(kernel, types, 1.234)
    assert made.signature() == types
    assert made.seconds == 1.23
    made.compile()
    assert types in kernel.overloads


def test_what_was_recorded_of_other_sources_is_left_and_said(caplog: pytest.LogCaptureFixture) -> None:
    kernel, types = called()
    assert not ahead.task(kernel, types[1:], 1.0).compile()
    assert "posting.post is not as it was recorded (Signature mismatch" in caplog.text
    assert not ahead.Task(
        "sim.kernels.accounts.posting.gone", ahead.task(kernel, types, 1.0).types, 1.0
    ).compile()
    assert not ahead.Task("sim.kernels.gone.post", "", 1.0).compile()


def test_what_is_kept_is_not_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kernel, _ = called()
    monkeypatch.setattr(ahead, "ENTRIES", [tmp_path / f"{ahead.name_of(kernel)}-0.kernel"])
    assert [*ahead.missing([kernel])] == []
    monkeypatch.setattr(ahead, "ENTRIES", [])
    fresh = type("Kernel", (), {"overloads": {}, "py_func": kernel.py_func})
    assert [task.name for task in ahead.missing([fresh])] == [ahead.name_of(kernel)]


def test_where_nothing_can_be_kept_no_other_process_compiles(monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = [ahead.Task("one", "", 5.0), ahead.Task("another", "", 5.0)]
    started: list[list[ahead.Task]] = []
    monkeypatch.setattr(ahead, "missing", lambda kernels: tasks)
    monkeypatch.setattr(ahead, "_processors", lambda: 2)
    monkeypatch.setattr(ahead, "_started", lambda those: started.append(those) or sys.exit("started"))
    monkeypatch.setattr(ahead.ENTRIES, "probe", lambda: False)
    ahead.compile_ahead([object()])
    assert started == []
    monkeypatch.setattr(ahead.ENTRIES, "probe", lambda: True)
    with pytest.raises(SystemExit, match="started"):
        ahead.compile_ahead([object()])
    assert started == [tasks[1:]]


def two(cache: Path, processors: int) -> str:
    """Signatures that a process has of two kernels it compiled ahead, and how many are kept."""
    code = TWO.format(processors=processors)
    environment = os.environ | {"HEDGEQUAKE_CACHE": str(cache), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True, timeout=120
    ).stdout.strip()


def test_another_process_compiles_its_part_into_the_cache(tmp_path: Path) -> None:
    assert two(tmp_path, processors=2) == "0 1 2"
    assert two(tmp_path, processors=2) == "0 0 2"


def test_with_one_processor_kernels_are_compiled_when_they_are_called(tmp_path: Path) -> None:
    assert two(tmp_path, processors=1) == "0 0 0"
