"""The commands `sweep` and `merge`: progress while a sweep runs, a summary and what to do next."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from scenarios.commands.ending import RUN_FAILED, SUCCESS, say_where
from scenarios.file.errors import Problem, ScenarioError
from scenarios.file.schema import Scenario
from scenarios.file.trust import trusted
from scenarios.folders.folder import FAILED, INTERRUPTED
from scenarios.process.interruption import Interruption
from scenarios.process.progress import note, note_compiling, tally
from scenarios.process.shell import command, place
from scenarios.sweeps.folder import SweepFolder
from scenarios.sweeps.jobs_left import Shard
from scenarios.sweeps.sweep import SweepOutcome, default_folder, sweep
from scenarios.sweeps.sweep import merge as merged
from scenarios.workers.engines import DEFAULT, cores


def run(scenario: Scenario, options: argparse.Namespace) -> int:
    """Run the sweep of a scenario and return the exit code.

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
    shard = _shard(options.shard) if options.shard else None
    note_compiling(quiet=options.quiet or scenario.sweep is None)
    folder = options.out or default_folder(scenario)
    if options.out is None and not folder.exists():
        _note_older(folder, options)
    with Interruption() as interruption, tally(scenario.name, quiet=options.quiet) as show:
        outcome = sweep(
            scenario,
            folder,
            workers=options.workers or cores(),
            start=options.engine or DEFAULT,
            dask=options.dask,
            shard=shard,
            resume=options.resume,
            force=options.force,
            tally=show,
            note=lambda text: note(f"{scenario.name}: {text}", quiet=options.quiet),
            interruption=interruption,
        )
    print(summary(outcome))
    say_where(outcome.status, outcome.folder, SweepFolder(folder).shard(shard).path if shard else folder)
    if shard is not None:
        with trusted(False):
            trust = ["--trust"] if scenario.checked().not_imported() else []
        merging = command("merge", place(folder), *trust)
        print(f"next, when all {shard.of} shards are finished: {merging}")
    elif outcome.done:
        print(_next(scenario, outcome.folder))
    code = _code(outcome)
    return 128 + interruption.signal if interruption.signal else code


def _note_older(folder: Path, options: argparse.Namespace) -> None:
    """Say what an older version left half done, which is not gone on with; refuse where it was to be."""
    for older in SweepFolder(folder).half_done_older():
        error = older.of_another_version()
        if options.resume:
            raise error
        note(f"{error}; a new one begins in {place(folder)}", quiet=options.quiet)


def merge(folder: Path) -> int:
    """Bring the shards of a sweep together and return the exit code.

    Raises
    ------
    ScenarioError
        If there are none, or they do not belong together.
    """
    outcome = merged(folder)
    print(summary(outcome))
    missing = outcome.planned - outcome.done - outcome.failed
    if outcome.status == INTERRUPTED:
        what = "the shards that are not finished go on with their own commands; then merge again"
        print(f"{folder}: {missing:,} runs are missing; {what}", file=sys.stderr)
        return RUN_FAILED
    return _code(outcome)


def summary(outcome: SweepOutcome) -> str:
    """Runs done and failed, how fast, and where they are."""
    lines = [
        f"{outcome.status}: {outcome.done:,} of {outcome.planned:,} runs done, {outcome.failed:,} failed"
    ]
    if outcome.fresh:
        rate = outcome.fresh / max(outcome.seconds, 1e-9)
        lines.append(f"now: {outcome.fresh:,} runs in {outcome.seconds:.1f} s, {rate:.1f} a second")
    if outcome.stopped:
        narrow, most = outcome.stopped["narrow"], outcome.stopped["at_max_replicates"]
        lines.append(f"stopped: {narrow:,} points were narrow enough, {most:,} have max_replicates")
    if outcome.failed:
        lines.append(f"why: {outcome.folder / 'failures.parquet'}, with a command that repeats each")
    return "\n".join([*lines, f"results: {outcome.folder}"])


def _code(outcome: SweepOutcome) -> int:
    if outcome.trouble:
        print(f"{outcome.folder}: {outcome.trouble}", file=sys.stderr)
    return RUN_FAILED if outcome.status == FAILED else SUCCESS


def _next(scenario: Scenario, folder: Path) -> str:
    commands = [command("plot", place(folder))]
    if scenario.sweep is not None and scenario.sweep.design == "saltelli":
        commands.append(command("sensitivity", place(folder)))
    return f"next: {'; '.join(commands)}"


def _shard(text: str) -> Shard:
    """The shard that "2/8" names."""
    number, _, count = text.partition("/")
    if number.isdigit() and count.isdigit() and 1 <= int(number) <= int(count):
        return Shard(int(number), int(count))
    what = "not a shard; write 1/4 to 4/4 for four of them"
    raise ScenarioError(Problem("--shard", text, what))
