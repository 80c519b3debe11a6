"""Figures of a sweep: what suits its design, drawn from its tables.

two or three keys on a full grid     phase diagram of metrics and of base / muted
one key, or few values of a second   lines with 95% intervals
a space-filling design               parallel coordinates coloured by a metric
sales with hedges muted and not      amplification of the fall by its loop gain, beside closed forms
a design for indices                 bars of Sobol indices with intervals
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from analysis.base.arms import BASE, MUTED
from analysis.base.metric import Undefined
from analysis.figures.drawing import going_on, own_settings
from analysis.figures.style import FORCED, HEDGING, INK, NORMAL, PALE, axes, dress, legend_above
from analysis.frontier.found import Crossing
from analysis.sweeps.curves import curve_keys, curves
from analysis.sweeps.gain_curve import gain_curve, subjects
from analysis.sweeps.parallel_coordinates import parallel_coordinates
from analysis.sweeps.phase_diagram import axes_of, phase_diagram
from analysis.sweeps.quiet_and_crash import assets_of, quiet_and_crash
from analysis.sweeps.sensitivity import Indices, sensitivity
from analysis.sweeps.table import Sweep, key_label, label_of, value_text, words_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_METRICS = 4
"""Metrics that are drawn if none is asked for."""

FEW = 3
"""Values of a second number that are drawn as lines; with more it becomes a phase diagram."""

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
    return pictures if metric else [*pictures, *_of_sales(sweep)]


def save_all(folder: str | Path, metric: str | None = None, into: Path | None = None) -> list[Path]:
    """Write the figures that suit a sweep as PNG into its `figures` folder; returns their paths.

    Figures whose subject is missing are left out.
    """
    return list(saved(folder, metric, into))


def saved(
    folder: str | Path,
    metric: str | None = None,
    into: Path | None = None,
    failed: dict[str, str] | None = None,
) -> Iterator[Path]:
    """As `save_all`, each figure when the path of the one before was taken; `failed` as in the gallery."""
    from analysis.gallery import save

    into = into or Path(folder) / FOLDER
    into.mkdir(parents=True, exist_ok=True)
    for picture in pick(folder, metric):
        with going_on(failed, picture.name), suppress(Undefined):
            yield save(own_settings()(picture.draw)(), into / f"{picture.name}.png")


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


def _of_sales(sweep: Sweep) -> Iterator[Picture]:
    """What hedging made of sales, where the sweep has what it takes."""
    for asset in subjects(sweep):
        draw = partial(gain_curve, sweep, asset)
        yield Picture(f"amplification_by_gain_{asset}", partial(_figure, draw))
    if _suits_lines(sweep):
        for asset in assets_of(sweep):
            yield Picture(f"quiet_and_crash_{asset}", partial(quiet_and_crash, sweep, asset))


def _suits_lines(sweep: Sweep) -> bool:
    """Whether there is one key, or a grid with few values of a second."""
    try:
        _, other = curve_keys(sweep)
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
    return _figure(lambda ax: curves(sweep, metric, ax=ax, is_ratio=is_ratio))


@own_settings()
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


def _plain_ticks(ax: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
