"""Figures of the stylised facts: tails, memory, impact, volatility by interval, and liquidity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np

from analysis.base.estimate import Estimate
from analysis.base.metric import Undefined
from analysis.base.series import known, prices, series
from analysis.facts import meta_orders, stylized
from analysis.figures.figure import figure
from analysis.figures.style import (
    ASK,
    BID,
    FORCED,
    HEDGING,
    INK,
    PALE,
    SMALL,
    SPREAD,
    VALUE,
    axes,
    dress,
    legend_above,
    short,
)
from sim.recording.recording import Recording

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

PLACE = 50

TAIL = (2.0, 5.0)
"""Published tail exponents of returns (Cont 2001)."""

SQUARE_ROOT = 0.5
"""Exponent of the square-root law of impact."""

SPREAD_TAIL = 3.0
"""Published tail exponent of spreads (Plerou, Gopikrishnan & Stanley 2005, Physical Review E 71, 046131)."""


@figure(per="assets", heading="Stylised facts")
def tail_exponent(recording: Recording, ax: Axes | None = None, *, asset: str | None = None) -> Axes:
    """Hill's tail exponent of returns over a step by how many returns are called the tail, and the choice.

    A level stretch is a power law; the band is the interval of 95% for independent returns, the
    bar that of the choice, wider where large returns cluster.
    """
    ax, asset = axes(ax), asset or recording.names("assets")[0]
    chosen, path = stylized.tail(recording, asset), stylized.tail_by_exceedances(recording, asset)
    handles: list[Artist] = [
        ax.axhspan(*TAIL, color=VALUE, alpha=0.12, lw=0, label="published, 2 to 5 (Cont 2001)")
    ]
    ax.fill_between(path.exceedances, path.low, path.high, color=HEDGING, alpha=0.2, lw=0)
    handles += ax.plot(path.exceedances, path.exponent, color=HEDGING, lw=1.4, label="Hill estimate")
    label = f"chosen: the largest {chosen.exceedances}"
    handles.append(_points(ax, [chosen.exceedances], [chosen.exponent], FORCED, label))
    ax.set_xscale("log")
    ax.set_ylim(0, 1.15 * max(TAIL[1], chosen.exponent.high))
    title = f"The tail exponent of {asset}'s returns over a step is {_measured(chosen.exponent)}"
    dress(ax, title, "returns called the tail (count, largest first)", "tail exponent (1)")
    _plain(ax, "x")
    legend_above(ax, handles)
    return ax


@figure(per="assets", heading="Stylised facts")
def return_memory(recording: Recording, ax: Axes | None = None, *, asset: str | None = None) -> Axes:
    """Autocorrelation of returns over a step and of their absolute values, by lag, with intervals of 95%."""
    ax, asset = axes(ax), asset or recording.names("assets")[0]
    step, handles = recording.market["step_seconds"], []
    for found, colour, label in (
        (stylized.return_memory(recording, asset), INK, "returns"),
        (stylized.size_memory(recording, asset), HEDGING, "absolute returns"),
    ):
        handles.append(_band(ax, found.lag * step, found.value, found.low, found.high, colour, label))
    title = f"The memory of {asset}'s absolute returns decays as no power of the lag"
    try:
        fitted = stylized.size_decay(recording, asset)
        lag = np.geomspace(found.lag[0], found.lag[-1], 100)
        label = f"fitted decay, exponent {short(fitted.exponent.value, 2)}"
        handles += ax.plot(lag * step, fitted.at(lag), color=FORCED, lw=1.2, ls=(0, (4, 2)), label=label)
        title = f"Autocorrelation of absolute returns decays with exponent {_measured(fitted.exponent)}"
    except Undefined:
        pass
    ax.axhline(0, color=INK, lw=0.8)
    ax.set_xscale("log")
    dress(ax, title, "lag (s)", "autocorrelation (1)")
    _plain(ax, "x")
    legend_above(ax, handles)
    return ax


@figure(per="assets", heading="Stylised facts")
def order_sign_memory(recording: Recording, ax: Axes | None = None, *, asset: str | None = None) -> Axes:
    """Autocorrelation of the signs of takers' orders, by lag in orders, with its interval of 95%."""
    ax, asset = axes(ax), asset or recording.names("assets")[0]
    found = stylized.sign_memory(recording, asset)
    handles = [_band(ax, found.lag, found.value, found.low, found.high, HEDGING, "order signs")]
    title = f"The memory of {asset}'s order signs decays as no power of the lag"
    ax.axhline(0, color=INK, lw=0.8)
    ax.set_xscale("log")
    try:
        fitted = stylized.sign_decay(recording, asset)
        lag = np.geomspace(found.lag[0], found.lag[-1], 100)
        label = f"fitted decay, exponent {short(fitted.exponent.value, 2)}"
        handles += ax.plot(lag, fitted.at(lag), color=FORCED, lw=1.2, ls=(0, (4, 2)), label=label)
        title = f"Autocorrelation of order signs decays with exponent {_measured(fitted.exponent)}"
    except Undefined:
        pass
    dress(ax, title, "lag (orders)", "autocorrelation (1)")
    _plain(ax, "x")
    legend_above(ax, handles)
    return ax


