"""A crew stays up from batch to batch, and loses only the task that kills its worker."""

from __future__ import annotations

import os
import signal
import time

import pytest

from scenarios.workers import task_pool as pool
from scenarios.workers.crew import Crew
from scenarios.workers.task_pool import Failure


def doomed(number):
    """A task that kills its worker, one that raises, and tasks that say who did them."""
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    if number == 3:
        raise ArithmeticError("three")
    return number, os.getpid()


def nothing():
    """Set a worker up."""


def test_a_crew_stays_up_and_loses_only_what_kills_its_worker():
    """The same two processes do both batches; then one dies, and all others are done."""
    with Crew(doomed, 2, nothing, ()) as crew:
        before = dict(crew.run([10, 11, 12])) | dict(crew.run([13, 14]))
        assert len({process for _, process in before.values()} - {os.getpid()}) <= 2
        done = dict(crew.run([0, 1, 2, 3, 4, 5]))
    assert done[2] == Failure("its worker died")
    assert done[3].reason == "ArithmeticError: three"
    assert [done[number][0] for number in (0, 1, 4, 5)] == [0, 1, 4, 5]


def nap(seconds):
    """A task that takes its time."""
    time.sleep(seconds)
    return seconds


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("team", ["pool", "crew"])
def test_nobody_waits_for_tasks_once_told_to_stop(team, workers):
    """What has come by then is kept; workers in the middle of an hour's task are let go."""
    done = {}
    with Crew(nap, workers, nothing, ()) as crew:
        run = (
            crew.run if team == "crew" else lambda jobs, stop: pool.run(nap, jobs, workers=workers, stop=stop)
        )
        for number, result in run([0, 3600, 3600], lambda: len(done) == 1):
            done[number] = result
        assert done == {0: 0}
