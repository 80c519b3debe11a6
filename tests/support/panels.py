"""Panels for tests: axes as files of figures have them, and what is drawn in them, read back."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.patches import StepPatch


def panel() -> Axes:
    """Axes of a figure as `save_all` makes it."""
    figure = Figure(figsize=(7.4, 4.2), dpi=100)
    figure.subplots_adjust(left=0.12, right=0.925, top=0.83, bottom=0.12)
    return figure.subplots()


def line(ax: Axes, label: str) -> np.ndarray:
    """The points of the line with this label, shape (n, 2)."""
    (found,) = [each for each in ax.get_lines() if each.get_label() == label]
    return np.asarray(found.get_xydata())


def bars(ax: Axes, label: str) -> tuple[np.ndarray, np.ndarray]:
    """Heights and edges of the bars with this label."""
    tops, edges, _ = _steps(ax, label).get_data()
    return tops - bases(ax, label), edges


def bases(ax: Axes, label: str) -> np.ndarray:
    """Where the bars with this label stand."""
    return np.asarray(_steps(ax, label).get_data()[2])


def _steps(ax: Axes, label: str) -> StepPatch:
    (found,) = [each for each in ax.patches if isinstance(each, StepPatch) and each.get_label() == label]
    return found


def legend(ax: Axes) -> Legend:
    """The legend, which must be there."""
    found = ax.get_legend()
    assert found is not None
    return found


def verticals(ax: Axes) -> list[float]:
    """Where vertical lines stand."""
    spans = [np.asarray(each.get_xdata(), float) for each in ax.get_lines()]
    return [float(span[0]) for span in spans if len(span) == 2 and span[0] == span[1]]


def prices(mid: np.ndarray, **columns: Any) -> dict[str, Any]:
    names = ("mid", "mark", "value", "mid_at_hedge")
    return {f"BTC.{name}": mid for name in names} | {f"BTC.{name}": each for name, each in columns.items()}