@figure(per="assets", heading="Stylised facts")
def meta_order_impact(recording: Recording, ax: Axes | None = None, *, asset: str | None = None) -> Axes:
    """Mean move of the mid during a taker's run of same-sided orders, by its size, where it is above zero.

    Moves are over the volatility of the run and sizes over its volume, so that the square-root
    law is one line for every market; it is drawn through the middle of the points.
    """
    ax, asset = axes(ax), asset or recording.names("assets")[0]
    found = meta_orders.impact(recording, asset)
    seen = found.move > 0
    if not seen.any():
        raise Undefined("the mean impact is nowhere above zero")
    size, move = found.size[seen], found.move[seen]
    bars = [move - np.maximum(found.low[seen], 0.1 * move), found.high[seen] - move]
    label = f"mean of a size ({short(found.members.sum())} meta-orders)"
    handles = [_bars(ax, size, move, bars, HEDGING, label)]
    title = f"Impact of meta-orders in {asset} is no power of their size"
    try:
        law = meta_orders.impact_law(recording, asset)
        label = f"fitted, exponent {short(law.exponent.value, 2)}"
        handles += ax.plot(size, law.at(size), color=FORCED, lw=1.3, label=label)
        title = f"Impact of meta-orders in {asset} grows with exponent {_measured(law.exponent)}"
    except Undefined:
        pass
    middle = np.exp(np.log(move).mean() - SQUARE_ROOT * np.log(size).mean())
    handles += ax.plot(
        size, middle * size**SQUARE_ROOT, color=INK, lw=1.0, ls=(0, (4, 2)), label="square-root law"
    )
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_ylim(0.3 * move.min(), 2 * found.high.max())
    dress(ax, title, "size over volume of the run (1)", "move over volatility of the run (1)")
    legend_above(ax, handles)
    return ax


@figure(per="assets", heading="Stylised facts")
def volatility_signature(recording: Recording, ax: Axes | None = None, *, asset: str | None = None) -> Axes:
    """Volatility of the mid by the interval at which it is sampled, with intervals of 95%.

    A random walk is level; a price that bounces falls to the right, one that keeps going rises.
    """
    ax, asset = axes(ax), asset or recording.names("assets")[0]
    found = stylized.signature(recording, asset)
    percent, low, high = (100 * each for each in (found.volatility, found.low, found.high))
    label = "realised volatility (band: 95%)"
    handles = [_band(ax, found.seconds, percent, low, high, HEDGING, label)]
    handles.append(
        ax.axhline(percent[-1], color=PALE, lw=1.0, ls=(0, (4, 2)), label="a random walk is level")
    )
    ax.set_xscale("log")
    ax.set_ylim(bottom=0)
    dress(ax, _of_signature(found), "sampling interval (s)", "volatility (% per square root of a year)")
    _plain(ax, "x")
    legend_above(ax, handles)
    return ax


@figure(per="assets", heading="Stylised facts")
def kurtosis_by_horizon(recording: Recording, ax: Axes | None = None, *, asset: str | None = None) -> Axes:
    """Excess kurtosis of returns by their horizon, with intervals of 95%; a normal distribution has none."""
    ax, asset = axes(ax), asset or recording.names("assets")[0]
    horizons = stylized.horizons(recording, asset)
    found = [stylized.kurtosis(recording, asset, each) for each in horizons]
    handles: list[Artist] = [_points(ax, horizons, found, HEDGING, "excess kurtosis (bars: 95%)")]
    ax.axhline(0, color=INK, lw=0.8)
    ax.set_xscale("log")
    lowest, highest = min(each.low for each in found), max(each.high for each in found)
    if highest > 10:
        ax.set_yscale("symlog", linthresh=1.0)
        ax.set_ylim(min(-0.3, 1.5 * lowest), 2 * highest)
    first, last = (short(found[at].value, 2) for at in (0, -1))
    spans = f"{first} over {horizons[0]:g} s, {last} over {horizons[-1]:g} s"
    title = f"Excess kurtosis of {asset}'s returns: {spans}"
    dress(ax, title, "horizon (s)", "excess kurtosis (1)")
    _plain(ax, "x")
    _plain(ax, "y")
    legend_above(ax, handles)
    return ax


