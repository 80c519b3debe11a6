"""Locks: who is at work in a folder that is written in place.

The system holds the lock for the process and lets go of it however that ends, so a file left by one
that was killed locks nothing. What is in the file says who holds it: the host and the process.
"""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = ".lock"


class Held(Exception):
    """Another process is at work in the folder; says which."""


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keep a folder for this process alone.

    Raises
    ------
    Held
        If another process has it.
    OSError
        If there can be no lock.
    """
    file = _locked(folder / NAME)
    try:
        os.ftruncate(file, 0)
        os.pwrite(file, f"{socket.gethostname()} {os.getpid()}\n".encode(), 0)
        try:
            yield
        finally:
            (folder / NAME).unlink(missing_ok=True)
    finally:
        os.close(file)


def _locked(path: Path) -> int:
    """A lock file that is open and locked, and still there: its last holder may have removed it."""
    while True:
        file = os.open(path, os.O_CREAT | os.O_RDWR, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists() and os.path.samestat(os.fstat(file), path.stat()):
                return file
        except BlockingIOError as error:
            owner = _owner(file)
            os.close(file)
            raise Held(owner) from error
        except OSError:
            os.close(file)
            raise
        os.close(file)


def holder(folder: Path) -> str | None:
    """Which process is at work in a folder, or in one inside it; None if there is none."""
    for path in sorted(folder.rglob(NAME)):
        try:
            file = os.open(path, os.O_RDONLY)
        except OSError:
            continue
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return _owner(file)
        except OSError:
            continue
        finally:
            os.close(file)
    return None


def _owner(file: int) -> str:
    """The process that a lock names."""
    host, _, process = os.pread(file, 512, 0).decode(errors="replace").strip().partition(" ")
    return f"process {process} on {host}" if process.isdigit() else "one that it does not name"
