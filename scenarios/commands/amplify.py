"""`hedgequake amplify`: how much the hedging amplifies, over paired seeds."""

from __future__ import annotations

import argparse

from scenarios.process.shell import command, place
from scenarios.terminal.arguments import add_output, add_scenario, add_workers, count

ABOUT, PLACE = "compare a scenario with itself without the hedging, over seeds", 60


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    add_scenario(parser)
    parser.add_argument(
        "--seeds",
        metavar="N",
        type=count,
        default=64,
        help="paired seeds (64); with fewer than 8 there is no interval, four times as many halve it",
    )
    add_workers(parser)
    parser.add_argument(
        "--arms", metavar="A,B", help="arms to compare; base, muted, open_loop and the scenario's own"
    )
    parser.add_argument(
        "--shapley",
        action="store_true",
        help="credit it to mechanisms as well; costs many runs",
    )
    add_output(parser)


def run(options: argparse.Namespace) -> int:
    """Run the arms over the seeds, and print and write what they come to."""
    from functools import partial

    from analysis.feedback.cautions import cautions
    from scenarios.arms.amplify import Amplification, amplify, default_folder, planned_runs
    from scenarios.process.progress import note, note_compiling
    from scenarios.terminal.amplification_table import table
    from scenarios.terminal.scenario import scenario_of
    from scenarios.terminal.study import Told, carry_out

    scenario = scenario_of(options)
    note_compiling(quiet=options.quiet)
    wanted = options.out or default_folder(scenario)
    arms = [name.strip() for name in options.arms.split(",")] if options.arms else []
    runs = planned_runs(scenario, options.seeds, arms, shapley=options.shapley)
    note(f"{scenario.name}: {runs:,} runs, {options.seeds} seeds", quiet=options.quiet)

    def told(outcome: Amplification) -> Told:
        entries, shapley = outcome.entries, outcome.shapley
        return Told(
            table(outcome),
            lambda: {"amplification": entries, "cautions": cautions(entries), "shapley": shapley},
            [command("report", place(outcome.folder))] if outcome.rows else [],
        )

    work = partial(amplify, scenario, seeds=options.seeds, arms=arms, shapley=options.shapley)
    return carry_out(options, scenario.name, wanted, runs, work, told)
