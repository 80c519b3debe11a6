"""Lines of a sweep: a metric over one key, with 95% intervals.

With one key there is a line an arm, with a second a line for each of its few values. Values across
that are text have no order, so they stand side by side and nothing joins them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.base.arms import BASE, MUTED
from analysis.base.metric import Undefined
from analysis.figures.style import INK, PALE, axes, dress, legend_above
from analysis.sweeps.cells import at_cells
from analysis.sweeps.table import Sweep, key_label, label_of, value_text, words_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#332288", INK)
MARKERS = ("o", "s", "D", "^", "v", "P", "X", "h")


def curves(
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
    name, (key, other) = sweep.chosen(metric), curve_keys(sweep)
    if is_ratio:
        drawn = {BASE + " / " + MUTED: sweep.ratios(name)}
    else:
        drawn = {each: sweep.means(name, each) for each in (sweep.arms if not other else [arm])}
    if not any(frame["value"].notna().any() for frame in drawn.values()):
        raise Undefined(f"{name} has no value at any point")
    ax = axes(ax)
    handles = []
    for number, (label, frame) in enumerate(lines_of(sweep, drawn, other)):
        handles.append(_line(ax, sweep, frame, key, label, number))
    if is_ratio:
        ax.axhline(1, color=PALE, lw=1.0, zorder=0)
    _dress_lines(ax, sweep, name, key, is_ratio=is_ratio)
    legend_above(ax, handles if len(handles) > 1 else [])
    return ax


def curve_keys(sweep: Sweep) -> tuple[str, str]:
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


def lines_of(sweep: Sweep, drawn: dict[str, pd.DataFrame], other: str) -> list[tuple[str, pd.DataFrame]]:
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


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else f"{float(value):.4g}".replace("-", "\N{MINUS SIGN}")
