"""The pool: many independent tasks over a few processes, none lost when one fails.

Workers start fresh (spawn), import and set up once, and then take one task after the other.
A task that raises comes back as a failure with its traceback. When a worker dies, the tasks
that were in the pool's hands are tried once more, each alone, so that only the one that
kills its worker is lost.
"""

from __future__ import annotations

import os
import signal
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import active_children, get_context
from typing import Any, NamedTuple

from scenarios.process.interruption import Stopped

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


def cores() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run(
    task: Callable[[Any], Any],
    arguments: Sequence[Any],
    *,
    workers: int = 1,
    setup: Callable[..., None] | None = None,
    setup_arguments: tuple[Any, ...] = (),
    stop: Callable[[], Any] = lambda: False,
) -> Iterator[tuple[int, Any]]:
    """Run a task on every argument, in any order.

    Parameters
    ----------
    task : callable
        A function of a module, of one argument.
    arguments : sequence
        What can be pickled.
    workers : int
        Processes; with 1 everything runs in this one.
    setup : callable, optional
        Called once in every worker before its first task.
    stop : callable
        Asked again and again; once it answers true nothing is begun or waited for.

    Yields
    ------
    number : int
        Position in `arguments`.
    result : object
        What the task returned, or a `Failure`.
    """
    if workers <= 1 or len(arguments) <= 1:
        if setup is not None:
            setup(*setup_arguments)
        for number, argument in enumerate(arguments):
            if stop():
                return
            yield number, _attempted(task, argument)
        return
    start = _Start(workers, setup, setup_arguments)
    waiting = deque(range(len(arguments)))
    while waiting and not stop():
        suspects = yield from _pooled(task, arguments, waiting, start, stop)
        for number in suspects:
            if stop():
                return
            yield number, _alone(task, arguments[number], start)


class _Start(NamedTuple):
    """How pools are made."""

    workers: int
    setup: Callable[..., None] | None
    setup_arguments: tuple[Any, ...]

    def pool(self, most: int) -> ProcessPoolExecutor:
        """A pool of so many workers at most."""
        workers = min(self.workers, most)
        begin = (self.setup, self.setup_arguments)
        return ProcessPoolExecutor(workers, get_context("spawn"), _begin, begin)


def _begin(setup: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    """Set a worker up; Ctrl-C is for the parent to deal with."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if setup is not None:
        setup(*arguments)


def _pooled(
    task: Callable[[Any], Any],
    arguments: Sequence[Any],
    waiting: deque[int],
    start: _Start,
    stop: Callable[[], Any],
) -> Generator[tuple[int, Any], None, list[int]]:
    """One pool's life: until all is done or stopped, or a worker dies; what was in its hands then."""
    running: dict[Future[Any], int] = {}
    before = set(active_children())
    pool = start.pool(len(waiting))
    try:
        while (waiting or running) and not stop():
            while waiting and len(running) < 2 * start.workers:
                running[pool.submit(_attempted, task, arguments[waiting[0]])] = waiting[0]
                waiting.popleft()
            finished, _ = wait(running, POLL_SECONDS, FIRST_COMPLETED)
            for future in finished:
                result = future.result()
                yield running.pop(future), result
    except BrokenProcessPool:
        return sorted(running.values())
    finally:
        pool.shutdown(wait=not running, cancel_futures=True)
        for worker in set(active_children()) - before:
            worker.terminate()  # nobody waits for what it does
    return []


def _alone(task: Callable[[Any], Any], argument: Any, start: _Start) -> Any:
    """The result of a task in a pool of its own; a failure if the worker dies again."""
    with start.pool(1) as pool:
        try:
            return pool.submit(_attempted, task, argument).result()
        except BrokenProcessPool:
            return Failure("its worker died")


def _attempted(task: Callable[[Any], Any], argument: Any) -> Any:
    """The task's result, or how it failed."""
    try:
        return task(argument)
    except Stopped:
        raise
    except (Exception, SystemExit) as error:
        return failure(error)


def failure(error: BaseException) -> Failure:
    """The failure that an exception is."""
    return Failure(f"{type(error).__name__}: {error}", "".join(traceback.format_exception(error)))
