"""Figures over price: what hedgers and liquidations would do if the price were elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from analysis import captions
from analysis.columns import opening
from analysis.figure import figure
from analysis.style import (
    INK,
    PALE,
    SMALL,
    axes,
    colours,
    dress,
    legend_above,
    quote,
    thousands,
    words,
)
from sim.recording import Recording

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes


class Profile(NamedTuple):
    """One population's curve: price, net gamma and units at risk, by rising price."""

    price: np.ndarray
    gamma: np.ndarray
    at_risk: np.ndarray

    @property
    def per_percent(self) -> np.ndarray:
        """Change of the delta, in units, on a move of 1% at each price."""
        change: np.ndarray = self.gamma * self.price / 100
        return change


def profiles(recording: Recording, asset: str, step: int | None = None) -> dict[str, Profile]:
    """The profiles recorded at a step (the first, if not given), by population."""
    steps = recording.column("profiles", "step")
    owned = recording.column("profiles", "asset") == list(recording.names("assets")).index(asset)
    if not owned.any():
        return {}
    kept = owned & (steps == (steps[owned].min() if step is None else step))
    population = recording.column("profiles", "population")[kept]
    columns = [recording.column("profiles", name)[kept] for name in Profile._fields]
    found = {}
    for code, name in enumerate(recording.names("populations")):
        own = np.flatnonzero(population == code)
        own = own[np.argsort(columns[0][own])]
        if own.size:
            found[name] = Profile(*(column[own] for column in columns))
    return found


@figure(per="assets")
def gamma_profile(
    recording: Recording, ax: Axes | None = None, *, asset: str | None = None, step: int | None = None
) -> Axes:
    """Net gamma of the hedgers by price, as units that hedging trades per 1% move.

    Parameters
    ----------
    recording : Recording
    ax : Axes, optional
        Where to draw; a new figure if not given.
    asset : str, optional
        The first one, if not given.
    step : int, optional
        Which recorded profile; the first, if not given.

    Notes
    -----
    Hedgers of a book with net gamma G trade -G dS on a move dS, so -G S / 100 units on 1%.
    Below zero they sell into falls and buy into rises.
    """
    ax, asset = axes(ax), asset or recording.names("assets")[0]
    hedgers = {each["name"] for each in recording.market["populations"] if each["hedges"]}
    every = profiles(recording, asset, step)
    found = {name: each for name, each in every.items() if name in hedgers and each.gamma.any()}
    handles: list[Artist] = []
    colour, title = colours(recording), f"No hedger holds options on {asset}"
    for name, each in found.items():
        handles += ax.plot(each.price, each.per_percent, color=colour[name], lw=1.7, label=words(name))
    if found:
        price = next(iter(found.values())).price
        total = np.sum([each.per_percent for each in found.values()], axis=0)
        handles += ax.plot(price, total, color=INK, lw=1.0, ls=(0, (4, 2)), label="all together")
        ax.fill_between(price, total, 0, color=INK, alpha=0.06, lw=0)
        title = captions.of_gamma(asset, price, total, opening(recording, asset))
        _look_at(recording, ax, asset, price, total)
        _explain(ax, "long gamma: hedging damps moves", "short gamma: hedging feeds moves")
    _dress(recording, ax, asset, title, f"net gamma ({asset} per 1% move)")
    legend_above(ax, handles)
    return ax


@figure(per="assets")
def at_risk(
    recording: Recording, ax: Axes | None = None, *, asset: str | None = None, step: int | None = None
) -> Axes:
    """Open positions that would be closed by force, by the price at which they would be.

    Parameters
    ----------
    recording : Recording
    ax : Axes, optional
        Where to draw; a new figure if not given.
    asset : str, optional
        The first one, if not given.
    step : int, optional
        Which recorded profile; the first, if not given.

    Notes
    -----
    Longs that would be sold stand below zero, shorts that would be bought back above it.
    """
    ax, asset = axes(ax), asset or recording.names("assets")[0]
    found = {name: each for name, each in profiles(recording, asset, step).items() if each.at_risk.any()}
    handles: list[Artist] = []
    colour, title = colours(recording), f"No open position in {asset} is at risk"
    label = f"forced trades ({asset})"
    if found:
        price = next(iter(found.values())).price
        edges, base = _edges(price), np.zeros(price.size)
        for name, each in found.items():
            forced = base - each.at_risk
            drawn = ax.stairs(
                forced, edges, baseline=base, fill=True, color=colour[name], lw=0, label=words(name)
            )
            handles, base = [*handles, drawn], forced
        label = f"forced trades ({asset} per {np.median(np.diff(edges)):,.6g} of price)"
        title = captions.of_risk(asset, price, -base, opening(recording, asset))
        _look_at(recording, ax, asset, price, base)
        _explain(ax, "shorts bought back as it rises", "longs sold as it falls")
    _dress(recording, ax, asset, title, label)
    legend_above(ax, handles)
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
    """Say at the right edge what lies above zero and what below, where there is any."""
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + 0.08 * (high - low))
    for text, edge, side in ((above, high, "top"), (below, low, "bottom")):
        if abs(edge) > 0.1 * (high - low):
            at = (0.99, 0.98 if side == "top" else 0.02)
            look = {"fontsize": SMALL, "color": INK, "style": "italic"}
            ax.text(*at, text, look, transform=ax.transAxes, ha="right", va=side)


def _dress(recording: Recording, ax: Axes, asset: str, title: str, ylabel: str) -> None:
    """Dress a panel over price and mark the prices of the start and the extremes."""
    ax.axhline(0, color=INK, lw=0.8)
    dress(ax, title, f"price ({quote(recording)} per {asset})", ylabel)
    reached, (left, right) = _reached(recording, asset), ax.get_xlim()
    for name, price in reached.items():
        if name != "start" and abs(price - reached["start"]) < 0.025 * (right - left):
            continue
        ax.axvline(price, color=PALE, lw=1.0, ls="-" if name == "start" else ":")
        ax.annotate(
            name,
            (price, 0.02),
            xycoords=("data", "axes fraction"),
            xytext=(-2 if name == "lowest" else 2, 0),
            textcoords="offset points",
            fontsize=SMALL,
            color=INK,
            rotation=90,
            ha="right" if name == "lowest" else "left",
            va="bottom",
            bbox={"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 0.8},
        )
    thousands(ax, "x")
    thousands(ax, "y")
