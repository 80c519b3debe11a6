"""Parallel coordinates: every point of a design as a line over its keys, coloured by a metric.

The figure of Inselberg (1985, The Visual Computer 1), for designs of more keys than a plane shows.
Each key has an upright axis of its own, from its lowest value in the design to its highest; keys
that are no numbers are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.base.arms import BASE
from analysis.base.metric import Undefined
from analysis.figures.style import INK, LARGE, NORMAL, PALE, SMALL, axes, short
from analysis.sweeps.phase_diagram import MAP
from analysis.sweeps.table import Sweep, key_label, label_of, value_text, words_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def parallel_coordinates(
    sweep: Sweep, metric: str | None = None, *, arm: str = BASE, ax: Axes | None = None
) -> Axes:
    """Every design point as a line over its keys, coloured by a metric; high values lie on top.

    Parameters
    ----------
    sweep : Sweep
    metric : str, optional
        The first that a reader looks for if not given.
    arm : str
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Raises
    ------
    Undefined
        If no key is a number, or the metric has no value.
    """
    name = sweep.chosen(metric)
    means = sweep.means(name, arm)["value"].dropna().sort_values()
    if not sweep.numeric or means.empty:
        raise Undefined(f"{name} has no value at any point" if sweep.numeric else "no key is a number")
    from matplotlib.collections import LineCollection

    ax = axes(ax)
    columns = [
        _unit_range(sweep.design.loc[means.index, key], is_log=sweep.is_log(key)) for key in sweep.numeric
    ]
    across = np.arange(len(columns) + 1)
    up = np.stack([*columns, _unit_range(means, is_log=False)], axis=1)
    drawn = LineCollection(
        list(np.stack(np.broadcast_arrays(across, up), axis=2)),
        array=means.to_numpy(),
        cmap=MAP,
        lw=1.1,
        alpha=np.linspace(0.1, 1.0, len(means)) ** (2 + len(means) / 200),
    )
    ax.add_collection(drawn)
    ends = [sweep.design[key] for key in sweep.numeric]
    _dress_parallel(ax, [*map(key_label, sweep.numeric), label_of(name)], [*ends, means], name)
    title = f"{words_of(name)}, arm {arm}, {len(means):,} design points"
    ax.set_title(title, loc="left", fontsize=LARGE, fontweight="bold", color=INK, pad=20)
    _colour_bar(ax, drawn, name)
    return ax


def _dress_parallel(ax: Axes, labels: list[str], columns: list[pd.Series[Any]], metric: str) -> None:
    """An upright axis for every key, the metric last, with its lowest and highest value at the ends."""
    for place, (label, column) in enumerate(zip(labels, columns, strict=True)):
        ax.axvline(place, color=INK, lw=0.8, zorder=3)
        for end, value, side in ((0.0, column.min(), "top"), (1.0, column.max(), "bottom")):
            ax.annotate(
                short(float(value)) if column is not columns[-1] else value_text(metric, float(value)),
                (place, end),
                xytext=(0, -3 if side == "top" else 3),
                textcoords="offset points",
                ha="center",
                va=side,
                fontsize=SMALL,
                color=INK,
            )
        ax.annotate(
            _wrapped(label, 60 // len(labels)),
            (place, 0),
            xytext=(0, -16),
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=SMALL,
            color=INK,
            annotation_clip=False,
        )
    ax.set_xlim(-0.3, len(labels) - 0.7)
    ax.set_ylim(-0.02, 1.02)
    ax.set_axis_off()


def _wrapped(text: str, width: int) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(text, max(width, 12)))


def _colour_bar(ax: Axes, drawn: Any, metric: str) -> None:
    figure = ax.get_figure(root=True)
    if figure is None:
        return
    bar = figure.colorbar(drawn, ax=ax, shrink=0.9, pad=0.03, aspect=30)
    bar.set_label(label_of(metric), fontsize=NORMAL, color=INK)
    if bar.solids is not None:
        bar.solids.set_alpha(1)
    bar.ax.tick_params(labelsize=SMALL, labelcolor=INK, color=PALE, length=3)
    bar.ax.yaxis.set_major_formatter(lambda value, _: value_text(metric, value))
    bar.ax.spines[:].set_visible(False)


def _unit_range(column: pd.Series[Any], *, is_log: bool) -> np.ndarray:
    """Values from 0 at the lowest to 1 at the highest."""
    values = np.log(column.to_numpy(float)) if is_log else column.to_numpy(float)
    extent = float(np.ptp(values))
    scaled: np.ndarray = (values - values.min()) / extent if extent else np.full(values.size, 0.5)
    return scaled
