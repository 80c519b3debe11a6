"""Figures of a sweep: what suits its design, drawn from its tables.

two or three keys on a full grid     phase diagram of metrics and of base / muted
one key, or few values of a second   lines with 95% intervals
a space-filling design               parallel coordinates coloured by a metric
a design for indices                 bars of Sobol indices with intervals
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from analysis.frontier import Crossing
from analysis.metric import Undefined
from analysis.phase_diagram import MAP, at_cells, axes_of, phase_diagram
from analysis.sensitivity import Indices, sensitivity
from analysis.style import FORCED, HEDGING, INK, LARGE, NORMAL, PALE, SMALL, axes, dress, legend_above, short
from analysis.sweep_table import (
    BASE,
    MUTED,
    Sweep,
    key_label,
    label_of,
    value_text,
    words_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_METRICS = 4
"""Metrics that are drawn if none is asked for."""

FEW = 3
"""Values of a second number that are drawn as lines; with more it becomes a phase diagram."""

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#332288", INK)
MARKERS = ("o", "s", "D", "^", "v", "P", "X", "h")
FOLDER = "figures"


class Picture(NamedTuple):
    """A figure of a sweep: the name of its file, and what draws it.

    Attributes
    ----------
    draw : callable
        Of nothing; returns a matplotlib Figure.
    """

    name: str
    draw: Callable[[], Figure]


def lines(
    sweep: Sweep,
    metric: str | None = None,
    *,
    arm: str = BASE,
    ax: Axes | None = None,
    is_ratio: bool = False,
) -> Axes:
    """A metric over one key with 95% intervals: a line an arm, or a line a value of a second key.

    Parameters
    ----------
    sweep : Sweep
        With one or two keys.
    metric : str, optional
        The first that a reader looks for if not given.
    arm : str
        Which arm is drawn where there is a second key.
    ax : Axes, optional
        Where to draw; a new figure if not given.
    is_ratio : bool
        Draw base / muted instead.

    Raises
    ------
    Undefined
        If the design has other than one or two keys, or the metric no value.
    """
    name, (key, other) = sweep.chosen(metric), line_keys(sweep)
    if is_ratio:
        drawn = {BASE + " / " + MUTED: sweep.ratios(name)}
    else:
        drawn = {each: sweep.means(name, each) for each in (sweep.arms if not other else [arm])}
    if not any(frame["value"].notna().any() for frame in drawn.values()):
        raise Undefined(f"{name} has no value at any point")
    ax = axes(ax)
    handles = []
    for number, (label, frame) in enumerate(_series(sweep, drawn, other)):
        handles.append(_line(ax, sweep, frame, key, label, number))
    if is_ratio:
        ax.axhline(1, color=PALE, lw=1.0, zorder=0)
    _dress_lines(ax, sweep, name, key, is_ratio=is_ratio)
    legend_above(ax, handles if len(handles) > 1 else [])
    return ax


def line_keys(sweep: Sweep) -> tuple[str, str]:
    """The key that goes across, and the one that makes the lines (empty if there is none).

    Raises
    ------
    Undefined
        If there are no keys, more than two, or too many values for lines.
    """
    counts = {key: sweep.design[key].astype(str).nunique() for key in sweep.keys}
    if len(counts) not in (1, 2):
        raise Undefined(f"lines take one or two keys; the design has {len(counts)}")
    order = sorted(counts, key=lambda key: (key not in sweep.numeric, -counts[key]))
    other = order[1] if len(order) > 1 else ""
    if other and counts[other] > len(COLOURS):
        raise Undefined(f"{other} has too many values for lines")
    return order[0], other


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


def indices(found: Indices, ax: Axes | None = None) -> Axes:
    """First-order and total Sobol indices as bars with 95% intervals, the largest total on top.

    Parameters
    ----------
    found : Indices
    ax : Axes, optional
        Where to draw; a new figure if not given.
    """
    ax = axes(ax)
    frame = found.frame.sort_values("total")
    rows, handles = np.arange(len(frame)), list[Any]()
    kinds = (
        ("first", "first order: what the key explains alone", HEDGING, -0.19),
        ("total", "total: with its interactions", "#e69f00", 0.19),
    )
    for kind, label, colour, offset in kinds:
        value, low, high = (frame[f"{kind}{end}"].to_numpy() for end in ("", "_low", "_high"))
        bars = ax.barh(rows - offset, value, 0.36, color=colour, label=label)
        reach = np.stack([value - low, high - value])
        ax.errorbar(value, rows - offset, xerr=reach, fmt="none", ecolor=INK, lw=1.1, capsize=2.5)
        handles.append(bars)
    title = f"What decides {words_of(found.metric)} (arm {found.arm}, {found.runs:,} runs)"
    dress(ax, title, "share of the variance over the design (bars: 95%)", "")
    ax.set_yticks(rows, [key_label(str(key)) for key in frame.index], fontsize=NORMAL, color=INK)
    ax.grid(axis="y", visible=False)
    ax.grid(axis="x", color="#d8dee4", linewidth=0.6)
    ax.axvline(0, color=PALE, lw=0.8)
    ax.tick_params(axis="y", length=0)
    legend_above(ax, handles)
    return ax


def frontier(found: Crossing, key: str, ax: Axes | None = None) -> Axes:
    """The runs of a search with the critical value and its 95% interval.

    Parameters
    ----------
    found : Crossing
    key : str
        Dotted key of the parameter.
    ax : Axes, optional
        Where to draw; a new figure if not given.
    """
    ax = axes(ax)
    value, runs, mean, low, high = np.array(
        [(p.value, p.runs, p.mean, p.low, p.high) for p in found.places]
    ).T
    known = np.isfinite(low) & np.isfinite(high)
    reach = np.stack([mean - low, high - mean])[:, known]
    ax.errorbar(value[known], mean[known], yerr=reach, fmt="none", ecolor=PALE, lw=1.0)
    sizes = 12 + 60 * runs / runs.max()
    dots = ax.scatter(value, mean, s=sizes, color=HEDGING, lw=0.6, ec="white", zorder=3)
    dots.set_label("runs at a value (bars: 95%, size: how many)")
    handles: list[Any] = [dots]
    handles.append(ax.axhline(found.question.level, color=INK, lw=1.0, ls=(0, (4, 2)), label="level"))
    if found.estimate is not None:
        ends = [
            found.scale.low if found.low is None else found.low,
            found.scale.high if found.high is None else found.high,
        ]
        label = f"critical value {found.estimate:.4g} [{ends[0]:.4g}, {ends[1]:.4g}]"
        ax.axvspan(*ends, color=FORCED, alpha=0.22, lw=0)
        handles.append(ax.axvline(found.estimate, color=FORCED, lw=1.6, label=label))
    if found.scale.is_log and found.scale.low > 0:
        ax.set_xscale("log")
        _plain_ticks(ax)
    against = f", an even grid: {found.grid_runs:,}" if found.grid_runs is not None else ""
    title = f"Where {found.question.text} passes {found.question.level:g} ({found.runs:,} runs{against})"
    unit = label_of(found.question.metric)
    if not found.question.is_chance:
        ax.yaxis.set_major_formatter(lambda value, _: value_text(found.question.metric, value))
    dress(ax, title, key_label(key), found.question.text if found.question.is_chance else f"mean {unit}")
    legend_above(ax, handles)
    return ax


def pick(folder: str | Path, metric: str | None = None) -> list[Picture]:
    """The figures that suit a sweep's design, by the name of their file.

    Parameters
    ----------
    folder : str or Path
    metric : str, optional
        Those that a reader looks for first if not given.

    Raises
    ------
    ValueError
        If the folder holds no sweep, or no such metric.
    Undefined
        If no run has a metric.
    """
    sweep = Sweep.read(folder)
    chosen = [sweep.chosen(metric)] if metric else sweep.preferred()[:MOST_METRICS]
    pictures: list[Picture] = []
    for name in chosen:
        pictures += _of_design(sweep, name)
    return pictures


def save_all(folder: str | Path, metric: str | None = None, into: Path | None = None) -> list[Path]:
    """Write the figures that suit a sweep as PNG into its `figures` folder; returns their paths.

    Figures whose subject is missing are left out.
    """
    from analysis.gallery import save

    into = into or Path(folder) / FOLDER
    into.mkdir(parents=True, exist_ok=True)
    written = []
    for picture in pick(folder, metric):
        try:
            figure = picture.draw()
        except Undefined:
            continue
        written.append(save(figure, into / f"{picture.name}.png"))
    return written


def save_frontier(found: Crossing, key: str, folder: Path) -> Path:
    """Write the figure of a search as `frontier.png`; returns its path."""
    from analysis.gallery import save

    folder.mkdir(parents=True, exist_ok=True)
    return save(_figure(lambda ax: frontier(found, key, ax)), folder / "frontier.png")


def save_indices(found: Indices, folder: Path) -> Path:
    """Write the figure of indices as `sensitivity.png`; returns its path."""
    from analysis.gallery import save

    folder.mkdir(parents=True, exist_ok=True)
    return save(_indices_figure(found), folder / "sensitivity.png")


def _of_design(sweep: Sweep, metric: str) -> list[Picture]:
    """What suits the design, for one metric."""
    stem, has_both = metric.replace(".", "_"), {BASE, MUTED} <= set(sweep.arms)
    if sweep.kind == "saltelli":
        draw = partial(_indices_of, sweep, metric)
        return [Picture(f"sensitivity_{stem}", draw), *_parallel(sweep, metric, stem)]
    if _suits_lines(sweep):
        kinds = [("lines", False)] + ([("amplification", True)] if has_both else [])
        return [
            Picture(f"{name}_{stem}", partial(_line_figure, sweep, metric, is_ratio=is_ratio))
            for name, is_ratio in kinds
        ]
    try:
        axes_of(sweep)
    except Undefined:
        return _parallel(sweep, metric, stem)
    kinds = [("phase_diagram", False)] + ([("phase_diagram_amplification", True)] if has_both else [])
    return [
        Picture(f"{name}_{stem}", partial(phase_diagram, sweep, metric, is_ratio=is_ratio))
        for name, is_ratio in kinds
    ]


def _suits_lines(sweep: Sweep) -> bool:
    """Whether there is one key, or a grid with few values of a second."""
    try:
        _, other = line_keys(sweep)
    except Undefined:
        return False
    counts = [sweep.design[key].astype(str).nunique() for key in sweep.keys]
    is_grid = len(sweep.design) == np.prod(counts)
    return not other or (is_grid and (other not in sweep.numeric or min(counts) <= FEW))


def _parallel(sweep: Sweep, metric: str, stem: str) -> list[Picture]:
    def draw() -> Figure:
        return _figure(lambda ax: parallel_coordinates(sweep, metric, ax=ax), right=0.98, bottom=0.2)

    return [Picture(f"parallel_coordinates_{stem}", draw)]


def _indices_of(sweep: Sweep, metric: str) -> Figure:
    return _indices_figure(sensitivity(sweep.folder, metric))


def _indices_figure(found: Indices) -> Figure:
    return _figure(lambda ax: indices(found, ax), height=1.7 + 0.5 * len(found.frame), left=0.36)


def _line_figure(sweep: Sweep, metric: str, *, is_ratio: bool) -> Figure:
    return _figure(lambda ax: lines(sweep, metric, ax=ax, is_ratio=is_ratio))


def _figure(
    draw: Callable[[Axes], Any],
    *,
    height: float = 4.2,
    left: float = 0.12,
    right: float = 0.95,
    bottom: float = 0.13,
) -> Figure:
    """A figure of one panel."""
    from matplotlib.figure import Figure

    from analysis.gallery import DPI

    figure = Figure(figsize=(7.4, height), dpi=DPI)
    figure.subplots_adjust(left=left, right=right, top=1 - 0.71 / height, bottom=bottom * 4.2 / height)
    draw(figure.subplots())
    return figure


def _series(sweep: Sweep, drawn: dict[str, pd.DataFrame], other: str) -> list[tuple[str, pd.DataFrame]]:
    """What each line is called, and its points."""
    if not other:
        return list(drawn.items())
    (_, frame), *_rest = drawn.items()
    groups = sweep.design.groupby(other, sort=True).groups
    return [(f"{key_label(other)} = {_shown(value)}", frame.loc[ids]) for value, ids in groups.items()]


def _line(ax: Axes, sweep: Sweep, frame: pd.DataFrame, key: str, label: str, number: int) -> Any:
    """One line with its intervals; the key's values that are text stand side by side."""
    x = _positions(sweep, key, frame.index)
    order = np.argsort(x, kind="stable")
    value, low, high = (frame[column].to_numpy(float)[order] for column in ("value", "low", "high"))
    x = x[order]
    colour = COLOURS[number % len(COLOURS)]
    known = np.isfinite(low) & np.isfinite(high)
    if key in sweep.numeric:
        ax.fill_between(x, low, high, where=known, color=colour, alpha=0.14, lw=0)
    reach = np.stack([value - low, high - value])[:, known]
    ax.errorbar(x[known], value[known], yerr=reach, fmt="none", ecolor=colour, lw=1.0, capsize=2.5)
    style = "-" if key in sweep.numeric else "none"
    marker = MARKERS[number % len(MARKERS)]
    (line,) = ax.plot(x, value, ls=style, marker=marker, ms=4.5, color=colour, lw=1.6, label=label)
    return line


