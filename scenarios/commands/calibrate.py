"""`hedgequake calibrate`: the values of parameters that bring a market's moments to their targets."""

from __future__ import annotations

import argparse

from scenarios.terminal.arguments import add_output, add_scenario, add_workers, count

ABOUT, PLACE = "fit parameters of a scenario to moments of real markets", 115


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    add_scenario(parser)
    parser.add_argument(
        "--to",
        metavar="TARGETS",
        required=True,
        help="a file of targets, or the name of one that comes along",
    )
    parser.add_argument("--seeds", metavar="N", type=count, default=8, help="the same at every place (8)")
    looked = "places looked at first, beside the one that is written (32)"
    parser.add_argument("--points", metavar="N", type=count, default=32, help=looked)
    parser.add_argument("--refine", metavar="N", type=count, default=4, help="rounds of refinement (4)")
    add_workers(parser)
    add_output(parser)


def run(options: argparse.Namespace) -> int:
    """Fit, and print and write what was found."""
    from functools import partial

    from scenarios.calibration.calibrate import calibrate, default_folder, planned
    from scenarios.calibration.evaluation import Evaluation
    from scenarios.calibration.outcome import Calibration, keys_of, moments_of
    from scenarios.calibration.targets import read
    from scenarios.process.progress import note, note_compiling
    from scenarios.process.shell import command, place, scenario_words
    from scenarios.terminal.calibration_table import table
    from scenarios.terminal.scenario import scenario_of
    from scenarios.terminal.study import Told, carry_out

    scenario = scenario_of(options)
    targets = read(options.to, scenario)
    note_compiling(quiet=options.quiet)
    asked = options.seeds, options.points, options.refine
    wanted = options.out or default_folder(scenario, targets, *asked)
    places = planned(len(targets.keys), options.points, options.refine)
    runs = places * options.seeds * Evaluation(scenario, targets).runs
    note(f"{scenario.name}: {places:,} places, up to {runs:,} runs", quiet=options.quiet)
    words = [*scenario_words(options), "--to", options.to, "--seeds", options.seeds]

    def told(outcome: Calibration) -> Told:
        return Told(
            table(outcome),
            lambda: {"moments": moments_of(outcome), "keys": keys_of(outcome)},
            [command("run", place(outcome.folder / "fitted.toml"))] if outcome.places else [],
        )

    work = partial(
        calibrate,
        scenario,
        targets,
        made_by=command("calibrate", *words, "--points", options.points, "--refine", options.refine),
        seeds=options.seeds,
        points=options.points,
        rounds=options.refine,
    )
    return carry_out(options, scenario.name, wanted, runs, work, told)
