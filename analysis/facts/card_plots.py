"""The figure of a scorecard: every fact against its band, with its interval of 95% over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.facts.scorecard import FAIL, PASS
from analysis.figures.drawing import own_settings
from analysis.figures.style import FORCED, GRID, HEDGING, INK, NORMAL, PALE, SMALL, axes, dress

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FARTHEST = 2.0
"""Half bands from the middle beyond which a fact is drawn at the edge; 1 is the end of the band."""


def card(entries: Sequence[Mapping[str, Any]], ax: Axes | None = None) -> Axes:
    """Where every fact lies in its band, a row a fact; the numbers stand beside.

    Parameters
    ----------
    entries : sequence of mapping
        The facts, as in `facts.json`.
    ax : Axes, optional
        Where to draw; a new figure if not given.
    """
    ax, rows = axes(ax), np.arange(len(entries))[::-1]
    ax.axvspan(-1, 1, color=GRID, alpha=0.6, lw=0)
    for row, entry in zip(rows, entries, strict=True):
        _point(ax, row, entry)
    ax.set_yticks(rows, [entry["fact"] for entry in entries])
    ax.set_xlim(-1.1 * FARTHEST, 1.1 * FARTHEST)
    ax.set_ylim(-0.7, len(entries) - 0.3)
    ax.set_xticks([-1, 1], ["lower end", "upper end"])
    passed = sum(entry["verdict"].startswith(PASS) for entry in entries)
    dress(ax, f"{passed} of {len(entries)} stylised facts in band", "place in the band (bars: 95%)", "")
    ax.grid(visible=False)
    ax.tick_params(axis="y", length=0, labelsize=NORMAL)
    return ax


def _point(ax: Axes, row: int, entry: Mapping[str, Any]) -> None:
    """One fact: filled where it passes or fails, open where it cannot be told, a word where there is none."""
    verdict, value = entry["verdict"], entry["value"]
    is_fail = verdict.startswith(FAIL)
    colour = FORCED if is_fail else HEDGING if verdict.startswith(PASS) else PALE
    band = "{:g} to {:g}".format(entry["band_low"], entry["band_high"])
    said = f"{'–' if value is None else f'{value:.3g}'}  ({band})"
    ax.annotate(
        said,
        (1.01, row),
        xycoords=("axes fraction", "data"),
        fontsize=SMALL,
        color=FORCED if is_fail else INK,
        va="center",
    )
    if value is None:
        ax.text(0, row, verdict.split(":")[0], fontsize=SMALL, color=colour, ha="center", va="center")
        return
    middle, half = (entry["band_low"] + entry["band_high"]) / 2, (entry["band_high"] - entry["band_low"]) / 2
    ends = [each if each is not None else value for each in (entry["low"], entry["high"])]
    shown, low, high = np.clip((np.array([value, *ends]) - middle) / half, -FARTHEST, FARTHEST)
    is_off = abs(value - middle) > FARTHEST * half
    face = colour if is_fail or verdict.startswith(PASS) else "white"
    bars = [[max(shown - low, 0.0)], [max(high - shown, 0.0)]]
    marker = (">" if value > middle else "<") if is_off else "o"
    ax.errorbar(shown, row, xerr=bars, fmt=marker, ms=6, color=colour, mfc=face, capsize=2.5)


@own_settings()
def save(found: Mapping[str, Any], folder: Path) -> Path:
    """Write the figure of `facts.json` as `facts.png`; returns its path."""
    from matplotlib.figure import Figure

    from analysis.gallery import DPI
    from analysis.gallery import save as written

    folder.mkdir(parents=True, exist_ok=True)
    entries = found["facts"]
    figure = Figure(figsize=(9.4, 1.4 + 0.34 * max(len(entries), 2)), dpi=DPI, layout="constrained")
    card(entries, figure.subplots())
    return written(figure, folder / "facts.png")
