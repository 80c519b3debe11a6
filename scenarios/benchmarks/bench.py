"""`hedgequake bench`: speed as ratios, measured side by side in one run.

A table with a row for every goal: our figure and the peer's, the median of what is judged
with its range over the repeats, what was asked for at least and aimed at, and a verdict:
"aim", "reached", "short", or a dash where nothing was asked. Contestants take turns, so that a slow
moment of the machine meets both. What is measured is in the modules of `scenarios.benchmarks`
(`scenarios.benchmarks.measurement` finds it); `compile` comes last because it is long.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from scenarios.benchmarks.measurement import Measurement, known
from scenarios.benchmarks.rows import MissingPeer
from scenarios.file.errors import Problem, ScenarioError, nearest

DISTRIBUTIONS = ("hedgequake", "numpy", "numba", "mesa", "scipy", "bourse", "sortedcontainers")
HEADINGS = ("", "ours", "peer", "median", "range", "goal", "aim", "verdict")
WIDTHS = (52, 23, 21, 10, 15, 9, 9, 7)


def main(subject: str | None = None) -> int:
    """Measure one subject, or all, and print the table.

    Parameters
    ----------
    subject : str, optional
        That of some measurement.

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
    for each in chosen:
        print(f"measuring {each.subject} ...", file=sys.stderr)
        try:
            for row in each():
                print(line(row.cells()), flush=True)
        except MissingPeer as missing:
            print(f"{each.subject}: left out, {missing}", flush=True)
    print(f"measured in {time.perf_counter() - started:.0f} s")
    return 0


def measures(subject: str | None = None) -> list[Measurement]:
    """What is to be measured.

    Raises
    ------
    ScenarioError
        If there is no such subject.
    """
    found = known()
    allowed = tuple(dict.fromkeys(each.subject for each in found))
    if subject is not None and subject not in allowed:
        what = f"bench has no subject {subject!r}"
        raise ScenarioError(
            Problem("bench", "", what, found=subject, allowed=allowed, nearest=nearest(subject, allowed))
        )
    return [each for each in found if subject in (None, each.subject)]


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
