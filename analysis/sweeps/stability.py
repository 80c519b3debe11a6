"""Stability: where in a sweep moves begin to feed themselves, by theory where there is one.

In a market whose price moves by lambda a unit traded, with dealers of constant gamma who hedge at
every step, the loop gain is g = -lambda x Gamma, with Gamma the sum of their gammas, and moves die
out while |g| < 1 (`theory.is_stable`, hedges lagged a step). Elsewhere there is no closed form, and
the contour where the recorded median gain passes 1 is what one has.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

import numpy as np

from analysis.base.metric import Undefined
from analysis.feedback.theory import loop_gain

LINEAR, CONSTANT = "linear_impact.LinearImpact", "constant_gamma"


def theoretical_gain(scenario: Mapping[str, Any], values: Mapping[str, np.ndarray]) -> np.ndarray:
    """Loop gain of a scenario at other values of some of its keys.

    Parameters
    ----------
    scenario : mapping
        Values of the resolved scenario.
    values : mapping of dotted key to ndarray of float64
        All of one shape, which is that of the result.

    Raises
    ------
    Undefined
        If the market is not the one that theory is about.
    """
    venues = scenario.get("venues", [])
    if len(venues) != 1 or venues[0].get("type") != LINEAR:
        raise Undefined("the market is not one venue of linear impact")
    hedgers = [each for each in scenario.get("populations", []) if "hedging" in each]
    if not hedgers or any(each.get("exposure", {}).get("type") != CONSTANT for each in hedgers):
        raise Undefined("not every hedger has a constant gamma")
    if any(each["hedging"].get("type", "time") != "time" for each in hedgers):
        raise Undefined("not every hedger hedges at every step")
    impact = _value(scenario, f"venues.{venues[0]['name']}.impact", values)
    gamma: Any = 0.0
    for each in hedgers:
        own = f"populations.{each['name']}"
        gamma = gamma + _value(scenario, f"{own}.count", values) * _value(
            scenario, f"{own}.exposure.gamma", values
        )
    return loop_gain(impact, gamma)


def decides(scenario: Mapping[str, Any], keys: list[str]) -> bool:
    """Whether theory has a gain that depends on one of these keys at least."""
    try:
        ones = theoretical_gain(scenario, {key: np.array([1.0, 2.0]) for key in keys})
    except Undefined:
        return False
    return bool(ones.size > 1 and ones.ravel()[0] != ones.ravel()[-1])


def _value(scenario: Mapping[str, Any], key: str, values: Mapping[str, np.ndarray]) -> Any:
    """What stands under a dotted key, the values given first."""
    parts = _parts(key)
    for swept, found in values.items():
        if _parts(swept) == parts:
            return found
    holder: Any = scenario
    for part in parts:
        if isinstance(holder, list):
            holder = next((each for each in holder if each.get("name") == part), {})
        else:
            holder = holder.get(part)
    if isinstance(holder, bool) or not isinstance(holder, int | float):
        raise Undefined(f"{key} is not one number")
    return holder


def _parts(key: str) -> list[str]:
    """Parts of a dotted key; a part in quotation marks may hold a dot."""
    table: Any = tomllib.loads(f"{key} = 0")
    parts = []
    while isinstance(table, dict):
        ((part, table),) = table.items()
        parts.append(part)
    return parts
