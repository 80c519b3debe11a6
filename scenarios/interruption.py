"""Interruption: Ctrl-C and SIGTERM, taken note of and answered where work can stop."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import Any, Self, TypeVar

Item = TypeVar("Item")


class Stopped(SystemExit):
    """The process is to end now; no code of the user's has asked for it."""


class Interruption:
    """Ctrl-C and SIGTERM as a note to stop at the next good moment; the second one stops at once.

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

    def __enter__(self) -> Self:
        """Listen."""
        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        """Listen no more."""
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
        if self._at_once:
            print("interrupted; nothing is written", file=sys.stderr)
        if self.signal or self._at_once:
            raise Stopped(128 + number)
        self.signal = number
