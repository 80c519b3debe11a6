"""`hedgequake sweep`: every run of a design."""

from __future__ import annotations

import argparse
from pathlib import Path

from scenarios.terminal.arguments import add_scenario, add_workers

ABOUT, PLACE = "run the design of a scenario, or what is left of it", 70


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    add_scenario(parser)
    add_workers(parser)
    parser.add_argument("--engine", metavar="NAME", help="forkserver (spawn where there is none) or serial")
    parser.add_argument("--dask", metavar="ADDRESS", help='a Dask scheduler, or "local"')
    parser.add_argument("--shard", metavar="I/N", help="do this part of N only, for `merge`")
    parser.add_argument("--resume", action="store_true", help="go on, and fail if nothing was begun")
    parser.add_argument("--out", metavar="DIR", type=Path, help="the results folder")
    parser.add_argument("--force", action="store_true", help="replace what the folder holds")
    parser.add_argument("--quiet", action="store_true", help="no progress on stderr")


def run(options: argparse.Namespace) -> int:
    """Do the runs that are missing, and print what became of them."""
    from scenarios.file.trust import trusted
    from scenarios.process.interruption import Interruption
    from scenarios.process.progress import note, note_compiling, tally
    from scenarios.process.shell import command, place
    from scenarios.sweeps.folder import SweepFolder
    from scenarios.sweeps.sweep import default_folder, sweep
    from scenarios.terminal.ending import say_where
    from scenarios.terminal.scenario import scenario_of
    from scenarios.terminal.sweep_summary import code, following, shard_of, summary
    from scenarios.workers.engines import DEFAULT, cores

    scenario = scenario_of(options)
    shard = shard_of(options.shard) if options.shard else None
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
        print(following(scenario, outcome.folder))
    ended = code(outcome)
    return 128 + interruption.signal if interruption.signal else ended


def _note_older(folder: Path, options: argparse.Namespace) -> None:
    """Say what an older version left half done, which is not gone on with; refuse where it was to be."""
    from scenarios.process.progress import note
    from scenarios.process.shell import place
    from scenarios.sweeps.folder import SweepFolder

    for older in SweepFolder(folder).half_done_older():
        error = older.of_another_version()
        if options.resume:
            raise error
        note(f"{error}; a new one begins in {place(folder)}", quiet=options.quiet)
