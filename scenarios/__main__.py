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

from scenarios.commands import ending
from scenarios.commands.arguments import Command, command_line
from scenarios.commands.ending import BAD_INPUT, INTERRUPTED_BY_KEY, RUN_FAILED, SUCCESS
from scenarios.file import library
from scenarios.file.errors import FILE, Problem, ScenarioError, middle_out
from scenarios.file.trust import trusted
from scenarios.process import garbage, streams
from scenarios.process.shell import command, place, scenario_words

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
    is_quiet = getattr(options, "quiet", False)
    try:
        with (
            ending.stdout_kept(options),
            trusted(options.trust, lambda text: None if is_quiet else print(text, file=sys.stderr)),
        ):
            ended: int = options.command(options)
        sys.stdout.flush()
        return ended
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

    from scenarios.file.json_schema import json_schema

    print(json.dumps(json_schema(), indent=2))
    return SUCCESS


def _validate(options: argparse.Namespace) -> int:
    scenario = _scenario(options)
    from scenarios.arms.arms import Arms
    from scenarios.file.arm import BASE
    from scenarios.process.interruption import Interruption

    unknown = scenario.not_imported()
    arms = Arms(scenario, [BASE, *scenario.arms])
    with Interruption(at_once=True):
        for arm in arms.chosen if not unknown else ():
            arms.market(arm, scenario.seed).release()
    rows = sum(population.count for population in scenario.populations)
    print(
        f"{options.file}: {'no fault found, but not all checked' if unknown else 'valid'}; "
        f"{scenario.time.steps} steps, {len(scenario.venues)} venues, "
        f"{rows:,} participants in {len(scenario.populations)} populations"
    )
    if unknown:
        checked = command("validate", *scenario_words(options), "--trust")
        print(f"not imported, so no market was built: {', '.join(unknown)}; to trust this code: {checked}")
    return SUCCESS


def _new(options: argparse.Namespace) -> int:
    path = library.start(options.name)
    print(f"{path} written; next: {command('run', path.stem)}")
    return SUCCESS


def _run(options: argparse.Namespace) -> int:
    scenario = _scenario(options)
    os.environ.setdefault("MPLBACKEND", "Agg")
    from scenarios.commands import run as run_command

    ended: int = run_command.main(scenario, options)
    return ended


def _amplify(options: argparse.Namespace) -> int:
    scenario = _scenario(options)
    from scenarios.arms.amplify import amplify, default_folder, planned_runs
    from scenarios.commands.amplification_table import table
    from scenarios.process.interruption import Interruption
    from scenarios.process.progress import note, note_compiling, progress
    from scenarios.workers.engines import cores

    note_compiling(quiet=options.quiet)
    wanted = options.out or default_folder(scenario)
    arms = [name.strip() for name in options.arms.split(",")] if options.arms else []
    runs = planned_runs(scenario, options.seeds, arms, shapley=options.shapley)
    note(f"{scenario.name}: {runs:,} runs, {options.seeds} seeds", quiet=options.quiet)
    with (
        Interruption() as interruption,
        progress(scenario.name, runs, quiet=options.quiet, unit="run") as show,
    ):
        outcome = amplify(
            scenario,
            wanted,
            seeds=options.seeds,
            workers=options.workers or cores(),
            arms=arms,
            shapley=options.shapley,
            force=options.force,
            figures=not options.no_figures,
            progress=show,
            interruption=interruption,
        )
    report = [command("report", place(outcome.folder))] if outcome.rows else []
    ending.tell(
        options,
        "\n".join([table(outcome), *ending.following(report)]),
        lambda: {
            **ending.document(outcome.status, outcome.folder, report),
            "amplification": outcome.entries,
            "shapley": outcome.shapley,
        },
    )
    return ending.code(outcome.status, interruption, outcome.folder, wanted)


def _sweep(options: argparse.Namespace) -> int:
    from scenarios.commands import sweep as sweep_command

    scenario = _scenario(options)
    ended: int = sweep_command.run(scenario, options)
    return ended


def _merge(options: argparse.Namespace) -> int:
    from scenarios.commands import sweep as sweep_command

    ended: int = sweep_command.merge(options.folder)
    return ended


def _scenario(options: argparse.Namespace) -> Any:
    """The scenario of a command line, everything set over it; warns of what will have no effect."""
    from scenarios.build.loading import parse, read
    from scenarios.file.override import KeyProblem, literal

    document = read(options.file)
    values: dict[str, Any] = {}
    for text in options.set:
        key, equals, value = text.partition("=")
        if not equals:
            raise ScenarioError(Problem("--set", text, "no value; write it like --set time.steps=500"))
        try:
            values = {**{name: values[name] for name in values if name != key}, key: literal(value)}
        except KeyProblem as problem:
            raise ScenarioError(Problem(document.label, key, str(problem), origin="--set")) from problem
    document = document.set(values, "--set")
    for key, option in (("seed", "--seed"), ("time.steps", "--steps")):
        value = getattr(options, option[2:])
        if value is not None:
            document = document.set({key: value}, option)
    scenario = parse(document)
    if not getattr(options, "quiet", False):
        from scenarios.file.warnings import doubts

        for doubt in (*scenario.notes, *doubts(scenario)):
            print(f"warning: {doubt}", file=sys.stderr)
    return scenario


