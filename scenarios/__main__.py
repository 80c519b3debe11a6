"""The command line: `hedgequake`, or `python -m scenarios`.

A command is a module of `scenarios.commands`, found because it is there; it imports what it
needs when it runs, so that the light ones start at once.
"""

from __future__ import annotations

import argparse
import errno
import pkgutil
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from scenarios import commands as package
from scenarios.file.errors import FILE, ScenarioError, middle_out
from scenarios.file.trust import trusted
from scenarios.process import garbage, streams
from scenarios.terminal import ending
from scenarios.terminal.arguments import Command, command_line
from scenarios.terminal.ending import BAD_INPUT, INTERRUPTED_BY_KEY, RUN_FAILED, SUCCESS

BAD_PATHS = (
    errno.EACCES,
    errno.EISDIR,
    errno.ELOOP,
    errno.ENAMETOOLONG,
    errno.ENOTDIR,
    errno.EPERM,
    errno.EROFS,
)
"""Errors of the path that was given, not of what is done there."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the process if not given.
    """
    with streams.usable():
        parser = command_line(commands())
        options = parser.parse_args(arguments)
        if options.command is None:
            parser.print_help()
            return SUCCESS
        try:
            return _done(options)
        finally:
            garbage.resume()


def _done(options: argparse.Namespace) -> int:
    """Do what was asked for; what keeps it from being done is a line on stderr."""
    is_quiet = getattr(options, "quiet", False)
    try:
        with (
            ending.stdout_kept(options),
            trusted(options.trust, lambda text: None if is_quiet else print(text, file=sys.stderr)),
        ):
            ended: int = options.command(options)
        sys.stdout.flush()
        return ended
    except ScenarioError as error:
        print(error, file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        return INTERRUPTED_BY_KEY
    except BrokenPipeError:
        streams.discard_output()
        return RUN_FAILED
    except OSError as error:
        streams.discard_output()
        print(f"{_place(error)}{error.strerror or error}", file=sys.stderr)
        return BAD_INPUT if error.errno in BAD_PATHS else RUN_FAILED
    except MemoryError as error:
        said = f"out of memory: {error}" if str(error) else "out of memory"
        print(f"{said}; fewer participants, contracts or steps need less", file=sys.stderr)
        return RUN_FAILED


def _place(error: OSError) -> str:
    """The file that something is wrong with, if that is known."""
    named = error.filename2 or error.filename
    return f"{middle_out(str(named), FILE)}: " if named is not None else ""


def commands() -> dict[str, Command]:
    """The modules of `scenarios.commands` by name, in the order of their places."""
    names = [each.name for each in pkgutil.iter_modules(package.__path__)]
    found: dict[str, Any] = {name: import_module(f"{package.__name__}.{name}") for name in names}
    return dict(sorted(found.items(), key=lambda item: item[1].PLACE))


if __name__ == "__main__":
    sys.exit(main())
