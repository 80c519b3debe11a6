"""What became of a sweep, in a few lines, and what to do next."""

from __future__ import annotations

import sys
from pathlib import Path

from scenarios.file.errors import Problem, ScenarioError
from scenarios.file.schema import Scenario
from scenarios.folders.folder import FAILED
from scenarios.process.shell import command, place
from scenarios.sweeps.jobs_left import Shard
from scenarios.sweeps.sweep import SweepOutcome
from scenarios.terminal.ending import RUN_FAILED, SUCCESS


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


def code(outcome: SweepOutcome) -> int:
    """Exit code of what became of a sweep; says what kept it from going on."""
    if outcome.trouble:
        print(f"{outcome.folder}: {outcome.trouble}", file=sys.stderr)
    return RUN_FAILED if outcome.status == FAILED else SUCCESS


def following(scenario: Scenario, folder: Path) -> str:
    """What to do with a sweep that is done."""
    commands = [command("plot", place(folder))]
    if scenario.sweep is not None and scenario.sweep.design == "saltelli":
        commands.append(command("sensitivity", place(folder)))
    return f"next: {'; '.join(commands)}"


def shard_of(text: str) -> Shard:
    """The shard that "2/8" names."""
    number, _, count = text.partition("/")
    if number.isdigit() and count.isdigit() and 1 <= int(number) <= int(count):
        return Shard(int(number), int(count))
    what = "not a shard; write 1/4 to 4/4 for four of them"
    raise ScenarioError(Problem("--shard", text, what))
