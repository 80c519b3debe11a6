"""`hedgequake merge`: the shards of a sweep, brought together."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from scenarios.terminal.arguments import add_trust
from scenarios.terminal.ending import RUN_FAILED

ABOUT, PLACE = "bring the shards of a sweep together", 80


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("folder", metavar="DIR", type=Path)
    add_trust(parser)


def run(options: argparse.Namespace) -> int:
    """Bring them together and say what is missing."""
    from scenarios.folders.folder import INTERRUPTED
    from scenarios.sweeps.sweep import merge
    from scenarios.terminal.sweep_summary import code, summary

    outcome = merge(options.folder)
    print(summary(outcome))
    missing = outcome.planned - outcome.done - outcome.failed
    if outcome.status == INTERRUPTED:
        what = "the shards that are not finished go on with their own commands; then merge again"
        print(f"{options.folder}: {missing:,} runs are missing; {what}", file=sys.stderr)
        return RUN_FAILED
    return code(outcome)
