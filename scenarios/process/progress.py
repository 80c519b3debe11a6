"""How far a run is, on stderr: a bar in a terminal, a line for every tenth elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

from sim.base.jit import ENTRIES, is_compiled


@contextmanager
def progress(
    label: str, steps: int, *, quiet: bool = False, unit: str = "step"
) -> Iterator[Callable[[int], None]]:
    """A function to call with the number of steps done.

    Parameters
    ----------
    label : str
    steps : int
        How many there are.
    quiet : bool
        Show nothing.
    unit : str
        What a step is called.
    """
    if quiet:
        yield lambda done: None
    elif sys.stderr.isatty():
        with tqdm(total=steps, desc=label, unit=unit, leave=False, file=sys.stderr) as bar:
            yield lambda done: _advance(bar, done)
    else:
        yield _Tenths(label, steps, unit)


def note_compiling(*, quiet: bool = False) -> None:
    """Say that kernels have to be compiled first, where none are kept yet, and if none can be."""
    if not is_compiled():
        ENTRIES.probe()
        note("compiling kernels first (once)", quiet=quiet)


@contextmanager
def tally(label: str, *, quiet: bool = False) -> Iterator[Callable[[int, int, int], None]]:
    """A function to call with the number of runs that are done, planned and failed.

    What is planned may grow. Rate and time left count from the first call on.

    Parameters
    ----------
    label : str
    quiet : bool
        Show nothing.
    """
    if quiet:
        yield lambda done, planned, failed: None
    elif sys.stderr.isatty():
        with tqdm(desc=label, unit="run", leave=False, file=sys.stderr) as bar:
            yield lambda done, planned, failed: _tally(bar, done, planned, failed)
    else:
        yield _Lines(label)


class _Tenths:
    """A line for every tenth of the steps: how many, and how long still, by the speed since the first."""

    def __init__(self, label: str, steps: int, unit: str) -> None:
        self._label, self._steps, self._unit = label, steps, unit
        self._first: tuple[int, float] | None = None

    def __call__(self, done: int) -> None:
        now = time.perf_counter()
        first, began = self._first = self._first or (done, now)
        if 10 * done // self._steps == 10 * (done - 1) // self._steps:
            return
        said = f"{self._label}: {done} of {self._steps} {self._unit}s"
        if first < done < self._steps:
            said += f", {_duration((self._steps - done) * (now - began) / (done - first))} left"
        print(said, file=sys.stderr, flush=True)


class _Lines:
    """A line for every tenth of the runs: how many, how fast, how long still, how many failed."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._began = time.perf_counter()
        self._first: int | None = None
        self._tenth = 0

    def __call__(self, done: int, planned: int, failed: int) -> None:
        if self._first is None:
            self._first, self._began = done, time.perf_counter()
        tenth = 10 * done // max(planned, 1)
        if done == self._first or tenth == self._tenth:
            return
        self._tenth = tenth
        rate = (done - self._first) / max(time.perf_counter() - self._began, 1e-9)
        left = (planned - done) / rate
        said = f"{self._label}: {done:,} of {planned:,} runs, {rate:.1f} a second, {_duration(left)} left"
        print(f"{said}, {failed} failed" if failed else said, file=sys.stderr, flush=True)


def note(text: str, *, quiet: bool = False) -> None:
    """A line on stderr, above the bar if there is one."""
    if not quiet:
        tqdm.write(text, file=sys.stderr)


def _advance(bar: tqdm[None], done: int) -> None:
    bar.update(done - bar.n)


def _tally(bar: tqdm[None], done: int, planned: int, failed: int) -> None:
    if bar.total is None:
        bar.initial = bar.n = done
    bar.total = planned
    if failed:
        bar.set_postfix_str(f"{failed} failed", refresh=False)
    bar.update(done - bar.n)


def _duration(seconds: float) -> str:
    """A time to wait, in the unit that fits it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
