"""Resumed: tasks done by workers, each result kept as it comes; what was kept before is not done again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from scenarios.folders.begun import Begun
from scenarios.workers.workers import Failure, Workers


def returned(result: Any) -> bool:
    """Whether a task returned at all."""
    return not isinstance(result, Failure)


def resumed(
    workers: Workers,
    jobs: Mapping[str, Any],
    begun: Begun,
    stop: Callable[[], Any],
    is_whole: Callable[[Any], bool] = returned,
) -> Iterator[tuple[str, Any]]:
    """Do the jobs that were not done yet, in any order.

    Parameters
    ----------
    workers : Workers
        Their task returns what JSON can hold.
    jobs : mapping of str to object
        By a name that says all that makes a job this one.
    begun : Begun
    stop : callable
        Asked again and again; once it answers true nothing is begun or waited for.
    is_whole : callable
        Whether what a task came to is worth keeping; what is not is done again by the next session.

    Yields
    ------
    name : str
    result : object
        What the task returned, or a `Failure`.
    """
    yield from ((name, begun.results[name]) for name in jobs if name in begun.results)
    left = [name for name in jobs if name not in begun.results]
    for number, result in workers.run([jobs[name] for name in left], stop):
        if is_whole(result):
            begun.keep(left[number], result)
        yield left[number], result
