"""A row of the benchmark's table: what was measured, how it scattered, and what was asked for."""

from __future__ import annotations

import gc
import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

SIGNS = {"x": "x", "s": " s", "us": " us", "MiB": " MiB", "B": " B"}


@dataclass(frozen=True)
class Spread:
    """Median and range of repeats.

    Parameters
    ----------
    median, low, high : float
    """

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of measured values."""
        return cls(median(values), min(values), max(values))


@dataclass(frozen=True)
class Goal:
    """What a figure should reach.

    Parameters
    ----------
    bound : float
        The least ratio, or the most seconds or bytes, that will do.
    aim : float or None
        None if nothing beyond the bound was asked.
    more_is_better : bool
    """

    bound: float
    aim: float | None = None
    more_is_better: bool = True

    def verdict(self, figure: float) -> str:
        """Say "aim", "reached" or "short"."""
        sign = 1.0 if self.more_is_better else -1.0
        if self.aim is not None and sign * figure >= sign * self.aim:
            return "aim"
        return "reached" if sign * figure >= sign * self.bound else "short"


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Parameters
    ----------
    name : str
    spread : Spread
        Of the figure that is judged.
    unit : str
        Of that figure: "x" for a ratio, "s", "us", "MiB" or "B".
    goal : Goal or None
    ours, peer : str
        Absolute figures, as they are shown.
    """

    name: str
    spread: Spread
    unit: str
    goal: Goal | None = None
    ours: str = ""
    peer: str = ""

    @property
    def verdict(self) -> str:
        """What the median amounts to; a dash if nothing was asked."""
        return self.goal.verdict(self.spread.median) if self.goal else "-"

    def cells(self) -> tuple[str, ...]:
        """Name, ours, peer, figure, range, bound, aim and verdict."""
        low, high = figure(self.spread.low), figure(self.spread.high)
        goals = [self.goal.bound, self.goal.aim] if self.goal else [None, None]
        asked = ["-" if g is None else figure(g) + SIGNS[self.unit] for g in goals]
        shown = figure(self.spread.median) + SIGNS[self.unit]
        return (self.name, self.ours, self.peer, shown, f"{low}-{high}", *asked, self.verdict)


class MissingPeer(ImportError):
    """A package to compare with is not installed; the message says how to get it."""


def peer(name: str) -> Any:
    """Import a package to compare with.

    Raises
    ------
    MissingPeer
        If it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingPeer(f"{name} is not installed; pip install 'hedgequake[dev]' brings it") from error


@dataclass(frozen=True)
class Comparison:
    """Rates of two contestants, measured in turns.

    Parameters
    ----------
    ours, peer : tuple of float
        A rate per repeat; pairs were measured one right after the other.
    """

    ours: tuple[float, ...]
    peer: tuple[float, ...]

    @property
    def ratio(self) -> Spread:
        """Spread of ours over the peer's, pair by pair."""
        return Spread.of([a / b for a, b in zip(self.ours, self.peer, strict=True)])

    def row(self, name: str, goal: Goal | None, unit: str, least: float = 0.0) -> Row:
        """The row that judges the ratio and shows both rates.

        Parameters
        ----------
        name : str
        goal : Goal or None
        unit : str
            Of the rates.
        least : float
            Rate that the peer has reached elsewhere; the row says so where it is slower here.
        """
        ours, peer = (median(rates) for rates in (self.ours, self.peer))
        below = f" < {rate(least).strip()}" if peer < least else ""
        return Row(name, self.ratio, "x", goal, f"{rate(ours)} {unit}", f"{rate(peer)} {unit}{below}")


def alternate(ours: Callable[[], float], other: Callable[[], float], repeats: int) -> Comparison:
    """Measure two contestants in turns, so that a slow moment of the machine meets both.

    Parameters
    ----------
    ours, other : callable
        Runs once and returns its rate.
    repeats : int
    """
    pairs = []
    for _ in range(repeats):
        gc.collect()
        pairs.append((ours(), other()))
    return Comparison(tuple(a for a, _ in pairs), tuple(b for _, b in pairs))


def figure(value: float) -> str:
    """A number with three digits that count."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}"


def rate(value: float) -> str:
    """A rate a second with its prefix."""
    for factor, prefix in ((1e6, " M"), (1e3, " k")):
        if value >= factor:
            return figure(value / factor) + prefix
    return figure(value) + " "
