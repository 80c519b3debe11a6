"""Arguments: what each command of `hedgequake` takes, and the help that says so.

What a command does is handed in, so that this file knows none of it and imports nothing heavy.
"""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from scenarios.file.errors import SENTENCE, short

MOST = 1_000_000
"""Of runs, seeds and processes."""

WHOLE = re.compile(r"[+-]?[0-9]{1,400}")
"""A whole number of as many digits as are read."""

Command = Callable[[argparse.Namespace], int]
"""Does what was asked for and returns an exit code."""


def command_line(functions: Mapping[str, Command]) -> argparse.ArgumentParser:
    """What reads the command line; the function of the command that is named becomes `command`.

    Parameters
    ----------
    functions : mapping of str to callable
        Of every command, by its name; without a name on the command line `command` is None.
    """
    parser = _Parser(
        prog="hedgequake",
        description="How much do many hedgers in one market amplify price moves together?",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    parser.set_defaults(command=None, trust=True)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    add = partial(_add, commands, functions)

    add("list", "the scenarios that come with hedgequake")
    add("schema", "the JSON Schema of a scenario file")
    validate = add("validate", "check a scenario and run nothing")
    _add_scenario(validate)
    _add_trust(validate)
    new = add("new", "write a commented starter scenario, NAME.toml")
    new.add_argument("name", metavar="NAME")
    _add_migrate(add("migrate", "rewrite a scenario file of an older version, comments and all"))
    _add_run(add("run", "run a scenario into a results folder"))
    _add_amplify(add("amplify", "compare a scenario with itself without the hedging, over seeds"))
    _add_sweep(add("sweep", "run the design of a scenario, or what is left of it"))
    merge = add("merge", "bring the shards of a sweep together")
    merge.add_argument("folder", metavar="DIR", type=Path)
    _add_trust(merge)
    plot = add("plot", "draw the figures of a results folder again")
    plot.add_argument("folder", metavar="DIR", type=Path)
    plot.set_defaults(trust=False)
    sensitivity = add("sensitivity", "Sobol indices of a saltelli sweep, with intervals")
    sensitivity.add_argument("folder", metavar="DIR", type=Path)
    sensitivity.set_defaults(trust=False)
    sensitivity.add_argument(
        "--metric", metavar="NAME", help="of which metric; the sweep's first if left out"
    )
    sensitivity.add_argument("--arm", metavar="NAME", default="base")
    _add_frontier(add("frontier", "find the critical value of a parameter in few runs"))
    report = add("report", "write one page about a results folder, the answer first")
    report.add_argument("folder", metavar="DIR", type=Path)
    _add_trust(report)
    compare = add("compare", "set results folders side by side")
    compare.set_defaults(trust=False)
    _add_json(compare)
    compare.add_argument("folders", metavar="DIR", type=Path, nargs="+")
    compare.add_argument("--out", metavar="FILE", type=Path, help="write a page (.html) or figure (.png) too")
    _add_chain(add("chain", "read an option chain of any format, sum it up, and write it as ours"))
    _add_replicate(add("replicate", "run published results and set ours beside them"))
    bench = add("bench", "measure speed against peers, side by side")
    bench.add_argument("subject", metavar="SUBJECT", nargs="?", help="one subject; all if left out")
    return parser


def _add(commands: Any, functions: Mapping[str, Command], name: str, about: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=about, description=about)
    parser.set_defaults(command=functions[name])
    return parser


def _add_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a scenario file, or a name that `list` prints")


def _add_scenario(parser: argparse.ArgumentParser) -> None:
    _add_file(parser)
    parser.add_argument("--seed", metavar="N", type=_whole, help="instead of the scenario's")
    parser.add_argument("--steps", metavar="N", type=_whole, help="instead of the scenario's")
    parser.add_argument(
        "--set", metavar="K=V", action="append", default=[], help="set a value by dotted key; repeatable"
    )


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")


def _add_trust(parser: argparse.ArgumentParser) -> None:
    what = "import the modules that the scenario brings, which runs their code"
    parser.add_argument("--trust", action="store_true", help=what)


def _add_migrate(parser: argparse.ArgumentParser) -> None:
    _add_file(parser)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--out", metavar="OTHER", type=Path, help="write a new file and leave FILE as it is")
    where.add_argument("--check", action="store_true", help="write nothing; exit 1 if FILE would change")
    _add_trust(parser)


def _add_run(parser: argparse.ArgumentParser) -> None:
    _add_scenario(parser)
    parser.add_argument("--arm", metavar="NAME", help="run this arm (see `amplify`) instead of base")
    parser.add_argument("--beside", metavar="A,B", help="as it runs when it is compared with these arms")
    _add_output(parser, "draw none, and write no page")


def _add_amplify(parser: argparse.ArgumentParser) -> None:
    _add_scenario(parser)
    parser.add_argument(
        "--seeds",
        metavar="N",
        type=_count,
        default=64,
        help="paired seeds (64); with fewer than 8 there is no interval, four times as many halve it",
    )
    parser.add_argument("--workers", metavar="N", type=_count, help="processes; as many as there are cores")
    parser.add_argument(
        "--arms", metavar="A,B", help="arms to compare; base, muted, open_loop and the scenario's own"
    )
    parser.add_argument(
        "--shapley",
        action="store_true",
        help="credit it to mechanisms as well; costs many runs",
    )
    _add_output(parser)


def _add_sweep(parser: argparse.ArgumentParser) -> None:
    _add_scenario(parser)
    parser.add_argument("--workers", metavar="N", type=_count, help="processes; as many as there are cores")
    parser.add_argument("--engine", metavar="NAME", help="forkserver (spawn where there is none) or serial")
    parser.add_argument("--dask", metavar="ADDRESS", help='a Dask scheduler, or "local"')
    parser.add_argument("--shard", metavar="I/N", help="do this part of N only, for `merge`")
    parser.add_argument("--resume", action="store_true", help="go on, and fail if nothing was begun")
    parser.add_argument("--out", metavar="DIR", type=Path, help="the results folder")
    parser.add_argument("--force", action="store_true", help="replace what the folder holds")
    parser.add_argument("--quiet", action="store_true", help="no progress on stderr")


def _add_frontier(parser: argparse.ArgumentParser) -> None:
    _add_scenario(parser)
    parser.add_argument("--key", metavar="K", required=True, help="dotted key of the parameter")
    parser.add_argument(
        "--metric", metavar="M", required=True, help='a metric, or a chance such as "P(bad_debt > 0)"'
    )
    parser.add_argument("--level", metavar="X", type=_number, required=True, help="that it crosses")
    parser.add_argument("--low", metavar="X", type=_number, help="lowest value looked at")
    parser.add_argument("--high", metavar="X", type=_number, help="highest value looked at")
    parser.add_argument("--arm", metavar="NAME", default="base")
    parser.add_argument("--width", metavar="X", type=_number, default=0.1, help="relative width wanted (0.1)")
    parser.add_argument("--runs", metavar="N", type=_count, default=400, help="most runs (400)")
    parser.add_argument("--workers", metavar="N", type=_count, help="processes; as many as there are cores")
    _add_output(parser)


def _add_chain(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a chain file, or example_chain.csv, which comes along")
    parser.add_argument("--out", metavar="FILE", type=Path, help="write the usable contracts as a CSV")
    parser.add_argument("--currency", metavar="NAME", help="of which currency; needed if there are more")
    parser.add_argument(
        "--expiry-time", metavar="TIME", help='of expiries that are dates alone: "16:00 America/New_York"'
    )
    parser.add_argument("--snapshot-time", metavar="TIME", help="of timestamps that are dates alone")
    parser.add_argument("--as-of", metavar="TIME", help="the moment wanted of a file over time; its last")
    parser.add_argument(
        "--most-left-out",
        metavar="X",
        type=_share,
        default=0.5,
        help="share of the open interest above which a file is refused (0.5)",
    )
    parser.add_argument("--force", action="store_true", help="replace the file that is written")


def _add_replicate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", nargs="?", help="one of them, or all; lists them if left out")
    parser.add_argument("--runs", metavar="N", type=_count, help="repetitions; each has its own number")
    parser.add_argument("--workers", metavar="N", type=_count, help="processes; as many as there are cores")
    parser.add_argument("--quick", action="store_true", help="fewer and smaller runs; intervals widen")
    parser.add_argument("--markdown", action="store_true", help="print one Markdown table instead")
    parser.add_argument("--out", metavar="DIR", type=Path, help="where tables and figures go")


def _add_output(parser: argparse.ArgumentParser, without: str = "draw none") -> None:
    _add_json(parser)
    parser.add_argument("--out", metavar="DIR", type=Path, help="the results folder")
    parser.add_argument("--force", action="store_true", help="replace a finished result")
    parser.add_argument("--no-figures", action="store_true", help=without)
    parser.add_argument("--quiet", action="store_true", help="no progress on stderr")


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in a line that a terminal can show."""

    def error(self, message: str) -> NoReturn:
        """Print usage and message, and end."""
        super().error(short(message, SENTENCE))


def _count(text: str) -> int:
    """A whole number above 0."""
    count = _whole(text)
    if not 1 <= count <= MOST:
        raise argparse.ArgumentTypeError(f"found {short(text)}; allowed: a whole number from 1 to {MOST:,}")
    return count


def _whole(text: str) -> int:
    """A whole number."""
    if not WHOLE.fullmatch(text):
        raise argparse.ArgumentTypeError(f"found {short(text)}; allowed: a whole number")
    return int(text)


def _share(text: str) -> float:
    """A number from 0 to 1."""
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"found {short(text)}; allowed: a number from 0 to 1")
    return share


def _number(text: str) -> float:
    """A number that is finite."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"found {short(text)}; allowed: a finite number")
    return number


class _Version(argparse.Action):
    """Looks the version up only if it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import version

        print(f"hedgequake {version('hedgequake')}")
        parser.exit()
