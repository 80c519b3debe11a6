"""The command line: `hedgequake`, or `python -m scenarios`.

Every command imports what it needs when it runs, so that the light ones start at once.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scenarios import garbage, library, streams
from scenarios.arguments import Command, command_line
from scenarios.errors import FILE, Problem, ScenarioError, middle_out

BAD_PATHS = (
    errno.EACCES,
    errno.EISDIR,
    errno.ELOOP,
    errno.ENAMETOOLONG,
    errno.ENOTDIR,
    errno.EPERM,
    errno.EROFS,
)
"""Errors of the path that was given, not of what is done there."""

SUCCESS, RUN_FAILED, BAD_INPUT, INTERRUPTED_BY_KEY = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the process if not given.
    """
    with streams.usable():
        parser = command_line(COMMANDS)
        options = parser.parse_args(arguments)
        if options.command is None:
            parser.print_help()
            return SUCCESS
        if options.command is _run:
            garbage.hold()
        try:
            return _done(options)
        finally:
            garbage.resume()


def _done(options: argparse.Namespace) -> int:
    """Do what was asked for; what keeps it from being done is a line on stderr."""
    try:
        code: int = options.command(options)
        sys.stdout.flush()
        return code
    except ScenarioError as error:
        print(error, file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        return INTERRUPTED_BY_KEY
    except BrokenPipeError:
        streams.discard_output()
        return RUN_FAILED
    except OSError as error:
        streams.discard_output()
        print(f"{_place(error)}{error.strerror or error}", file=sys.stderr)
        return BAD_INPUT if error.errno in BAD_PATHS else RUN_FAILED
    except MemoryError as error:
        said = f"out of memory: {error}" if str(error) else "out of memory"
        print(f"{said}; fewer participants, contracts or steps need less", file=sys.stderr)
        return RUN_FAILED


def _place(error: OSError) -> str:
    """The file that something is wrong with, if that is known."""
    named = error.filename2 or error.filename
    return f"{middle_out(str(named), FILE)}: " if named is not None else ""


def _list(_: argparse.Namespace) -> int:
    import shutil
    import textwrap

    names = library.names()
    width = max(map(len, names), default=0) + 2
    for name in names:
        line = f"{name:<{width}}{library.first_sentence(name)}"
        if sys.stdout.isatty():
            columns = max(shutil.get_terminal_size().columns, 2 * width)
            line = textwrap.fill(line, columns, subsequent_indent=" " * width, break_on_hyphens=False)
        print(line)
    return SUCCESS


def _schema(_: argparse.Namespace) -> int:
    import json

    from scenarios.json_schema import json_schema

    print(json.dumps(json_schema(), indent=2))
    return SUCCESS


def _validate(options: argparse.Namespace) -> int:
    scenario = _scenario(options)
    from scenarios.arms import Arms
    from scenarios.interruption import Interruption
    from scenarios.schema import BASE

    arms = Arms(scenario, [BASE, *scenario.arms])
    with Interruption(at_once=True):
        for arm in arms.chosen:
            arms.market(arm, scenario.seed).release()
    rows = sum(population.count for population in scenario.populations)
    print(
        f"{options.file}: valid; {scenario.time.steps} steps, "
        f"{len(scenario.venues)} venues, {rows:,} participants in {len(scenario.populations)} populations"
    )
    return SUCCESS


def _new(options: argparse.Namespace) -> int:
    path = library.start(options.name)
    print(f"{path} written; next: hedgequake run {path}")
    return SUCCESS


def _run(options: argparse.Namespace) -> int:
    from scenarios.folder import FAILED

    scenario = _scenario(options)
    os.environ.setdefault("MPLBACKEND", "Agg")
    from scenarios.interruption import Interruption
    from scenarios.progress import note, progress
    from scenarios.run import default_folder, run
    from scenarios.schema import BASE
    from scenarios.summary import summary

    with (
        Interruption() as interruption,
        progress(scenario.name, scenario.time.steps, quiet=options.quiet) as show,
    ):
        outcome = run(
            scenario,
            options.out or default_folder(scenario, options.arm or BASE),
            arm=options.arm,
            beside=options.beside.split(",") if options.beside else (),
            force=options.force,
            figures=not options.no_figures,
            progress=show,
            interruption=interruption,
            compiling=lambda: note("compiling kernels that no run has needed yet", quiet=options.quiet),
        )
    print(summary(outcome))
    if outcome.status == FAILED:
        reason = outcome.failure.strip().rpartition("\n")[2]
        where = outcome.folder / "traceback.txt"
        print(f"failed after {outcome.steps_done} steps: {reason}; see {where}", file=sys.stderr)
    return _code(outcome.status, interruption, outcome.folder)


def _code(status: str, interruption: Any, folder: Path) -> int:
    """Exit code of what ended so; a signal shows in it whatever had become of the run by then."""
    from scenarios.folder import FAILED, FINISHED

    if status == FINISHED and interruption.is_cut:
        shown = os.path.relpath(folder)
        what = f"interrupted while drawing; the results are whole, hedgequake plot {shown} draws all figures"
        print(what, file=sys.stderr)
    if status == FAILED:
        return RUN_FAILED
    return 128 + interruption.signal if interruption.signal else SUCCESS


def _amplify(options: argparse.Namespace) -> int:
    scenario = _scenario(options)
    os.environ.setdefault("MPLBACKEND", "Agg")
    from scenarios import pool
    from scenarios.amplification_table import table
    from scenarios.amplify import amplify, default_folder, planned_runs
    from scenarios.interruption import Interruption
    from scenarios.progress import note, note_compiling, progress

    note_compiling(quiet=options.quiet)
    arms = [name.strip() for name in options.arms.split(",")] if options.arms else []
    runs = planned_runs(scenario, options.seeds, arms, shapley=options.shapley)
    note(f"{scenario.name}: {runs:,} runs, {options.seeds} seeds", quiet=options.quiet)
    with (
        Interruption() as interruption,
        progress(scenario.name, runs, quiet=options.quiet, unit="run") as show,
    ):
        outcome = amplify(
            scenario,
            options.out or default_folder(scenario),
            seeds=options.seeds,
            workers=options.workers or pool.cores(),
            arms=arms,
            shapley=options.shapley,
            force=options.force,
            figures=not options.no_figures,
            progress=show,
            interruption=interruption,
        )
    print(table(outcome))
    return _code(outcome.status, interruption, outcome.folder)


def _sweep(options: argparse.Namespace) -> int:
    from scenarios import sweep_command

    scenario = _scenario(options)
    code: int = sweep_command.run(scenario, options)
    return code


def _merge(options: argparse.Namespace) -> int:
    from scenarios import sweep_command

    code: int = sweep_command.merge(options.folder)
    return code


def _scenario(options: argparse.Namespace) -> Any:
    """The scenario of a command line, everything set over it; warns of what will have no effect."""
    from scenarios.loading import read
    from scenarios.override import KeyProblem, literal
    from scenarios.schema import parse

    document = read(options.file)
    for text in options.set:
        key, equals, value = text.partition("=")
        if not equals:
            raise ScenarioError(Problem("--set", text, "no value; write it like --set time.steps=500"))
        try:
            document = document.set({key: literal(value)}, "--set")
        except KeyProblem as problem:
            raise ScenarioError(Problem(document.label, key, str(problem), origin="--set")) from problem
    for key, option in (("seed", "--seed"), ("time.steps", "--steps")):
        value = getattr(options, option[2:])
        if value is not None:
            document = document.set({key: value}, option)
    scenario = parse(document)
    if not getattr(options, "quiet", False):
        from scenarios.doubts import doubts

        for doubt in doubts(scenario):
            print(f"warning: {doubt}", file=sys.stderr)
    return scenario


def _plot(options: argparse.Namespace) -> int:
    os.environ.setdefault("MPLBACKEND", "Agg")
    from scenarios.folder import FINISHED
    from scenarios.interruption import Interruption
    from scenarios.pages import draw

    with Interruption() as interruption:
        for path in draw(options.folder, interruption):
            print(path)
    return _code(FINISHED, interruption, options.folder)


def _sensitivity(options: argparse.Namespace) -> int:
    os.environ.setdefault("MPLBACKEND", "Agg")
    from scenarios.interruption import Interruption
    from scenarios.pages import write_sensitivity

    with Interruption(at_once=True):
        text, written = write_sensitivity(options.folder, options.metric, options.arm)
    print(text)
    for path in written:
        print(path)
    return SUCCESS


def _frontier(options: argparse.Namespace) -> int:
    scenario = _scenario(options)
    os.environ.setdefault("MPLBACKEND", "Agg")
    from scenarios import pool
    from scenarios.frontier import default_folder, frontier
    from scenarios.frontier_table import table
    from scenarios.interruption import Interruption
    from scenarios.progress import note_compiling, progress

    note_compiling(quiet=options.quiet)
    asked = options.metric, options.level, options.low, options.high, options.arm, options.width, options.runs
    with (
        Interruption() as interruption,
        progress(scenario.name, options.runs, quiet=options.quiet, unit="run") as show,
    ):
        outcome = frontier(
            scenario,
            options.out or default_folder(scenario, options.key, *asked),
            key=options.key,
            metric=options.metric,
            level=options.level,
            low=options.low,
            high=options.high,
            arm=options.arm,
            width=options.width,
            most=options.runs,
            workers=options.workers or pool.cores(),
            force=options.force,
            figures=not options.no_figures,
            progress=show,
            interruption=interruption,
        )
    print(table(outcome))
    return _code(outcome.status, interruption, outcome.folder)


def _report(options: argparse.Namespace) -> int:
    os.environ.setdefault("MPLBACKEND", "Agg")
    from scenarios.interruption import Interruption
    from scenarios.pages import write_report

    with Interruption(at_once=True):
        written = write_report(options.folder)
    print(written)
    return SUCCESS


def _compare(options: argparse.Namespace) -> int:
    os.environ.setdefault("MPLBACKEND", "Agg")
    from analysis import compare
    from scenarios.damage import reading
    from scenarios.interruption import Interruption
    from scenarios.pages import check_run

    for folder in options.folders:
        check_run(folder)
    if options.out is not None and options.out.suffix not in (".html", ".png"):
        raise ScenarioError(Problem("--out", str(options.out), "must end in .html or .png"))
    names = " ".join(map(str, options.folders))
    with Interruption(at_once=True), reading(Path(names), "be compared"):
        found = compare.compare(options.folders)
        text = str(found)
        written = None if options.out is None else compare.save(found, options.out)
    print(text)
    if written is not None:
        print(written)
    return SUCCESS


def _replicate(options: argparse.Namespace) -> int:
    os.environ.setdefault("MPLBACKEND", "Agg")
    from scenarios import pool, replicate
    from scenarios import replication_pages as pages
    from scenarios.progress import note_compiling

    if options.name is None:
        for name in replicate.names():
            print(f"{name:<22}  {replicate.find(name).about}")
        return SUCCESS
    note_compiling()
    folder = options.out or Path("results") / "replicate"
    found = []
    for name in replicate.names() if options.name == "all" else [options.name]:
        one = replicate.replicate(name, options.runs, options.workers or pool.cores(), options.quick)
        pages.write(one, folder)
        found.append(one)
        if not options.markdown:
            print(pages.table(one), end="\n\n", flush=True)
    if options.name == "all":
        pages.write_csv(found, folder / "all.csv")
        (folder / "all.md").write_text(pages.markdown(found), encoding="utf-8")
    print(pages.markdown(found) if options.markdown else f"results  {os.path.relpath(folder)}")
    return SUCCESS


def _bench(options: argparse.Namespace) -> int:
    from scenarios import bench

    code: int = bench.main(options.subject)
    return code


COMMANDS: dict[str, Command] = {
    "list": _list,
    "schema": _schema,
    "validate": _validate,
    "new": _new,
    "run": _run,
    "amplify": _amplify,
    "sweep": _sweep,
    "merge": _merge,
    "plot": _plot,
    "sensitivity": _sensitivity,
    "frontier": _frontier,
    "report": _report,
    "compare": _compare,
    "replicate": _replicate,
    "bench": _bench,
}
"""What each command does; what it takes is in `scenarios.arguments`."""


if __name__ == "__main__":
    sys.exit(main())
