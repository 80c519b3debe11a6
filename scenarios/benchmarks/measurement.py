"""Measurements: functions that yield rows of the benchmark's table, found because they are there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, NamedTuple

from scenarios import benchmarks
from scenarios.benchmarks.rows import Row


class Measurement(NamedTuple):
    """Rows of one subject.

    Attributes
    ----------
    function : callable
        Yields them; imports what it compares with when it is called.
    subject : str
        What the command line calls it by; others may have the same.
    place : int
        Among all, in the order in which they are measured.
    """

    function: Callable[..., Iterable[Row]]
    subject: str
    place: int

    def __call__(self, *arguments: Any) -> Iterable[Row]:
        """Measure."""
        return self.function(*arguments)


def measurement(subject: str, place: int) -> Callable[[Callable[..., Iterable[Row]]], Measurement]:
    """Make a function of a module of `scenarios.benchmarks` a measurement; see `Measurement`."""
    return lambda function: Measurement(function, subject, place)


def known() -> list[Measurement]:
    """Every measurement of this folder, in order."""
    found = [
        import_module(f"{benchmarks.__name__}.{each.name}") for each in iter_modules(benchmarks.__path__)
    ]
    own = {each for module in found for each in vars(module).values() if isinstance(each, Measurement)}
    return sorted(own, key=lambda each: each.place)
