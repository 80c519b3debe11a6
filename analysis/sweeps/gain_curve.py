"""Gain curve: what hedging multiplied the fall of a sale by, against its loop gain, and what theory says.

The loop gain of a sale is what hedgers sell on its fall alone over the sale: a = G F0 / Q, measured in
the arm where their hedges move nothing. With impact that goes with size the fall is multiplied by
1 / (1 - a); with a square root by (a + sqrt(a^2 + 4)) / 2, and the gain of one more unit is a / 2. The gain
is put in, by who holds how much gamma; the amplification is found. Neither form knows of time: hedges that
are sent faster than the sale move the price by more than their share of what is sold in all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.base.arms import BASE, MUTED
from analysis.base.metric import Undefined
from analysis.feedback import theory
from analysis.figures.style import FORCED, PALE, VALUE, axes, dress, legend_above
from analysis.sweeps.curves import COLOURS, MARKERS, curve_keys, lines_of
from analysis.sweeps.table import Sweep

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEDGED, FALL = "shock_hedged", "shock_largest_move"


def subjects(sweep: Sweep) -> list[str]:
    """Assets of which a gain curve can be drawn."""
    has_both = {BASE, MUTED} <= set(sweep.arms)
    names = [name.removesuffix(f".{HEDGED}") for name in sweep.metrics if name.endswith(f".{HEDGED}")]
    return [asset for asset in names if has_both and f"{asset}.{FALL}" in sweep.metrics]


def points(sweep: Sweep, asset: str) -> pd.DataFrame:
    """Loop gain and amplification of the fall at every point.

    Returns
    -------
    DataFrame
        Index design_id; gain, and the columns of `Sweep.ratios`.
    """
    gain = sweep.values(f"{asset}.{HEDGED}", MUTED).mean(axis=1)
    return sweep.ratios(f"{asset}.{FALL}").assign(gain=gain)


def gain_curve(sweep: Sweep, asset: str, ax: Axes | None = None) -> Axes:
    """Amplification of a sale's fall against its loop gain, with 95% intervals, and two closed forms.

    Parameters
    ----------
    sweep : Sweep
    asset : str
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Raises
    ------
    Undefined
        If no point has both.
    """
    found = points(sweep, asset)
    if found[["gain", "value"]].dropna().empty:
        raise Undefined("no point has a loop gain of its sale and an amplification of its fall")
    ax = axes(ax)
    handles = _theory(ax, float(found["gain"].min()), float(found["gain"].max()))
    for number, (label, frame) in enumerate(_groups(sweep, found)):
        colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
        handles.append(_points(ax, frame, colour, marker, label))
    if (found.loc[found["value"].notna(), "bound"] != "").any():
        (bound,) = ax.plot([], [], "o", color=PALE, mfc="white", label="a market failed: only a bound")
        handles.append(bound)
    ax.axhline(1, color=PALE, lw=0.8, zorder=0)
    to_scale(ax, found["value"])
    seeds = int(sweep.runs["replicate"].nunique())
    title = f"{asset}: what hedging multiplies a sale's fall by, {seeds} seeds a point (bars: 95%)"
    label = "loop gain a of the sale (hedged on its fall alone, over the sale)"
    dress(ax, title, label, f"fall after the sale, {BASE} / {MUTED}")
    legend_above(ax, handles)
    return ax


def to_scale(ax: Axes, ratios: pd.Series[float]) -> None:
    """Let the points decide the scale; an interval that reaches far beyond them is cut."""
    low, high = float(ratios.min()), float(ratios.max())
    ax.set_ylim(min(0.9, low - 0.1), max(1.2, high + 0.35 * (high - 1)))


def _theory(ax: Axes, low: float, high: float) -> list[Any]:
    """The closed forms over the gains that were measured, and from 0."""
    gain = np.linspace(min(low, 0.0), max(1.1 * high, 0.1), 200)
    linear = theory.feedback_volatility(1.0, gain)
    (first,) = ax.plot(
        gain, np.where(np.isfinite(linear), linear, np.nan), color=FORCED, lw=1.6, ls=(0, (4, 2)), zorder=1
    )
    (second,) = ax.plot(gain, theory.sale_amplification(gain), color=VALUE, lw=1.6, zorder=1)
    first.set_label("linear impact: 1 / (1 − a)")
    second.set_label("square root: (a + √(a² + 4)) / 2")
    return [first, second]


def _groups(sweep: Sweep, found: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Points by the values of the second key, where there are two that lines can be drawn of."""
    try:
        _, other = curve_keys(sweep)
    except Undefined:
        other = ""
    return lines_of(sweep, {"measured": found}, other)


def _points(ax: Axes, frame: pd.DataFrame, colour: str, marker: str, label: str) -> Any:
    frame = frame.dropna(subset=["gain", "value"])
    x, value, low, high = (frame[name].to_numpy(float) for name in ("gain", "value", "low", "high"))
    bars = np.nan_to_num([value - low, high - value])
    ax.errorbar(x, value, yerr=bars, fmt="none", ecolor=colour, lw=1.0, capsize=2.5)
    is_bound = (frame["bound"] != "").to_numpy(bool)
    ax.plot(x[is_bound], value[is_bound], marker, ms=5, color=colour, mfc="white", zorder=4)
    (drawn,) = ax.plot(x[~is_bound], value[~is_bound], marker, ms=5, color=colour, label=label, zorder=4)
    return drawn
