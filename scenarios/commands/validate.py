"""`hedgequake validate`: a scenario and all its arms, built and not run."""

from __future__ import annotations

import argparse

from scenarios.process.shell import command, scenario_words
from scenarios.terminal.arguments import add_scenario, add_trust
from scenarios.terminal.ending import SUCCESS

ABOUT, PLACE = "check a scenario and run nothing", 30
MOST_POINTS = 1000
"""So many points of a sweep are tried; a sweep itself tries every one before it runs any."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    add_scenario(parser)
    add_trust(parser)


def run(options: argparse.Namespace) -> int:
    """Build the market of every arm and say what was checked."""
    from analysis.base.arms import BASE
    from scenarios.arms.arms import Arms
    from scenarios.process.interruption import Interruption
    from scenarios.sweeps.experiment import try_points
    from scenarios.terminal.scenario import scenario_of

    scenario = scenario_of(options)
    unknown = scenario.not_imported()
    arms = Arms(scenario, [BASE, *scenario.arms])
    with Interruption(at_once=True):
        for arm in arms.chosen if not unknown else ():
            arms.market(arm, scenario.seed).release()
        tried, points = try_points(scenario, MOST_POINTS) if scenario.sweep else (0, 0)
    rows = sum(population.count for population in scenario.populations)
    print(
        f"{options.file}: {'no fault found, but not all checked' if unknown else 'valid'}; "
        f"{scenario.time.steps} steps, {len(scenario.venues)} venues, "
        f"{rows:,} participants in {len(scenario.populations)} populations"
    )
    if tried < points:
        print(f"{tried:,} of the {points:,} points of its sweep were tried")
    if unknown:
        checked = command("validate", *scenario_words(options), "--trust")
        print(f"not imported, so no market was built: {', '.join(unknown)}; to trust this code: {checked}")
    return SUCCESS
