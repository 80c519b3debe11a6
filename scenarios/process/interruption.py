"""Interruption: Ctrl-C and SIGTERM, taken note of and answered where work can stop."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from types import FrameType
from typing import Any, Self, TypeVar

Item = TypeVar("Item")

GRACE_SECONDS = 2.0
"""How long a process that is told to end at once may take to notice."""


class Stopped(SystemExit):
    """The process is to end now; no code of the user's has asked for it."""


class Interruption:
    """Ctrl-C and SIGTERM as a note to stop at the next good moment; the second one stops at once.

    At once, whatever the process is doing: Python looks at signals between two of its own
    instructions only, so a process that is in compiled code for long is ended from a thread.

    Parameters
    ----------
    at_once : bool
        Stop at the first signal: for what writes nothing before its end.

    Attributes
    ----------
    signal : int
        The signal that came, 0 if none.
    is_cut : bool
        Whether figures were left out because of it.
    """

    def __init__(self, *, at_once: bool = False) -> None:
        self.signal = 0
        self.is_cut = False
        self._at_once = at_once
        self._previous: dict[int, Any] = {}
        self._guard = Guard(1 if at_once else 2)

    def __enter__(self) -> Self:
        """Listen."""
        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous[number] = signal.signal(number, self._note)
        self._guard.begin()
        return self

    def __exit__(self, *_: object) -> None:
        """Listen no more."""
        self._guard.end()
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def until(self, items: Iterable[Item]) -> Iterator[Item]:
        """The items, one made after the other, and none after a signal; each is finished."""
        made = iter(items)
        while not self.signal:
            try:
                item = next(made)
            except StopIteration:
                return
            yield item
        self.is_cut = True

    def _note(self, number: int, _: FrameType | None) -> None:
        is_last = bool(self.signal) or self._at_once
        if is_last:
            self._guard.is_answered.set()
        if self._at_once:
            print("interrupted; nothing more is written", file=sys.stderr)
        if is_last:
            raise Stopped(128 + number)
        self.signal = number


class Guard:
    """Ends a process that does not answer the last signal it should need.

    Parameters
    ----------
    signals : int
        How many signals that is.

    Attributes
    ----------
    is_answered : Event
        Set where the process has seen it and is about to end by itself.
    """

    def __init__(self, signals: int) -> None:
        self.is_answered = threading.Event()
        self._signals = signals

    def begin(self) -> None:
        """Watch the signals of this process, not those of its children."""
        self._heard, self._told = socket.socketpair()
        self._told.setblocking(False)
        self._previous = signal.set_wakeup_fd(self._told.fileno(), warn_on_full_buffer=False)
        self._process = os.getpid()
        threading.Thread(target=self._watch, args=(self._heard,), daemon=True).start()

    def end(self) -> None:
        """Watch no more."""
        self.is_answered.set()
        signal.set_wakeup_fd(self._previous)
        self._told.close()

    def _watch(self, heard: socket.socket) -> None:
        came: list[int] = []
        with heard:
            while len(came) < self._signals:
                numbers = heard.recv(64)
                if not numbers:
                    return
                came += [number for number in numbers if number in (signal.SIGINT, signal.SIGTERM)]
        if not self.is_answered.wait(GRACE_SECONDS):
            os._exit(128 + came[-1])


def _forget_in_children() -> None:
    """Signals of a forked process are its own."""
    with suppress(ValueError):  # not the main thread: nothing was set
        signal.set_wakeup_fd(-1)


os.register_at_fork(after_in_child=_forget_in_children)
