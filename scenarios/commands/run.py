"""`hedgequake run`: one run of a scenario."""

from __future__ import annotations

import argparse
import os

from scenarios.process import garbage
from scenarios.terminal.arguments import add_output, add_scenario

ABOUT, PLACE = "run a scenario into a results folder", 50


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    add_scenario(parser)
    parser.add_argument("--arm", metavar="NAME", help="run this arm (see `amplify`) instead of base")
    parser.add_argument("--beside", metavar="A,B", help="as it runs when it is compared with these arms")
    parser.add_argument("--profile", action="store_true", help="say where the time of a step goes")
    add_output(parser)


def run(options: argparse.Namespace) -> int:
    """Run it, and print and write what it came to."""
    garbage.hold()
    from scenarios.terminal.scenario import scenario_of

    scenario = scenario_of(options)
    os.environ.setdefault("MPLBACKEND", "Agg")
    from scenarios.terminal import run_told

    return run_told.main(scenario, options)
