"""Cells: the points of a sweep's grid as cells of two keys, and the ticks at their values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis.sweeps.table import Sweep

LABELS = 7
"""Ticks with a label that fill an axis; two fewer where three panels stand side by side."""


def table(
    sweep: Sweep, values: pd.Series[Any], keys: tuple[str, str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values on a grid of two keys: those across, those up, and a row for each of these."""
    points = sweep.design.loc[values.index, list(keys)]
    pivot = points.assign(value=values).pivot(index=keys[1], columns=keys[0], values="value")
    return pivot.columns.to_numpy(float), pivot.index.to_numpy(float), pivot.to_numpy(float)


def edges_of(centres: np.ndarray, *, is_log: bool) -> np.ndarray:
    """Edges of cells around centres, halfway between neighbours; shape (N + 1,)."""
    at = np.log(centres) if is_log else centres
    middles = (at[1:] + at[:-1]) / 2
    edges = np.concatenate([[2 * at[0] - middles[0]], middles, [2 * at[-1] - middles[-1]]])
    return np.exp(edges) if is_log else edges


def at_cells(axis: Any, values: np.ndarray, *, is_log: bool, most: int = LABELS) -> None:
    """Ticks at the swept values themselves, those with room for a label if `most` fill the axis."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    if is_log or values.size <= most:
        axis.set_major_locator(FixedLocator(labelled(values, is_log=is_log, most=most)))
        axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))


def labelled(values: np.ndarray, *, is_log: bool, most: int) -> list[float]:
    """Which of the swept values get a label: the last, and going down those far enough from the one above."""
    if values.size < 2:
        return [float(value) for value in values]
    edges = edges_of(values, is_log=is_log)
    at, ends = (np.log(values), np.log(edges)) if is_log else (values, edges)
    kept: list[int] = []
    for i in range(values.size - 1, -1, -1):
        if not kept or at[kept[-1]] - at[i] >= 0.8 * (ends[-1] - ends[0]) / most:
            kept.append(i)
    return [float(values[i]) for i in reversed(kept)]


def plain(value: Any) -> str:
    """A value of a key as a reader would write it."""
    if isinstance(value, str):
        return value
    return f"{float(value):.4g}".replace("-", "\N{MINUS SIGN}")
