"""`hedgequake new`: a scenario to begin with."""

from __future__ import annotations

import argparse

from scenarios.file import library
from scenarios.process.shell import command
from scenarios.terminal.ending import SUCCESS

ABOUT, PLACE = "write a commented starter scenario, NAME.toml", 40


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("name", metavar="NAME")


def run(options: argparse.Namespace) -> int:
    """Write it and say how to run it."""
    path = library.start(options.name)
    print(f"{path} written; next: {command('run', path.stem)}")
    return SUCCESS
