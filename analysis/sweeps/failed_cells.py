"""Failed cells: where in a phase diagram markets failed, whose falls are lower bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.figures.style import INK, SMALL
from analysis.sweeps.table import Sweep

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FAILURE = "failure"
"""Name of the crosses in a figure."""


def crossed(
    ax: Axes, sweep: Sweep, ids: pd.Index[Any], arms: tuple[str, ...], keys: tuple[str, str]
) -> dict[str, Any]:
    """A cross in cells in which a market failed, with the share of runs; returns what a legend shows.

    Parameters
    ----------
    ax : Axes
    sweep : Sweep
    ids : Index
        Points that are drawn.
    arms : tuple of str
        That are drawn; of several the one in which most failed counts.
    keys : tuple of str
        That go across and up.
    """
    from matplotlib.lines import Line2D
    from matplotlib.patheffects import withStroke

    shares = sweep.failures(arms).loc[ids]
    outline = [withStroke(linewidth=2.2, foreground="white")]
    table = sweep.design.loc[ids, list(keys)].to_numpy(float)
    for (x, y), share in zip(table[shares > 0], shares[shares > 0], strict=True):
        ax.plot(x, y, "x", ms=7.5, mew=3.6, color="white")
        ax.plot(x, y, "x", ms=6, mew=1.6, color=INK, gid=FAILURE)
        label = f"{share:.0%}" if share >= 0.005 else "<1%"
        ax.annotate(
            label,
            (x, y),
            xytext=(0, -6),
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=SMALL - 1.5,
            color=INK,
            path_effects=outline,
        )
    cross = Line2D([], [], color=INK, marker="x", ms=6, mew=1.6, ls="")
    return {"a market failed, % of runs": cross} if (shares > 0).any() else {}
