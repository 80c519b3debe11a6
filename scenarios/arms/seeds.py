"""Seeds: every arm of a market with one seed, in the scenario as written and in its worlds.

name each market and seed, do those that are not done yet over the workers, keep each as it is finished
tell what each came to: a row an arm, why metrics are undefined, which arms failed
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import astuple
from typing import Any, NamedTuple

from analysis.base.metric import measure
from analysis.measures import listed
from scenarios.arms.arms import Arms
from scenarios.arms.worlds import UNCERTAIN, World
from scenarios.file.overlays import STUDIES
from scenarios.file.schema import Scenario
from scenarios.file.sources import sources_hash
from scenarios.folders.begun import Begun
from scenarios.workers import workers as processes
from scenarios.workers.resumed import resumed
from scenarios.workers.workers import Failure, failure
from sim.recording.recording import Recording

Row = dict[str, Any]

REMEMBERED = 4
"""Worlds whose arms a worker keeps ready."""


class Job(NamedTuple):
    """A world and a seed."""

    world: World
    seed: int

    @property
    def name(self) -> str:
        """What tells it from every other job of a comparison."""
        return json.dumps([self.world, self.seed])


class Seed(NamedTuple):
    """What one seed came to: the metrics by arm, why metrics are undefined, and which arms failed."""

    metrics: dict[str, Row]
    reasons: dict[str, str]
    failures: dict[str, Failure]


def identity(arms: Arms) -> str:
    """Hash of all that decides what a job gives, but its world and seed."""
    own = arms.scenario.model_copy(update={"seed": 0}).digest("")
    asked = arms.chosen, arms.muted, sorted(arms.exempt), sources_hash(arms.scenario)
    return hashlib.sha256(f"{own} {asked}".encode()).hexdigest()


def done(
    arms: Arms, jobs: Mapping[str, Job], workers: int, begun: Begun, stop: Callable[[], Any]
) -> Iterator[tuple[str, Seed | Failure]]:
    """Do the jobs that are not done yet, in any order; one of which an arm failed is done again next time.

    Parameters
    ----------
    arms : Arms
    jobs : mapping of str to Job
        By name.
    workers : int
        Processes.
    begun : Begun
    stop : callable
        As of `scenarios.workers.workers.Workers.run`.
    """
    with processes.of(_seed, min(workers, len(jobs)), _prepare, arms.scenario, arms.chosen) as those:
        for name, result in resumed(those, jobs, begun, stop, is_whole):
            yield name, result if isinstance(result, Failure) else _received(result)


def is_whole(result: Any) -> bool:
    """Whether no arm failed."""
    return not (isinstance(result, Failure) or result["failures"])


def _received(result: Mapping[str, Any]) -> Seed:
    failed = {arm: Failure(*told) for arm, told in result["failures"].items()}
    return Seed(result["metrics"], result["reasons"], failed)


_scenario: Scenario
_chosen: list[str]
_ready: OrderedDict[str, Arms]


def _prepare(scenario: Scenario, chosen: list[str]) -> None:
    """Set a worker up: one reading of the scenario serves all its seeds."""
    global _scenario, _chosen, _ready
    _scenario, _chosen = scenario.model_copy(update=dict.fromkeys(STUDIES)), chosen
    _ready = OrderedDict()


def _of_world(world: World) -> Arms:
    """The arms of the scenario in a world."""
    name = json.dumps(world)
    if name not in _ready:
        _ready[name] = Arms(_scenario.set_over(world, UNCERTAIN), _chosen)
        if len(_ready) > REMEMBERED:
            _ready.popitem(last=False)
    return _ready[name]


def _seed(job: Job) -> dict[str, Any]:
    """Run every arm of a world with one seed, as plain values; one that raises leaves the others."""
    found: dict[str, Any] = {"metrics": {}, "reasons": {}, "failures": {}}

    def look(arm: str, recording: Recording) -> None:
        entries = measure(recording, listed("light"))
        found["metrics"][arm] = {name: entry["value"] for name, entry in entries.items()}
        found["reasons"] |= {name: entry["reason"] for name, entry in entries.items() if "reason" in entry}

    def failed(arm: str, error: BaseException) -> None:
        found["failures"][arm] = [*astuple(failure(error))]

    _of_world(job.world).run(job.seed, look, failed)
    return found
