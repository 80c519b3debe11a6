"""Figures of a probe: impact by size beside the square root, and what of it is left as time goes by."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.feedback import theory
from analysis.figures.drawing import own_settings
from analysis.figures.style import FORCED, HEDGING, INK, PALE, SMALL, axes, dress, plain_log, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#b3cde3", "#8cb0d0", "#5f93c0", "#2f75ad", "#0b5394", "#08306b")
"""Of the sizes, from the smallest."""

ARMS = ("#cc79a7", "#e69f00", "#009e73", FORCED, HEDGING)
"""Of the arms; the last of that which sizes are shares of the volume of."""

BPS = 1e4

NOT_ABOVE = "no move above 0"
"""What is said of a size without one."""


def impact(entry: Mapping[str, Any], ax: Axes | None = None) -> Axes:
    """Move at the end of the order by its size, in each arm, with intervals over seeds, and the square root.

    Parameters
    ----------
    entry : mapping
        As in `probe.json`.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Notes
    -----
    The line is Y sigma sqrt(Q / V) with Y = 1 and the volatility and volume of the runs without the
    order. Open circles are lower bounds: orders that were not executed in full, or markets that failed.
    """
    ax, sizes = axes(ax), entry["sizes"]
    share = np.array([size["share"] for size in sizes])
    sigma = float(np.sqrt(entry["without"]["variance"]["value"]))
    reach = np.geomspace(share[0] / 1.6, share[-1] * 1.6, 50)
    law = BPS * theory.square_root_impact(1.0, sigma, reach, 1.0)
    ax.plot(100 * reach, law, color=PALE, lw=1.4, label="σ √(Q / V): Y = 1")
    arms = entry["compared"]["arms"] if "compared" in entry else {entry["arm"]: entry}
    for (arm, own), colour in zip(arms.items(), itertools.cycle(ARMS[-len(arms) :]), strict=False):
        exponent = own["exponent"]["value"]
        named = "" if exponent is None else f", exponent {exponent:.2f}"
        ax.plot([], [], "o", ms=5, color=colour, label=f"{words(arm)}{named}")
        for size in own["sizes"]:
            _point(ax, size, 100 * size["share"], colour)
        if none := [f"{100 * size['share']:.3g}%" for size in own["sizes"] if not _moves(size)]:
            ax.plot([], [], " ", label=f"{NOT_ABOVE}: {', '.join(none)}")
    ax.set_xscale("log")
    ax.set_yscale("log")
    plain_log(ax.xaxis)
    plain_log(ax.yaxis)
    dress(ax, "Move at the end of the order", "size (% of the volume of a day)", "move (bps)")
    ax.legend(loc="upper left", frameon=False, fontsize=SMALL)
    return ax


def _moves(size: Mapping[str, Any]) -> bool:
    """Whether the mean move of a size is above 0."""
    value = size["move"]["value"]
    return value is not None and value > 0


def _point(ax: Axes, size: Mapping[str, Any], x: float, colour: str) -> None:
    value, interval = size["move"]["value"], size["move"]["interval"]
    if not _moves(size):
        return
    low, high = interval or (value, value)
    bars = BPS * np.array([[max(value - low, 0.0)], [max(high - value, 0.0)]])
    is_bound = size["executed_in_part"] or size["failed"]
    face = "white" if is_bound else colour
    ax.errorbar(x, BPS * value, yerr=bars, fmt="o", ms=5, color=colour, mfc=face, capsize=2.5)


def decay(entry: Mapping[str, Any], ax: Axes | None = None) -> Axes:
    """Mean move since the order began, over that at its end, a line a size.

    Parameters
    ----------
    entry : mapping
        As in `probe.json`.
    ax : Axes, optional
        Where to draw; a new figure if not given.
    """
    ax = axes(ax)
    over, sizes = entry["over_seconds"], entry["sizes"]
    for number, size in enumerate(sizes):
        colour = COLOURS[round(number * (len(COLOURS) - 1) / max(len(sizes) - 1, 1))]
        label, line = f"{100 * size['share']:.3g}%", dict[str, Any](color=colour, lw=1.5)
        if _moves(size):
            ax.plot(size["times"], np.array(size["path"]) / size["move"]["value"], label=label, **line)
        else:
            ax.plot([], [], label=f"{label}: {NOT_ABOVE}", **line)
    ax.axvline(over, color=FORCED, lw=1.0, ls=(0, (4, 2)), label="end of the order")
    ax.axhline(0, color=INK, lw=0.6)
    ax.set_xscale("log")
    plain_log(ax.xaxis)
    dress(
        ax,
        f"What is left of it, {words(entry['arm'])}",
        "time since the order began (s)",
        "move over that at the end",
    )
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=SMALL)
    return ax


@own_settings()
def save(entry: Mapping[str, Any], folder: Path) -> Path:
    """Write both beside each other as `probe.png`; returns its path."""
    from matplotlib.figure import Figure

    from analysis.gallery import DPI
    from analysis.gallery import save as written

    folder.mkdir(parents=True, exist_ok=True)
    figure = Figure(figsize=(11.6, 4.2), dpi=DPI, layout="constrained")
    panels: Sequence[Axes] = figure.subplots(1, 2)
    impact(entry, panels[0])
    decay(entry, panels[1])
    return written(figure, folder / "probe.png")
