"""Replicate: run what theory and the literature have numbers for, and compare.

Every file `published/NAME.py` is a replication: a function decorated with `@replication`
that runs scenarios (its own `published/NAME.toml`, or the library's) on the market that
users run, and returns a `Row` for each published number. There is no list to add it to.

    @replication(source="Author (year), section", about="What is compared.", runs=40, quick_runs=4)
    def name(runs, workers, quick):
        values = measured(REPLICATED / "name.toml", measure, [{}], runs, workers)[0]
        return [estimated("quantity", 1.25, values, tolerance=0.02)]
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from scenarios.arms.replicates import replicate_seed
from scenarios.build.build import build
from scenarios.build.loading import load
from scenarios.file.errors import Problem, ScenarioError, nearest
from scenarios.file.library import REPLICATED
from scenarios.file.schema import Scenario
from scenarios.workers.workers import Failure, run_over
from sim.recording.recording import Recording

AGREES, DIFFERS, SHOWN = "agrees", "differs", "shown"
LEVEL = 0.95  # of intervals
SEED, REDRAWS = 20240607, 1000  # of bootstraps


class Row(NamedTuple):
    """A published number and ours.

    Attributes
    ----------
    quantity : str
    published, ours : float
        Infinite where the model has no finite value: it is unstable.
    low, high : float
        Interval of 95% for ours, from Monte-Carlo error alone; equal to it if there is none.
    tolerance : float or None
        How far ours may be from what is published beside that error; None if it is only shown.
    unit : str
    """

    quantity: str
    published: float
    ours: float
    low: float
    high: float
    tolerance: float | None
    unit: str = ""

    @property
    def half_width(self) -> float:
        """Monte-Carlo error: half the width of the interval."""
        return 0.5 * (self.high - self.low) if math.isfinite(self.ours) else 0.0

    @property
    def verdict(self) -> str:
        """`agrees` within tolerance and Monte-Carlo error, `differs`, or `shown` without a tolerance."""
        if self.tolerance is None:
            return SHOWN
        if math.isinf(self.published) or math.isinf(self.ours):
            return AGREES if self.published == self.ours else DIFFERS
        agrees = abs(self.ours - self.published) <= self.tolerance + self.half_width
        return AGREES if agrees else DIFFERS


Rows = Sequence[Row]
Body = Callable[[int, int, bool], Rows]


class Study(NamedTuple):
    """A replication that can be run.

    Attributes
    ----------
    name : str
    source : str
        Where the published numbers are.
    about : str
        What is compared, in a sentence.
    body : callable
        Takes runs, workers and whether it is to be quick, and returns rows.
    runs, quick_runs : int
        Repetitions where nobody says how many.
    figure : callable or None
        Draws (rows, axes); None for ours over published.
    """

    name: str
    source: str
    about: str
    body: Body
    runs: int
    quick_runs: int
    figure: Callable[[Rows, Any], None] | None

    def __call__(self, runs: int, workers: int, quick: bool) -> Rows:
        """Run it."""
        return self.body(runs, workers, quick)


class Replication(NamedTuple):
    """What became of a study: its rows, and how they are drawn."""

    name: str
    source: str
    rows: Rows
    figure: Callable[[Rows, Any], None] | None


def replication(
    *,
    source: str,
    about: str,
    runs: int = 40,
    quick_runs: int = 4,
    figure: Callable[[Rows, Any], None] | None = None,
) -> Callable[[Body], Study]:
    """Make a function the replication that its file is named after.

    Parameters
    ----------
    source, about, runs, quick_runs, figure
        As in `Study`.
    """

    def study(body: Body) -> Study:
        name = body.__module__.rpartition(".")[2]
        return Study(name, source, about, body, runs, quick_runs, figure)

    return study


def names() -> list[str]:
    """Names of the replications there are."""
    return sorted(path.stem for path in REPLICATED.glob("*.py") if path.stem != "__init__")


def find(name: str) -> Study:
    """The replication of a name.

    Raises
    ------
    ScenarioError
        If there is none.
    """
    known = names()
    if name not in known:
        raise ScenarioError(
            Problem(
                name,
                "",
                f'no replication is named "{name}"',
                found=name,
                allowed=tuple(known),
                nearest=nearest(name, known),
            )
        )
    module = importlib.import_module(f"scenarios.published.{name}")
    return next(value for value in vars(module).values() if isinstance(value, Study))


def replicate(name: str, runs: int | None = None, workers: int = 1, quick: bool = False) -> Replication:
    """Run a replication.

    Parameters
    ----------
    name : str
    runs : int, optional
        Repetitions; the replication's own number if not given.
    workers : int
        Processes.
    quick : bool
        Take fewer repetitions, and smaller ones where the replication knows how. Only the
        Monte-Carlo error grows; tolerances stay.

    Raises
    ------
    ScenarioError
        If there is no such replication.
    RuntimeError
        If a run of it fails.
    """
    study = find(name)
    count = runs or (study.quick_runs if quick else study.runs)
    return Replication(name, study.source, study(count, workers, quick), study.figure)


class Plan(NamedTuple):
    """Runs of one variant of a scenario.

    Attributes
    ----------
    scenario : str or Path
        A file, or a name from the library.
    measure : callable
        A function of a module; what it returns of each recording is kept.
    changes : mapping
        Values over the scenario's, by dotted key.
    runs : int
        Seeds, derived from the scenario's; equal scenarios share them.
    """

    scenario: str | Path
    measure: Callable[[Recording], Any]
    changes: Mapping[str, Any]
    runs: int


def carried_out(plans: Sequence[Plan], workers: int) -> list[list[Any]]:
    """Run plans together over the workers.

    Returns
    -------
    list of list
        What `measure` returned, by plan and run.

    Raises
    ------
    RuntimeError
        If a run fails.
    """
    jobs = [(number, run) for number, plan in enumerate(plans) for run in range(plan.runs)]
    jobs.sort(key=lambda job: job[1] / plans[job[0]].runs)  # so that long ones do not come last
    found: list[list[Any]] = [[None] * plan.runs for plan in plans]
    results = run_over(_measured, jobs, workers=workers, setup=_prepare, setup_arguments=(list(plans),))
    for at, result in results:
        number, run = jobs[at]
        if isinstance(result, Failure):
            raise RuntimeError(f"a run of {plans[number].scenario} failed: {result.reason}\n{result.trace}")
        found[number][run] = result
    return found


def measured(
    scenario: str | Path,
    measure: Callable[[Recording], Any],
    variants: Sequence[Mapping[str, Any]],
    runs: int,
    workers: int,
) -> list[list[Any]]:
    """Measure every variant of a scenario with the same seeds; arguments as in `Plan`.

    Returns
    -------
    list of list
        What `measure` returned, by variant and run.

    Raises
    ------
    RuntimeError
        If a run fails.
    """
    return carried_out([Plan(scenario, measure, dict(changes), runs) for changes in variants], workers)


_plans: list[Plan]


def _prepare(plans: list[Plan]) -> None:
    """Make this process ready to carry plans out."""
    global _plans
    _plans = plans
    _parsed.cache_clear()


@lru_cache(maxsize=256)
def _parsed(number: int) -> Scenario:
    return load(_plans[number].scenario, _plans[number].changes).checked()


def _measured(job: tuple[int, int]) -> Any:
    """One run of one plan."""
    number, run = job
    scenario = _parsed(number)
    model = build(scenario, replicate_seed(scenario.seed, run))
    recording = model.run()
    model.release()
    return _plans[number].measure(recording)


def interval(values: Any) -> tuple[float, float, float]:
    """Mean of independent values and its interval of 95% (Student's t); infinite if any value is."""
    sample = np.asarray(values, float)
    mean = float(np.mean(sample))
    if sample.size < 2 or not math.isfinite(mean):
        return mean, mean, mean
    error = float(np.std(sample, ddof=1)) / math.sqrt(sample.size)
    reach = float(stats.t.ppf(0.5 + 0.5 * LEVEL, sample.size - 1)) * error
    return mean, mean - reach, mean + reach


def estimated(quantity: str, published: float, values: Any, tolerance: float | None, unit: str = "") -> Row:
    """A row whose value is the mean of what independent runs gave."""
    return Row(quantity, float(published), *interval(values), tolerance, unit)


def resampled(
    quantity: str,
    published: float,
    sample: Any,
    statistic: Callable[[np.ndarray], float],
    tolerance: float | None,
    unit: str = "",
) -> Row:
    """A row whose value is a statistic of independent runs; its interval is a bootstrap over them.

    Parameters
    ----------
    sample : array_like, shape (..., runs)
    statistic : callable
        Of an array of this shape.
    """
    values = np.asarray(sample, float)
    draw = np.random.default_rng(SEED)
    runs = values.shape[-1]
    again = [statistic(values[..., draw.integers(runs, size=runs)]) for _ in range(REDRAWS)]
    low, high = np.quantile(again, (0.5 - 0.5 * LEVEL, 0.5 + 0.5 * LEVEL))
    return Row(quantity, float(published), float(statistic(values)), float(low), float(high), tolerance, unit)


def exact(quantity: str, published: float, ours: float, tolerance: float | None, unit: str = "") -> Row:
    """A row of a number that no draw enters."""
    return Row(quantity, float(published), float(ours), float(ours), float(ours), tolerance, unit)
