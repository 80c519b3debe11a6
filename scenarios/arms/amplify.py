"""Amplify: run the arms of a scenario over paired seeds and compare them.

run base once and keep its recording, for figures and tables
run every arm with every seed that is not done yet, in the scenario as written and in the worlds drawn of it
compare the arms, metric by metric, and the worlds
write the tables, the figures, a row for every run, and say in the manifest what this is
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from analysis import gallery
from analysis.base.arms import BASE, MUTED, OPEN_LOOP
from analysis.feedback import cautions
from analysis.feedback.amplification import FEWEST, compare
from analysis.figures.figure import MAIN, NONE
from analysis.measures import known, metrics
from scenarios.arms.arms import Arms
from scenarios.arms.mechanisms import mechanisms, run_coalitions
from scenarios.arms.outcome import AMPLIFICATION, Amplification, write
from scenarios.arms.replicates import replicate_seeds
from scenarios.arms.seeds import Job, Row, Seed, done, identity
from scenarios.arms.worlds import World, drawn
from scenarios.build.compilation import cut_short
from scenarios.file.errors import Problem, ScenarioError
from scenarios.file.schema import Scenario
from scenarios.folders.begun import Begun
from scenarios.folders.folder import FINISHED, ResultsFolder
from scenarios.process.interruption import Interruption, Stopped
from scenarios.workers.workers import Failure, failure


def default_arms(scenario: Scenario) -> list[str]:
    """Base, muted and open_loop, and the arms the scenario defines itself."""
    return list(dict.fromkeys([BASE, MUTED, OPEN_LOOP, *scenario.arms]))


def default_folder(scenario: Scenario, worlds: int = 0) -> Path:
    """`results/<name>-amplification-<first digits of a hash>`, of the worlds that are drawn too."""
    asked = f"{AMPLIFICATION} {worlds} {scenario.uncertain}" if worlds else AMPLIFICATION
    return Path("results") / f"{scenario.name}-{AMPLIFICATION}-{scenario.digest(asked)[:8]}"


def planned_runs(
    scenario: Scenario, seeds: int, arms: Sequence[str] = (), *, worlds: int = 0, shapley: bool = False
) -> int:
    """Runs that a comparison takes."""
    chosen = len(dict.fromkeys(arms)) or len(default_arms(scenario))
    return seeds * (chosen * (1 + worlds) + (2 ** len(mechanisms(scenario)) if shapley else 0))


def amplify(
    scenario: Scenario,
    folder: Path,
    *,
    seeds: int = 64,
    workers: int = 1,
    arms: Sequence[str] = (),
    worlds: int = 0,
    shapley: bool = False,
    force: bool = False,
    figures: str = MAIN,
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
    worlds : int
        Draw so many from what is uncertain, and run them with the same seeds and arms.
    shapley : bool
        Credit the amplification to mechanisms as well; takes 2^n runs a seed for n mechanisms.
    force : bool
        Replace a finished result, if this one is finished too; else it lands beside.
    figures : str
        "none", or those of the comparison and of base the "main" ones or "all".
    progress : callable
        Called with the number of runs done.
    interruption : Interruption, optional
        Looked at after every seed and every figure; what is done by then is compared and published,
        figures are left out. The next call goes on from there.

    Raises
    ------
    ScenarioError
        Before anything is written: an arm is unknown or cannot be built, the folder is taken, or worlds
        are drawn and nothing is uncertain, a world is not allowed, or there are too few seeds or worlds.
    """
    checked = scenario.checked()
    outcome = Amplification(
        Arms(checked, arms or default_arms(checked)), replicate_seeds(checked.seed, seeds)
    )
    if worlds:
        _check_counts(checked.name, outcome.arms.chosen, seeds=seeds, worlds=worlds)
        outcome.worlds = drawn(checked, worlds)
    results = ResultsFolder(folder, AMPLIFICATION, force=force)
    interruption = interruption or Interruption()
    with cut_short(interruption):
        for arm in outcome.arms.chosen:
            outcome.arms.market(arm, outcome.seeds[0]).release()
    with Begun(folder, identity(outcome.arms)) as begun, results:
        with cut_short(interruption):
            _keep_base(outcome, results.partial / BASE, interruption, figures=figures)
        _run(outcome, workers, begun, progress, interruption)
        _compare(outcome)
        _compare_worlds(outcome)
        if shapley and not interruption.signal:
            _credit(outcome, workers, progress, interruption)
        if figures != NONE and outcome.rows:
            for _ in interruption.until(_drawings(outcome, results.partial / "figures")):
                pass
        write(outcome, results)
        if outcome.status == FINISHED:
            begun.over()
    return outcome


def _check_counts(name: str, arms: Sequence[str], *, seeds: int, worlds: int) -> None:
    """Raise where nothing could be said of worlds."""
    problems = [
        Problem(name, option, f"found {found}", allowed=(f"{FEWEST} or more where worlds are drawn",))
        for option, found in (("--seeds", seeds), ("--uncertain", worlds))
        if found < FEWEST
    ]
    lacking = [arm for arm in (BASE, MUTED) if arm not in arms]
    if lacking:
        what = f"{lacking[0]} is not among them; worlds are compared in base over muted"
        problems.append(Problem(name, "--arms", what))
    if problems:
        raise ScenarioError(problems)


