"""Independent runs of one published scenario at several settings, and what they come to.

Unlike the runs of a comparison of arms, no two of them share a seed. A task steps the market of
its run itself, so a run of which one number is wanted builds no tables.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import beta, t

from scenarios.arms.replicates import replicate_seed, replicate_seeds
from scenarios.build.build import build
from scenarios.build.loading import load
from scenarios.file.library import REPLICATED
from scenarios.file.schema import Scenario
from scenarios.workers.workers import Failure, run_over

CONFIDENCE = 0.95


class IndependentRun(NamedTuple):
    """One run: the scenario, its number among the settings, what is set, and the seed."""

    scenario: str
    setting: int
    values: dict[str, Any]
    seed: int

    def market(self) -> Any:
        """The market of this run, ready to step."""
        return build(_read(self.scenario, json.dumps(self.values)), self.seed)


@lru_cache
def _read(scenario: str, values: str) -> Scenario:
    """A scenario of `published` with its values set; read once for all seeds."""
    return load(REPLICATED / f"{scenario}.toml", json.loads(values))


def run_all(
    task: Callable[[IndependentRun], Any],
    scenario: str,
    settings: Sequence[dict[str, Any]],
    runs: int | Sequence[int],
    workers: int,
) -> list[list[Any]]:
    """What a task returns for each setting, run after run; no two runs share a seed.

    Parameters
    ----------
    task : callable
        A function of a module, of an `IndependentRun`.
    scenario : str
        Name of a file in `published`.
    settings : sequence of dict
        Values by dotted key.
    runs : int or sequence of int
        Of all settings, or of each.
    workers : int

    Raises
    ------
    RuntimeError
        If a run failed.
    """
    counts = [runs] * len(settings) if isinstance(runs, int) else list(runs)
    root = load(REPLICATED / f"{scenario}.toml").seed
    jobs = [
        IndependentRun(scenario, number, dict(values), seed)
        for number, values in enumerate(settings)
        for seed in replicate_seeds(replicate_seed(root, number), counts[number])
    ]
    found: list[Any] = [None] * len(jobs)
    for number, result in run_over(task, jobs, workers=workers):
        if isinstance(result, Failure):
            raise RuntimeError(f"{scenario}, {jobs[number].values}: {result.reason}\n{result.trace}")
        found[number] = result
    return [
        [result for job, result in zip(jobs, found, strict=True) if job.setting == number]
        for number in range(len(settings))
    ]


def mean(values: np.ndarray) -> tuple[float, float, float]:
    """Mean of independent values and its 95% interval by Student's t."""
    centre = float(np.mean(values))
    error = float(np.std(values, ddof=1)) / values.size**0.5
    half = float(t.ppf(0.5 + 0.5 * CONFIDENCE, values.size - 1)) * error
    return centre, centre - half, centre + half


def share(hits: int, trials: int) -> tuple[float, float, float]:
    """Share of trials that hit and its exact 95% interval (Clopper & Pearson 1934)."""
    tail = 0.5 * (1.0 - CONFIDENCE)
    low = float(beta.ppf(tail, hits, trials - hits + 1)) if hits else 0.0
    high = float(beta.ppf(1.0 - tail, hits + 1, trials - hits)) if hits < trials else 1.0
    return hits / trials, low, high
