"""Amplify: run the arms of a scenario over paired seeds and compare them.

run base once and keep its recording, for figures and tables
run every arm with every seed, the seeds over the workers
compare the arms, metric by metric
write the table, the figure, a row for every run, and say in the manifest what this is
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from analysis import gallery
from analysis.base.arms import BASE, MUTED, OPEN_LOOP
from analysis.base.metric import measure
from analysis.feedback.amplification import compare
from analysis.measures import known, listed, metrics
from scenarios.arms.arms import Arms
from scenarios.arms.mechanisms import mechanisms, run_coalitions
from scenarios.arms.replicates import replicate_seeds
from scenarios.build.compilation import cut_short
from scenarios.file.schema import Scenario
from scenarios.folders.folder import ResultsFolder
from scenarios.process.interruption import Interruption, Stopped
from scenarios.workers.study import Study
from scenarios.workers.workers import Failure, failure, run_over
from sim.recording.recording import Recording

AMPLIFICATION = "amplification"

Row = dict[str, Any]


@dataclass
class Amplification(Study):
    """What became of a comparison, beyond what every study has.

    Attributes
    ----------
    arms : Arms
    seeds : list of int
        That were asked for.
    rows : list of dict
        A row a run: replicate, seed, arm, and the metrics, None where undefined.
    entries : dict
        As in `amplification.json`.
    reasons : dict of str to str
        Why a metric was undefined in some run.
    shapley : dict
        As in `shapley.json`; empty if it was not asked for.
    """

    arms: Arms
    seeds: list[int]
    rows: list[Row] = field(default_factory=list)
    entries: dict[str, Any] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    shapley: dict[str, Any] = field(default_factory=dict)
    kind: ClassVar[str] = AMPLIFICATION

    def values(self, metric: str, arms: Sequence[str] | None = None) -> dict[str, np.ndarray]:
        """Values of a metric by arm, a value a seed, NaN where undefined."""
        table: dict[str, dict[int, float]] = {arm: {} for arm in arms or self.arms.chosen}
        for row in self.rows:
            found = row.get(metric)
            table[row["arm"]][row["replicate"]] = np.nan if found is None else found
        replicates = sorted({row["replicate"] for row in self.rows})
        return {arm: np.array([of.get(n, np.nan) for n in replicates], float) for arm, of in table.items()}


def default_arms(scenario: Scenario) -> list[str]:
    """Base, muted and open_loop, and the arms the scenario defines itself."""
    return list(dict.fromkeys([BASE, MUTED, OPEN_LOOP, *scenario.arms]))


def default_folder(scenario: Scenario) -> Path:
    """`results/<name>-amplification-<first digits of the hash>`."""
    return Path("results") / f"{scenario.name}-{AMPLIFICATION}-{scenario.digest(AMPLIFICATION)[:8]}"


def planned_runs(scenario: Scenario, seeds: int, arms: Sequence[str] = (), *, shapley: bool = False) -> int:
    """Runs that a comparison takes."""
    chosen = len(dict.fromkeys(arms)) or len(default_arms(scenario))
    return seeds * (chosen + (2 ** len(mechanisms(scenario)) if shapley else 0))


def amplify(
    scenario: Scenario,
    folder: Path,
    *,
    seeds: int = 64,
    workers: int = 1,
    arms: Sequence[str] = (),
    shapley: bool = False,
    force: bool = False,
    figures: bool = True,
    progress: Callable[[int], None] = lambda done: None,
    interruption: Interruption | None = None,
) -> Amplification:
    """Compare the arms of a scenario over paired seeds and publish the result.

    Parameters
    ----------
    scenario : Scenario
    folder : Path
    seeds : int
        Replicates; their seeds are derived from the scenario's.
    workers : int
        Processes.
    arms : sequence of str
        `default_arms` if not given.
    shapley : bool
        Credit the amplification to mechanisms as well; takes 2^n runs a seed for n mechanisms.
    force : bool
        Replace a finished result, if this one is finished too; else it lands beside.
    figures : bool
    progress : callable
        Called with the number of runs done.
    interruption : Interruption, optional
        Looked at after every seed and every figure; what is done by then is compared and published,
        figures are left out.

    Raises
    ------
    ScenarioError
        Before anything is written: an arm is unknown or cannot be built, or the folder is taken.
    """
    checked = scenario.checked()
    outcome = Amplification(
        Arms(checked, arms or default_arms(checked)), replicate_seeds(checked.seed, seeds)
    )
    results = ResultsFolder(folder, AMPLIFICATION, force=force)
    interruption = interruption or Interruption()
    with cut_short(interruption):
        for arm in outcome.arms.chosen:
            outcome.arms.market(arm, outcome.seeds[0]).release()
    with results:
        with cut_short(interruption):
            _keep_base(outcome, results.partial / BASE, interruption, figures=figures)
        _run(outcome, workers, progress, interruption)
        _compare(outcome)
        if shapley and not interruption.signal:
            _credit(outcome, workers, progress, interruption)
        if figures and outcome.rows:
            for _ in interruption.until(_drawings(outcome, results.partial / "figures")):
                pass
        _publish(outcome, results)
    return outcome


def _keep_base(outcome: Amplification, folder: Path, interruption: Interruption, *, figures: bool) -> None:
    """Run base with the first seed and keep all it leaves, unless it breaks or is interrupted."""
    try:
        model = outcome.arms.market(BASE, outcome.seeds[0])
        while model.running and not interruption.signal:
            model.step()
        recording = model.recording()
        model.release()
        recording.write(folder)
        ResultsFolder.write_into(folder, "metrics.json", metrics(recording))
        if figures:
            drawings = gallery.saved(recording, folder / "figures", outcome.figures_failed)
            for _ in interruption.until(drawings):
                pass
    except Stopped:
        raise
    except (Exception, SystemExit) as error:
        outcome.note("the base run that is kept", failure(error))


def _run(
    outcome: Amplification, workers: int, progress: Callable[[int], None], interruption: Interruption
) -> None:
    """Run every arm with every seed; rows arrive in any order and are sorted."""
    arms = outcome.arms
    jobs = list(enumerate(outcome.seeds))
    payload = (arms.scenario, arms.chosen)
    reasons: dict[int, dict[str, str]] = {}
    start: dict[str, Any] = {"workers": workers, "setup": _prepare, "setup_arguments": payload}
    with cut_short(interruption):
        results = run_over(_seed, jobs, stop=lambda: interruption.signal, **start)
        for done, (number, result) in enumerate(results, 1):
            if isinstance(result, Failure):
                outcome.note(f"replicate {number}", result)
            else:
                outcome.rows += result.rows
                reasons[number] = result.reasons
                for arm, failure in result.failures.items():
                    outcome.note(f"replicate {number}, {arm}", failure)
            progress(done * len(arms.chosen))
    outcome.heed(interruption)
    for number in sorted(reasons, reverse=True):
        outcome.reasons |= reasons[number]
    order = {arm: position for position, arm in enumerate(arms.chosen)}
    outcome.rows.sort(key=lambda row: (row["replicate"], order[row["arm"]]))


def _credit(
    outcome: Amplification, workers: int, progress: Callable[[int], None], interruption: Interruption
) -> None:
    """Run the market with every set of mechanisms; nothing is credited if that is cut short."""
    before = len(outcome.seeds) * len(outcome.arms.chosen)
    found, failures = run_coalitions(
        outcome.arms.scenario, outcome.seeds, workers, lambda done: progress(before + done), interruption
    )
    outcome.shapley = found
    outcome.heed(interruption)
    for number, reason in failures.items():
        outcome.note(f"coalition run {number}", reason)


_arms: Arms


def _prepare(scenario: Scenario, chosen: list[str]) -> None:
    """Set a worker up: one reading of the scenario serves all its seeds."""
    global _arms
    _arms = Arms(scenario, chosen)


class Seed(NamedTuple):
    """What one seed came to: a row an arm, why metrics are undefined, and which arms failed."""

    rows: list[Row]
    reasons: dict[str, str]
    failures: dict[str, Failure]


def _seed(job: tuple[int, int]) -> Seed:
    """Run every arm with one seed; one that raises leaves the others."""
    replicate, seed = job
    found = Seed([], {}, {})

    def look(arm: str, recording: Recording) -> None:
        entries = measure(recording, listed("light"))
        values = {name: entry["value"] for name, entry in entries.items()}
        found.rows.append({"replicate": replicate, "seed": seed, "arm": arm, **values})
        found.reasons.update({name: entry["reason"] for name, entry in entries.items() if "reason" in entry})

    _arms.run(seed, look, lambda arm, error: found.failures.update({arm: failure(error)}))
    return found


def _compare(outcome: Amplification) -> None:
    """Compare the arms in every metric that any run defines."""
    if not outcome.rows:
        return
    names = [name for name in outcome.rows[0] if name not in ("replicate", "seed", "arm")]
    for name in names:
        metric = known()[name.rpartition(".")[2]]
        entry = compare(outcome.values(name), metric.unit, metric.source)
        if not entry["seeds_compared"]:
            entry["reason"] = outcome.reasons.get(name, entry.get("reason", ""))
        outcome.entries[name] = entry


def _drawings(outcome: Amplification, folder: Path) -> Iterator[Path]:
    """Draw the figures of the comparison, one after the other."""
    from analysis.feedback import plots as feedback_plots

    return feedback_plots.saved(outcome.entries, outcome.shapley, folder, outcome.figures_failed)


def _publish(outcome: Amplification, results: ResultsFolder) -> None:
    """Write the comparison and a row a run, and publish."""
    results.write_runs(outcome.rows)
    results.write_json(f"{AMPLIFICATION}.json", outcome.entries)
    if outcome.shapley:
        results.write_json("shapley.json", outcome.shapley)
    outcome.publish(results, outcome.arms.scenario, _about(outcome))


def _about(outcome: Amplification) -> dict[str, Any]:
    """What the comparison was, for the manifest."""
    return {
        "overrides": outcome.arms.scenario.overrides(),
        "seeds": outcome.seeds,
        "seeds_done": len({row["replicate"] for row in outcome.rows}),
        "arms": outcome.arms.chosen,
        "muted": list(outcome.arms.muted),
        "exempt": sorted(outcome.arms.exempt),
    }
