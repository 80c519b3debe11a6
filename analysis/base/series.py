"""Columns of the series, as metrics want them: known, above zero, or undefined; and the price before them."""

from __future__ import annotations

import numpy as np

from analysis.base.metric import Undefined
from sim.recording.recording import Recording


def series(recording: Recording, name: str) -> np.ndarray:
    """A column of the series."""
    if name not in recording.table("series").column_names:
        raise Undefined(f"the recording has no series {name!r}")
    values = recording.column("series", name)
    if values.size == 0:
        raise Undefined("no step was recorded")
    return values


def known(recording: Recording, name: str) -> np.ndarray:
    """The values of a series that are numbers."""
    values = series(recording, name)
    numbers: np.ndarray = values[~np.isnan(values)]
    if numbers.size == 0:
        raise Undefined(f"{name} was never known")
    return numbers


def prices(recording: Recording, name: str) -> np.ndarray:
    """A series of prices, all above zero."""
    values = series(recording, name)
    if not np.all(values > 0):
        raise Undefined(f"{name} is not above zero throughout")
    return values


def steps_in(recording: Recording, horizon: float) -> int:
    """Steps in a horizon in seconds, one at least; 0 s stands for one step.

    Raises
    ------
    Undefined
        If a step is longer than the horizon by more than half of it.
    """
    step = recording.market["step_seconds"]
    steps = max(1, round(horizon / step))
    if horizon and steps * step > 1.5 * horizon:
        raise Undefined(f"a step of {step:g} s is too long for a horizon of {horizon:g} s")
    return int(steps)


def opening(recording: Recording, asset: str) -> float:
    """Price of an asset before the first step."""
    return next(float(entry["spot"]) for entry in recording.market["assets"] if entry["name"] == asset)
