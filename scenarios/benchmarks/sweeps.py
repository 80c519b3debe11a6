"""Sweeps: how two workers share runs, what a run costs beyond its model, and mesa's batch runner beside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scenarios.arms.replicates import replicate_seeds
from scenarios.benchmarks.measurement import measurement
from scenarios.benchmarks.rows import Goal, Row, Spread, alternate
from scenarios.build.loading import load, market
from scenarios.file.schema import Scenario
from scenarios.process.provenance import peak_memory_bytes
from scenarios.sweeps.results import read_sweep
from scenarios.sweeps.sweep import SweepOutcome, sweep
from scenarios.workers.engines import SERIAL
from sim.base.packages import ROOT

SCENARIO, KEY = "linear_feedback", "populations.dealers.exposure.gamma"
STEPS = 1000
"""Some 50 ms on one core of a desktop."""

POINTS = [-5.0, -4.0, -3.0, -2.0, -1.0, 1.0, 2.0, 3.0, 4.0, 5.0]
RUNS, SOME, FEW = 1000, 500, 200
REPEATS = 3
MANY, SHORT_STEPS = 10_000, 20
MIB = 2**20


@measurement("sweep", 70)
def shared() -> Iterator[Row]:
    """Yield the rate of two workers over one's, and what one run costs beyond its model."""
    compared = alternate(lambda: swept(RUNS, workers=2)[0], lambda: swept(RUNS, workers=1)[0], REPEATS)
    yield compared.row(f"{RUNS:,} runs, 2 workers over 1", Goal(1.8, 1.9), "runs/s")
    costs, models, measured = [], [], []
    for _ in range(REPEATS):
        seconds, timing = swept(SOME, start=SERIAL)[1:]
        model = timing["build_seconds"].mean() + timing["step_seconds"].mean()
        models.append(1e3 * model)
        measured.append(1e6 * timing["metric_seconds"].mean())
        costs.append(1e6 * (seconds / SOME - model))
    about = f"of runs of {Spread.of(models).median:.0f} ms"
    goal = Goal(3000.0, more_is_better=False)
    yield Row("a run beyond its model, metrics with it", Spread.of(costs), "us", goal, about)
    yield Row("metrics alone, the light list", Spread.of(measured), "us", None)


@measurement("sweep", 71)
def against_mesa() -> Iterator[Row]:
    """Yield our rate over that of `mesa.batch_run`: the same model, the same runs, two processes each."""
    compared = alternate(lambda: swept(FEW, workers=2)[0], lambda: batched(FEW), REPEATS)
    yield compared.row(f"{FEW:,} runs, 2 workers, over mesa.batch_run", None, "runs/s")


@measurement("sweep", 72)
def parent() -> Iterator[Row]:
    """Yield how far the parent's memory grows over many runs."""
    goal = Goal(50, None, more_is_better=False)
    yield Row(f"parent, growth over {MANY:,} runs", Spread.of([_growth()]), "MiB", goal)


def planned(runs: int, steps: int = STEPS) -> Scenario:
    """A scenario whose sweep has so many runs."""
    design = {"design": "grid", "over": {KEY: POINTS}, "replicates": runs // len(POINTS)}
    return load(SCENARIO, {"time.steps": steps, "sweep": design})


def swept(runs: int, *, steps: int = STEPS, **how: Any) -> tuple[float, float, Any]:
    """Rate of a whole sweep, its seconds, and its table of timing.

    Parameters
    ----------
    runs, steps : int
    **how
        Of `scenarios.sweeps.sweep.sweep`.
    """
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        outcome: SweepOutcome = sweep(planned(runs, steps), Path(folder) / "out", **how)
        seconds = time.perf_counter() - began
        if outcome.done != runs:
            raise RuntimeError(f"{outcome.done} of {runs} runs were done: {outcome.trouble}")
        return runs / seconds, seconds, read_sweep(outcome.folder).timing


def batched(runs: int) -> float:
    """Rate of mesa's batch runner over the same runs."""
    import mesa

    seeds = replicate_seeds(load(SCENARIO).seed, runs // len(POINTS))
    varied = {"name_or_path": SCENARIO, "rng": seeds, "time.steps": STEPS, KEY: POINTS}
    began = time.perf_counter()
    found = mesa.batch_run(
        market, varied, number_processes=2, data_collection_period=-1, display_progress=False
    )
    if len(found) != runs:
        raise RuntimeError(f"mesa returned {len(found)} rows for {runs} runs")
    return runs / (time.perf_counter() - began)


PARENT = """
import json, sys
from pathlib import Path
from scenarios.benchmarks.sweeps import MANY, SHORT_STEPS, own_peak, planned
from scenarios.sweeps.sweep import sweep
if __name__ == "__main__":
    peaks = []
    for runs in (100, MANY):
        outcome = sweep(planned(runs, SHORT_STEPS), Path(sys.argv[1]) / str(runs), workers=2)
        assert outcome.done == runs, outcome
        peaks.append(own_peak())
    print(json.dumps(peaks))
"""


def own_peak() -> int:
    """Most memory this process has held; on Linux not counting the process it was started from."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return peak_memory_bytes()
    lines = status.read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def _growth() -> float:
    """MiB that the peak of a parent grows by from a hundred runs to many."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "parent.py"
        script.write_text(PARENT)
        command = (sys.executable, str(script), folder)
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        said = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    few, many = json.loads(said.stdout)
    return float(many - few) / MIB
