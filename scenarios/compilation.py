"""Compilation: what numba is at while kernels are compiled, and how a signal ends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from numba.core.event import Listener, TimingListener, install_listener

from scenarios.interruption import Interruption


class Compilation(TimingListener):  # type: ignore[misc]  # numba ships no types
    """Measures what numba compiles, and says when it starts; silent while all comes from the cache."""

    def __init__(self, announce: Callable[[], None]) -> None:
        super().__init__()
        self._announce: Callable[[], None] | None = announce

    def on_start(self, event: Any) -> None:
        """Announce the first kernel."""
        if self._announce is not None:
            self._announce()
            self._announce = None
        super().on_start(event)

    @property
    def seconds(self) -> float:
        """Time spent compiling."""
        return float(self.duration) if self.done else 0.0


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
