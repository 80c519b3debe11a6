"""Endings: what a command says of a result when it is over, and its exit code."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from scenarios.folders.folder import FAILED, FINISHED
from scenarios.folders.ownership import manifest
from scenarios.process.shell import command, place

SUCCESS, RUN_FAILED, BAD_INPUT, INTERRUPTED_BY_KEY = 0, 1, 2, 130
STDOUT, STDERR = 1, 2


@contextmanager
def stdout_kept(options: argparse.Namespace) -> Iterator[None]:
    """Keep stdout for one document with `--json`: all else that is printed inside goes to stderr.

    What workers and the user's own code print too. `options.stdout` is where the document goes.
    """
    options.stdout = sys.stdout
    if not getattr(options, "json", False):
        yield
    elif (stream := sys.__stdout__) is None or stream is not sys.stdout:
        with redirect_stdout(sys.stderr):
            yield
    else:
        stream.flush()
        kept = os.dup(STDOUT)
        os.dup2(STDERR, STDOUT)
        with os.fdopen(os.dup(kept), "w", encoding="utf-8") as options.stdout:
            try:
                yield
            finally:
                stream.flush()
                os.dup2(kept, STDOUT)
                os.close(kept)


def tell(options: argparse.Namespace, text: str, of: Callable[[], dict[str, Any]]) -> None:
    """Print what a command has found, as text or, with `--json`, as one document."""
    if options.json:
        print(json.dumps(of(), indent=2, allow_nan=False), file=options.stdout, flush=True)
    else:
        print(text)


def document(status: str, folder: Path, following: Sequence[str] = ()) -> dict[str, Any]:
    """What the document of a command says of a result: kind, status, folder, manifest, what to do next."""
    found = manifest(folder)
    own = {"kind": found.get("kind"), "status": status, "folder": place(folder)}
    return {**own, "next": list(following), "manifest": found}


def following(commands: Sequence[str]) -> list[str]:
    """What to do next, as lines."""
    return ["next:", *(f"  {each}" for each in commands)] if commands else []


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
