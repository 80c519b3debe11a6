"""The pool loses nothing: not when a task raises, not when a worker is killed."""

from __future__ import annotations

import os
import signal

import pytest

from scenarios.workers import task_pool as pool

_offset = 0


def prepare(offset: int) -> None:
    """Set a worker up."""
    global _offset
    _offset = offset


def work(number: int) -> int:
    """A task that fails at 3 and whose worker is killed at 5."""
    if number == 3:
        raise ValueError("three is not for me")
    if number == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return number + _offset


@pytest.mark.parametrize("workers", [1, 2])
def test_results_and_failures_come_back_by_number(workers):
    """In whatever order; a failure says what happened and where."""
    numbers = [1, 2, 3, 4]
    found = dict(pool.run(work, numbers, workers=workers, setup=prepare, setup_arguments=(10,)))
    assert {n: r for n, r in found.items() if n != 2} == {0: 11, 1: 12, 3: 14}
    assert found[2].reason == "ValueError: three is not for me"
    assert "in work" in found[2].trace


def test_a_killed_worker_takes_only_its_task_along():
    """The others, begun or not, are done in the end."""
    numbers = [1, 5, 2, 4, 6, 7, 8, 9]
    found = dict(pool.run(work, numbers, workers=2, setup=prepare, setup_arguments=(0,)))
    assert found.pop(1) == pool.Failure("its worker died")
    assert found == {0: 1, 2: 2, 3: 4, 4: 6, 5: 7, 6: 8, 7: 9}
