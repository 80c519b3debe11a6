"""Workers lose nothing but the task that kills its worker, and stay up from batch to batch."""

from __future__ import annotations

import os
import signal
import time

import pytest

from scenarios.workers import engines, workers
from scenarios.workers.workers import Failure, run_over

_offset = 0


def prepare(offset):
    """Set a worker up."""
    global _offset
    _offset = offset


def work(number):
    """A task that fails at 3 and whose worker is killed at 5."""
    if number == 3:
        raise ValueError("three is not for me")
    if number == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return number + _offset


def work_all(numbers):
    """The task for a list of jobs."""
    return [work(number) for number in numbers]


def whoever(_):
    """A task that says who did it."""
    return os.getpid()


def nap(seconds):
    """A task that takes its time."""
    time.sleep(seconds)
    return seconds


@pytest.mark.parametrize("count", [1, 2])
def test_results_and_failures_come_back_by_number(count):
    """In whatever order; a failure says what happened and where."""
    numbers = [1, 2, 3, 4]
    found = dict(run_over(work, numbers, workers=count, setup=prepare, setup_arguments=(10,)))
    assert {n: r for n, r in found.items() if n != 2} == {0: 11, 1: 12, 3: 14}
    assert found[2].reason == "ValueError: three is not for me"
    assert "in work" in found[2].trace


def test_a_killed_worker_takes_only_its_task_along():
    """The others, begun or not, are done in the end."""
    numbers = [1, 5, 2, 4, 6, 7, 8, 9]
    found = dict(run_over(work, numbers, workers=2, setup=prepare, setup_arguments=(0,)))
    assert found.pop(1) == Failure("its worker died")
    assert found == {0: 1, 2: 2, 3: 4, 4: 6, 5: 7, 6: 8, 7: 9}


def test_workers_stay_up_from_batch_to_batch_and_come_back_after_one_died():
    """The same two processes do both batches; then one dies, and the next batch is done by others."""
    with workers.of(whoever, 2) as those:
        before = dict(those.run([10, 11, 12])) | dict(those.run([13, 14]))
        first = set(before.values())
        assert len(first - {os.getpid()}) == len(first) <= 2
    with workers.of(work, 2, prepare, 100) as those:
        assert dict(those.run([5, 1])) == {0: Failure("its worker died"), 1: 101}
        assert dict(those.run([1, 2])) == {0: 101, 1: 102}


@pytest.mark.parametrize("count", [1, 2])
def test_nobody_waits_for_tasks_once_told_to_stop(count):
    """What has come by then is kept; workers in the middle of an hour's task are let go."""
    done = {}
    for number, result in run_over(nap, [0, 3600, 3600], workers=count, stop=lambda: len(done) == 1):
        done[number] = result
    assert done == {0: 0}


@pytest.mark.parametrize("engine", engines.LOCAL)
def test_every_local_engine_does_the_same(engine):
    """What they begin with included."""
    tasks = workers.Workers(engines.local(engine, 2, prepare, 7), work_all)
    taken = iter([[1], [2, 4]])
    with tasks:
        found = [each for done, _ in tasks.work(lambda: next(taken, None), sorted) for each in done]
    assert sorted(found) == [([1], [8]), ([2, 4], [9, 11])]


def test_of_jobs_that_are_lost_together_only_the_deadly_one_is_lost():
    """It is found by trying those alone that may be why; the others come back as one by one."""
    taken, done, deadly = iter([[1, 5, 2], [4]]), [], []
    with workers.Workers(engines.local(engines.DEFAULT, 2, prepare, 0), work_all) as those:
        for ended, lost in those.work(lambda: next(taken, None), lambda jobs: sorted(set(jobs))):
            done += [each for _, results in ended for each in results]
            deadly += lost
    assert sorted(done) == [1, 2, 4]
    assert deadly == [5]
