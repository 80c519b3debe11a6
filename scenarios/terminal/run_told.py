"""A run, told: progress while it runs, a summary, its page, and what to do next."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from analysis.base.arms import BASE, MUTED
from analysis.figures.figure import NONE
from scenarios.arms.arms import hedgers
from scenarios.file.schema import Scenario
from scenarios.folders.folder import FAILED, FINISHED
from scenarios.process.interruption import Interruption
from scenarios.process.progress import note, progress
from scenarios.process.shell import command, place, scenario_words
from scenarios.runs.run import Outcome, default_folder, run
from scenarios.terminal import ending
from scenarios.terminal.summary import summary


def main(scenario: Scenario, options: argparse.Namespace) -> int:
    """Run a scenario and return the exit code.

    Parameters
    ----------
    scenario : Scenario
    options : Namespace
        Of the command line.

    Raises
    ------
    ScenarioError
        Before anything is written.
    """
    wanted = options.out or default_folder(scenario, options.arm or BASE)
    with (
        Interruption() as interruption,
        progress(scenario.name, scenario.time.steps, quiet=options.quiet) as show,
    ):
        outcome = run(
            scenario,
            wanted,
            arm=options.arm,
            beside=options.beside.split(",") if options.beside else (),
            force=options.force,
            figures=options.figures,
            profiled=options.profile,
            progress=show,
            interruption=interruption,
            compiling=lambda told: note(told, quiet=options.quiet),
            drawing=lambda: note(f"{scenario.name}: drawing its figures and page", quiet=options.quiet),
        )
        page = _page(outcome, interruption, options.figures)
    following = _following(scenario, options, outcome, page)
    profile = [f"\n{outcome.profile.table()}"] if outcome.profile else []
    text = "\n".join([summary(outcome, page), *profile, *ending.following(following)])
    ending.tell(options, text, lambda: _document(outcome, page, following))
    if outcome.status == FAILED:
        reason = outcome.failure.strip().rpartition("\n")[2]
        where = place(outcome.folder / "traceback.txt")
        print(f"failed after {outcome.steps_done} steps: {reason}; see {where}", file=sys.stderr)
    return ending.code(outcome.status, interruption, outcome.folder, wanted)


def _page(outcome: Outcome, interruption: Interruption, figures: str) -> Path | None:
    """The page about a finished run, where figures are drawn; a run is none the worse if there is none."""
    if figures == NONE or outcome.status != FINISHED or interruption.signal:
        return None
    from scenarios.runs.rendering import write_report

    try:
        return write_report(outcome.folder, figures)[0]
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        print(f"the results are whole, but not their page: {reason}", file=sys.stderr)
        return None


def _following(
    scenario: Scenario, options: argparse.Namespace, outcome: Outcome, page: Path | None
) -> list[str]:
    """Commands that go on from a finished run: its page, the amplification, another run beside it."""
    if outcome.status != FINISHED:
        return []
    words, folder = scenario_words(options), place(outcome.folder)
    has_hedgers, is_base = bool(hedgers(scenario)), outcome.arm == BASE
    other = "as-written" if not is_base else MUTED if has_hedgers else f"seed-{scenario.seed + 1}"
    change = [] if not is_base else ["--arm", MUTED] if has_hedgers else ["--seed", scenario.seed + 1]
    beside = command("run", *words, *change, "--out", f"{folder}-{other}")
    return [
        *([] if page else [command("report", folder)]),
        *([command("amplify", *words)] if has_hedgers else []),
        f"{beside} && {command('compare', folder, f'{folder}-{other}')}",
    ]


def _document(outcome: Outcome, page: Path | None, following: list[str]) -> dict[str, Any]:
    return {
        **ending.document(outcome.status, outcome.folder, following),
        "page": None if page is None else place(page),
        "metrics": outcome.metrics,
        **({"profile": outcome.profile.entry()} if outcome.profile else {}),
    }
