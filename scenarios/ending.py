"""Endings: what a command says of a result when it is over, and its exit code."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from scenarios.folder import FAILED, FINISHED
from scenarios.shell import command, place

SUCCESS, RUN_FAILED, BAD_INPUT, INTERRUPTED_BY_KEY = 0, 1, 2, 130


def code(status: str, interruption: Any, folder: Path, wanted: Path | None = None) -> int:
    """Exit code of what ended so; a signal shows in it whatever had become of the run by then.

    Parameters
    ----------
    status : str
    interruption : Interruption
    folder : Path
        Where the result is.
    wanted : Path, optional
        Where it was to be; if it is elsewhere, that is said.
    """
    if status == FINISHED and interruption.is_cut:
        again = command("plot", place(folder))
        print(f"interrupted while drawing; the results are whole, {again} draws all figures", file=sys.stderr)
    if wanted is not None:
        say_where(status, folder, wanted)
    if status == FAILED:
        return RUN_FAILED
    return 128 + interruption.signal if interruption.signal else SUCCESS


def say_where(status: str, folder: Path, wanted: Path) -> None:
    """Say that a result is beside the place where it was to be, if it is."""
    if folder != wanted.resolve():
        what = f"{place(wanted)}: kept as it is; the {status} result is in {place(folder)}"
        print(what, file=sys.stderr)
