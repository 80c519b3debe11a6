"""Phase diagram: a metric, or how much hedging multiplies it, over two swept keys.

Cells are the points of a grid; a third key makes small panels. The colours are cividis (Nuñez,
Anderton & Renslow 2018, PLoS ONE 13), which rises evenly in lightness for every reader.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from analysis.base.arms import BASE, MUTED
from analysis.base.metric import Undefined
from analysis.figures.style import FORCED, INK, LARGE, NORMAL, PALE, SMALL
from analysis.measures import find
from analysis.sweeps.cells import LABELS, at_cells, edges_of, plain, table
from analysis.sweeps.failed_cells import crossed
from analysis.sweeps.stability import decides, theoretical_gain
from analysis.sweeps.table import Sweep, key_label, label_of, value_text, words_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_PANELS = 6
LEGEND = 0.28
"""Inches for the legend below the cells."""

FINE = 200
MAP, EMPTY = "cividis", "#e7eaee"
GAIN = "median_loop_gain"


class Surface(NamedTuple):
    """What is drawn: a row a point, and what it is called.

    Attributes
    ----------
    frame : DataFrame
        Index design_id; value, low, high.
    title, label : str
        Of the figure and of the colour bar.
    is_ratio : bool
    metric : str
    """

    frame: pd.DataFrame
    title: str
    label: str
    is_ratio: bool
    metric: str


def surface(sweep: Sweep, metric: str, *, is_ratio: bool = False, arm: str = BASE) -> Surface:
    """A metric at every point, or its ratio base / muted.

    Raises
    ------
    Undefined
        If no point has a value.
    """
    frame = sweep.ratios(metric) if is_ratio else sweep.means(metric, arm)
    if not frame["value"].notna().any():
        raise Undefined(f"{metric} has no {'ratio of base to muted' if is_ratio else 'value'} at any point")
    if is_ratio:
        title = f"What hedging multiplies: {words_of(metric)}, {BASE} / {MUTED}"
        return Surface(frame, title, f"{words_of(metric)}, {BASE} / {MUTED}", True, metric)
    return Surface(frame, f"{words_of(metric)}, arm {arm}, mean over seeds", label_of(metric), False, metric)


def phase_diagram(
    sweep: Sweep,
    metric: str | None = None,
    *,
    is_ratio: bool = False,
    arm: str = BASE,
    keys: tuple[str, str] | None = None,
) -> Figure:
    """Heat map over two keys, small panels over a third, with the edge of stability.

    Parameters
    ----------
    sweep : Sweep
        A full grid in two or three keys, of which two are numbers.
    metric : str, optional
        The first that a reader looks for if not given.
    is_ratio : bool
        Draw base / muted; hatched where its 95% interval holds 1. Cells in which a market failed are crossed,
        with the share of their runs.
    arm : str
        Which arm is drawn if it is no ratio.
    keys : tuple of str, optional
        What goes across and up; the two numeric keys with the most values if not given.

    Raises
    ------
    Undefined
        If the design is no such grid, or the metric has no value.
    """
    across, up, panel = axes_of(sweep, keys)
    drawn = surface(sweep, sweep.chosen(metric), is_ratio=is_ratio, arm=arm)
    parts = _parts(sweep, panel)
    figure, panels = _panels(len(parts))
    limits = _norm(drawn)
    lines: dict[str, Any] = {}
    for ax, (value, ids) in zip(panels, parts, strict=True):
        mesh = _cells(ax, sweep, drawn.frame.loc[ids], (across, up), limits)
        lines |= _contours(ax, sweep, ids, drawn, (across, up), {panel: value} if panel else {})
        lines |= crossed(ax, sweep, ids, (BASE, MUTED) if is_ratio else (arm,), (across, up))
        if panel:
            ax.set_title(f"{key_label(panel)} = {plain(value)}", fontsize=SMALL, color=INK, loc="left")
        _dress(ax, sweep, across, up, most=LABELS if len(panels) < 3 else LABELS - 2)
    _share_labels(panels)
    _colour_bar(figure, mesh, drawn, panels)
    _entitle(figure, drawn, lines)
    return figure


def axes_of(sweep: Sweep, keys: tuple[str, str] | None = None) -> tuple[str, str, str]:
    """Keys that go across, up and into panels (empty if there is no third).

    Raises
    ------
    Undefined
        If the design is no full grid that can be drawn so.
    """
    counts = {key: sweep.design[key].astype(str).nunique() for key in sweep.keys}
    numeric = sorted(sweep.numeric, key=lambda key: -counts[key])
    across, up = keys or (*numeric[:2], "", "")[:2]
    rest = [key for key in sweep.keys if key not in (across, up)]
    if not up or len(rest) > 1 or (rest and counts[rest[0]] > MOST_PANELS):
        raise Undefined("a phase diagram takes two numeric keys, and a third of a few values")
    if min(counts[across], counts[up]) < 2 or len(sweep.design) != np.prod(list(counts.values())):
        raise Undefined("the points are no full grid")
    return across, up, rest[0] if rest else ""


def _parts(sweep: Sweep, panel: str) -> list[tuple[Any, pd.Index[Any]]]:
    """Values of the third key and the points that have each."""
    if not panel:
        return [(None, sweep.design.index)]
    return [(value, rows.index) for value, rows in sweep.design.groupby(panel, sort=True)]


def _panels(count: int) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure

    across = 2 if count in (2, 4) else min(count, 3)
    down = -(-count // across)
    figure = Figure(figsize=(7.4, 4.2 if down == 1 else 6.2), layout="constrained")
    every = list(figure.subplots(down, across, squeeze=False).ravel())
    for unused in every[count:]:
        unused.remove()
    return figure, every[:count]


def _norm(drawn: Surface) -> Any:
    """Colours from the lowest to the highest value; ratios by their logarithm."""
    from matplotlib.colors import LogNorm, Normalize

    known = drawn.frame["value"].dropna()
    low, high = float(known.min()), float(known.max())
    if low == high:
        low, high = low - 0.5 * abs(low or 1), high + 0.5 * abs(high or 1)
    return LogNorm(low, high) if drawn.is_ratio and low > 0 else Normalize(low, high)


def _cells(ax: Axes, sweep: Sweep, frame: pd.DataFrame, keys: tuple[str, str], limits: Any) -> Any:
    """Coloured cells; those without a value are pale."""
    x, y, grid = table(sweep, frame["value"], keys)
    ax.set_facecolor(EMPTY)
    edges = [edges_of(values, is_log=sweep.is_log(key)) for values, key in zip((x, y), keys, strict=True)]
    mesh = ax.pcolormesh(
        *edges, np.ma.masked_invalid(grid), cmap=MAP, norm=limits, edgecolors="white", lw=0.4
    )
    for key, which in zip(keys, (ax.set_xscale, ax.set_yscale), strict=True):
        which("log" if sweep.is_log(key) else "linear")
    return mesh


def _contours(
    ax: Axes,
    sweep: Sweep,
    ids: pd.Index[Any],
    drawn: Surface,
    keys: tuple[str, str],
    fixed: dict[str, Any],
) -> dict[str, Any]:
    """Lines over the cells, and what a legend calls them."""
    handles: dict[str, Any] = {}
    if drawn.is_ratio:
        handles |= _no_effect(ax, sweep, drawn.frame.loc[ids], keys)
    return handles | _edge_of_stability(ax, sweep, ids, keys, fixed)


def _no_effect(ax: Axes, sweep: Sweep, frame: pd.DataFrame, keys: tuple[str, str]) -> dict[str, Any]:
    """The contour at a ratio of 1, and hatches where the interval does not exclude it."""
    from matplotlib.patches import Patch

    x, y, grid = table(sweep, frame["value"], keys)
    unsure = frame["value"].notna() & ~((frame["low"] > 1) | (frame["high"] < 1))
    handles: dict[str, Any] = {}
    if unsure.any():
        _, _, cells = table(sweep, unsure.astype(float), keys)
        edges = [edges_of(values, is_log=sweep.is_log(key)) for values, key in zip((x, y), keys, strict=True)]
        for row, column in np.argwhere(cells > 0.5):
            corner = edges[0][column], edges[1][row]
            size = edges[0][column + 1] - corner[0], edges[1][row + 1] - corner[1]
            _hatch(ax, corner, size)
        none = (frame["value"].notna() & frame["low"].isna()).any()
        label = "95% interval holds 1" + (", or there is none" if none else "")
        handles[label] = Patch(facecolor=PALE, edgecolor="white", hatch="////", lw=0)
    if np.isfinite(grid).all() and grid.min() < 1 < grid.max():
        handles["ratio = 1"] = _contour(ax, x, y, grid, INK, (0, (1, 1.2)))
    return handles


def _hatch(ax: Axes, corner: tuple[float, float], size: tuple[float, float]) -> None:
    from matplotlib.patches import Rectangle

    ax.add_patch(Rectangle(corner, *size, fill=False, edgecolor="white", hatch="////", lw=0))


def _edge_of_stability(
    ax: Axes, sweep: Sweep, ids: pd.Index[Any], keys: tuple[str, str], fixed: dict[str, Any]
) -> dict[str, Any]:
    """Where theory has a loop gain of 1, else where the recorded one passes it."""
    if decides(sweep.scenario, list(keys)):
        spans = _span(sweep, keys[0]), _span(sweep, keys[1])
        mesh = np.meshgrid(*spans)
        numbers = {key: np.full(mesh[0].shape, float(value)) for key, value in fixed.items()}
        gain = np.abs(theoretical_gain(sweep.scenario, dict(zip(keys, mesh, strict=True)) | numbers))
        if gain.min() < 1 < gain.max():
            return {"theory: loop gain = 1": _contour(ax, *spans, gain, FORCED, "-")}
        return {}
    for metric in sweep.metrics:
        if (found := find(metric)) is not None and found.name == GAIN:
            x, y, grid = table(sweep, sweep.means(metric).loc[ids, "value"], keys)
            if np.isfinite(grid).all() and grid.min() < 1 < grid.max():
                return {"recorded median loop gain = 1": _contour(ax, x, y, grid, FORCED, (0, (4, 2)))}
    return {}


def _span(sweep: Sweep, key: str) -> np.ndarray:
    """Many values of a key from one end of the drawn cells to the other."""
    is_log = sweep.is_log(key)
    edges = edges_of(np.unique(sweep.design[key].to_numpy(float)), is_log=is_log)
    ends = float(edges[0]), float(edges[-1])
    return np.geomspace(*ends, FINE) if is_log else np.linspace(*ends, FINE)


def _contour(ax: Axes, x: np.ndarray, y: np.ndarray, grid: np.ndarray, colour: str, style: Any) -> Any:
    """Draw where a surface passes 1, on a light casing, and return what a legend shows."""
    from matplotlib.lines import Line2D

    ax.contour(x, y, grid, levels=[1.0], colors="white", linewidths=3.4, alpha=0.85)
    ax.contour(x, y, grid, levels=[1.0], colors=colour, linewidths=1.7, linestyles=[style])
    return Line2D([], [], color=colour, lw=1.7, ls=style)


def _dress(ax: Axes, sweep: Sweep, across: str, up: str, most: int) -> None:
    ax.set_xlabel(key_label(across), fontsize=NORMAL, color=INK)
    ax.set_ylabel(key_label(up), fontsize=NORMAL, color=INK)
    ax.tick_params(labelsize=SMALL, labelcolor=INK, color=PALE, length=3, which="both")
    for axis, key, room in ((ax.xaxis, across, most), (ax.yaxis, up, LABELS)):
        at_cells(axis, np.unique(sweep.design[key].to_numpy(float)), is_log=sweep.is_log(key), most=room)
    for spine in ax.spines.values():
        spine.set_visible(False)


def _share_labels(panels: list[Axes]) -> None:
    """Labels of the axes only at the left and at the bottom of the figure."""
    for ax in panels:
        place = ax.get_subplotspec()
        if place is not None and not place.is_first_col():
            ax.set_ylabel("")
        if place is not None and not place.is_last_row():
            ax.set_xlabel("")


def _colour_bar(figure: Figure, mesh: Any, drawn: Surface, panels: list[Axes]) -> None:
    from matplotlib.ticker import FuncFormatter

    bar = figure.colorbar(mesh, ax=panels, shrink=0.95, pad=0.02, aspect=28)
    bar.set_label(drawn.label, fontsize=NORMAL, color=INK)
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _shown(drawn, value)))
    bar.ax.minorticks_off()
    if drawn.is_ratio:
        known = drawn.frame["value"].dropna()
        bar.set_ticks([float(each) for each in _round_ratios(float(known.min()), float(known.max()))])
    bar.ax.tick_params(labelsize=SMALL, labelcolor=INK, color=PALE, length=3)
    bar.ax.spines[:].set_visible(False)


def _round_ratios(low: float, high: float) -> np.ndarray:
    """A few round numbers between two ratios, even in their logarithm."""
    ends = np.geomspace(low, high, 5) if low > 0 else np.linspace(low, high, 5)
    return np.unique([float(f"{each:.2g}") for each in ends])


def _entitle(figure: Figure, drawn: Surface, lines: dict[str, Any]) -> None:
    figure.suptitle(drawn.title, x=0.01, ha="left", fontsize=LARGE, fontweight="bold", color=INK)
    if not drawn.frame["value"].notna().all():
        from matplotlib.patches import Patch

        lines["undefined"] = Patch(facecolor=EMPTY, edgecolor=PALE, lw=0.5)
    if lines:
        below = LEGEND / figure.get_size_inches()[1]
        figure.set_layout_engine("constrained", rect=(0.0, below, 1.0, 1.0 - below))
        figure.legend(
            handles=list(lines.values()),
            labels=list(lines),
            loc="lower right",
            bbox_to_anchor=(1.0, 0.0),
            bbox_transform=figure.transFigure,  # of the figure, also where more than it is drawn (`png`)
            ncols=len(lines),
            frameon=False,
            fontsize=SMALL,
            labelcolor=INK,
        )


def _shown(drawn: Surface, value: float) -> str:
    return plain(value) if drawn.is_ratio else value_text(drawn.metric, value)
