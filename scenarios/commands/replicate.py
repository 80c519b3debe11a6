"""`hedgequake replicate`: published results, run again."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from scenarios.terminal.arguments import add_workers, count
from scenarios.terminal.ending import SUCCESS

ABOUT, PLACE = "run published results and set ours beside them", 150


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("name", metavar="NAME", nargs="?", help="one of them, or all; lists them if left out")
    parser.add_argument("--runs", metavar="N", type=count, help="repetitions; each has its own number")
    add_workers(parser)
    parser.add_argument("--quick", action="store_true", help="fewer and smaller runs; intervals widen")
    parser.add_argument("--markdown", action="store_true", help="print one Markdown table instead")
    parser.add_argument("--out", metavar="DIR", type=Path, help="where tables and figures go")


def run(options: argparse.Namespace) -> int:
    """Run one or all and print the comparison; list them if none is named."""
    from scenarios.process.interruption import Interruption
    from scenarios.process.progress import note_compiling
    from scenarios.replications import output, replicate
    from scenarios.workers.engines import cores

    if options.name is None:
        for name in replicate.names():
            print(f"{name:<22}  {replicate.find(name).about}")
        return SUCCESS
    chosen = replicate.names() if options.name == "all" else [replicate.find(options.name).name]
    folder = options.out or Path("results") / "replicate"
    output.claim(folder, list(dict.fromkeys([*chosen, options.name])))
    note_compiling()
    found = []
    for name in chosen:
        with Interruption(at_once=True):  # which ends the workers; studies that are done stay written
            one = replicate.replicate(name, options.runs, options.workers or cores(), options.quick)
        output.write(one, folder)
        found.append(one)
        if not options.markdown:
            print(output.table(one), end="\n\n", flush=True)
    if options.name == "all":
        output.write_csv(found, folder / "all.csv")
        (folder / "all.md").write_text(output.markdown(found), encoding="utf-8")
    print(output.markdown(found) if options.markdown else f"results  {os.path.relpath(folder)}")
    return SUCCESS
