"""Figures over price: what hedgers and liquidations would do if the price were elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.base.metric import Undefined
from analysis.base.series import opening
from analysis.feedback.hedged_gamma import Outside, Profile, hedged, profiles
from analysis.figures import captions
from analysis.figures.figure import figure
from analysis.figures.style import (
    INK,
    PALE,
    SMALL,
    axes,
    colours,
    dress,
    legend_above,
    level,
    note,
    quote,
    short,
    thousands,
    words,
)
from sim.recording.recording import Recording

__all__ = ["Profile", "at_risk", "gamma_profile", "profiles"]

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

PLACE = 20

STRIP = 0.08
"""Height of the strip between the data and an edge for what lies there, as a share of the panel."""

NEAR = 0.025
"""How near to the start, as a share of the panel, an extreme is not marked."""

DASHES: dict[str, Any] = {"start": "-", "lowest": ":", "highest": (0, (5, 2))}
"""Lines at the prices that the run began at and reached."""


@figure(per="assets", heading="Feedback")
def gamma_profile(
    recording: Recording, ax: Axes | None = None, *, asset: str | None = None, step: int | None = None
) -> Axes:
    """Net gamma of the hedgers by price, as units that hedging trades per 1% move.

    Parameters
    ----------
    step : int, optional
        Which recorded profile; the first, if not given.

    Notes
    -----
    Hedgers of a book with net gamma G trade -G dS on a move dS, so -G S / 100 units on 1%.
    Below zero they sell into falls and buy into rises. Gamma outside options is drawn by its law
    (`analysis.feedback.hedged_gamma`); who has some of which none is known is named under the panel.

    Raises
    ------
    Undefined
        If nobody who hedges has gamma.
    """
    ax, asset = axes(ax), asset or recording.names("assets")[0]
    found, points = hedged(recording, asset, step)
    if not found:
        raise Undefined(f"nobody who hedges has gamma in {asset} that is known by price")
    handles: list[Artist] = []
    colour = colours(recording)
    for name, each in found.items():
        handles += ax.plot(each.price, each.per_percent, color=colour[name], lw=1.7, label=words(name))
    price = next(iter(found.values())).price
    total = np.sum([each.per_percent for each in found.values()], axis=0)
    handles += ax.plot(price, total, color=INK, lw=1.0, ls=(0, (4, 2)), label="all together")
    ax.fill_between(price, total, 0, color=INK, alpha=0.06, lw=0)
    _look_at(recording, ax, asset, price, total)
    _explain(ax, "long gamma: hedging damps moves", "short gamma: hedging feeds moves")
    title = captions.of_gamma(asset, price, total, opening(recording, asset))
    _dress(recording, ax, asset, title, f"net gamma ({asset} per 1% move)", handles)
    _name_missing(ax, asset, points)
    return ax


@figure(per="assets", heading="Feedback")
def at_risk(
    recording: Recording, ax: Axes | None = None, *, asset: str | None = None, step: int | None = None
) -> Axes:
    """Open positions that would be closed by force, by the price at which they would be.

    Parameters
    ----------
    step : int, optional
        Which recorded profile; the first, if not given.

    Notes
    -----
    Longs that would be sold stand below zero, shorts that would be bought back above it.

    Raises
    ------
    Undefined
        If no position would be closed by force.
    """
    ax, asset = axes(ax), asset or recording.names("assets")[0]
    found = {name: each for name, each in profiles(recording, asset, step).items() if each.at_risk.any()}
    if not found:
        raise Undefined(f"no open position in {asset} is at risk")
    handles: list[Artist] = []
    colour = colours(recording)
    price = next(iter(found.values())).price
    edges, base = _edges(price), np.zeros(price.size)
    for name, each in found.items():
        forced = base - each.at_risk
        drawn = ax.stairs(
            forced, edges, baseline=base, fill=True, color=colour[name], lw=0, label=words(name)
        )
        handles, base = [*handles, drawn], forced
    _look_at(recording, ax, asset, price, base)
    _explain(ax, "shorts bought back as it rises", "longs sold as it falls")
    label = f"forced trades ({asset} per {np.median(np.diff(edges)):,.6g} of price)"
    title = captions.of_risk(asset, price, -base, opening(recording, asset))
    _dress(recording, ax, asset, title, label, handles)
    return ax


def _reached(recording: Recording, asset: str) -> dict[str, float]:
    """The price at the start, and the lowest and highest of the run if they are known."""
    mid = recording.column("series", f"{asset}.mid")
    mid = mid[np.isfinite(mid)]
    reached = {"start": opening(recording, asset)}
    if mid.size:
        reached |= {"lowest": float(mid.min()), "highest": float(mid.max())}
    return reached


def _edges(price: np.ndarray) -> np.ndarray:
    """Edges half way between neighbouring prices."""
    if price.size < 2:
        return np.array([0.995 * price[0], 1.005 * price[0]])
    inner = (price[1:] + price[:-1]) / 2
    first, last = 1.5 * price[0] - price[1] / 2, 1.5 * price[-1] - price[-2] / 2
    return np.concatenate([[first], inner, [last]])


def _look_at(recording: Recording, ax: Axes, asset: str, price: np.ndarray, curve: np.ndarray) -> None:
    """Show the prices where there is something to see, and those the run reached."""
    high = price[np.abs(curve) > 0.004 * np.abs(curve).max()]
    seen = np.concatenate([high, list(_reached(recording, asset).values())])
    margin = 0.04 * np.ptp(seen) + 0.01 * price[0]
    ax.set_xlim(seen.min() - margin, seen.max() + margin)


def _explain(ax: Axes, above: str, below: str) -> None:
    """Say at the right edge, off the data, what lies above zero and what below, where there is any."""
    (low, high), edges = ax.get_ylim(), []
    for text, edge, side in ((below, low, "bottom"), (above, high, "top")):
        if abs(edge) > 0.1 * (high - low):
            at = (0.99, 0.98 if side == "top" else 0.02)
            look = {"fontsize": SMALL, "color": INK, "style": "italic"}
            box = {"facecolor": "white", "alpha": 0.85, "linewidth": 0, "pad": 0.8}
            ax.text(*at, text, look, transform=ax.transAxes, ha="right", va=side, bbox=box)
            edge += np.sign(edge) * STRIP * (high - low)
        edges.append(edge)
    ax.set_ylim(edges[0], edges[1])


def _name_missing(ax: Axes, asset: str, points: dict[str, Outside]) -> None:
    """Under the panel, who hedges gamma that is not drawn, and how much it is at the start."""
    if points:
        told = (f"{words(name)} ({short(each.per_percent)} {asset} per 1%)" for name, each in points.items())
        note(ax, f"Not drawn, as it is known at the start only: {', '.join(told)}")


def _dress(
    recording: Recording, ax: Axes, asset: str, title: str, ylabel: str, handles: list[Artist]
) -> None:
    """Dress a panel over price, and mark the prices of the start and the extremes."""
    ax.axhline(0, color=INK, lw=0.8)
    dress(ax, title, f"price ({quote(recording)} per {asset})", ylabel)
    thousands(ax, "x")
    thousands(ax, "y")
    legend_above(ax, [*handles, *_marks(recording, ax, asset)])


def _marks(recording: Recording, ax: Axes, asset: str) -> list[Artist]:
    """Lines at the prices that the run began at and reached; the legend says which."""
    reached, (left, right) = _reached(recording, asset), ax.get_xlim()
    lines: list[Artist] = []
    for name, price in reached.items():
        if name == "start" or abs(price - reached["start"]) >= NEAR * (right - left):
            label = f"{name} ({level(price)})"
            lines.append(ax.axvline(price, color=PALE, lw=1.1, ls=DASHES[name], label=label, zorder=1.5))
    return lines
