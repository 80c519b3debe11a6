"""Designs: the points of a sweep, each a value for every swept key.

A grid takes every combination, the last key turning fastest. What is sampled comes as
points of the unit cube (scipy.stats.qmc; for Sobol indices SALib's arrangement of Saltelli
(2002), without second order), which each key's range or list then stretches. The seed of a
sample is derived from that of the scenario, so equal files give equal points.
"""

from __future__ import annotations

import itertools
import json
import math
from contextlib import suppress
from typing import Any

import numpy as np

from scenarios.arms.replicates import design_seed
from scenarios.arms.samples import unit_points
from scenarios.file.overlays import is_whole
from scenarios.file.override import KeyProblem, locate
from scenarios.file.retyping import sets_type
from scenarios.file.schema import Scenario
from scenarios.file.sweep_schema import SAMPLED, Range, Sweep

Point = dict[str, Any]


def points_of(scenario: Scenario) -> list[Point]:
    """The points of a scenario's sweep, in the order of their design_id.

    Raises
    ------
    ValueError
        If the scenario has no sweep.
    """
    sweep = scenario.sweep
    if sweep is None:
        raise ValueError(f"{scenario.name} has no [sweep]")
    if sweep.design == "list":
        return _completed(sweep.rows or [], scenario)
    if sweep.design in SAMPLED:
        return _sampled(scenario, sweep)
    return [dict(zip(sweep.over, values, strict=True)) for values in itertools.product(*sweep.over.values())]


def _completed(rows: list[Point], scenario: Scenario) -> list[Point]:
    """The rows with what the scenario itself says under the keys that only others name.

    With what it says once a row has set its types: a type may lack a key that others have.
    """
    keys = list(dict.fromkeys(key for row in rows for key in row))
    plain = scenario.model_copy(update={"sweep": None, "arms": {}})
    said = _said(keys, plain)
    points = []
    for row in rows:
        retypes = any(map(sets_type, row))
        own = _said(keys, plain.set_over(row, "design point")) if retypes else said
        points.append({key: (own | row)[key] for key in keys if key in own or key in row})
    return points


def _said(keys: list[str], scenario: Scenario) -> Point:
    """What a scenario says under those of these keys that it has."""
    values, found = scenario.resolved(), {}
    for key in keys:
        with suppress(KeyProblem):
            found[key] = locate(values, key)
    return found


def _sampled(scenario: Scenario, sweep: Sweep) -> list[Point]:
    cube = unit_points(sweep.design, sweep.points or 1, len(sweep.over), design_seed(scenario.seed))
    own = scenario.resolved()
    columns = {
        key: _stretched(cube[:, k], values, is_whole=is_whole(own, key))
        for k, (key, values) in enumerate(sweep.over.items())
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _stretched(units: np.ndarray, values: list[Any] | Range, *, is_whole: bool) -> list[Any]:
    """Values for uniforms in [0, 1): of a range by inverse transform, of a list one each in equal parts."""
    if isinstance(values, list):
        return [values[min(int(unit * len(values)), len(values) - 1)] for unit in units]
    low, high = values.low, math.floor(values.high) + 1 if is_whole else values.high
    spread = low * (high / low) ** units if values.log else low + (high - low) * units
    if is_whole:
        return [min(int(value), int(values.high)) for value in np.floor(spread)]
    return [float(value) for value in np.minimum(spread, high)]


def table(points: list[Point]) -> Any:
    """The design as an Arrow table: design_id and a column a key.

    Numbers stay numbers; a table or a list (such as a distribution) is written as JSON.
    """
    import pyarrow as pa

    keys = dict.fromkeys(key for point in points for key in point)
    columns = {key: _column([point.get(key) for point in points]) for key in keys}
    return pa.table({"design_id": pa.array(range(len(points)), pa.int32()), **columns})


def _column(values: list[Any]) -> Any:
    import pyarrow as pa

    present = [value for value in values if value is not None]
    if all(isinstance(value, bool) for value in present):
        return pa.array(values, pa.bool_())
    if all(isinstance(value, int) for value in present):
        return pa.array(values, pa.int64())
    if all(isinstance(value, int | float) for value in present):
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    return pa.array([_as_written(value) for value in values], pa.string())


def _as_written(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, sort_keys=True)
