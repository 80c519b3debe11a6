"""Scale of a frontier: the range of one number of a scenario that is searched.

An end that is not given lies a factor from the scenario's own value or, where the scenario does not
allow that, at the last value on the way there that it does. A number that is whole in the scenario
stays whole.
"""

from __future__ import annotations

from analysis.frontier.question import Scale
from scenarios.file.errors import Problem, ScenarioError, shown
from scenarios.file.schema import Scenario

FACTOR = 10.0
"""The range reaches from the scenario's value over this to the value times this, if none is given."""

HALVINGS = 30
"""Steps in which the last value that is allowed is closed in on."""


def scale_of(scenario: Scenario, key: str, low: float | None, high: float | None) -> Scale:
    """The range that is searched: what is given, else around the scenario's value and allowed.

    Parameters
    ----------
    scenario : Scenario
    key : str
        Dotted key of a number.
    low, high : float or None
        In the unit of the key; a tenth and ten times the scenario's value if None, as far as allowed.

    Raises
    ------
    ScenarioError
        If the key holds no number, an end is not allowed, or the range is empty or not known.
    """
    own = _own(scenario, key)
    if own == 0 and (low is None or high is None):
        what = "the scenario's value is 0, which says nothing about a range; give --low and --high"
        raise ScenarioError(Problem(scenario.name, key, what))
    ends = sorted([own / FACTOR, own * FACTOR])
    chosen = [
        _allowed(scenario, key, own, end) if given is None else float(given)
        for given, end in zip((low, high), ends, strict=True)
    ]
    for value in chosen:
        at(scenario, key, value)
    try:
        return Scale.of(chosen[0], chosen[1], is_whole=_is_whole(scenario, key))
    except ValueError as error:
        raise ScenarioError(Problem(scenario.name, key, f"{error}; give --low and --high")) from error


def at(scenario: Scenario, key: str, value: float) -> Scenario:
    """The scenario with the parameter at a value, whole where the scenario's own is.

    Raises
    ------
    ScenarioError
        If the value is not allowed.
    """
    return scenario.set_over({key: _number(scenario, key, value)}, "--key")


def _own(scenario: Scenario, key: str) -> float:
    """The scenario's own value under a key, which has to be a number."""
    try:
        own = scenario[key]
    except KeyError as error:
        scenario.set_over({key: 0.0}, "--key")
        what = "has no value in the scenario; give it one with --set first"
        raise ScenarioError(Problem(scenario.name, key, what)) from error
    if isinstance(own, bool) or not isinstance(own, int | float):
        hint = "; name one of its numbers" if isinstance(own, dict) else ""
        raise ScenarioError(Problem(scenario.name, key, f"is {shown(own)}, not a number{hint}"))
    return float(own)


def _is_whole(scenario: Scenario, key: str) -> bool:
    return isinstance(scenario[key], int)


def _number(scenario: Scenario, key: str, value: float) -> float | int:
    return round(value) if _is_whole(scenario, key) else float(value)


def _allowed(scenario: Scenario, key: str, own: float, end: float) -> float:
    """The value nearest to an end that the scenario allows, on the way from its own value."""
    if _is_allowed(scenario, key, end):
        return end
    inside, outside = own, end
    for _ in range(HALVINGS):
        middle = (inside + outside) / 2
        if _is_allowed(scenario, key, middle):
            inside = middle
        else:
            outside = middle
    rounded = float(f"{inside:.6g}")
    return rounded if _is_allowed(scenario, key, rounded) else inside


def _is_allowed(scenario: Scenario, key: str, value: float) -> bool:
    try:
        at(scenario, key, value)
    except ScenarioError:
        return False
    return True
