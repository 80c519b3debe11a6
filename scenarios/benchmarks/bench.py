"""`hedgequake bench`: speed as ratios, measured side by side in one run.

A table with a row for every goal: our figure and the peer's, the median of what is judged
with its range over the repeats, what was asked for at least and aimed at, and a verdict:
"aim", "reached", "short", or a dash where nothing was asked. Contestants take turns, so that a slow
moment of the machine meets both. Each subject is a module of `scenarios.benchmarks`,
imported when its turn comes.
"""

from __future__ import annotations

import importlib
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from importlib import metadata
from pathlib import Path

from scenarios.benchmarks.rows import MissingPeer, Row
from scenarios.file.errors import Problem, ScenarioError, nearest

Measure = Callable[[], Iterable[Row]]

SUBJECTS = {
    "book": ("book.against_bourse", "sorted_book.against_sorted_containers"),
    "greeks": ("greeks.against_scipy",),
    "hedgers": ("hedgers.against_bourse_and_numpy", "hedgers.against_objects"),
    "python": ("overhead.outside_kernels",),
    "start": ("processes.started",),
    "memory": ("memory.held",),
    "sweep": ("sweeps.shared", "sweeps.against_mesa", "sweeps.parent"),
    "compile": ("processes.compiled",),
}
"""Where each subject is measured; `compile` is last because it is long."""

DISTRIBUTIONS = ("hedgequake", "numpy", "numba", "mesa", "scipy", "bourse", "sortedcontainers")
HEADINGS = ("", "ours", "peer", "median", "range", "goal", "aim", "verdict")
WIDTHS = (52, 23, 21, 10, 15, 9, 9, 7)


def main(subject: str | None = None) -> int:
    """Measure one subject, or all, and print the table.

    Parameters
    ----------
    subject : str, optional
        A key of `SUBJECTS`.

    Returns
    -------
    int
        Exit code: 0, whatever the verdicts are.

    Raises
    ------
    ScenarioError
        If there is no such subject.
    """
    chosen = measures(subject)
    print("\n".join(machine()))
    print(line(HEADINGS))
    started = time.perf_counter()
    for name, measure in chosen:
        print(f"measuring {name} ...", file=sys.stderr)
        try:
            for row in measure():
                print(line(row.cells()), flush=True)
        except MissingPeer as missing:
            print(f"{name}: left out, {missing}", flush=True)
    print(f"measured in {time.perf_counter() - started:.0f} s")
    return 0


def measures(subject: str | None = None) -> list[tuple[str, Measure]]:
    """What is to be measured, with its subject's name.

    Raises
    ------
    ScenarioError
        If there is no such subject.
    """
    if subject is not None and subject not in SUBJECTS:
        what = f"bench has no subject {subject!r}"
        allowed = tuple(SUBJECTS)
        raise ScenarioError(
            Problem("bench", "", what, found=subject, allowed=allowed, nearest=nearest(subject, allowed))
        )
    chosen = SUBJECTS if subject is None else {subject: SUBJECTS[subject]}
    return [(name, _found(place)) for name, places in chosen.items() for place in places]


def _found(place: str) -> Measure:
    """The function at `module.function` of the benchmarks; imported when called."""
    module, _, function = place.partition(".")

    def measure() -> Iterable[Row]:
        found: Measure = getattr(importlib.import_module(f"scenarios.benchmarks.{module}"), function)
        return found()

    return measure


def machine() -> list[str]:
    """Processor and cores, Python and the versions that matter, a line each."""
    versions = [f"python {platform.python_version()}", *map(_version, DISTRIBUTIONS)]
    return [f"{_processor()}, {os.cpu_count()} cores, {platform.system()}", ", ".join(versions)]


def line(cells: Sequence[str]) -> str:
    """A line of the table: the first cell to the left, the others to the right."""
    padded = [cell.rjust(width) for cell, width in zip(cells[1:], WIDTHS[1:], strict=True)]
    return " ".join([cells[0].ljust(WIDTHS[0]), *padded]).rstrip()


def _version(name: str) -> str:
    try:
        return f"{name} {metadata.version(name)}"
    except metadata.PackageNotFoundError:
        return f"no {name}"


def _processor() -> str:
    """The processor's model as Linux tells it, else what Python knows."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for entry in cpuinfo.read_text().splitlines():
            if entry.startswith("model name"):
                return entry.partition(":")[2].strip()
    return platform.processor() or platform.machine()
