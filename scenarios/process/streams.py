"""Streams: standard output and error of a command, whatever has become of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import Any, TextIO, cast

STANDARD = (0, 1, 2)


class Unfailing:
    """A stream for remarks: what cannot be written is not said, and nothing breaks for it.

    Parameters
    ----------
    stream : file
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write, if that is possible."""
        with suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, if that is possible."""
        with suppress(OSError, ValueError):
            self._stream.flush()


@contextmanager
def usable() -> Iterator[None]:
    """Standard streams to write to: none is closed, none refuses a letter, and remarks break nothing."""
    _open_closed()
    out, remarks = sys.stdout or _nowhere(), sys.stderr or _nowhere()
    for stream in (out, remarks):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    with redirect_stdout(out), redirect_stderr(cast(TextIO, Unfailing(remarks))):
        yield


def discard_output() -> None:
    """Let what is left to write go nowhere, lest the interpreter try again as it ends."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _open_closed() -> None:
    """Open standard streams that the caller closed: files would get their numbers, and their remarks."""
    for number in STANDARD:
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _nowhere() -> TextIO:
    return open(os.devnull, "w")
