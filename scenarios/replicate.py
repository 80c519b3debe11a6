"""Replications: published results that the market of the scenarios has to give again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple


class Row(NamedTuple):
    """A published number beside ours.

    Attributes
    ----------
    quantity : str
    published, ours, low, high : float
    tolerance : float or None
        None is shown without a verdict.
    unit : str
    """

    quantity: str
    published: float
    ours: float
    low: float
    high: float
    tolerance: float | None
    unit: str = ""


Replicate = Callable[[int, int, bool], list[Row]]


def replication(
    *,
    source: str,
    about: str,
    runs: int = 40,
    quick_runs: int = 4,
    figure: Callable[[Sequence[Row], Any], None] | None = None,
) -> Callable[[Replicate], Replicate]:
    """Make a function a replication of its module."""

    def decorate(function: Replicate) -> Replicate:
        return function

    return decorate
