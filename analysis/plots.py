"""Figures of a run. Each function takes a recording and an `ax`, and returns the Axes.

Without an `ax` a new pyplot figure is made, which a notebook shows. Titles say what one
sees, in numbers of the run (`analysis.figures.captions`); a population has one colour throughout
(`analysis.figures.style`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.base.metric import Undefined
from analysis.base.trades import liquidations, trades
from analysis.feedback.profiles import at_risk, gamma_profile
from analysis.figures import captions, timeline
from analysis.figures.figure import figure
from analysis.figures.style import (
    ASK,
    BID,
    FORCED,
    HEDGING,
    INK,
    NORMAL,
    OTHER,
    PALE,
    SMALL,
    SPREAD,
    VALUE,
    axes,
    banded,
    clock,
    colours,
    legend_above,
    note,
    quote,
    short,
    thinned,
    words,
)
from analysis.metrics.loop_gain import is_measured
from sim import records
from sim.recording.recording import Recording

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PLACE = 10

__all__ = [
    "at_risk",
    "cumulative_liquidations",
    "depth_and_spread",
    "equity",
    "flow",
    "gamma_profile",
    "loop_gain",
    "overview",
    "price",
]

BINS = 120
"""In how many stretches of time, at most, a flow is drawn."""

DISTINCT = 0.01
"""By how much the loop gains of falls and rises must differ to be drawn as two lines."""

WORTH_A_LINE = 0.01
"""How much of the largest change of equity is worth a line."""

SCALES = ((1e6, "million "), (1e3, "thousand "), (1.0, ""))
"""From which size on money is drawn in what."""

DISCS = 360
"""In how many stretches of time, at most, liquidations are marked on the price."""


@figure(per="assets", heading="Price and trading", is_main=True)
def price(recording: Recording, ax: Axes | None = None, *, asset: str | None = None) -> Axes:
    """Mid, mark and exogenous value over time, with liquidations sized by their notional.

    The discs stand at the mid of their time: the price of what was liquidated may be an option's.
    """
    ax, asset = axes(ax), asset or recording.names("assets")[0]
    handles: list[Artist] = []
    for column, colour, width, label in (
        ("value", VALUE, 1.4, "exogenous value"),
        ("mark", PALE, 0.9, "mark"),
        ("mid", INK, 1.4, "mid"),
    ):
        handles += timeline.line(recording, ax, f"{asset}.{column}", colour, width, label)
    handles += _liquidation_marks(recording, ax, asset)
    timeline.dress_over_time(
        recording, ax, asset, captions.of_price(recording, asset), f"price ({quote(recording)} per {asset})"
    )
    timeline.name_shock(recording, ax, asset)
    legend_above(ax, handles)
    return ax


@figure(per="assets", heading="Price and trading", is_main=True)
def flow(recording: Recording, ax: Axes | None = None, *, asset: str | None = None) -> Axes:
    """What hedgers, liquidations and all others bought and sold as takers, over time, stacked."""
    ax, asset = axes(ax), asset or recording.names("assets")[0]
    made, edges = trades(recording, asset), timeline.edges(recording, BINS)
    reasons = {"hedging": made.reason == records.HEDGE, "forced": made.reason == records.FORCED}
    reasons["other"] = ~(reasons["hedging"] | reasons["forced"])
    handles: list[Artist] = []
    up, down = np.zeros(edges.size - 1), np.zeros(edges.size - 1)
    for (label, kept), colour in zip(reasons.items(), (HEDGING, FORCED, OTHER), strict=True):
        net = np.histogram(made.time[kept], edges, weights=made.units[kept])[0]
        base = np.where(net > 0, up, down)
        times = edges / clock(recording).seconds
        drawn = ax.stairs(base + net, times, baseline=base, fill=True, color=colour, lw=0)
        drawn.set_label(label)
        handles.append(drawn)
        up, down = up + np.maximum(net, 0), down + np.minimum(net, 0)
    ax.axhline(0, color=INK, lw=0.8)
    unit = f"bought less sold ({asset} per {edges[1] - edges[0]:g} s)"
    timeline.dress_over_time(recording, ax, asset, captions.of_flow(recording, asset), unit)
    legend_above(ax, handles)
    return ax


@figure(per="assets", heading="Price and trading")
def depth_and_spread(recording: Recording, ax: Axes | None = None, *, asset: str | None = None) -> Axes:
    """Depth near the mid on both sides (above, left axis) and quoted spread (below, right axis)."""
    ax, asset = axes(ax), asset or recording.names("assets")[0]
    handles: list[Artist] = []
    for side, colour in (("bid", BID), ("ask", ASK)):
        depth = recording.column("series", f"{asset}.depth_{side}")
        handles += timeline.band(recording, ax, depth, colour, f"{side} depth")
    below = ax.twinx()
    spread = 1e4 * recording.column("series", f"{asset}.spread") / recording.column("series", f"{asset}.mid")
    handles += timeline.band(recording, below, spread, SPREAD, "spread (pale: lowest to highest)")
    timeline.dress_over_time(recording, ax, asset, captions.of_liquidity(recording, asset), "")
    _share_height(ax, below)
    ax.set_ylabel(f"depth ({asset})", fontsize=NORMAL, color=INK, loc="top")
    below.set_ylabel("spread (bps)", fontsize=NORMAL, color=SPREAD, loc="bottom")
    below.tick_params(labelsize=SMALL, labelcolor=SPREAD, color=PALE, length=3)
    for spine in below.spines.values():
        spine.set_visible(False)
    legend_above(ax, handles)
    return ax


@figure(per="assets", heading="Liquidations and equity", is_main=True)
def cumulative_liquidations(
    recording: Recording, ax: Axes | None = None, *, asset: str | None = None
) -> Axes:
    """Notional liquidated so far, by population, stacked."""
    ax, asset = axes(ax), asset or recording.names("assets")[0]
    time, colour = recording.column("series", "time_s"), colours(recording)
    closed, base = liquidations(recording, asset), np.zeros(time.size)
    if closed.time.size == 0:
        raise Undefined("nobody was liquidated")
    handles: list[Artist] = []
    for code, name in enumerate(recording.names("populations")):
        own = closed.population == code
        if not own.any():
            continue
        at = np.searchsorted(time, closed.time[own])
        top = base + np.cumsum(np.bincount(at, closed.notional[own], minlength=time.size)) / 1e6
        x, label = time / clock(recording).seconds, f"{words(name)} ({own.sum():,})"
        ax.fill_between(x, base, top, step="post", color=colour[name], alpha=0.3, lw=0)
        handles += ax.plot(x, top, color=colour[name], lw=1.6, drawstyle="steps-post", label=label)
        base = top
    caption = captions.of_liquidations(recording, asset)
    timeline.dress_over_time(recording, ax, asset, caption, f"liquidated so far (million {quote(recording)})")
    ax.set_ylim(bottom=0)
    legend_above(ax, handles)
    return ax


@figure(heading="Liquidations and equity")
def equity(recording: Recording, ax: Axes | None = None) -> Axes:
    """Change of the equity of the populations since the first step, where it is worth a line.

    Those that stay below a hundredth of the largest change are named under the panel.

    Raises
    ------
    Undefined
        If nobody's equity changes.
    """
    ax, colour, changes = axes(ax), colours(recording), _equity_changes(recording)
    reach = {name: np.abs(change).max() for name, change in changes.items()}
    largest = max(reach.values(), default=0.0)
    if largest == 0:
        raise Undefined("no population's equity changes")
    scale, prefix = next(each for each in SCALES if largest >= each[0] or each[0] == 1.0)
    handles: list[Artist] = []
    time = recording.column("series", "time_s") / clock(recording).seconds
    small = [name for name, far in reach.items() if far <= WORTH_A_LINE * largest]
    for name, change in changes.items():
        if name not in small:
            points = thinned(time, change / scale)
            handles += ax.plot(*points, color=colour[name], lw=1.4, label=words(name))
    ax.axhline(0, color=INK, lw=0.8)
    label = f"change of equity ({prefix}{quote(recording)})"
    caption = captions.of_equity({name: change for name, change in changes.items() if reach[name] > 0})
    timeline.dress_over_time(recording, ax, recording.names("assets")[0], caption, label)
    legend_above(ax, handles)
    if small:
        note(ax, f"Not drawn, below {WORTH_A_LINE:.0%} of the largest change: {', '.join(map(words, small))}")
    return ax


def _equity_changes(recording: Recording) -> dict[str, np.ndarray]:
    """Change of equity since the first step, of the populations whose equity is known throughout."""
    found = {}
    for name in recording.names("populations"):
        if f"{name}.equity" not in recording.table("series").column_names:
            continue
        held = recording.column("series", f"{name}.equity")
        if held.size and np.isfinite(held).all():
            found[name] = held - held[0]
    return found


@figure(per="assets", heading="Feedback", is_main=True)
def loop_gain(recording: Recording, ax: Axes | None = None, *, asset: str | None = None) -> Axes:
    """Strength of the feedback through hedging and liquidation; at 1 a move feeds itself.

    Falls and rises are told apart where liquidation thresholds make them differ. The gain against
    resting depth is drawn palely, and cut off where it leaves the panel. The first minute, in which
    the hedgers' response is assumed, is left out.

    Raises
    ------
    Undefined
        If the loop gain was never known.
    """
    ax, asset = axes(ax), asset or recording.names("assets")[0]
    handles = _gains(recording, ax, asset)
    if not handles:
        raise Undefined(f"the loop gain of {asset} was never known")
    ax.axhline(1, color=FORCED, lw=1.0, ls=(0, (4, 2)))
    ax.axhline(0, color=INK, lw=0.8)
    bottom, top = ax.get_ylim()
    handles += _instant_gain(recording, ax, asset)
    ax.set_ylim(bottom, top)
    if top > 5:
        ax.set_yscale("symlog", linthresh=1.0)
        ax.set_ylim(bottom=min(-0.3, 1.2 * bottom))
    timeline.dress_over_time(
        recording, ax, asset, captions.of_loop_gain(recording, asset), "loop gain (price per price)"
    )
    legend_above(ax, handles)
    return ax


def _gains(recording: Recording, ax: Axes, asset: str) -> list[Artist]:
    """The loop gain, or one line for falls and one for rises if they differ."""
    up, down = (_measured(recording, f"{asset}.loop_gain_{side}") for side in ("up", "down"))
    if not (np.abs(up - down) > DISTINCT).any():
        gain = _measured(recording, f"{asset}.loop_gain")
        return timeline.band(recording, ax, gain, HEDGING, "loop gain (pale: lowest to highest)")
    rising = timeline.band(recording, ax, up, ASK, "if the price rises")
    return timeline.band(recording, ax, down, HEDGING, "loop gain if the price falls") + rising


def _instant_gain(recording: Recording, ax: Axes, asset: str) -> list[Artist]:
    """The gain against resting depth, as a pale line behind the others."""
    gain = _measured(recording, f"{asset}.loop_gain_instant")
    if not np.isfinite(gain).any():
        return []
    centres, (mean, _, _) = banded(recording.column("series", "time_s") / clock(recording).seconds, gain)
    label = "against resting depth only"
    return [*ax.plot(centres, mean, color=PALE, lw=0.8, alpha=0.7, label=label, zorder=1.5)]


def _measured(recording: Recording, name: str) -> np.ndarray:
    """A loop gain where the response behind it was measured; NaN elsewhere, or if it was not recorded."""
    table = recording.table("series")
    if name not in table.column_names:
        return np.full(table.num_rows, np.nan)
    return np.where(is_measured(recording), recording.column("series", name), np.nan)


@figure(per="assets", is_whole=True)
def overview(recording: Recording, sheet: Figure | None = None, *, asset: str | None = None) -> Figure:
    """Price, flow, and depth and spread, one below the other on one time axis."""
    if sheet is None:
        from matplotlib.figure import Figure

        sheet = Figure(figsize=(8.4, 8.8), dpi=130)
    if sheet.get_layout_engine() is None:
        sheet.subplots_adjust(left=0.105, right=0.925, top=0.925, bottom=0.055, hspace=0.3)
    panels = sheet.subplots(3, 1, sharex=True, height_ratios=(1.3, 1, 1))
    for panel, draw in zip(panels, (price, flow, depth_and_spread), strict=True):
        draw(recording, panel, asset=asset)
        panel.label_outer()
    sheet.align_ylabels(panels)
    return sheet


def _liquidation_marks(recording: Recording, ax: Axes, asset: str) -> list[Artist]:
    """A disc for what a population lost to liquidation in a stretch; its area is the notional."""
    from matplotlib.lines import Line2D

    colour, discs = colours(recording), _discs(recording, asset)
    largest = max((notional.max() for _, _, notional in discs.values()), default=0.0)
    handles: list[Artist] = []
    for name, (time, level, notional) in sorted(discs.items(), key=lambda item: -item[1][2].sum()):
        area = 10 + 290 * notional / largest
        ax.scatter(time / clock(recording).seconds, level, area, colour[name], alpha=0.55, lw=0, zorder=1.9)
        label = f"{words(name)} liquidated (up to {short(notional.max())})"
        handles.append(Line2D([], [], color=colour[name], alpha=0.55, marker="o", lw=0, label=label))
    return handles


def _discs(recording: Recording, asset: str) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Mean time and mid, and sum of the notional, of a population's liquidations in each stretch."""
    closed, edges = liquidations(recording, asset), timeline.edges(recording, DISCS)
    clock_s, mids = recording.column("series", "time_s"), recording.column("series", f"{asset}.mid")
    found = {}
    for code, name in enumerate(recording.names("populations")):
        own = (closed.population == code) & (closed.notional > 0)
        if not own.any():
            continue
        time, notional = closed.time[own], closed.notional[own]
        stretch = np.searchsorted(edges, time)
        total = np.bincount(stretch, notional)
        means = [
            np.bincount(stretch, notional * values)[total > 0] / total[total > 0]
            for values in (time, np.interp(time, clock_s, mids))
        ]
        found[name] = (means[0], means[1], total[total > 0])
    return found


def _share_height(ax: Axes, below: Axes) -> None:
    """Give the upper part of a panel to its left axis and the lower part to its right one."""
    top, floor = 1.03 * ax.get_ylim()[1], below.get_ylim()[1]
    ax.set_ylim(-0.62 * top, top)
    below.set_ylim(0, 2.9 * floor)
    ax.set_yticks([tick for tick in ax.get_yticks() if 0 <= tick <= top])
    below.set_yticks([tick for tick in below.get_yticks() if 0 <= tick <= floor])
