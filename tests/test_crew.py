"""A crew stays up from batch to batch, and loses only the task that kills its worker."""

from __future__ import annotations

import os
import signal

from scenarios.crew import Crew
from scenarios.pool import Failure


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
