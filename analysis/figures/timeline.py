"""Panels over the time of a run: lines and bands of series, a time axis, the shock marked in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.base.trades import duration, first_shock
from analysis.figures.style import INK, SMALL, banded, clock, dress, round_up, short, thinned, thousands
from sim.recording.recording import Recording

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes


def line(recording: Recording, ax: Axes, column: str, colour: str, width: float, label: str) -> list[Artist]:
    """A series over time; nothing where it is nowhere known."""
    values = recording.column("series", column)
    if not np.isfinite(values).any():
        return []
    time, values = thinned(recording.column("series", "time_s") / clock(recording).seconds, values)
    return [*ax.plot(time, values, color=colour, lw=width, label=label)]


def band(recording: Recording, ax: Axes, values: np.ndarray, colour: str, label: str) -> list[Artist]:
    """A noisy series: its mean over short stretches, and palely how far it went within them."""
    if not np.isfinite(values).any():
        return []
    time = recording.column("series", "time_s") / clock(recording).seconds
    centres, (mean, low, high) = banded(time, values)
    ax.fill_between(centres, low, high, color=colour, alpha=0.22, lw=0)
    return [*ax.plot(centres, mean, color=colour, lw=1.3, label=label)]


def edges(recording: Recording, stretches: int) -> np.ndarray:
    """Edges of so many stretches of time at most, in seconds: whole steps, a round number."""
    step, steps = recording.market["step_seconds"], recording.table("series").num_rows
    width = step * round_up(max(1, steps) / stretches)
    edges: np.ndarray = width * np.arange(int(np.ceil(max(1, steps) * step / width - 1e-9)) + 1)
    return edges


def dress_over_time(recording: Recording, ax: Axes, asset: str, caption: str, ylabel: str) -> None:
    """Dress a panel over time and mark the shock in it."""
    scale, shock = clock(recording), first_shock(recording, asset)
    dress(ax, caption, f"time ({scale.unit})", ylabel)
    thousands(ax, "y")
    if shock is not None:
        start, end = shock.at / scale.seconds, (shock.at + shock.over_seconds) / scale.seconds
        ax.axvspan(
            start, min(end, duration(recording) / scale.seconds), color=INK, alpha=0.07, lw=0, zorder=0
        )
        ax.axvline(start, color=INK, lw=0.9, ls=(0, (2, 2)), zorder=1)
    ax.set_xlim(0, recording.market["step_seconds"] * recording.table("series").num_rows / scale.seconds)


def name_shock(recording: Recording, ax: Axes, asset: str) -> None:
    """Say beside its line what the shock was, on the side with more room."""
    shock, scale = first_shock(recording, asset), clock(recording)
    if shock is None:
        return
    at, room = shock.at / scale.seconds, ax.get_xlim()[1]
    verb, is_late = ("sale" if shock.qty < 0 else "purchase"), at > 0.12 * room
    spread = f"\nover {shock.over_seconds:g} s" if shock.over_seconds else ""
    spread += ",\ncut short" if shock.last >= duration(recording) else ""
    ax.annotate(
        f"{verb} of\n{short(abs(shock.qty))} {asset}{spread}",
        (at, 0.03 if shock.qty < 0 else 0.97),
        xycoords=("data", "axes fraction"),
        xytext=(-4 if is_late else 4, 0),
        textcoords="offset points",
        fontsize=SMALL,
        color=INK,
        ha="right" if is_late else "left",
        va="bottom" if shock.qty < 0 else "top",
    )
