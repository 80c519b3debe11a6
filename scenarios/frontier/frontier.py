"""Frontier: run a market at the values that a search asks for, until it knows where a level is passed.

find the range of the parameter, and build the market at both ends
ask the search for a batch, run it over the workers, tell it what came of it
write the crossing, a row for every run, the figure, and say in the manifest what this is
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from analysis.base.arms import BASE
from analysis.base.metric import Undefined
from analysis.figures.drawing import going_on
from analysis.figures.figure import MAIN, NONE
from analysis.frontier.found import OUTSIDE, SEVERAL, Crossing
from analysis.frontier.frontier import MOST, WIDTH, Search
from analysis.frontier.question import Question, Scale
from analysis.measures import every_name, find, is_name
from scenarios.arms.arms import Arms
from scenarios.arms.replicates import replicate_seed
from scenarios.build.compilation import cut_short
from scenarios.file.errors import Problem, ScenarioError, nearest
from scenarios.file.schema import Scenario
from scenarios.folders.folder import FAILED, ResultsFolder
from scenarios.frontier.scale import at, scale_of
from scenarios.process.interruption import Interruption
from scenarios.workers import workers as processes
from scenarios.workers.study import Study
from scenarios.workers.workers import Failure, Workers
from sim.recording.recording import Recording

FRONTIER = "frontier"
Row = dict[str, Any]


@dataclass
class Frontier(Study):
    """What became of a search, beyond what every study has.

    Attributes
    ----------
    scenario : Scenario
    key, arm : str
    question : Question
    scale : Scale
    rows : list of dict
        A row a run: batch, replicate, seed, value, metric, outcome, and why it has none.
    crossing : Crossing or None
        None if the runs say nothing; `reason` says why.
    reason : str
    """

    scenario: Scenario
    key: str
    arm: str
    question: Question
    scale: Scale
    rows: list[Row] = field(default_factory=list)
    crossing: Crossing | None = None
    reason: str = ""
    kind: ClassVar[str] = FRONTIER


def default_folder(scenario: Scenario, key: str, *asked: object) -> Path:
    """`results/<name>-frontier-<last part of the key>-<first digits of the hash>`.

    Parameters
    ----------
    scenario : Scenario
    key : str
    *asked
        What else makes it this search and no other: metric, level, range, arm, width, most runs.
    """
    part = key.rpartition(".")[2].strip('"')
    search = " ".join(map(str, (FRONTIER, key, *asked)))
    return Path("results") / f"{scenario.name}-{FRONTIER}-{part}-{scenario.digest(search)[:8]}"


def frontier(
    scenario: Scenario,
    folder: Path,
    *,
    key: str,
    metric: str,
    level: float,
    low: float | None = None,
    high: float | None = None,
    arm: str = BASE,
    width: float = WIDTH,
    most: int = MOST,
    workers: int = 1,
    force: bool = False,
    figures: str = MAIN,
    progress: Callable[[int], None] = lambda done: None,
    interruption: Interruption | None = None,
) -> Frontier:
    """Find the value of a parameter at which a metric passes a level, and publish the result.

    Parameters
    ----------
    scenario : Scenario
    folder : Path
    key : str
        Dotted key of a number.
    metric : str
        `P(bad_debt > 0)` or `bad_debt>0` for a chance, `BTC.max_drawdown` for a mean.
    level : float
        Of the chance, between 0 and 1, or of the mean, in the metric's unit.
    low, high : float, optional
        Range of the parameter; a tenth and ten times the scenario's value if not given, as far as
        the scenario allows.
    arm : str
    width : float
        The search ends when the 95% interval is no wider than this fraction of its middle.
    most : int
        Runs at most.
    workers : int
        Processes.
    force : bool
        Replace a finished result, if this one is finished too; else it lands beside.
    figures : str
        "none", or any.
    progress : callable
        Called with the number of runs done.
    interruption : Interruption, optional
        Looked at after every run; what is done by then is published.

    Raises
    ------
    ScenarioError
        Before anything is written: the key, the metric, the level, the range or the arm is unusable,
        or the folder is taken.

    Notes
    -----
    Run number n has the seed of replicate n, whatever its value, so no two runs share one.
    """
    checked = scenario.checked()
    question = _question(checked, metric, level)
    scale = scale_of(checked, key, low, high)
    outcome = Frontier(checked, key, arm, question, scale)
    search = _search(outcome, width, most)
    results = ResultsFolder(folder, FRONTIER, force=force)
    interruption = interruption or Interruption()
    with cut_short(interruption):
        for value in (scale.low, scale.high):
            Arms(at(checked, key, value), [arm]).market(arm, checked.seed).release()
    with results:
        _run(outcome, search, workers, progress, interruption)
        _publish(outcome, results, figures=figures)
    return outcome


def _question(scenario: Scenario, text: str, level: float) -> Question:
    """What is asked, its metric known."""
    try:
        question = Question.parse(text, level)
    except ValueError as error:
        option = "--level" if "level" in str(error) else "--metric"
        raise ScenarioError(Problem(option, "", str(error))) from error
    names = [asset.name for asset in scenario.assets]
    if not is_name(question.metric, names):
        near = nearest(question.metric, every_name(names))
        what = f'no metric is named "{question.metric}"'
        raise ScenarioError(Problem("--metric", "", what, found=question.metric, nearest=near))
    return question


def _search(outcome: Frontier, width: float, most: int) -> Search:
    try:
        return Search(outcome.question, outcome.scale, width=width, most=most)
    except ValueError as error:
        raise ScenarioError(Problem(outcome.scenario.name, "", str(error))) from error


def _run(
    outcome: Frontier,
    search: Search,
    workers: int,
    progress: Callable[[int], None],
    interruption: Interruption,
) -> None:
    """Ask, run and tell until the search ends; a metric that is not defined ends it too."""
    batch, payload = 0, (outcome.scenario, outcome.key, outcome.arm, outcome.question.metric)
    try:
        with processes.of(_one, workers, _prepare, *payload) as those:
            while (values := search.ask()).size and not interruption.signal:
                rows = _batch(outcome, values, batch, those, progress, interruption)
                if not rows:
                    break
                search.tell(
                    np.array([row["value"] for row in rows]), np.array([row["number"] for row in rows])
                )
                batch += 1
    except Undefined as undefined:
        first = next((row["reason"] for row in outcome.rows if row["reason"]), "")
        outcome.status, outcome.reason = FAILED, f"{undefined}" + (f" ({first})" if first else "")
    else:
        outcome.crossing = search.found() if outcome.rows else None
    outcome.heed(interruption)


def _batch(
    outcome: Frontier,
    values: np.ndarray,
    batch: int,
    workers: Workers,
    progress: Callable[[int], None],
    interruption: Interruption,
) -> list[Row]:
    """Run a batch; rows in the order of the values."""
    first, rows = len(outcome.rows), {}
    jobs = [
        (float(value), replicate_seed(outcome.scenario.seed, first + number))
        for number, value in enumerate(values)
    ]
    with cut_short(interruption):
        for done, (number, result) in enumerate(workers.run(jobs, lambda: interruption.signal), 1):
            value, seed = jobs[number]
            if isinstance(result, Failure):
                outcome.note(f"run {first + number}", result)
                result = (None, result.reason)
            found = np.nan if result[0] is None else float(result[0])
            rows[number] = {
                "batch": batch,
                "replicate": first + number,
                "seed": seed,
                "value": value,
                "number": found,
                "outcome": float(outcome.question.outcomes(np.array(found))),
                "reason": result[1],
            }
            progress(first + done)
    ordered = [rows[number] for number in sorted(rows)]
    outcome.rows += ordered
    return ordered


_job: tuple[Scenario, str, str, str]


def _prepare(scenario: Scenario, key: str, arm: str, metric: str) -> None:
    """Set a worker up."""
    global _job
    _job = scenario, key, arm, metric
    _arms.cache_clear()


@lru_cache(maxsize=4)
def _arms(value: float) -> Arms:
    """The market at a value; runs of a batch share a few values."""
    scenario, key, arm, _ = _job
    return Arms(at(scenario, key, value), [arm])


def _one(job: tuple[float, int]) -> tuple[float | None, str]:
    """One run: the metric, None where undefined, and why."""
    value, seed = job
    found: list[tuple[float | None, str]] = []
    _arms(value).run(seed, lambda _, recording: found.append(_measured(recording, _job[3])))
    return found[0]


def _measured(recording: Recording, metric: str) -> tuple[float | None, str]:
    about = find(metric)
    entries = about.entries(recording) if about is not None else {}
    if metric not in entries:
        raise KeyError(f"no metric is named {metric}; there are {', '.join(list(entries)[:8])}")
    entry = entries[metric]
    return entry["value"], entry.get("reason", "")


def _publish(outcome: Frontier, results: ResultsFolder, *, figures: str) -> None:
    """Write the crossing, a row a run and the figure, and publish."""
    rows = [
        {**row, "number": _known(row["number"]), "outcome": _known(row["outcome"])} for row in outcome.rows
    ]
    results.write_runs(rows)
    found = outcome.crossing
    results.write_json(f"{FRONTIER}.json", described(outcome))
    if figures != NONE and found is not None:
        from analysis.sweeps.plots import save_frontier

        with going_on(outcome.figures_failed, FRONTIER):
            save_frontier(found, outcome.key, results.partial / "figures")
    outcome.publish(results, outcome.scenario, _about(outcome))


def described(outcome: Frontier) -> dict[str, Any]:
    """What was found, as in `frontier.json`."""
    found = outcome.crossing
    about = {"key": outcome.key, "arm": outcome.arm}
    return about | (found.entry() if found else {"reason": outcome.reason})


def _known(number: float) -> float | None:
    return float(number) if np.isfinite(number) else None


def _about(outcome: Frontier) -> dict[str, Any]:
    """What the search was, for the manifest."""
    found = outcome.crossing
    return {
        "key": outcome.key,
        "metric": outcome.question.text,
        "level": outcome.question.level,
        "arm": outcome.arm,
        "runs": len(outcome.rows),
        "is_found": bool(found and found.estimate is not None and found.ended not in (OUTSIDE, SEVERAL)),
    }
