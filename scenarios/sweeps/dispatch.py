"""Dispatch: the jobs that are left, brought to the workers of an engine, whatever becomes of them.

hand out chunks of jobs, and take reports as they end
end a worker that is in a run for longer than it may be
when workers have died, find out which runs they were in: these are tried alone

Who is deadly, `scenarios.workers.workers` says; only the run in which a worker died alone is given up.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path

from scenarios.sweeps.experiment import Job
from scenarios.sweeps.jobs_left import Done, JobsLeft
from scenarios.sweeps.worker import Assignment, RunReport, failure_row, work
from scenarios.sweeps.worker_files import CLAIM, FAILURES, PARTS, WorkerFiles, claims
from scenarios.workers.engines import Engine
from scenarios.workers.workers import Workers

CHUNK_SECONDS = 0.25
CHUNK_MOST = 64
GRACE = 2.0
"""A worker is killed at so many time limits, and a second; it has stopped itself by then if it could."""

PATIENCE = 3
"""So many times in a row a pool may die before any of its workers has begun a run."""

DIED = "the worker died"


class Exhausted(RuntimeError):
    """Workers die before they begin."""


class Dispatch:
    """One session of a sweep.

    Parameters
    ----------
    jobs_left : JobsLeft
    engine : Engine
    assignment : Assignment
    files : WorkerFiles
        The parent's own, for what it has to say of runs whose worker is gone.
    finished : callable
        Ids of the runs that are in the parts; asked for after workers have died.
    time_limit : float or None
        Seconds.
    """

    def __init__(
        self,
        jobs_left: JobsLeft,
        engine: Engine,
        assignment: Assignment,
        files: WorkerFiles,
        finished: Callable[[], dict[str, Done]],
        time_limit: float | None,
    ) -> None:
        self._jobs_left, self._engine, self._assignment, self._files = jobs_left, engine, assignment, files
        self._finished = finished
        self._limit = math.inf if time_limit is None else time_limit
        self._folder = Path(assignment.folder) / PARTS
        self._overdue: dict[str, str] = {}
        self._seconds = CHUNK_SECONDS
        self._breaks = 0

    def run(self) -> Generator[int, None, None]:
        """Do what is left; yields now and then, with the number of runs that ended since.

        Raises
        ------
        Exhausted
            If workers die again and again before they begin.
        DiskTrouble, Lost
            As workers raise them.
        """
        before = len(self._jobs_left.done)
        with Workers(self._engine, partial(work, self._assignment)) as workers:
            for ended, deadly in workers.work(self._chunk, self._recovered):
                for jobs, reports in ended:
                    self._note(jobs, reports)
                for job in deadly:
                    self._recovered([job], DIED)
                yield len(self._jobs_left.done) - before
                before = len(self._jobs_left.done)
                self._end_overdue()

    def _chunk(self) -> list[Job]:
        size = int(CHUNK_SECONDS / max(self._seconds, 1e-6))
        return self._jobs_left.take(min(max(size, 1), CHUNK_MOST))

    def _note(self, jobs: list[Job], reports: list[RunReport]) -> None:
        self._breaks = 0
        points = {run: job.design_id for job in jobs for _, run in job.arms}
        for report in reports:
            self._jobs_left.report(report.run_id, points[report.run_id], Done(report.status, report.value))
        mean = sum(report.seconds for report in reports) / len(jobs)
        self._seconds = 0.7 * self._seconds + 0.3 * mean

    def _recovered(self, lost: list[Job], reason: str = "") -> list[Job]:
        """Take back what was lost with workers; the jobs that may have killed them.

        Given up are runs that are known to hang and, if there is a reason, those that workers were in.
        """
        finished = self._finished()
        for job in lost:
            for _, run in job.arms:
                if run in finished:
                    self._jobs_left.report(run, job.design_id, finished[run])
        claimed = self._claimed(lost)
        self._breaks = 0 if claimed else self._breaks + 1
        if self._breaks > PATIENCE:
            raise Exhausted("workers die before they begin a run; see what the system says of memory")
        for job in lost:
            for arm, run in job.arms:
                if why := self._overdue.get(run) or (reason if run in claimed else ""):
                    self._give_up(job, arm, run, why)
        left = [each for job in lost if (each := self._jobs_left.left(job)) is not None]
        is_known = bool(self._overdue)
        suspects = [job for job in left if not is_known and any(run in claimed for _, run in job.arms)]
        self._jobs_left.give_back([job for job in left if job not in suspects])
        self._overdue.clear()
        return suspects

    def _claimed(self, lost: list[Job]) -> set[str]:
        """Runs of these jobs that workers were in and did not finish; claims of the dead are removed."""
        own = {run for job in lost for _, run in job.arms}
        said = {claim["run"] for claim in claims(self._folder, self._assignment.session)}
        if self._engine.falls_together:
            for path in self._folder.glob(f"{self._assignment.session}-*{CLAIM}"):
                path.unlink()
        return {run for run in said & own if run not in self._jobs_left.done}

    def _give_up(self, job: Job, arm: str, run: str, reason: str) -> None:
        self._files.append(FAILURES, failure_row(run, job, arm, reason, "", is_final=False))
        self._jobs_left.report(run, job.design_id, Done("failed"))

    def _end_overdue(self) -> None:
        """Kill the workers that are in a run for far longer than the time limit."""
        if math.isinf(self._limit):
            return
        now, most = time.monotonic(), GRACE * self._limit + 1.0
        for claim in claims(self._folder, self._assignment.session):
            run, spent = claim["run"], now - claim["since"]
            if run and run not in self._overdue and spent > most and self._engine.kill(claim):
                what = f"a step did not return: the run was ended after {spent:.1f} s"
                self._overdue[run] = f"{what}; the limit is {self._limit:g} s"
