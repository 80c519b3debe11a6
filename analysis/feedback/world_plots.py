"""Figures of worlds: their ratios in order beside the scenario as written, and against a key they hang on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.figures.drawing import own_settings
from analysis.figures.style import FORCED, HEDGING, INK, LARGE, PALE, SMALL, axes, dress, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LARGEST = ("max_drawdown", "max_run_up")
"""The metrics that are drawn: whichever is larger in base."""


def in_order(found: Mapping[str, Any], name: str, ax: Axes | None = None) -> Axes:
    """Ratios of worlds from the lowest to the highest, with intervals over their own seeds.

    Parameters
    ----------
    found : mapping
        As in `worlds.json`.
    name : str
        A metric.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Notes
    -----
    The band is the interval over worlds without the luck of the seeds, the line the scenario as written with
    its interval over seeds. Open circles are bounds: a market failed in runs of one of the arms.
    """
    ax, entry = axes(ax), found["ratios"][name]
    value, bars, is_bound = _drawn(entry)
    order = np.argsort(np.where(np.isfinite(value), value, np.inf))[: int(np.isfinite(value).sum())]
    place = np.arange(order.size)
    ax.errorbar(value[order], place, xerr=bars[:, order], fmt="none", ecolor=HEDGING, alpha=0.45, lw=1.0)
    ax.scatter(
        value[order],
        place,
        s=18,
        zorder=3,
        facecolors=np.where(is_bound[order], "white", HEDGING),
        edgecolors=HEDGING,
        label="a world, 95% over its seeds",
    )
    if entry["interval"]:
        ax.axvspan(*entry["interval"], color=HEDGING, alpha=0.12, lw=0, label="95% of worlds, luck taken out")
    _as_written(ax.axvline, ax.axvspan, entry)
    ax.axvline(1, color=PALE, lw=1.0, zorder=0)
    ax.set_yticks([])
    dress(ax, "Worlds in order", "base / muted, ratio of means over seeds", "")
    ax.legend(loc="lower right", frameon=False, fontsize=SMALL)
    return ax


def against(found: Mapping[str, Any], name: str, key: str, ax: Axes | None = None) -> Axes:
    """Ratios of worlds against the drawn values of a key.

    Parameters
    ----------
    found : mapping
        As in `worlds.json`.
    name, key : str
        A metric and a dotted key.
    ax : Axes, optional
        Where to draw; a new figure if not given.
    """
    ax, entry = axes(ax), found["ratios"][name]
    value, bars, is_bound = _drawn(entry)
    drawn = np.array([world[key] for world in found["worlds"]], float)
    ax.errorbar(drawn, value, yerr=bars, fmt="none", ecolor=HEDGING, alpha=0.45, lw=1.0)
    ax.scatter(
        drawn,
        value,
        s=18,
        zorder=3,
        facecolors=np.where(is_bound, "white", HEDGING),
        edgecolors=HEDGING,
    )
    _as_written(ax.axhline, ax.axhspan, entry)
    about = entry["keys"][key]
    stands = "stands out" if entry["hangs_on"] == key else "does not stand out"
    told = f"rank correlation {about['rank_correlation']:+.2f}, chance comes to {entry['noise_floor']:.2f}"
    dress(ax, f"{told}: {stands}".replace("-", "\N{MINUS SIGN}"), key, "base / muted")
    ax.title.set_fontsize(SMALL)
    return ax


@own_settings()
def save(found: Mapping[str, Any], entries: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write `worlds.png` for the larger of the fall and the rise of each asset; returns the paths.

    Parameters
    ----------
    found, entries : mapping
        As in `worlds.json` and `amplification.json`.
    folder : Path
    """
    from matplotlib.figure import Figure

    from analysis.gallery import DPI
    from analysis.gallery import save as written

    folder.mkdir(parents=True, exist_ok=True)
    names, paths = _chosen(found, entries), []
    for name in names:
        figure = Figure(figsize=(10.4, 4.6), dpi=DPI, layout="constrained")
        left, right = figure.subplots(1, 2)
        in_order(found, name, left)
        if keys := found["ratios"][name].get("keys"):
            first = max(keys, key=lambda key: abs(keys[key]["rank_correlation"]))
            against(found, name, first, right)
        else:
            right.set_axis_off()
        subject, _, metric = name.rpartition(".")
        title = f"{subject} {words(metric)}: what hedging multiplies it by, in worlds that may be"
        figure.suptitle(title, x=0.01, ha="left", fontsize=LARGE, color=INK)
        paths.append(written(figure, folder / f"{f'{subject}_' if len(names) > 1 else ''}worlds.png"))
    return paths


def _chosen(found: Mapping[str, Any], entries: Mapping[str, Any]) -> list[str]:
    """Of each asset the larger of the fall and the rise, of those that have ratios in worlds."""
    largest: dict[str, str] = {}
    for name in found["ratios"]:
        subject, _, metric = name.rpartition(".")
        if metric in LARGEST:
            own = [largest[subject], name] if subject in largest else [name]
            largest[subject] = max(own, key=lambda each: entries[each]["muted"]["mean"])
    return list(largest.values())


def _drawn(entry: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ratio, lengths of the bars below and above, and whether it is a bound, world by world."""
    worlds = entry["as_drawn"]
    value = np.array([np.nan if each["ratio"] is None else each["ratio"] for each in worlds])
    ends = np.array([each["interval"] or (np.nan, np.nan) for each in worlds]).T
    return value, np.array([value - ends[0], ends[1] - value]), np.array(["bound" in each for each in worlds])


def _as_written(line: Any, span: Any, entry: Mapping[str, Any]) -> None:
    """The scenario as written, with its interval over seeds."""
    own = entry["as_written"]
    line(own["ratio"], color=FORCED, lw=1.4, label="as written, 95% over seeds")
    if own["interval"]:
        span(*own["interval"], color=FORCED, alpha=0.18, lw=0)
