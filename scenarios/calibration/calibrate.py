"""Calibrate: run a market at the places a search asks for, until its moments are near their targets.

build the market where the search begins, and find what an earlier session has done
ask the search for places, run them with the same seeds over the workers, keep each run as it is finished
run the finalists with seeds of their own
write the fitted scenario, its moments beside their targets, how sure each key is, and what was run
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from analysis.calibration.fit import FINALISTS, STEPS, Asked, Told, search
from analysis.figures.figure import MAIN
from scenarios.arms.replicates import design_seed, replicate_seeds
from scenarios.arms.samples import unit_points
from scenarios.build.compilation import cut_short
from scenarios.calibration.evaluation import Evaluation, Job, Moments
from scenarios.calibration.outcome import CALIBRATION, Calibration, publish
from scenarios.calibration.targets import Space, Targets
from scenarios.file.schema import Scenario
from scenarios.file.sources import sources_hash
from scenarios.folders.begun import Begun
from scenarios.folders.folder import FINISHED, ResultsFolder
from scenarios.process.interruption import Interruption
from scenarios.workers import workers as processes
from scenarios.workers.resumed import resumed
from scenarios.workers.workers import Failure, Workers

POINTS, ROUNDS, SEEDS = 32, 4, 8


def default_folder(scenario: Scenario, targets: Targets, *asked: object) -> Path:
    """`results/<name>-calibration-<first digits of a hash of all that was asked>`."""
    text = f"{scenario.digest(CALIBRATION)} {targets.model_dump_json()} {asked}"
    return Path("results") / f"{scenario.name}-{CALIBRATION}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def calibrate(
    scenario: Scenario,
    targets: Targets,
    folder: Path,
    *,
    made_by: str,
    seeds: int = SEEDS,
    points: int = POINTS,
    rounds: int = ROUNDS,
    workers: int = 1,
    force: bool = False,
    figures: str = MAIN,
    progress: Callable[[int], None] = lambda done: None,
    interruption: Interruption | None = None,
) -> Calibration:
    """Fit keys of a scenario to targets, and publish the result.

    Parameters
    ----------
    scenario : Scenario
    targets : Targets
    folder : Path
    made_by : str
        The command, for the description of the fitted scenario.
    seeds : int
        The same ones at every place, and as many others where the search ends.
    points : int
        Places of the Sobol sample, beside the scenario as it is written; a power of two spreads best.
    rounds : int
        Of the search after it.
    workers : int
        Processes.
    force : bool
        Replace a finished result, if this one is finished too; else it lands beside.
    figures : str
        "none", or any.
    progress : callable
        Called with the number of runs done.
    interruption : Interruption, optional
        Looked at after every run; the next call goes on from what is done by then.

    Raises
    ------
    ScenarioError
        Before anything is written: the market cannot be built, or the folder is taken.
    """
    checked = scenario.checked()
    evaluation, space = Evaluation(checked, targets), Space(targets, checked)
    every = replicate_seeds(checked.seed, 2 * seeds)
    outcome = Calibration(evaluation, space, every[:seeds], every[seeds:], made_by)
    results = ResultsFolder(folder, CALIBRATION, force=force)
    interruption = interruption or Interruption()
    spread = unit_points("sobol", points, len(space.scales), design_seed(checked.seed))
    sample = np.concatenate([space.written[None], spread])
    with cut_short(interruption):
        evaluation.build(space.values(sample[0]))
    identity = hashlib.sha256(f"{evaluation.identity} {sources_hash(checked)}".encode()).hexdigest()
    with Begun(folder, identity) as begun, results:
        with cut_short(interruption):
            _search(outcome, sample, rounds, workers, begun, progress, interruption)
        outcome.heed(interruption)
        publish(outcome, scenario, results, figures=figures)
        if outcome.status == FINISHED:
            begun.over()
    return outcome


def planned(space_size: int, points: int, rounds: int) -> int:
    """Places that a search of so many keys looks at, the finalists once more."""
    star = 2 * space_size
    return 1 + points + rounds * (star + STEPS) + FINALISTS + star


def _search(
    outcome: Calibration,
    sample: np.ndarray,
    rounds: int,
    workers: int,
    begun: Begun,
    progress: Callable[[int], None],
    interruption: Interruption,
) -> None:
    """Ask, run and tell until the search ends."""
    own, is_fitted = outcome.targets, outcome.is_fitted
    asking = search(sample, own.column("target")[is_fitted], own.column("error")[is_fitted], rounds)
    with processes.of(_one, workers, _prepare, outcome.evaluation) as those:
        asked = next(asking)
        while (found := _look(outcome, asked, those, begun, progress, interruption)) is not None:
            outcome.add(asked, found)
            moments = [Moments(outcome.evaluation, own) for own in found]
            values = np.array([each.values()[is_fitted] for each in moments])
            luck = np.array([each.errors()[is_fitted] for each in moments])
            try:
                asked = asking.send(Told(values, luck))
            except StopIteration as ended:
                outcome.found = ended.value
                return


def _look(
    outcome: Calibration,
    asked: Asked,
    workers: Workers,
    begun: Begun,
    progress: Callable[[int], None],
    interruption: Interruption,
) -> list[list[dict[str, Any]]] | None:
    """What every seed comes to at some places; None if that was cut short."""
    own = [outcome.jobs(place, is_again=asked.is_again) for place in asked.places]
    jobs = {job.name: job for each in own for job in each}
    before, results = sum(map(len, outcome.results)), {}
    done = resumed(workers, jobs, begun, lambda: interruption.signal)
    for number, (name, result) in enumerate(done, 1):
        if isinstance(result, Failure):
            outcome.note(name, result)
        else:
            results[name] = result
        progress((before + number) * outcome.evaluation.runs)
    if interruption.signal:
        return None
    return [[results[job.name] for job in each if job.name in results] for each in own]


_evaluation: Evaluation


def _prepare(evaluation: Evaluation) -> None:
    """Set a worker up."""
    global _evaluation
    _evaluation = evaluation


def _one(job: Job) -> dict[str, Any]:
    """One job."""
    return _evaluation.run(job)
