"""The command line: `hedgequake`, or `python -m scenarios`.

Every command imports what it needs when it runs, so that the light ones start at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scenarios import library
from scenarios.errors import Problem, ScenarioError

SUCCESS, RUN_FAILED, BAD_INPUT, INTERRUPTED_BY_KEY = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the process if not given.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
        return SUCCESS
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
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return RUN_FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hedgequake",
        description="How much do many hedgers in one market amplify price moves together?",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    parser.set_defaults(command=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    _add(commands, "list", _list, "the scenarios that come with hedgequake")
    _add(commands, "schema", _schema, "the JSON Schema of a scenario file")
    _add_file(_add(commands, "validate", _validate, "check a scenario and run nothing"))
    new = _add(commands, "new", _new, "write a commented starter scenario, NAME.toml")
    new.add_argument("name", metavar="NAME")
    _add_run(_add(commands, "run", _run, "run a scenario into a results folder"))
    _add_amplify(
        _add(commands, "amplify", _amplify, "compare a scenario with itself without the hedging, over seeds")
    )
    _add_sweep(_add(commands, "sweep", _sweep, "run the design of a scenario, or what is left of it"))
    merge = _add(commands, "merge", _merge, "bring the shards of a sweep together")
    merge.add_argument("folder", metavar="DIR", type=Path)
    plot = _add(commands, "plot", _plot, "draw the figures of a results folder again")
    plot.add_argument("folder", metavar="DIR", type=Path)
    sensitivity = _add(
        commands, "sensitivity", _sensitivity, "Sobol indices of a saltelli sweep, with intervals"
    )
    sensitivity.add_argument("folder", metavar="DIR", type=Path)
    sensitivity.add_argument(
        "--metric", metavar="NAME", help="of which metric; the sweep's first if left out"
    )
    sensitivity.add_argument("--arm", metavar="NAME", default="base")
    _add_frontier(_add(commands, "frontier", _frontier, "find the critical value of a parameter in few runs"))
    report = _add(commands, "report", _report, "write one page about a results folder, the answer first")
    report.add_argument("folder", metavar="DIR", type=Path)
    compare = _add(commands, "compare", _compare, "set results folders side by side")
    compare.add_argument("folders", metavar="DIR", type=Path, nargs="+")
    compare.add_argument("--out", metavar="FILE", type=Path, help="write a page (.html) or figure (.png) too")
    _add_replicate(_add(commands, "replicate", _replicate, "run published results and set ours beside them"))
    bench = _add(commands, "bench", _bench, "measure speed against peers, side by side")
    bench.add_argument("subject", metavar="SUBJECT", nargs="?", help="one subject; all if left out")
    return parser


def _add(commands: Any, name: str, function: Any, about: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=about, description=about)
    parser.set_defaults(command=function)
    return parser


def _add_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a scenario file, or a name that `list` prints")


def _add_scenario(parser: argparse.ArgumentParser) -> None:
    _add_file(parser)
    parser.add_argument("--seed", metavar="N", type=int, help="instead of the scenario's")
    parser.add_argument("--steps", metavar="N", type=int, help="instead of the scenario's")
    parser.add_argument(
        "--set", metavar="K=V", action="append", default=[], help="set a value by dotted key; repeatable"
    )


def _add_run(parser: argparse.ArgumentParser) -> None:
    _add_scenario(parser)
    parser.add_argument("--arm", metavar="NAME", help="run this arm (see `amplify`) instead of base")
    parser.add_argument("--beside", metavar="A,B", help="as it runs when it is compared with these arms")
    _add_output(parser)


def _add_amplify(parser: argparse.ArgumentParser) -> None:
    _add_scenario(parser)
    parser.add_argument("--seeds", metavar="N", type=_count, default=64, help="paired seeds (64)")
    parser.add_argument("--workers", metavar="N", type=_count, help="processes; as many as there are cores")
    parser.add_argument(
        "--arms", metavar="A,B", help="arms to compare; base, muted, open_loop and the scenario's own"
    )
    parser.add_argument(
        "--shapley",
        action="store_true",
        help="credit it to mechanisms as well; costs many runs",
    )
    _add_output(parser)


def _add_sweep(parser: argparse.ArgumentParser) -> None:
    _add_scenario(parser)
    parser.add_argument("--workers", metavar="N", type=_count, help="processes; as many as there are cores")
    parser.add_argument("--engine", metavar="NAME", help="forkserver, spawn, fork, threads or serial")
    parser.add_argument("--dask", metavar="ADDRESS", help='a Dask scheduler, or "local"')
    parser.add_argument("--shard", metavar="I/N", help="do this part of N only, for `merge`")
    parser.add_argument("--resume", action="store_true", help="go on, and fail if nothing was begun")
    parser.add_argument("--out", metavar="DIR", type=Path, help="the results folder")
    parser.add_argument("--force", action="store_true", help="replace what the folder holds")
    parser.add_argument("--quiet", action="store_true", help="no progress on stderr")


def _add_frontier(parser: argparse.ArgumentParser) -> None:
    _add_scenario(parser)
    parser.add_argument("--key", metavar="K", required=True, help="dotted key of the parameter")
    parser.add_argument(
        "--metric", metavar="M", required=True, help='a metric, or a chance such as "P(bad_debt > 0)"'
    )
    parser.add_argument("--level", metavar="X", type=float, required=True, help="that it crosses")
    parser.add_argument("--low", metavar="X", type=float, help="lowest value looked at")
    parser.add_argument("--high", metavar="X", type=float, help="highest value looked at")
    parser.add_argument("--arm", metavar="NAME", default="base")
    parser.add_argument("--width", metavar="X", type=float, default=0.1, help="relative width wanted (0.1)")
    parser.add_argument("--runs", metavar="N", type=_count, default=400, help="most runs (400)")
    parser.add_argument("--workers", metavar="N", type=_count, help="processes; as many as there are cores")
    _add_output(parser)


def _add_replicate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", nargs="?", help="one of them, or all; lists them if left out")
    parser.add_argument("--runs", metavar="N", type=_count, help="repetitions; each has its own number")
    parser.add_argument("--workers", metavar="N", type=_count, help="processes; as many as there are cores")
    parser.add_argument("--quick", action="store_true", help="fewer and smaller runs; intervals widen")
    parser.add_argument("--markdown", action="store_true", help="print one Markdown table instead")
    parser.add_argument("--out", metavar="DIR", type=Path, help="where tables and figures go")


def _count(text: str) -> int:
    """A whole number above 0."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"found {text}; allowed: a whole number, at least 1")
    return int(text)


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", metavar="DIR", type=Path, help="the results folder")
    parser.add_argument("--force", action="store_true", help="replace a finished result")
    parser.add_argument("--no-figures", action="store_true")
    parser.add_argument("--quiet", action="store_true", help="no progress on stderr")


