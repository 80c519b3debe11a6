"""Compiling: kernels that no run has needed yet are compiled first, which takes a while and is said once.

Commands say it among their progress; in Python it is said on stderr as soon as the first one is
compiled after a market was built.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from numba.core import event

WORDS = "compiling kernels that no run has needed yet"
KIND = "numba:compile"
ROOMS = ("sim.", "agents.")

_is_said_elsewhere: ContextVar[bool] = ContextVar("is_said_elsewhere", default=False)


class _Notice(event.Listener):  # type: ignore[misc]  # numba ships no types
    """Says once that a kernel of ours is compiled."""

    is_done = False

    def on_start(self, event: Any) -> None:
        """Say it, of kernels of ours only."""
        function = getattr(event.data.get("dispatcher"), "py_func", None)
        if self.is_done or not str(getattr(function, "__module__", "")).startswith(ROOMS):
            return
        self.is_done = True
        if not _is_said_elsewhere.get():
            print(f"hedgequake: {WORDS} (once, up to a minute)", file=sys.stderr, flush=True)

    def on_end(self, event: Any) -> None:
        """Say nothing."""


_notice = _Notice()
_registered: list[_Notice] = []


def notice() -> None:
    """Say it from now on, the first time that it happens in this process."""
    if not _registered:
        event.register(KIND, _notice)
        _registered.append(_notice)


@contextmanager
def said_elsewhere() -> Iterator[None]:
    """Leave it to a command inside, which says it in its own way or is told to be quiet."""
    before = _is_said_elsewhere.set(True)
    try:
        yield
    finally:
        _is_said_elsewhere.reset(before)