@figure(per="assets", heading="Stylised facts")
def spread_distribution(recording: Recording, ax: Axes | None = None, *, asset: str | None = None) -> Axes:
    """Share of steps that end with a wider spread, by spread; steps without a quote are left out."""
    ax, asset = axes(ax), asset or recording.names("assets")[0]
    spread = 1e4 * series(recording, f"{asset}.spread") / prices(recording, f"{asset}.mid")
    spread = np.sort(spread[spread > 0])
    if spread.size == 0:
        raise Undefined("the book never had both sides")
    wider = 1 - np.arange(spread.size) / spread.size
    handles: list[Artist] = list(
        ax.plot(spread, wider, color=SPREAD, lw=1.5, drawstyle="steps-post", label="spread")
    )
    median, wide, widest = np.quantile(spread, (0.5, 0.95, 1.0))
    if widest > 1.5 * wide:
        tail = np.array([wide, widest])
        label = f"power {SPREAD_TAIL:g} (Plerou et al. 2005)"
        line = 0.05 * (tail / wide) ** -SPREAD_TAIL
        handles += ax.plot(tail, line, color=INK, lw=1.0, ls=(0, (4, 2)), label=label)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_ylim(0.7 / spread.size, 1.3)
    title = f"Spread of {asset}: median {short(median, 2)} bps, 5% of steps above {short(wide, 2)} bps"
    dress(ax, title, "spread (bps)", "share of steps with a wider spread (1)")
    _plain(ax, "x")
    legend_above(ax, handles)
    return ax


@figure(per="assets", heading="Stylised facts")
def depth_distribution(recording: Recording, ax: Axes | None = None, *, asset: str | None = None) -> Axes:
    """Share of steps that end with less depth near the mid, by depth, on either side of the book."""
    ax, asset = axes(ax), asset or recording.names("assets")[0]
    handles: list[Artist] = []
    every = []
    for side, colour in (("bid", BID), ("ask", ASK)):
        depth = np.sort(known(recording, f"{asset}.depth_{side}"))
        less = np.arange(1, depth.size + 1) / depth.size
        handles += ax.plot(depth, less, color=colour, lw=1.5, drawstyle="steps-post", label=f"{side} depth")
        every.append(depth)
    both = np.concatenate(every)
    if both.min() < 0.5 * both.max():
        ax.set_xlim(left=0)
    thin, median = np.quantile(both, (0.05, 0.5))
    title = f"Depth of {asset} a side: median {short(median, 2)}, below {short(thin, 2)} in 5% of steps"
    dress(ax, title, f"depth near the mid ({asset})", "share of steps with less depth (1)")
    _plain(ax, "x")
    legend_above(ax, handles)
    return ax


def _points(ax: Axes, x: Sequence[float], found: list[Estimate], colour: str, label: str) -> Artist:
    """Estimates as points with their intervals as bars."""
    value, low, high = np.array(found).T
    return _bars(ax, np.asarray(x), value, [np.abs(value - low), np.abs(high - value)], colour, label)


def _bars(
    ax: Axes, x: np.ndarray, value: np.ndarray, bars: list[np.ndarray], colour: str, label: str
) -> Artist:
    """Points with bars so far below and above them; what a legend shows of them."""
    drawn = ax.errorbar(x, value, bars, fmt="o", color=colour, ms=4.5, lw=1.2, capsize=2.5, label=label)
    return cast("Artist", drawn)


def _band(
    ax: Axes, x: np.ndarray, value: np.ndarray, low: np.ndarray, high: np.ndarray, colour: str, label: str
) -> Artist:
    """A line with points, and its interval as a band."""
    ax.fill_between(x, low, high, color=colour, alpha=0.18, lw=0)
    return ax.plot(x, value, color=colour, lw=1.3, marker="o", ms=3.5, label=label)[0]


def _measured(found: Estimate) -> str:
    return f"{short(found.value, 2)} ({short(found.low, 2)} to {short(found.high, 2)})"


def _of_signature(found: stylized.Signature) -> str:
    """What the volatility at short intervals says."""
    first, last = found.seconds[[0, -1]]
    compared = f"Volatility at {first:g} s is {_measured(found.ratio)} times that at {last:g} s"
    if found.ratio.low > 1:
        return f"{compared}: bounces revert"
    return f"{compared}: moves go on" if found.ratio.high < 1 else compared


def _plain(ax: Axes, which: str) -> None:
    """Numbers on a logarithmic axis as a reader would write them."""
    axis = ax.xaxis if which == "x" else ax.yaxis
    axis.set_major_formatter(lambda number, _: short(number))
    if len([at for at in axis.get_majorticklocs() if _is_seen(ax, which, at)]) < 3:
        axis.set_minor_formatter(lambda number, _: short(number) if f"{number:.0e}"[0] in "235" else "")
        axis.set_tick_params(which="minor", labelsize=SMALL, labelcolor=INK, color=PALE, length=2)


def _is_seen(ax: Axes, which: str, at: float) -> bool:
    low, high = ax.get_xlim() if which == "x" else ax.get_ylim()
    return bool(low <= at <= high)
