"""The experiment: a scenario as the runs of its sweep see it, and the identity of each run."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from scenarios.arms.arms import Arms
from scenarios.arms.replicates import own_seed, replicate_seeds
from scenarios.file.errors import Problem, ScenarioError
from scenarios.file.schema import Scenario
from scenarios.file.sources import sources_hash
from scenarios.file.sweep_schema import Sweep
from scenarios.sweeps.designs import Point, points_of

REMEMBERED = 32
"""Points whose scenarios are kept ready."""


class Job(NamedTuple):
    """Runs of one point with one seed, an arm each; they share what the arms replay.

    `arms` holds names and run ids.
    """

    design_id: int
    replicate: int
    seed: int
    point: Point
    arms: tuple[tuple[str, str], ...]


class Experiment:
    """What a sweep runs.

    Parameters
    ----------
    scenario : Scenario
        With a sweep.

    Attributes
    ----------
    scenario : Scenario
        Without the sweep, and without the arms that it does not use.
    sweep : Sweep
    sources : str
        Hash of the code.

    Raises
    ------
    ScenarioError
        If the scenario has no sweep.
    """

    def __init__(self, scenario: Scenario) -> None:
        if scenario.sweep is None:
            what = 'no [sweep] in it; add one: design = "grid", and values by dotted key in [sweep.over]'
            raise ScenarioError(Problem(scenario.name, "sweep", what))
        self.sweep: Sweep = scenario.sweep
        self.whole = scenario
        used = {name: arm for name, arm in scenario.arms.items() if self.sweep.uses(name)}
        self.scenario = scenario.model_copy(update={"sweep": None, "arms": used})
        self.chosen = list(dict.fromkeys(self.sweep.arms))
        self.sources = sources_hash(scenario)
        self._arms: OrderedDict[str, Arms] = OrderedDict()

    def design_hash(self) -> str:
        """Hash of the scenario with its sweep: what makes two sweeps the same."""
        text = f"{self.scenario.digest('sweep')} {self.scenario.seed} {self.sweep.model_dump_json()}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def arms(self, point: Point) -> Arms:
        """The arms of the scenario at a point.

        Raises
        ------
        ScenarioError
            If the values of the point are not allowed.
        """
        key = repr(sorted(point.items()))
        if key not in self._arms:
            self._arms[key] = Arms(self.scenario.set_over(point, "design point"), self.chosen)
            if len(self._arms) > REMEMBERED:
                self._arms.popitem(last=False)
        self._arms.move_to_end(key)
        return self._arms[key]

    def identity(self, point: Point) -> str:
        """Hash of all that a point's runs have in common: resolved scenario, exemptions, sources."""
        arms = self.arms(point)
        resolved = arms.scenario.model_copy(update={"seed": 0})
        text = f"{resolved.digest('')} {sorted(arms.exempt)} {arms.muted} {self.sources}"
        return hashlib.sha256(text.encode()).hexdigest()


def run_id(identity: str, arm: str, seed: int) -> str:
    """Identity of one run."""
    return hashlib.sha256(f"{identity} {arm} {seed}".encode()).hexdigest()[:20]


def try_points(scenario: Scenario, most: int) -> tuple[int, int]:
    """Validate every point of a sweep, or so many of them, evenly chosen.

    Parameters
    ----------
    scenario : Scenario
        With a sweep.
    most : int

    Returns
    -------
    tried, points : int

    Raises
    ------
    ScenarioError
        If the values of a point are not allowed.
    """
    experiment, points = Experiment(scenario), points_of(scenario)
    chosen = range(0, len(points), -(-len(points) // most))
    for design_id in chosen:
        with _at_point(design_id):
            experiment.arms(points[design_id])
    return len(chosen), len(points)


@contextmanager
def _at_point(design_id: int) -> Iterator[None]:
    """Say of what is wrong inside at which point of the design it is."""
    try:
        yield
    except ScenarioError as error:
        named = [f"design point {design_id}: {problem}" for problem in error.problems]
        raise ScenarioError([Problem("sweep", "", text) for text in named]) from error


class Plan:
    """Every run that an experiment can ask for.

    Points that are the same (a sample over a list of values may repeat one) are run once,
    as the first of them, unless their seeds are their own.

    Parameters
    ----------
    experiment : Experiment

    Attributes
    ----------
    points : list of dict
    first : list of int
        For each point, the first that is the same.
    most : int
        Replicates of a point at most.

    Raises
    ------
    ScenarioError
        If the values of a point are not allowed.
    """

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        sweep = experiment.sweep
        self.points = points_of(experiment.whole)
        self._identities = [self._identity(number) for number in range(len(self.points))]
        seen: dict[str, int] = {}
        same = [seen.setdefault(identity, n) for n, identity in enumerate(self._identities)]
        self.first = list(range(len(same))) if sweep.independent else same
        self.most = sweep.stop.max_replicates if sweep.stop else sweep.replicates
        self._seeds = [] if sweep.independent else replicate_seeds(experiment.scenario.seed, self.most)

    def _identity(self, design_id: int) -> str:
        with _at_point(design_id):
            return self.experiment.identity(self.points[design_id])

    @property
    def distinct(self) -> list[int]:
        """Points that are run: the first of those that are the same."""
        return [number for number, first in enumerate(self.first) if number == first]

    def seed(self, design_id: int, replicate: int) -> int:
        """Seed of a replicate of a point."""
        if self._seeds:
            return self._seeds[replicate]
        return own_seed(self.experiment.scenario.seed, replicate, design_id)

    def job(self, design_id: int, replicate: int) -> Job:
        """All arms of a replicate of a point."""
        seed, identity = self.seed(design_id, replicate), self._identities[design_id]
        arms = tuple((arm, run_id(identity, arm, seed)) for arm in self.experiment.chosen)
        return Job(design_id, replicate, seed, self.points[design_id], arms)