class _Version(argparse.Action):
    """Looks the version up only if it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import version

        print(f"hedgequake {version('hedgequake')}")
        parser.exit()


def _list(_: argparse.Namespace) -> int:
    names = library.names()
    width = max(map(len, names), default=0)
    for name in names:
        print(f"{name:<{width}}  {library.first_sentence(name)}")
    return SUCCESS


def _schema(_: argparse.Namespace) -> int:
    import json

    from scenarios.json_schema import json_schema

    print(json.dumps(json_schema(), indent=2))
    return SUCCESS


def _validate(options: argparse.Namespace) -> int:
    from scenarios import load

    scenario = load(options.file)
    scenario.market()
    rows = sum(population.count for population in scenario.populations)
    print(
        f"{options.file}: valid; {scenario.name}, {scenario.time.steps} steps, "
        f"{len(scenario.venues)} venues, {rows:,} participants in {len(scenario.populations)} populations"
    )
    return SUCCESS


def _new(options: argparse.Namespace) -> int:
    path = library.start(options.name)
    print(f"{path} written; next: hedgequake run {path}")
    return SUCCESS


def _run(options: argparse.Namespace) -> int:
    from scenarios.folder import FAILED, INTERRUPTED

    scenario = _scenario(options)
    os.environ.setdefault("MPLBACKEND", "Agg")
    from scenarios.progress import note, progress
    from scenarios.run import Interruption, default_folder, run
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
            compiling=lambda: note("compiling kernels (first run only)", quiet=options.quiet),
        )
    print(summary(outcome))
    if outcome.status == FAILED:
        reason = outcome.failure.strip().rpartition("\n")[2]
        where = outcome.folder / "traceback.txt"
        print(f"failed after {outcome.steps_done} steps: {reason}; see {where}", file=sys.stderr)
        return RUN_FAILED
    return 128 + interruption.signal if outcome.status == INTERRUPTED else SUCCESS


def _code(status: str, signal: int) -> int:
    """Exit code of what ended so."""
    from scenarios.folder import FAILED, INTERRUPTED

    if status == FAILED:
        return RUN_FAILED
    return 128 + signal if status == INTERRUPTED else SUCCESS


def _amplify(options: argparse.Namespace) -> int:
    scenario = _scenario(options)
    os.environ.setdefault("MPLBACKEND", "Agg")
    from scenarios import pool
    from scenarios.amplification_table import table
    from scenarios.amplify import amplify, default_folder, planned_runs
    from scenarios.progress import note, note_compiling, progress
    from scenarios.run import Interruption

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
    return _code(outcome.status, interruption.signal)


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
    """The scenario of a command line, everything set over it."""
    from scenarios.loading import read
    from scenarios.override import literal
    from scenarios.schema import parse

    document = read(options.file)
    for text in options.set:
        key, equals, value = text.partition("=")
        if not equals:
            raise ScenarioError(Problem("--set", text, "no value; write it like --set time.steps=500"))
        document = document.set({key: literal(value)}, "--set")
    for key, option in (("seed", "--seed"), ("time.steps", "--steps")):
        value = getattr(options, option[2:])
        if value is not None:
            document = document.set({key: value}, option)
    return parse(document)


def _plot(options: argparse.Namespace) -> int:
    os.environ.setdefault("MPLBACKEND", "Agg")
    from scenarios.pages import draw

    for path in draw(options.folder):
        print(path)
    return SUCCESS


def _sensitivity(options: argparse.Namespace) -> int:
    os.environ.setdefault("MPLBACKEND", "Agg")
    from scenarios.pages import write_sensitivity

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
    from scenarios.progress import note_compiling, progress
    from scenarios.run import Interruption

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
    return _code(outcome.status, interruption.signal)


def _report(options: argparse.Namespace) -> int:
    os.environ.setdefault("MPLBACKEND", "Agg")
    from scenarios.pages import write_report

    print(write_report(options.folder))
    return SUCCESS


def _compare(options: argparse.Namespace) -> int:
    os.environ.setdefault("MPLBACKEND", "Agg")
    from analysis import compare
    from scenarios.pages import check_run

    for folder in options.folders:
        check_run(folder)
    if options.out is not None and options.out.suffix not in (".html", ".png"):
        raise ScenarioError(Problem("--out", str(options.out), "must end in .html or .png"))
    found = compare.compare(options.folders)
    print(found)
    if options.out is not None:
        print(compare.save(found, options.out))
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


if __name__ == "__main__":
    sys.exit(main())
