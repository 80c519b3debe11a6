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
    parser.add_argument(
        "--uncertain",
        metavar="N",
        type=count,
        default=0,
        help="draw N worlds from [uncertain], and run the seeds in each: 8 of both at least; a power of two "
        "spreads best",
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

    from analysis.feedback.cautions import cautions, of_worlds
    from scenarios.arms.amplify import amplify, default_folder, planned_runs
    from scenarios.arms.outcome import Amplification
    from scenarios.process.progress import note, note_compiling
    from scenarios.terminal.amplification_table import table
    from scenarios.terminal.scenario import scenario_of
    from scenarios.terminal.study import Told, carry_out

    scenario = scenario_of(options)
    note_compiling(quiet=options.quiet)
    worlds = options.uncertain
    wanted = options.out or default_folder(scenario, worlds)
    arms = [name.strip() for name in options.arms.split(",")] if options.arms else []
    runs = planned_runs(scenario, options.seeds, arms, worlds=worlds, shapley=options.shapley)
    drawn = f", {worlds:,} worlds beside the scenario as written" if worlds else ""
    note(f"{scenario.name}: {runs:,} runs, {options.seeds} seeds{drawn}", quiet=options.quiet)

    def told(outcome: Amplification) -> Told:
        entries = outcome.entries
        return Told(
            table(outcome),
            lambda: {
                "amplification": entries,
                "cautions": [*cautions(entries), *of_worlds(outcome.uncertain)],
                "shapley": outcome.shapley,
                "worlds": outcome.of_worlds(),
            },
            [command("report", place(outcome.folder))] if outcome.rows else [],
        )

    work = partial(amplify, scenario, seeds=options.seeds, arms=arms, worlds=worlds, shapley=options.shapley)
    return carry_out(options, scenario.name, wanted, runs, work, told)
