"""`hedgequake sensitivity`: which of the swept keys matter."""

from __future__ import annotations

import argparse
from pathlib import Path

from analysis.base.arms import BASE
from scenarios.terminal.ending import SUCCESS

ABOUT, PLACE = "Sobol indices of a saltelli sweep, with intervals", 100


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("folder", metavar="DIR", type=Path)
    parser.set_defaults(trust=False)
    parser.add_argument("--metric", metavar="NAME", help="of which metric; the sweep's first if left out")
    parser.add_argument("--arm", metavar="NAME", default=BASE)


def run(options: argparse.Namespace) -> int:
    """Print the indices and where they are drawn."""
    from scenarios.process.interruption import Interruption
    from scenarios.runs.rendering import write_sensitivity

    with Interruption(at_once=True):
        text, written = write_sensitivity(options.folder, options.metric, options.arm)
    print(text)
    for path in written:
        print(path)
    return SUCCESS
