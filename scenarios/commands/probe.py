"""`hedgequake probe`: what an extra sale does to a market, by size and time since, and its stylised facts."""

from __future__ import annotations

import argparse

from scenarios.terminal.arguments import (
    add_output,
    add_scenario,
    add_workers,
    count,
    listed,
    positive,
    size,
)

ABOUT, PLACE = "sell into a market, see what of it is left, and score its stylised facts", 65


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    add_scenario(parser)
    parser.add_argument(
        "--sizes",
        metavar="A,B",
        type=listed(size),
        help="of the volume of a day, as 0.001 or 0.1%% (0.1%%,0.3%%,1%%,3%%,10%%)",
    )
    parser.add_argument("--over", metavar="SECONDS", type=positive, help="what each sale takes (600)")
    parser.add_argument("--at", metavar="SECONDS", type=positive, help="when it begins (600)")
    parser.add_argument(
        "--horizons", metavar="A,B", type=listed(positive), help="seconds after its end (1,60,600,3600)"
    )
    parser.add_argument("--asset", metavar="NAME", default="", help="what is sold; the first asset")
    parser.add_argument(
        "--arms",
        "--arm",
        metavar="A,B",
        default="muted",
        help="where (muted); several are sold the same, and compared size by size",
    )
    parser.add_argument(
        "--seeds", metavar="N", type=count, default=16, help="paired seeds (16); no interval below 8"
    )
    parser.add_argument(
        "--hours",
        metavar="H",
        type=positive,
        help="how long the run is of which stylised facts are measured, without a sale (as long as a probe)",
    )
    add_workers(parser)
    add_output(parser)


def run(options: argparse.Namespace) -> int:
    """Probe, and print and write what was found."""
    from functools import partial

    from analysis.base.arms import MUTED
    from analysis.facts.bands import HOUR
    from analysis.facts.scorecard import entries
    from scenarios.probes.probe import ProbeOutcome, default_folder, described, probe, scored
    from scenarios.probes.prober import AT, HORIZONS, OVER, SIZES, Prober
    from scenarios.process.progress import note, note_compiling
    from scenarios.terminal.probe_table import table
    from scenarios.terminal.scenario import scenario_of
    from scenarios.terminal.study import Told, carry_out

    scenario = scenario_of(options)
    arms = [name.strip() for name in options.arms.split(",")]
    first = MUTED if MUTED in arms else arms[0]
    prober = Prober(
        scenario.checked(),
        first,
        options.asset,
        options.sizes or SIZES,
        options.at or AT,
        options.over or OVER,
        options.horizons or HORIZONS,
        HOUR * options.hours if options.hours else scenario.time.step_seconds,
        [name for name in arms if name != first],
    )
    note_compiling(quiet=options.quiet)
    wanted, runs = options.out or default_folder(prober), options.seeds * prober.runs
    note(f"{scenario.name}: {runs:,} runs of {prober.scenario.time.steps:,} steps", quiet=options.quiet)

    def told(outcome: ProbeOutcome) -> Told:
        return Told(table(outcome), lambda: {"probe": described(outcome), "facts": entries(scored(outcome))})

    work = partial(probe, prober, seeds=options.seeds)
    return carry_out(options, scenario.name, wanted, runs, work, told)
