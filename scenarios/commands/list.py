"""`hedgequake list`: the library."""

from __future__ import annotations

import argparse
import shutil
import sys
import textwrap

from scenarios.file import library
from scenarios.terminal.ending import SUCCESS

ABOUT, PLACE = "the scenarios that come with hedgequake", 10


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes: nothing."""


def run(_: argparse.Namespace) -> int:
    """Print the names and what each is about."""
    names = library.names()
    width = max(map(len, names), default=0) + 2
    for name in names:
        line = f"{name:<{width}}{library.first_sentence(name)}"
        if sys.stdout.isatty():
            columns = max(shutil.get_terminal_size().columns, 2 * width)
            line = textwrap.fill(line, columns, subsequent_indent=" " * width, break_on_hyphens=False)
        print(line)
    return SUCCESS
