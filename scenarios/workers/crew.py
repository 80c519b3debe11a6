"""A crew: workers that stay up from one batch of tasks to the next.

`scenarios.workers.task_pool` starts its workers anew for every list of tasks; where the next batch depends on
the last, starting takes longer than the tasks. A crew's workers start fresh (spawn), once. When one
dies, what was in the crew's hands is tried once more, each alone, as in the pool.
"""

from __future__ import annotations

import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any, Self

from scenarios.process.interruption import Stopped
from scenarios.workers import task_pool as pool
from scenarios.workers.task_pool import Failure


class Crew:
    """Workers for a task; a context manager that lets them go.

    Parameters
    ----------
    task : callable
        A function of a module, of one argument.
    workers : int
        Processes; with 1 everything runs in this one.
    setup : callable
        Called once in every worker before its first task.
    arguments : tuple
        Of `setup`.
    """

    def __init__(
        self, task: Callable[[Any], Any], workers: int, setup: Callable[..., None], arguments: tuple[Any, ...]
    ) -> None:
        self._task, self._workers = task, workers
        self._setup, self._arguments = setup, arguments
        self._executor: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        """Nobody starts before there is something to do."""
        return self

    def __exit__(self, *_: object) -> None:
        """Wait for what is running and drop the rest."""
        self._dismiss()

    def run(self, jobs: Sequence[Any], stop: Callable[[], Any] = lambda: False) -> Iterator[tuple[int, Any]]:
        """Run the task on every job, in any order.

        Parameters
        ----------
        jobs : sequence
        stop : callable
            Asked again and again; once it answers true nothing is begun or waited for.

        Yields
        ------
        number : int
            Position in `jobs`.
        result : object
            What the task returned, or a `Failure`.
        """
        if self._workers <= 1:
            start: dict[str, Any] = {"setup": self._setup, "setup_arguments": self._arguments}
            yield from pool.run(self._task, jobs, stop=stop, **start)
            return
        running = {
            self._hands().submit(_attempted, self._task, job): number for number, job in enumerate(jobs)
        }
        suspects = []
        while running and not stop():
            for future in wait(running, pool.POLL_SECONDS, FIRST_COMPLETED).done:
                try:
                    yield running[future], future.result()
                except BrokenProcessPool:
                    suspects.append(running[future])
                del running[future]
        if stop():
            self._dismiss(at_once=True)
            return
        for number in sorted(suspects):
            self._dismiss()
            yield number, self._alone(jobs[number])

    def _alone(self, job: Any) -> Any:
        try:
            return self._hands().submit(_attempted, self._task, job).result()
        except BrokenProcessPool:
            return Failure("its worker died")

    def _hands(self) -> ProcessPoolExecutor:
        """The workers, started if they are not up."""
        if self._executor is None:
            start = (self._setup, self._arguments)
            self._executor = ProcessPoolExecutor(self._workers, get_context("spawn"), _begin, start)
        return self._executor

    def _dismiss(self, *, at_once: bool = False) -> None:
        """Let the workers go, when they have finished what they are at or at once."""
        if self._executor is not None:
            workers = [*self._executor._processes.values()] if at_once else []
            for worker in workers:
                worker.terminate()
            self._executor.shutdown(cancel_futures=True)
            self._executor = None


def _begin(setup: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    """Set a worker up; Ctrl-C is for the parent to deal with."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    setup(*arguments)


def _attempted(task: Callable[[Any], Any], job: Any) -> Any:
    """The task's result, or how it failed."""
    try:
        return task(job)
    except Stopped:
        raise
    except (Exception, SystemExit) as error:
        return Failure(f"{type(error).__name__}: {error}", traceback.format_exc())
