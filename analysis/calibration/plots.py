"""The figure of a calibration: moments against their targets, in units of the targets' errors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.figures.drawing import own_settings
from analysis.figures.style import ASK, GRID, HEDGING, INK, NORMAL, SMALL, axes, dress

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FARTHEST = 10.0
"""Errors beyond which a moment is drawn at the edge, with its number beside it."""


def moments(entries: Mapping[str, Mapping[str, Any]], ax: Axes | None = None) -> Axes:
    """How many errors each moment lies from its target, with its 95% interval over seeds.

    Parameters
    ----------
    entries : mapping
        As in `moments.json`.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Notes
    -----
    Filled points were fitted, open ones held out. The band is two errors to either side.
    """
    ax = axes(ax)
    rows = np.arange(len(entries))[::-1]
    ax.axvspan(-2, 2, color=GRID, alpha=0.5, lw=0)
    ax.axvline(0, color=INK, lw=1.0)
    for row, entry in zip(rows, entries.values(), strict=True):
        _point(ax, row, entry)
    ax.set_yticks(rows, list(entries), fontsize=NORMAL, color=INK)
    ax.set_xlim(-1.08 * FARTHEST, 1.08 * FARTHEST)
    ax.set_ylim(-0.7, len(entries) - 0.3)
    held = sum(entry["held_out"] for entry in entries.values())
    title = f"Moments against targets: {len(entries) - held} fitted, {held} held out (open)"
    dress(ax, title, "(moment - target) / error of the target (band: 2, bars: 95% over seeds)", "")
    ax.tick_params(axis="y", length=0)
    return ax


def _point(ax: Axes, row: int, entry: Mapping[str, Any]) -> None:
    """One moment; what is undefined is said, and what is far off stands at the edge."""
    colour, off = ASK if entry["held_out"] else HEDGING, entry["off"]
    if off is None:
        said = f"  undefined: {entry['reason']}"
        ax.text(0, row, said, fontsize=SMALL, color=INK, va="center", backgroundcolor="white")
        return
    low, high = (
        ((end - entry["target"]) / entry["error"] for end in entry["interval"])
        if entry["interval"]
        else (off, off)
    )
    shown, low, high = np.clip([off, low, high], -FARTHEST, FARTHEST)
    bars = [[max(shown - low, 0.0)], [max(high - shown, 0.0)]]
    face = "white" if entry["held_out"] else colour
    ax.errorbar(shown, row, xerr=bars, fmt="o", ms=6, color=colour, mfc=face, capsize=2.5)
    if abs(off) > FARTHEST:
        inward = "right" if off > 0 else "left"
        ax.annotate(
            f"{off:+.3g}", (shown, row), (0, 7), textcoords="offset points", fontsize=SMALL, ha=inward
        )


@own_settings()
def save(entries: Mapping[str, Mapping[str, Any]], folder: Path) -> Path:
    """Write the figure as `moments.png`; returns its path."""
    from matplotlib.figure import Figure

    from analysis.gallery import DPI
    from analysis.gallery import save as written

    folder.mkdir(parents=True, exist_ok=True)
    figure = Figure(figsize=(8.4, 1.4 + 0.36 * max(len(entries), 2)), dpi=DPI, layout="constrained")
    moments(entries, figure.subplots())
    return written(figure, folder / "moments.png")