def _plot(options: argparse.Namespace) -> int:
    from scenarios.folders.folder import FAILED, FINISHED
    from scenarios.process.interruption import Interruption
    from scenarios.runs.pages import draw

    failed: dict[str, str] = {}
    with Interruption() as interruption:
        for path in draw(options.folder, interruption, failed):
            print(path)
    return ending.code(FAILED if failed else FINISHED, interruption, options.folder)


def _sensitivity(options: argparse.Namespace) -> int:
    from scenarios.process.interruption import Interruption
    from scenarios.runs.pages import write_sensitivity

    with Interruption(at_once=True):
        text, written = write_sensitivity(options.folder, options.metric, options.arm)
    print(text)
    for path in written:
        print(path)
    return SUCCESS


def _frontier(options: argparse.Namespace) -> int:
    scenario = _scenario(options)
    from scenarios.commands.frontier_table import table
    from scenarios.frontier.frontier import default_folder, described, frontier
    from scenarios.process.interruption import Interruption
    from scenarios.process.progress import note_compiling, progress
    from scenarios.workers.engines import cores

    note_compiling(quiet=options.quiet)
    asked = options.metric, options.level, options.low, options.high, options.arm, options.width, options.runs
    wanted = options.out or default_folder(scenario, options.key, *asked)
    with (
        Interruption() as interruption,
        progress(scenario.name, options.runs, quiet=options.quiet, unit="run") as show,
    ):
        outcome = frontier(
            scenario,
            wanted,
            key=options.key,
            metric=options.metric,
            level=options.level,
            low=options.low,
            high=options.high,
            arm=options.arm,
            width=options.width,
            most=options.runs,
            workers=options.workers or cores(),
            force=options.force,
            figures=not options.no_figures,
            progress=show,
            interruption=interruption,
        )
    ending.tell(
        options,
        table(outcome),
        lambda: {**ending.document(outcome.status, outcome.folder), "frontier": described(outcome)},
    )
    return ending.code(outcome.status, interruption, outcome.folder, wanted)


def _report(options: argparse.Namespace) -> int:
    from scenarios.process.interruption import Interruption
    from scenarios.runs.pages import write_report

    with Interruption(at_once=True):
        written, unknown = write_report(options.folder)
    print(written)
    if unknown:
        trusting = command("report", place(options.folder), "--trust")
        print(f"not imported: {', '.join(unknown)}; with what they say of themselves: {trusting}")
    return SUCCESS


def _compare(options: argparse.Namespace) -> int:
    from analysis.pages import compare
    from scenarios.folders.damage import reading
    from scenarios.process.interruption import Interruption
    from scenarios.runs.pages import check_run

    for folder in options.folders:
        check_run(folder)
    if options.out is not None and options.out.suffix not in (".html", ".png"):
        raise ScenarioError(Problem("--out", str(options.out), "must end in .html or .png"))
    names = " ".join(map(str, options.folders))
    with Interruption(at_once=True), reading(Path(names), "be compared"):
        found = compare.compare(options.folders)
        text = str(found)
        written = None if options.out is None else compare.save(found, options.out)
    pages = [] if written is None else [str(written)]
    ending.tell(options, "\n".join([text, *pages]), lambda: {"kind": "comparison", **found.entry()})
    return SUCCESS


def _chain(options: argparse.Namespace) -> int:
    from scenarios.commands import chain as chain_command

    code: int = chain_command.run(options)
    return code


def _migrate(options: argparse.Namespace) -> int:
    from scenarios.commands import migrate

    code: int = migrate.run(options)
    return code


def _replicate(options: argparse.Namespace) -> int:
    from scenarios.process.interruption import Interruption
    from scenarios.process.progress import note_compiling
    from scenarios.replications import pages as pages
    from scenarios.replications import replicate
    from scenarios.workers.engines import cores

    if options.name is None:
        for name in replicate.names():
            print(f"{name:<22}  {replicate.find(name).about}")
        return SUCCESS
    chosen = replicate.names() if options.name == "all" else [replicate.find(options.name).name]
    folder = options.out or Path("results") / "replicate"
    pages.claim(folder, list(dict.fromkeys([*chosen, options.name])))
    note_compiling()
    found = []
    for name in chosen:
        with Interruption(at_once=True):  # which ends the workers; studies that are done stay written
            one = replicate.replicate(name, options.runs, options.workers or cores(), options.quick)
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
    from scenarios.commands import bench

    ended: int = bench.main(options.subject)
    return ended


COMMANDS: dict[str, Command] = {
    "list": _list,
    "schema": _schema,
    "validate": _validate,
    "new": _new,
    "migrate": _migrate,
    "run": _run,
    "amplify": _amplify,
    "sweep": _sweep,
    "merge": _merge,
    "plot": _plot,
    "sensitivity": _sensitivity,
    "frontier": _frontier,
    "report": _report,
    "compare": _compare,
    "chain": _chain,
    "replicate": _replicate,
    "bench": _bench,
}
"""What each command does; what it takes is in `scenarios.commands.arguments`."""


if __name__ == "__main__":
    sys.exit(main())
