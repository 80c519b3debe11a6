"""What a user waits for: whole processes of the command line, warm and with an empty cache."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from scenarios.benchmarks.measurement import measurement
from scenarios.benchmarks.rows import Goal, Row, Spread
from scenarios.folders.folder import MANIFEST
from sim.base.packages import ROOT

SCENARIO = "short_gamma_crash"
REPEATS = 3
FEW_STEPS = 60


@measurement("start", 50)
def started() -> Iterator[Row]:
    """Yield import, start-up, first results and the whole crash scenario, all warm."""
    warm("--no-figures")
    imports = Spread.of([_spent("-c", "import scenarios.build.loading") for _ in range(REPEATS)])
    yield Row("import, a process", imports, "s")
    for name, options, goal in (
        ("start-up: one step, headless", ("--steps", "1", "--no-figures"), Goal(2, 1, more_is_better=False)),
        (
            "first result, headless",
            ("--steps", str(FEW_STEPS), "--no-figures"),
            Goal(2, 1, more_is_better=False),
        ),
        ("first result, with figures", ("--steps", str(FEW_STEPS)), Goal(5, 3, more_is_better=False)),
        (f"{SCENARIO}, whole, headless", ("--no-figures",), None),
        (f"{SCENARIO}, whole, with figures", (), Goal(10, None, more_is_better=False)),
    ):
        runs = [warm(*options) for _ in range(REPEATS)]
        steps = runs[-1][1]["steps_done"]
        yield Row(name, Spread.of([seconds for seconds, _ in runs]), "s", goal, f"{steps:,} steps")


@measurement("compile", 90)
def compiled() -> Iterator[Row]:
    """Yield what the very first run spends on compiling."""
    with tempfile.TemporaryDirectory() as cache:
        seconds, manifest = run_process("--no-figures", environment={"HEDGEQUAKE_CACHE": cache})
    spent = manifest["compile_seconds"]
    goal = Goal(45, 15, more_is_better=False)
    yield Row("first run ever, compiling", Spread(spent, spent, spent), "s", goal, f"{seconds:.0f} s in all")


def warm(*options: str) -> tuple[float, dict[str, Any]]:
    """Run the crash scenario as `run_process` does, once more if it had to compile."""
    found = run_process(*options)
    return run_process(*options) if found[1]["compile_seconds"] else found


def run_process(*options: str, environment: Mapping[str, str] | None = None) -> tuple[float, dict[str, Any]]:
    """Seconds a run of the crash scenario took as a process, and its manifest."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        command = ("-m", "scenarios", "run", SCENARIO, "--quiet", "--out", str(out), *options)
        seconds = _spent(*command, environment=environment)
        return seconds, json.loads((out / MANIFEST).read_text())


def _spent(*arguments: str, environment: Mapping[str, str] | None = None) -> float:
    began = time.perf_counter()
    subprocess.run(
        (sys.executable, *arguments),
        cwd=ROOT,
        env=os.environ | (environment or {}),
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - began
