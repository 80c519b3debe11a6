"""Workers: processes that do one task after the other, of which only a task that kills its worker is lost.

keep every worker supplied with a task and one to follow
take what they return
when workers have died, try each task that was in their hands alone

A task that raises comes back as a failure with its traceback.
"""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, Self

from scenarios.process.interruption import Stopped
from scenarios.workers.engines import DEFAULT, SERIAL, Engine, local

POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Failure:
    """A task that did not return.

    Attributes
    ----------
    reason : str
        The last line of what happened.
    trace : str
        Its traceback.
    """

    reason: str
    trace: str = ""


def failure(error: BaseException) -> Failure:
    """The failure that an exception is."""
    return Failure(f"{type(error).__name__}: {error}", "".join(traceback.format_exception(error)))


class Workers:
    """The workers of an engine, which stay up from one batch of tasks to the next; a context manager.

    Parameters
    ----------
    engine : Engine
    task : callable
        A function of a module, of a list of jobs.
    """

    def __init__(self, engine: Engine, task: Callable[[Any], Any]) -> None:
        self._engine, self._task = engine, task
        self._executor: Executor | None = None
        self._running: dict[Future[Any], list[Any]] = {}
        self._suspects: deque[list[Any]] = deque()
        self._is_alone = False

    def __enter__(self) -> Self:
        """Nobody starts before there is something to do."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let the workers go, at once if nobody waits for what they are at."""
        self._let_go(at_once=bool(self._running))

    def work(
        self, take: Callable[[], Any], recover: Callable[[list[Any]], list[Any]]
    ) -> Iterator[tuple[list[tuple[list[Any], Any]], list[Any]]]:
        """Do what there is to do, in lists of jobs.

        Parameters
        ----------
        take : callable
            Gives the next list; None or nothing in it while there is none.
        recover : callable
            Called with the jobs that were lost with workers, any of which may be why; returns those to try
            alone. All others are its own to deal with.

        Yields
        ------
        done : list of (list, object)
            Jobs that are done, with what the task returned.
        deadly : list
            Jobs whose workers died though nothing else was in their hands.
        """
        while self._supply(take):
            ended, _ = wait(self._running, POLL_SECONDS, FIRST_COMPLETED)
            done, lost = self._collect(ended)
            was_alone = self._is_alone or not self._engine.falls_together
            if lost and self._engine.falls_together:
                lost += self._running.values()
                self._running.clear()
                self._let_go(at_once=True)
            deadly = [jobs[0] for jobs in lost if was_alone and len(jobs) == 1]
            if others := [job for jobs in lost if not was_alone or len(jobs) > 1 for job in jobs]:
                self._suspects.extend([job] for job in recover(others))
            yield done, deadly

    def run(self, jobs: Sequence[Any], stop: Callable[[], Any] = lambda: False) -> Iterator[tuple[int, Any]]:
        """Do the task for every job, in any order.

        Parameters
        ----------
        jobs : sequence
            What can be pickled.
        stop : callable
            Asked again and again; once it answers true nothing is begun or waited for.

        Yields
        ------
        number : int
            Position in `jobs`.
        result : object
            What the task returned, or a `Failure`.
        """
        waiting = iter(enumerate(jobs))
        for done, deadly in self.work(lambda: None if stop() else list(islice(waiting, 1)), sorted):
            yield from ((number, result) for [(number, _)], result in done)
            yield from ((number, Failure("its worker died")) for number, _ in deadly)
            if stop():
                self._running.clear()
                self._let_go(at_once=True)
                return

    def _supply(self, take: Callable[[], Any]) -> bool:
        """Hand out what there is; False when there is nothing left to do or wait for."""
        is_suspect = bool(self._suspects) and self._engine.falls_together
        if not self._running and is_suspect != self._is_alone:
            self._let_go(at_once=False)
            self._is_alone = is_suspect
        most = 1 if self._is_alone else self._engine.ahead * self._engine.workers
        while len(self._running) < most and (jobs := self._next(take)):
            self._submit(jobs)
        return bool(self._running)

    def _next(self, take: Callable[[], Any]) -> Any:
        if self._suspects:
            return self._suspects.popleft()
        return None if self._is_alone else take()

    def _submit(self, jobs: list[Any]) -> None:
        try:
            if self._executor is None:
                self._executor = self._engine.open(1 if self._is_alone else None)
            future = self._executor.submit(self._task, jobs)
        except BrokenExecutor as error:
            future = Future()
            future.set_exception(error)
        self._running[future] = jobs

    def _collect(self, ended: set[Future[Any]]) -> tuple[list[tuple[list[Any], Any]], list[list[Any]]]:
        """What was done, with its results, and what was lost with workers."""
        done, lost = [], []
        for future in ended:
            jobs = self._running.pop(future)
            try:
                done.append((jobs, future.result()))
            except self._engine.died:
                lost.append(jobs)
        return done, lost

    def _let_go(self, *, at_once: bool) -> None:
        """Close the executor; what its workers wrote stays."""
        if self._executor is not None:
            executor, self._executor = self._executor, None
            self._engine.close(executor, at_once=at_once)


def of(
    task: Callable[[Any], Any], workers: int, setup: Callable[..., None] | None = None, *arguments: Any
) -> Workers:
    """Workers of this machine for a task; with 1 everything happens in this process.

    Parameters
    ----------
    task : callable
        A function of a module, of one argument.
    workers : int
        Processes.
    setup : callable, optional
        Called once in every worker before its first task.
    *arguments
        Of `setup`.
    """
    engine = local(DEFAULT if workers > 1 else SERIAL, workers, setup, *arguments)
    return Workers(engine, partial(_attempted, task))


def run_over(
    task: Callable[[Any], Any],
    jobs: Sequence[Any],
    *,
    workers: int = 1,
    setup: Callable[..., None] | None = None,
    setup_arguments: tuple[Any, ...] = (),
    stop: Callable[[], Any] = lambda: False,
) -> Iterator[tuple[int, Any]]:
    """Do a task for every job with workers of its own; see `of` and `Workers.run`."""
    with of(task, min(workers, len(jobs)), setup, *setup_arguments) as those:
        yield from those.run(jobs, stop)


def _attempted(task: Callable[[Any], Any], jobs: list[tuple[int, Any]]) -> Any:
    """The task's result for the one job there is, or how it failed."""
    [(_, job)] = jobs
    try:
        return task(job)
    except Stopped:
        raise
    except (Exception, SystemExit) as error:
        return failure(error)
