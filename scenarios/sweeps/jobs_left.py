"""Jobs left: what of a plan is still to be done, in an order that suits warm workers.

Without a stopping rule that is the plan less what is done. With one, a point asks for more
replicates after each look, until it has enough; a look waits for every run it needs, so that
which runs are done does not depend on the order in which they end.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from scenarios.sweeps.experiment import Job, Plan
from scenarios.sweeps.stopping import Looks


class Shard(NamedTuple):
    """One part of so many, counted from 1."""

    number: int = 1
    of: int = 1

    def __str__(self) -> str:
        return f"{self.number}-of-{self.of}"


WHOLE = Shard()


class Done(NamedTuple):
    """A run that is over: how it ended, and the value that stopping looks at."""

    status: str
    value: float | None = None


class JobsLeft:
    """What is left to do.

    Parameters
    ----------
    plan : Plan
    done : mapping of str to Done
        Runs that are over, by id.
    shard : Shard
        The part of the plan to be done here.

    Attributes
    ----------
    done : dict of str to Done
        Grows as runs are reported.
    planned : int
        Runs that are planned so far, done ones among them.
    """

    def __init__(self, plan: Plan, done: Mapping[str, Done], shard: Shard = WHOLE) -> None:
        self.plan, self.done, self._shard = plan, dict(done), shard
        self._stop = plan.experiment.sweep.stop
        self._failed = sum(each.status == "failed" for each in self.done.values())
        self._returned: deque[Job] = deque()
        self._looks: dict[int, Looks] = {}
        self._open: dict[int, int] = {}
        self._grown: deque[Job] = deque()
        self._planned: Iterator[Job] = self._every()
        self.planned = 0
        if self._stop:
            for design_id in self._points():
                self._ask(design_id)
        else:
            self.planned = sum(1 for _ in self._pairs()) * len(plan.experiment.chosen)

    @property
    def rows(self) -> int:
        """Rows that `runs` will have: planned runs, and copies for the points that are the same."""
        arms = len(self.plan.experiment.chosen)
        same = Counter(self.plan.first)
        if self._stop:
            return arms * sum(looks.due * same[point] for point, looks in self._looks.items())
        return arms * sum(same[point] for point, _ in self._pairs())

    @property
    def failed(self) -> int:
        """Runs that failed."""
        return self._failed

    @property
    def stopped(self) -> dict[str, int]:
        """Points that stopped because their interval was narrow, and at the most replicates."""
        over = [looks for looks in self._looks.values() if looks.is_over]
        narrow = sum(looks.is_narrow for looks in over)
        return {"narrow": narrow, "at_max_replicates": len(over) - narrow} if self._stop else {}

    def take(self, count: int) -> list[Job]:
        """So many jobs that are to be done, fewer if there are no more for now."""
        jobs: list[Job] = []
        while len(jobs) < count:
            job = self._next()
            if job is None:
                break
            jobs.append(job)
        return jobs

    def give_back(self, jobs: list[Job]) -> None:
        """Take jobs back that were not done, or not wholly."""
        self._returned.extend(jobs)

    def report(self, run_id: str, design_id: int, done: Done) -> None:
        """Note that a run is over; the first report of it counts."""
        if run_id in self.done:
            return
        self.done[run_id] = done
        self._failed += done.status == "failed"
        if design_id in self._open:
            self._open[design_id] -= 1
            if self._open[design_id] <= 0:
                self._look(design_id)

    def left(self, job: Job) -> Job | None:
        """The job with the arms that are not done; None if all are."""
        arms = tuple(each for each in job.arms if each[1] not in self.done)
        return job._replace(arms=arms) if arms else None

    def _next(self) -> Job | None:
        while True:
            if self._returned:
                job = self._returned.popleft()
            elif self._grown:
                job = self._grown.popleft()
            else:
                following = next(self._planned, None)
                if following is None:
                    return None
                job = following
            left = self.left(job)
            if left is not None:
                return left

    def _points(self) -> list[int]:
        number, count = self._shard
        own = self.plan.distinct
        return own[number - 1 :: count] if self._stop else own

    def _pairs(self) -> Iterator[tuple[int, int]]:
        pairs = ((point, n) for point in self.plan.distinct for n in range(self.plan.most))
        number, count = self._shard
        return (pair for position, pair in enumerate(pairs) if position % count == number - 1)

    def _every(self) -> Iterator[Job]:
        if not self._stop:
            for design_id, replicate in self._pairs():
                yield self.plan.job(design_id, replicate)

    def _ask(self, design_id: int) -> None:
        """Ask for the replicates of a point's first look."""
        stop = self.plan.experiment.sweep.stop
        assert stop is not None
        self._looks[design_id] = Looks(stop, max(self.plan.experiment.sweep.replicates, stop.batch))
        self._grow(design_id, 0)

    def _grow(self, design_id: int, begin: int) -> None:
        """Put the replicates from one on up to the next look among the jobs; look at once if all are done."""
        jobs = [self.plan.job(design_id, n) for n in range(begin, self._looks[design_id].due)]
        self.planned += sum(len(job.arms) for job in jobs)
        missing = [left for job in jobs if (left := self.left(job)) is not None]
        self._open[design_id] = sum(len(job.arms) for job in missing)
        self._grown.extend(missing)
        if not missing:
            self._look(design_id)

    def _look(self, design_id: int) -> None:
        looks, before = self._looks[design_id], self._looks[design_id].due
        values: dict[str, list[float | None]] = {arm: [] for arm in self.plan.experiment.chosen}
        for replicate in range(before):
            for arm, run in self.plan.job(design_id, replicate).arms:
                values[arm].append(self.done[run].value)
        looks.look(list(values.values()))
        if not looks.is_over:
            self._grow(design_id, before)
