"""Arguments: the command line made of its commands, and what several of them take."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn, Protocol

from scenarios.file.errors import SENTENCE, short

FIGURES = ("none", "main", "all")
"""As of `analysis.figures.figure`, whose libraries are imported when something is drawn."""

MOST = 1_000_000
"""Of runs, seeds and processes."""

WHOLE = re.compile(r"[+-]?[0-9]{1,400}")
"""A whole number of as many digits as are read."""


class Command(Protocol):
    """A module of `scenarios.commands`.

    Attributes
    ----------
    ABOUT : str
        What it does, for the help.
    PLACE : int
        Where it stands there.
    """

    ABOUT: str
    PLACE: int

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Say what the command takes."""

    def run(self, options: argparse.Namespace) -> int:
        """Do what was asked for and return an exit code."""


def command_line(commands: Mapping[str, Command]) -> argparse.ArgumentParser:
    """What reads the command line; the `run` of the command that is named becomes `command`.

    Parameters
    ----------
    commands : mapping of str to module
        By name; without a name on the command line `command` is None.
    """
    parser = _Parser(
        prog="hedgequake",
        description="How much do many hedgers in one market amplify price moves together?",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    parser.set_defaults(command=None, trust=True)
    added = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name, command in commands.items():
        own = added.add_parser(name, help=command.ABOUT, description=command.ABOUT)
        own.set_defaults(command=command.run)
        command.arguments(own)
    return parser


def add_file(parser: argparse.ArgumentParser) -> None:
    """A scenario."""
    parser.add_argument("file", metavar="FILE", help="a scenario file, or a name that `list` prints")


def add_scenario(parser: argparse.ArgumentParser) -> None:
    """A scenario and what is set over it."""
    add_file(parser)
    parser.add_argument("--seed", metavar="N", type=_whole, help="instead of the scenario's")
    parser.add_argument("--steps", metavar="N", type=_whole, help="instead of the scenario's")
    parser.add_argument(
        "--set", metavar="K=V", action="append", default=[], help="set a value by dotted key; repeatable"
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """A document instead of text."""
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")


def add_trust(parser: argparse.ArgumentParser) -> None:
    """Whether to run code that a scenario brings."""
    what = "import the modules that the scenario brings, which runs their code"
    parser.add_argument("--trust", action="store_true", help=what)


def add_workers(parser: argparse.ArgumentParser) -> None:
    """How many processes."""
    parser.add_argument("--workers", metavar="N", type=count, help="processes; as many as there are cores")


def add_output(parser: argparse.ArgumentParser) -> None:
    """Where results go, and what is said and drawn."""
    add_json(parser)
    parser.add_argument("--out", metavar="DIR", type=Path, help="the results folder")
    parser.add_argument("--force", action="store_true", help="replace a finished result")
    parser.add_argument(
        "--figures",
        choices=FIGURES,
        default=FIGURES[1],
        help="none, the main ones of a run (and its page), or all (main); `report` and `plot` draw the rest",
    )
    parser.add_argument(
        "--no-figures", dest="figures", action="store_const", const=FIGURES[0], help="as --figures none"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress on stderr")


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in a line that a terminal can show."""

    def error(self, message: str) -> NoReturn:
        """Print usage and message, and end."""
        super().error(short(message, SENTENCE))


def count(text: str) -> int:
    """A whole number above 0."""
    found = _whole(text)
    if not 1 <= found <= MOST:
        raise argparse.ArgumentTypeError(f"found {short(text)}; allowed: a whole number from 1 to {MOST:,}")
    return found


def _whole(text: str) -> int:
    """A whole number."""
    if not WHOLE.fullmatch(text):
        raise argparse.ArgumentTypeError(f"found {short(text)}; allowed: a whole number")
    return int(text)


def share(text: str) -> float:
    """A number from 0 to 1."""
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found <= 1:
        raise argparse.ArgumentTypeError(f"found {short(text)}; allowed: a number from 0 to 1")
    return found


def number(text: str) -> float:
    """A number that is finite."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise argparse.ArgumentTypeError(f"found {short(text)}; allowed: a finite number")
    return found


def positive(text: str) -> float:
    """A finite number above 0."""
    found = number(text)
    if found <= 0:
        raise argparse.ArgumentTypeError(f"found {short(text)}; allowed: a number above 0")
    return found


def size(text: str) -> float:
    """A share above 0, as a fraction or with a percent sign."""
    found = positive(text.rstrip().removesuffix("%")) / (100 if text.rstrip().endswith("%") else 1)
    if found > 1:
        raise argparse.ArgumentTypeError(f"found {short(text)}; allowed: above 0, up to 1 or 100%")
    return found


def listed(kind: Callable[[str], float]) -> Callable[[str], list[float]]:
    """What reads several of a kind, with commas between them."""

    def read(text: str) -> list[float]:
        return [kind(part) for part in text.split(",")]

    return read


class _Version(argparse.Action):
    """Looks the version up only if it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import version

        print(f"hedgequake {version('hedgequake')}")
        parser.exit()
