"""`hedgequake report`: one page about a results folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from scenarios.process.shell import command, place
from scenarios.terminal.arguments import add_trust
from scenarios.terminal.ending import SUCCESS

ABOUT, PLACE = "write one page about a results folder, the answer first", 120


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("folder", metavar="DIR", type=Path)
    add_trust(parser)


def run(options: argparse.Namespace) -> int:
    """Write the page and print where it is."""
    from scenarios.process.interruption import Interruption
    from scenarios.runs.rendering import write_report

    with Interruption(at_once=True):
        written, unknown = write_report(options.folder)
    print(written)
    if unknown:
        trusting = command("report", place(options.folder), "--trust")
        print(f"not imported: {', '.join(unknown)}; with what they say of themselves: {trusting}")
    return SUCCESS
