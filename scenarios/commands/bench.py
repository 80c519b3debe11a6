"""`hedgequake bench`: speed against peers."""

from __future__ import annotations

import argparse

ABOUT, PLACE = "measure speed against peers, side by side", 160


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("subject", metavar="SUBJECT", nargs="?", help="one subject; all if left out")


def run(options: argparse.Namespace) -> int:
    """Measure one subject, or all."""
    from scenarios.benchmarks import bench

    return bench.main(options.subject)