def _keep_base(outcome: Amplification, folder: Path, interruption: Interruption, *, figures: str) -> None:
    """Run base with the first seed and keep all it leaves, unless it breaks or is interrupted."""
    try:
        model = outcome.arms.market(BASE, outcome.seeds[0])
        while model.running and not interruption.signal:
            model.step()
        recording = model.recording()
        model.release()
        recording.write(folder)
        ResultsFolder.write_into(folder, "metrics.json", metrics(recording))
        if figures != NONE:
            drawings = gallery.saved(recording, folder / "figures", outcome.figures_failed, figures)
            for _ in interruption.until(drawings):
                pass
    except Stopped:
        raise
    except (Exception, SystemExit) as error:
        outcome.note("the base run that is kept", failure(error))


def _run(
    outcome: Amplification,
    workers: int,
    begun: Begun,
    progress: Callable[[int], None],
    interruption: Interruption,
) -> None:
    """Run every arm with every seed, in the scenario as written and then in its worlds, in any order."""
    arms, markets = outcome.arms, [{}, *outcome.worlds]
    jobs = {job.name: job for world in markets for job in (Job(world, seed) for seed in outcome.seeds)}
    found: dict[str, Seed | Failure] = {}
    with cut_short(interruption):
        results = done(arms, jobs, workers, begun, lambda: interruption.signal)
        for number, (name, result) in enumerate(results, 1):
            found[name] = result
            progress(number * len(arms.chosen))
    outcome.heed(interruption)
    outcome.rows, *outcome.world_rows = [_rows(outcome, world, found) for world in markets]
    for seed in reversed(outcome.seeds):
        if isinstance(own := found.get(Job({}, seed).name), Seed):
            outcome.reasons |= own.reasons


def _rows(outcome: Amplification, world: World, found: Mapping[str, Seed | Failure]) -> list[Row]:
    """The runs of a world by replicate and arm; those that failed are noted."""
    rows = []
    where = f"world {outcome.worlds.index(world)}, " if world else ""
    for replicate, seed in enumerate(outcome.seeds):
        result = found.get(Job(world, seed).name)
        own = {"replicate": replicate, "seed": seed}
        if isinstance(result, Failure):
            outcome.note(f"{where}replicate {replicate}", result)
        elif result is not None:
            rows += [
                own | {"arm": arm} | result.metrics[arm]
                for arm in outcome.arms.chosen
                if arm in result.metrics
            ]
            for arm, failed in result.failures.items():
                outcome.note(f"{where}replicate {replicate}, {arm}", failed)
    return rows


def _credit(
    outcome: Amplification, workers: int, progress: Callable[[int], None], interruption: Interruption
) -> None:
    """Run the market with every set of mechanisms; nothing is credited if that is cut short."""
    before = len(outcome.seeds) * len(outcome.arms.chosen) * (1 + len(outcome.worlds))
    found, failures = run_coalitions(
        outcome.arms.scenario, outcome.seeds, workers, lambda done: progress(before + done), interruption
    )
    outcome.shapley = found
    outcome.heed(interruption)
    for number, reason in failures.items():
        outcome.note(f"coalition run {number}", reason)


def _compare(outcome: Amplification) -> None:
    """Compare the arms in every metric that any run defines."""
    if not outcome.rows:
        return
    names = [name for name in outcome.rows[0] if name not in ("replicate", "seed", "arm")]
    for name in names:
        metric = known()[name.rpartition(".")[2]]
        values = outcome.values(name)
        entry = compare(values, metric.unit, metric.source, outcome.failed(name))
        if name == cautions.FAILED:
            entry["chances"] = cautions.chances(values)
        if not entry["seeds_compared"]:
            entry["reason"] = outcome.reasons.get(name, entry.get("reason", ""))
        outcome.entries[name] = entry


def _compare_worlds(outcome: Amplification) -> None:
    """Compare the worlds in every metric that has a ratio in the scenario as written."""
    if not any(outcome.world_rows):
        return
    from analysis.feedback.worlds import Ratios

    keys = {key: np.array([world[key] for world in outcome.worlds], float) for key in outcome.worlds[0]}
    for name, entry in outcome.entries.items():
        if entry["ratio"] is not None:
            of_worlds = [
                (outcome.values(name, rows), outcome.failed(name, rows)) for rows in outcome.world_rows
            ]
            values, failed = zip(*of_worlds, strict=True)
            about = {
                "unit": entry["unit"],
                "as_written": {"ratio": entry["ratio"], "interval": entry["interval"]},
            }
            outcome.uncertain[name] = about | Ratios.of(values, failed).entry(keys)


def _drawings(outcome: Amplification, folder: Path) -> Iterator[Path]:
    """Draw the figures of the comparison, one after the other."""
    from analysis.feedback import plots as feedback_plots

    found = outcome.entries, outcome.shapley, outcome.of_worlds()
    return feedback_plots.saved(*found, folder, outcome.figures_failed)
