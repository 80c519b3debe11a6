"""Compilation: kernels that no run has needed yet are compiled first, which takes a while and is said once.

Commands say it among their progress; in Python it is said on stderr as soon as the first one is
compiled after a market was built. A signal ends it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

from numba.core.event import Listener, TimingListener, install_listener, register

from scenarios.process.interruption import Interruption
from sim.base.ahead import PARTS
from sim.base.packages import may_hold_kernels

WORDS = "compiling kernels that no run has needed yet"
KIND = "numba:compile"

_is_said_elsewhere: ContextVar[bool] = ContextVar("is_said_elsewhere", default=False)


class Compilation(TimingListener):  # type: ignore[misc]  # numba ships no types
    """Measures what numba compiles, and says when it starts; silent while all comes from the cache."""

    def __init__(self, announce: Callable[[str], None]) -> None:
        super().__init__()
        self._announce, self._is_announced = announce, False

    def on_start(self, event: Any) -> None:
        """Announce the first kernel, and those that are compiled ahead."""
        if told := _counted(event):
            self._announce(told)
        elif not self._is_announced:
            self._announce(WORDS)
        self._is_announced = True
        super().on_start(event)

    @property
    def seconds(self) -> float:
        """Time spent compiling."""
        return float(self.duration) if self.done else 0.0


def _counted(event: Any) -> str:
    """How many kernels are compiled ahead, and about how long that takes; "" of any other event."""
    parts = event.data.get(PARTS)
    if not parts:
        return ""
    count, seconds = sum(map(len, parts)), max(sum(task.seconds for task in part) for part in parts)
    return f"compiling {count} kernels, about {seconds:.0f} s"


class _Cut(BaseException):
    """A signal came while a kernel was compiled."""


class _Passes(Listener):  # type: ignore[misc]  # numba ships no types
    """Looks for a signal before and after every pass of the compiler."""

    def __init__(self, interruption: Interruption) -> None:
        self._interruption = interruption

    def on_start(self, event: Any) -> None:
        """Stop compiling if a signal has come."""
        if self._interruption.signal:
            raise _Cut

    on_end = on_start


@contextmanager
def cut_short(interruption: Interruption) -> Iterator[None]:
    """Leave what is done inside if a signal comes while kernels are compiled, which takes long.

    A signal that comes while nothing is compiled is for what is inside to look for. What stands
    after the block is reached in any case; `interruption.signal` says which it was.
    """
    with suppress(_Cut), install_listener("numba:run_pass", _Passes(interruption)):
        yield


class _Notice(Listener):  # type: ignore[misc]  # numba ships no types
    """Says once that kernels of ours are compiled; how many, if that is known first."""

    is_done = False

    def on_start(self, event: Any) -> None:
        """Say it, of kernels of ours only."""
        function = getattr(event.data.get("dispatcher"), "py_func", None)
        told = _counted(event)
        if self.is_done or not (told or may_hold_kernels(str(getattr(function, "__module__", "")))):
            return
        self.is_done = True
        if not _is_said_elsewhere.get():
            said = told or f"{WORDS} (once, up to a minute)"
            print(f"hedgequake: {said}", file=sys.stderr, flush=True)

    def on_end(self, event: Any) -> None:
        """Say nothing."""


_notice = _Notice()
_registered: list[_Notice] = []


def notice() -> None:
    """Say it from now on, the first time that it happens in this process."""
    if not _registered:
        register(KIND, _notice)
        _registered.append(_notice)


@contextmanager
def said_elsewhere() -> Iterator[None]:
    """Leave it to a command inside, which says it in its own way or is told to be quiet."""
    before = _is_said_elsewhere.set(True)
    try:
        yield
    finally:
        _is_said_elsewhere.reset(before)
