"""`hedgequake plot`: the figures of a results folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from scenarios.terminal import ending

ABOUT, PLACE = "draw the figures of a results folder again", 90


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("folder", metavar="DIR", type=Path)
    parser.set_defaults(trust=False)


def run(options: argparse.Namespace) -> int:
    """Draw them and print where they are."""
    from scenarios.folders.folder import FAILED, FINISHED
    from scenarios.process.interruption import Interruption
    from scenarios.runs.rendering import draw

    failed: dict[str, str] = {}
    with Interruption() as interruption:
        for path in draw(options.folder, interruption, failed):
            print(path)
    return ending.code(FAILED if failed else FINISHED, interruption, options.folder)
