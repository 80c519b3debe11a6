"""Trust: whether code that a scenario brings may be run, and who is told of it. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_is_trusted: ContextVar[bool] = ContextVar("is_trusted", default=True)
_say: ContextVar[Callable[[str], None]] = ContextVar("say", default=lambda text: None)


@contextmanager
def trusted(is_trusted: bool, say: Callable[[str], None] = lambda text: None) -> Iterator[None]:
    """Let modules of the user's be imported inside, or none of them.

    Parameters
    ----------
    is_trusted : bool
    say : callable
        Called with a line about each file that is imported, once.
    """
    told: set[str] = set()

    def say_once(text: str) -> None:
        if text not in told:
            told.add(text)
            say(text)

    trust, voice = _is_trusted.set(is_trusted), _say.set(say_once)
    try:
        yield
    finally:
        _is_trusted.reset(trust)
        _say.reset(voice)


def is_trusted() -> bool:
    """Whether modules of the user's may be imported here; in Python they may unless one says otherwise."""
    return _is_trusted.get()


def say(text: str) -> None:
    """Tell whoever runs the command."""
    _say.get()(text)
