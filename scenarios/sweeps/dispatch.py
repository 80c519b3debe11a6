"""Dispatch: an agenda brought to the workers of an engine, whatever becomes of them.

keep every worker supplied with a chunk of jobs and one to follow
take reports as chunks end
end a worker that is in a run for longer than it may be
when workers have died, find out which runs they were in and try each of those alone

Only a run whose worker dies when it is alone in its pool is given up.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from pathlib import Path

from scenarios.sweeps.experiment import Job
from scenarios.sweeps.jobs_left import Agenda, Done
from scenarios.sweeps.worker import Order, Report, failure_row, work
from scenarios.sweeps.worker_files import CLAIM, FAILURES, PARTS, Parts, claims
from scenarios.workers.engines import Engine

POLL_SECONDS = 0.2
CHUNK_SECONDS = 0.25
CHUNK_MOST = 64
AHEAD = 2
"""Chunks a worker: the one it is at, and the next."""

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
    agenda : Agenda
    engine : Engine
    order : Order
    parts : Parts
        The parent's own, for what it has to say of runs whose worker is gone.
    finished : callable
        Ids of the runs that are in the parts; asked for after workers have died.
    time_limit : float or None
        Seconds.
    """

    def __init__(
        self,
        agenda: Agenda,
        engine: Engine,
        order: Order,
        parts: Parts,
        finished: Callable[[], dict[str, Done]],
        time_limit: float | None,
    ) -> None:
        self._agenda, self._engine, self._order, self._parts = agenda, engine, order, parts
        self._finished = finished
        self._limit = math.inf if time_limit is None else time_limit
        self._folder = Path(order.folder) / PARTS
        self._running: dict[Future[list[Report]], list[Job]] = {}
        self._suspects: deque[Job] = deque()
        self._overdue: dict[str, str] = {}
        self._seconds = CHUNK_SECONDS
        self._breaks = 0
        self._executor: Executor | None = None
        self._is_alone = False

    def run(self) -> Generator[int, None, None]:
        """Work the agenda off; yields now and then, with the number of runs that ended since.

        Raises
        ------
        Exhausted
            If workers die again and again before they begin.
        DiskTrouble, Lost
            As workers raise them.
        """
        try:
            while self._supply():
                ended, _ = wait(self._running, POLL_SECONDS, FIRST_COMPLETED)
                yield self._collect(ended)
                self._end_overdue()
        finally:
            self._let_go(at_once=bool(self._running))

    def _let_go(self, *, at_once: bool) -> None:
        """Close the executor; what its workers wrote stays."""
        if self._executor is not None:
            executor, self._executor = self._executor, None
            self._engine.close(executor, at_once=at_once)

    def _supply(self) -> bool:
        """Submit chunks; False when there is nothing left to do or wait for."""
        is_suspect = bool(self._suspects) and self._engine.falls_together
        if not self._running and is_suspect != self._is_alone:
            self._let_go(at_once=False)
            self._is_alone = is_suspect
        most = 1 if self._is_alone else AHEAD * self._engine.workers
        while len(self._running) < most and (jobs := self._chunk()):
            self._submit(jobs)
        return bool(self._running)

    def _chunk(self) -> list[Job]:
        if self._suspects:
            return [self._suspects.popleft()]
        if self._is_alone:
            return []
        size = int(CHUNK_SECONDS / max(self._seconds, 1e-6))
        return self._agenda.take(min(max(size, 1), CHUNK_MOST))

    def _submit(self, jobs: list[Job]) -> None:
        try:
            if self._executor is None:
                self._executor = self._engine.open(1 if self._is_alone else None)
            future = self._executor.submit(work, self._order, jobs)
        except BrokenExecutor as error:
            future = Future()
            future.set_exception(error)
        self._running[future] = jobs

    def _collect(self, ended: set[Future[list[Report]]]) -> int:
        before, lost = len(self._agenda.done), list[Job]()
        for future in ended:
            jobs = self._running.pop(future)
            try:
                reports = future.result()
            except self._engine.died:
                lost += jobs
                continue
            self._breaks = 0
            self._note(jobs, reports)
        if lost:
            self._recover(lost)
        return len(self._agenda.done) - before

    def _note(self, jobs: list[Job], reports: list[Report]) -> None:
        points = {run: job.design_id for job in jobs for _, run in job.arms}
        for report in reports:
            self._agenda.report(report.run_id, points[report.run_id], Done(report.status, report.value))
        mean = sum(report.seconds for report in reports) / len(jobs)
        self._seconds = 0.7 * self._seconds + 0.3 * mean

    def _recover(self, lost: list[Job]) -> None:
        """Take back what was lost with workers, and judge the runs they were in."""
        was_alone = self._is_alone or not self._engine.falls_together
        if self._engine.falls_together:
            lost += [job for jobs in self._running.values() for job in jobs]
            self._running.clear()
            self._let_go(at_once=True)
        finished = self._finished()
        for job in lost:
            for _, run in job.arms:
                if run in finished:
                    self._agenda.report(run, job.design_id, finished[run])
        claimed = self._claimed(lost)
        self._breaks = 0 if claimed else self._breaks + 1
        if self._breaks > PATIENCE:
            raise Exhausted("workers die before they begin a run; see what the system says of memory")
        self._judge(lost, claimed, was_alone=was_alone)

    def _claimed(self, lost: list[Job]) -> set[str]:
        """Runs of these jobs that workers were in and did not finish; claims of the dead are removed."""
        own = {run for job in lost for _, run in job.arms}
        said = {claim["run"] for claim in claims(self._folder, self._order.session)}
        if self._engine.falls_together:
            for path in self._folder.glob(f"{self._order.session}-*{CLAIM}"):
                path.unlink()
        return {run for run in said & own if run not in self._agenda.done}

    def _judge(self, lost: list[Job], claimed: set[str], *, was_alone: bool) -> None:
        """Give up runs that are known to kill or to hang; try those alone that may be."""
        back: list[Job] = []
        for job in lost:
            for arm, run in job.arms:
                killed_it = was_alone and len(lost) == 1 and run in claimed
                if reason := self._overdue.get(run) or (DIED if killed_it else ""):
                    self._give_up(job, arm, run, reason)
            if (left := self._agenda.left(job)) is not None:
                may_be = not self._overdue and any(run in claimed for _, run in left.arms)
                (self._suspects if may_be else back).append(left)
        self._agenda.give_back(back)
        self._overdue.clear()

    def _give_up(self, job: Job, arm: str, run: str, reason: str) -> None:
        self._parts.append(FAILURES, failure_row(run, job, arm, reason, "", is_final=False))
        self._agenda.report(run, job.design_id, Done("failed"))

    def _end_overdue(self) -> None:
        """Kill the workers that are in a run for far longer than the time limit."""
        if math.isinf(self._limit):
            return
        now, most = time.monotonic(), GRACE * self._limit + 1.0
        for claim in claims(self._folder, self._order.session):
            run, spent = claim["run"], now - claim["since"]
            if run and run not in self._overdue and spent > most and self._engine.kill(claim):
                what = f"a step did not return: the run was ended after {spent:.1f} s"
                self._overdue[run] = f"{what}; the limit is {self._limit:g} s"
