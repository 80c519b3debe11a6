"""`hedgequake compare`: results folders side by side."""

from __future__ import annotations

import argparse
from pathlib import Path

from scenarios.file.errors import Problem, ScenarioError
from scenarios.terminal import ending
from scenarios.terminal.arguments import add_json
from scenarios.terminal.ending import SUCCESS

ABOUT, PLACE = "set results folders side by side", 130


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.set_defaults(trust=False)
    add_json(parser)
    parser.add_argument("folders", metavar="DIR", type=Path, nargs="+")
    parser.add_argument("--out", metavar="FILE", type=Path, help="write a page (.html) or figure (.png) too")


def run(options: argparse.Namespace) -> int:
    """Print how they differ, and write it if asked to."""
    from analysis.pages import compare
    from scenarios.folders.damage import reading
    from scenarios.process.interruption import Interruption
    from scenarios.runs.rendering import check_run

    for folder in options.folders:
        check_run(folder)
    if options.out is not None and options.out.suffix not in (".html", ".png"):
        raise ScenarioError(Problem("--out", str(options.out), "must end in .html or .png"))
    names = " ".join(map(str, options.folders))
    with Interruption(at_once=True), reading(Path(names), "be compared"):
        found = compare.compare(options.folders)
        text = str(found)
        written = None if options.out is None else compare.save(found, options.out)
    paths = [] if written is None else [str(written)]
    ending.tell(options, "\n".join([text, *paths]), lambda: {"kind": "comparison", **found.entry()})
    return SUCCESS
