"""Worlds: a scenario with what is not known of it drawn anew, from the distributions in its `[uncertain]`.

Places of a scrambled Sobol sequence in the unit cube go through the inverse of each key's distribution.
The sequence is keyed by the scenario's seed, so the first worlds are the same however many are drawn.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from scenarios.arms.replicates import design_seed
from scenarios.arms.samples import unit_points
from scenarios.file import overlays
from scenarios.file.errors import Problem, ScenarioError
from scenarios.file.schema import Scenario

UNCERTAIN = "uncertain"

HALF_A_STEP = 2.0**-31
"""Places are multiples of 2^-30 from 0 on; in the middle of their cells no quantile is infinite."""

World = dict[str, Any]
"""Values by dotted key; none in the scenario as it is written."""


def drawn(scenario: Scenario, count: int) -> list[World]:
    """So many worlds of a scenario.

    Parameters
    ----------
    scenario : Scenario
    count : int
        A power of two spreads best.

    Raises
    ------
    ScenarioError
        If nothing is uncertain, or the values of a world are not allowed.
    """
    uncertain, plain = scenario.uncertain, scenario.resolved()
    if not uncertain:
        what = "no [uncertain] in it; add one: a distribution by dotted key, such as "
        example = '"venues.book.depth" = {dist = "lognormal", median = 30.0, sigma = 0.3}'
        raise ScenarioError(Problem(scenario.name, UNCERTAIN, what + example))
    whole = 1 << (count - 1).bit_length()
    places = unit_points("sobol", whole, len(uncertain), design_seed(scenario.seed))[:count] + HALF_A_STEP
    worlds = [overlays.world(plain, uncertain, place) for place in places]
    for number, world in enumerate(worlds):
        _check(scenario, number, world)
    return worlds


def _check(scenario: Scenario, number: int, world: World) -> None:
    """Raise for what a world must not be, at the place in the file that it is drawn from."""
    try:
        scenario.set_over(world, UNCERTAIN)
    except ScenarioError as error:
        document = scenario.located()
        placed = [overlays.moved(problem, world, (UNCERTAIN,), document) for problem in error.problems]
        named = [replace(problem, what=f"in world {number}: {problem.what}") for problem in placed]
        raise ScenarioError(named) from error
