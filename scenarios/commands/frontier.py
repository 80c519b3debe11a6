"""`hedgequake frontier`: the value of a parameter at which a metric crosses a level."""

from __future__ import annotations

import argparse

from analysis.base.arms import BASE
from scenarios.terminal.arguments import add_output, add_scenario, add_workers, count, number

ABOUT, PLACE = "find the critical value of a parameter in few runs", 110


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    add_scenario(parser)
    parser.add_argument("--key", metavar="K", required=True, help="dotted key of the parameter")
    parser.add_argument(
        "--metric", metavar="M", required=True, help='a metric, or a chance such as "P(bad_debt > 0)"'
    )
    parser.add_argument("--level", metavar="X", type=number, required=True, help="that it crosses")
    parser.add_argument("--low", metavar="X", type=number, help="lowest value looked at")
    parser.add_argument("--high", metavar="X", type=number, help="highest value looked at")
    parser.add_argument("--arm", metavar="NAME", default=BASE)
    parser.add_argument("--width", metavar="X", type=number, default=0.1, help="relative width wanted (0.1)")
    parser.add_argument("--runs", metavar="N", type=count, default=400, help="most runs (400)")
    add_workers(parser)
    add_output(parser)


def run(options: argparse.Namespace) -> int:
    """Search, and print and write what was found."""
    from functools import partial

    from scenarios.frontier.frontier import Frontier, default_folder, described, frontier
    from scenarios.process.progress import note_compiling
    from scenarios.terminal.frontier_table import table
    from scenarios.terminal.scenario import scenario_of
    from scenarios.terminal.study import Told, carry_out

    scenario = scenario_of(options)
    note_compiling(quiet=options.quiet)
    asked = options.metric, options.level, options.low, options.high, options.arm, options.width, options.runs
    wanted = options.out or default_folder(scenario, options.key, *asked)

    def told(outcome: Frontier) -> Told:
        return Told(table(outcome), lambda: {"frontier": described(outcome)})

    work = partial(
        frontier,
        scenario,
        key=options.key,
        metric=options.metric,
        level=options.level,
        low=options.low,
        high=options.high,
        arm=options.arm,
        width=options.width,
        most=options.runs,
    )
    return carry_out(options, scenario.name, wanted, options.runs, work, told)
