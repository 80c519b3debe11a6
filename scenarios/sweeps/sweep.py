"""Sweep: every run of a design, over the workers, into a folder that loses nothing.

plan every run and give each its identity
find out which of them are done, whatever ended the last session
bring what is missing to the workers, who keep their results themselves
compact what they left into tables
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scenarios.build.compilation import cut_short
from scenarios.file.errors import Problem, ScenarioError
from scenarios.file.schema import Scenario
from scenarios.folders.damage import reading
from scenarios.folders.folder import FAILED, FINISHED, INTERRUPTED
from scenarios.process.interruption import Interruption
from scenarios.process.provenance import provenance
from scenarios.process.shell import command
from scenarios.sweeps.compaction import compacted
from scenarios.sweeps.dispatch import Dispatch, Exhausted
from scenarios.sweeps.experiment import Experiment, Job, Plan
from scenarios.sweeps.folder import KIND, SweepFolder
from scenarios.sweeps.jobs_left import WHOLE, JobsLeft, Shard
from scenarios.sweeps.room import room_for, take_place
from scenarios.sweeps.worker import Assignment, Lost, warm
from scenarios.sweeps.worker_files import DiskTrouble, WorkerFiles
from scenarios.workers import engines
from scenarios.workers.engines import DEFAULT, SERIAL, Engine

Tally = Callable[[int, int, int], None]
"""Called with the runs done, planned and failed."""

MakesEngine = Callable[[Assignment, Job], Engine]


@dataclass
class SweepOutcome:
    """What became of a sweep.

    Attributes
    ----------
    folder : Path
    status : str
        "finished", "interrupted", or "failed" if runs failed or the sweep had to stop.
    planned, done, failed : int
        Runs of the whole design, or of the shard: asked for, finished, failed.
    fresh : int
        Runs that this session did.
    seconds : float
        This session.
    trouble : str
        Why it had to stop, if it had to.
    stopped : dict
        Points that stopped because they were narrow enough, and because they may have no more.
    """

    folder: Path
    status: str = FINISHED
    planned: int = 0
    done: int = 0
    failed: int = 0
    fresh: int = 0
    seconds: float = 0.0
    trouble: str = ""
    stopped: dict[str, int] = field(default_factory=dict)


def default_folder(scenario: Scenario) -> Path:
    """`results/<name>-sweep-<first digits of the design's hash>`."""
    return Path("results") / f"{scenario.name}-{KIND}-{Experiment(scenario).design_hash()[:8]}"


def sweep(
    scenario: Scenario,
    folder: Path,
    *,
    workers: int = 1,
    start: str = DEFAULT,
    dask: str | None = None,
    shard: Shard | None = None,
    resume: bool = False,
    force: bool = False,
    tally: Tally = lambda done, planned, failed: None,
    note: Callable[[str], None] = lambda text: None,
    interruption: Interruption | None = None,
) -> SweepOutcome:
    """Do the runs of a sweep that are not done yet, and publish them.

    Parameters
    ----------
    scenario : Scenario
        With a sweep.
    folder : Path
        The results folder; gone on with if it holds this sweep.
    workers : int
    start : str
        A local engine, one of `scenarios.workers.engines.LOCAL`.
    dask : str, optional
        Address of a Dask scheduler, or "local", instead of a local engine.
    shard : Shard, optional
        Do this part only, in a folder inside `folder`; `merge` brings the parts together.
    resume : bool
        The sweep must have been begun.
    force : bool
        Replace the sweep that `folder` holds; a finished one stays until this one is finished too, and
        this one is beside it until then.
    tally : callable
    note : callable
        Called with a line worth saying.
    interruption : Interruption, optional
        What is done by then is published.

    Raises
    ------
    ScenarioError
        Before anything is written: the sweep cannot be built, or the folder is taken.
    """
    began = time.perf_counter()
    plan = Plan(Experiment(scenario.checked()))
    whole = SweepFolder(folder, str(folder))
    place = whole.shard(shard) if shard else whole
    if shard or not force:
        whole.check(plan)
    room = room_for(plan, place, resume=resume, force=force)
    interruption = interruption or Interruption()
    with cut_short(interruption):
        plan.experiment.arms(plan.points[0]).market(plan.experiment.chosen[0], plan.seed(0, 0)).release()
    engines.check(start)
    cluster = engines.Dask(dask, workers) if dask else None

    def engine(assignment: Assignment, first: Job) -> Engine:
        return cluster or engines.local(
            start, workers, *(() if start == SERIAL else (warm, assignment, first))
        )

    outcome = SweepOutcome(room.place.path)
    try:
        with room.place.held():
            if room.is_cleared:
                room.place.clear()
            session = _Session(plan, room.place, whole if shard else room.place, shard, outcome)
            session.work(engine, tally, note, interruption)
            outcome.seconds = time.perf_counter() - began
            session.publish()
    finally:
        if cluster:
            cluster.leave()
    if room.replaced is not None and outcome.status == FINISHED:
        outcome.folder, outcome.trouble = take_place(room.place, room.replaced)
    return outcome


class _Session:
    """One go at a sweep."""

    def __init__(
        self, plan: Plan, place: SweepFolder, whole: SweepFolder, shard: Shard | None, outcome: SweepOutcome
    ) -> None:
        self._plan, self._place, self._outcome, self._shard = plan, place, outcome, shard
        self._others = [whole] if shard else whole.shards()
        self._metric = plan.experiment.sweep.stop.metric if plan.experiment.sweep.stop else None
        self._name = f"{int(time.time()):x}{uuid.uuid4().hex[:4]}"
        self._jobs_left: JobsLeft | None = None

    def work(
        self,
        engine: MakesEngine,
        tally: Tally,
        note: Callable[[str], None],
        interruption: Interruption,
    ) -> None:
        """Begin or go on; errors that end the sweep become its trouble."""
        outcome = self._outcome
        try:
            self._place.begin(self._plan, self._about(), self._name)
            done = self._place.done(self._metric)
            for other in self._others:
                done = other.done(self._metric) | done
            self._jobs_left = jobs_left = JobsLeft(self._plan, done, self._shard or WHOLE)
            if done:
                note(f"{len(done):,} of {jobs_left.planned:,} runs are done already")
            self._dispatch(jobs_left, engine, tally, interruption)
        except DiskTrouble as error:
            outcome.trouble = f"cannot be written: {error.strerror}; {_AGAIN}"
        except OSError as error:
            outcome.trouble = f"{error.strerror or error}; {_AGAIN}"
        except (Exhausted, Lost, CancelledError) as error:
            outcome.trouble = f"{error or 'the cluster is gone'}; {_AGAIN}"
        if interruption.signal:
            outcome.status = INTERRUPTED

    def _dispatch(
        self,
        jobs_left: JobsLeft,
        engine: MakesEngine,
        tally: Tally,
        interruption: Interruption,
    ) -> None:
        """Bring what is left to the workers, if anything is."""
        assignment = Assignment(str(self._place.path), self._name, self._plan.experiment.sources)
        first = jobs_left.take(1)
        if not first:
            return
        jobs_left.give_back(first)
        own = WorkerFiles(self._place.parts, f"{self._name}-parent-{os.getpid()}")
        dispatch = Dispatch(
            jobs_left,
            engine(assignment, first[0]),
            assignment,
            own,
            lambda: self._place.done(self._metric),
            self._plan.experiment.sweep.time_limit_seconds,
        )
        tally(len(jobs_left.done), jobs_left.planned, jobs_left.failed)
        try:
            with cut_short(interruption), closing(dispatch.run()) as progress:
                for fresh in progress:
                    self._outcome.fresh += fresh
                    tally(len(jobs_left.done), jobs_left.planned, jobs_left.failed)
                    if interruption.signal:
                        break
        finally:
            own.close()

    def merge(self, shards: list[SweepFolder]) -> None:
        """Compact what the shards hold, in place of working."""
        done = self._place.done(self._metric)
        for shard in shards:
            done = shard.done(self._metric) | done
        self._jobs_left = JobsLeft(self._plan, done)
        if self._jobs_left.take(1):
            self._outcome.status = INTERRUPTED
        self._place.begin(self._plan, self._about(), self._name)
        self.publish(shards)

    def publish(self, others: Sequence[SweepFolder] = ()) -> None:
        """Compact what there is and say in the manifest what this is."""
        outcome, jobs_left = self._outcome, self._jobs_left
        if jobs_left is None:
            outcome.status = FAILED
            return
        try:
            counts = self._place.compact(self._plan, others)
        except OSError as error:
            outcome.trouble = outcome.trouble or f"cannot be written: {error.strerror or error}; {_AGAIN}"
            counts = {"runs_done": len(jobs_left.done) - jobs_left.failed, "runs_failed": jobs_left.failed}
        outcome.planned, outcome.stopped = jobs_left.rows, jobs_left.stopped
        outcome.done, outcome.failed = counts["runs_done"], counts["runs_failed"]
        if outcome.status != INTERRUPTED and (outcome.failed or outcome.trouble):
            outcome.status = FAILED
        try:
            self._place.sign(self._about())
        except OSError as error:
            outcome.trouble = outcome.trouble or f"cannot be written: {error.strerror or error}; {_AGAIN}"

    def _about(self) -> dict[str, Any]:
        """What this is, for the manifest."""
        experiment, outcome = self._plan.experiment, self._outcome
        scenario, jobs_left = experiment.whole, self._jobs_left
        return {
            "status": outcome.status,
            "scenario": scenario.name,
            "description": scenario.description,
            "scenario_hash": scenario.digest(KIND),
            "design_hash": experiment.design_hash(),
            "sources": experiment.sources,
            "seed": scenario.seed,
            "design": experiment.sweep.design,
            "points": len(self._plan.points),
            "replicates": experiment.sweep.replicates,
            "arms": experiment.chosen,
            "keep": experiment.sweep.keep,
            "shard": str(self._shard) if self._shard else None,
            "runs_planned": jobs_left.rows if jobs_left else None,
            "runs_done": outcome.done,
            "runs_failed": outcome.failed,
            "stopped": outcome.stopped,
            "trouble": outcome.trouble or None,
            "wall_seconds": outcome.seconds,
            **provenance(),
        }


_AGAIN = "the same command goes on from here"


def merge(folder: Path) -> SweepOutcome:
    """Bring the shards of a sweep together.

    Parameters
    ----------
    folder : Path
        The one that was given to every shard as `--out`.

    Returns
    -------
    SweepOutcome
        Interrupted if runs are missing still; the shards stay then, and go on with the same command.

    Raises
    ------
    ScenarioError
        If there are no shards, they are of different sweeps, or one is being run.
    """
    from scenarios.build.loading import loaded

    whole = SweepFolder(folder, str(folder))
    shards = whole.shards()
    if not shards:
        made_by = command("sweep", "FILE", "--shard", "1/4", "--out", folder)
        what = f"no shards in it; `{made_by}` makes one of four"
        raise ScenarioError(Problem(str(folder), "", what))
    with reading(folder, "be merged"):
        scenario = loaded(shards[0].path / "scenario.toml")
    if unknown := scenario.not_imported():
        what = f"merging has to import {', '.join(unknown)}, which runs this code"
        trusting = command("merge", folder, "--trust")
        raise ScenarioError(Problem(str(folder), "", f"{what}; if you trust it: {trusting}"))
    with reading(folder, "be merged"):
        plan = Plan(Experiment(scenario))
    for shard in shards:
        shard.check(plan)
        shard.check_cleared()
    whole.check(plan)
    with reading(folder, "be merged"):
        compacted([shard.path for shard in shards], plan)
    began = time.perf_counter()
    outcome = SweepOutcome(whole.path)
    with whole.held(), reading(folder, "be merged"):
        session = _Session(plan, whole, whole, None, outcome)
        session.merge(shards)
        outcome.seconds = time.perf_counter() - began
        if outcome.status != INTERRUPTED:
            whole.remove_shards()
    return outcome