def _positions(sweep: Sweep, key: str, ids: pd.Index[Any]) -> np.ndarray:
    column = sweep.design.loc[ids, key]
    if key in sweep.numeric:
        return np.asarray(column, float)
    names = sorted(sweep.design[key].astype(str).unique())
    return np.array([names.index(str(value)) for value in column], float)


def _dress_lines(ax: Axes, sweep: Sweep, metric: str, key: str, *, is_ratio: bool) -> None:
    seeds = int(sweep.runs["replicate"].nunique())
    label = f"{words_of(metric)}, {BASE} / {MUTED}" if is_ratio else f"mean {label_of(metric)}"
    what = f"What hedging multiplies: {words_of(metric)}" if is_ratio else words_of(metric)
    dress(ax, f"{what}, {seeds} seeds a point (bars: 95%)", key_label(key), label)
    if not is_ratio:
        ax.yaxis.set_major_formatter(lambda value, _: value_text(metric, value))
    if key not in sweep.numeric:
        names = sorted(sweep.design[key].astype(str).unique())
        ax.set_xticks(range(len(names)), names)
        ax.set_xlim(-0.5, len(names) - 0.5)
        return
    if sweep.is_log(key):
        ax.set_xscale("log")
        at_cells(ax.xaxis, np.unique(sweep.design[key].to_numpy(float)), is_log=True)


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


def _plain_ticks(ax: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())


def _unit_range(column: pd.Series[Any], *, is_log: bool) -> np.ndarray:
    """Values from 0 at the lowest to 1 at the highest."""
    values = np.log(column.to_numpy(float)) if is_log else column.to_numpy(float)
    extent = float(np.ptp(values))
    scaled: np.ndarray = (values - values.min()) / extent if extent else np.full(values.size, 0.5)
    return scaled


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else f"{float(value):.4g}".replace("-", "\N{MINUS SIGN}")
