"""Figure of counterparties: what a sudden move would leave unpaid, and who would bear it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.base.metric import Undefined
from analysis.contagion.counterparties import FUND, balances, borne
from analysis.figures.figure import figure
from analysis.figures.style import (
    INK,
    OTHER,
    axes,
    colours,
    dress,
    legend_above,
    quote,
    short,
    thousands,
    words,
)
from sim.recording.recording import Recording

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

PLACE = 70

MOVES = np.linspace(-0.4, 0.4, 41)
"""Sudden moves that are drawn, as fractions of the price."""

SYSTEM = {FUND: "#332288", "outside": "#57606a", "end_users": "#44aa99"}
"""Colours of system accounts that can bear a loss."""

LEAST = 0.03
"""Populations that bear less than this share of the largest loss are drawn as others."""


@figure(heading="Contagion")
def sudden_moves(recording: Recording, ax: Axes | None = None) -> Axes:
    """What could not be paid if every price moved at once at the end of the run, by who would bear it."""
    ax, losses = axes(ax), _borne(recording)
    colour = colours(recording) | SYSTEM
    handles: list[Artist] = []
    base = np.zeros(MOVES.size)
    for name, lost in losses.items():
        top = base + lost / 1e6
        shade = colour.get(name, OTHER)
        handles.append(
            ax.fill_between(100 * MOVES, base, top, color=shade, alpha=0.75, lw=0, label=words(name))
        )
        base = top
    ax.plot(100 * MOVES, base, color=INK, lw=1.2)
    ax.axvline(0, color=INK, lw=0.8)
    ax.set_xlim(100 * MOVES[0], 100 * MOVES[-1])
    ax.set_ylim(bottom=0)
    label = f"unpaid debts borne (million {quote(recording)})"
    dress(ax, _title(recording, base), "sudden move of every price (%)", label)
    thousands(ax, "x")
    thousands(ax, "y")
    legend_above(ax, handles)
    return ax


def _borne(recording: Recording) -> dict[str, np.ndarray]:
    """What each population bears after each move, the fund first, then the largest; the small are others."""
    names = recording.names("populations")
    balances(recording)
    lost = np.array([_after(recording, move, len(names)) for move in MOVES.tolist()]).T
    if not lost.any():
        raise Undefined("everybody could pay after any move that is drawn")
    seen = lost.max(axis=1) >= LEAST * lost.sum(axis=0).max()
    if FUND in names:
        seen[list(names).index(FUND)] = True
    order = [code for code in np.argsort(-lost.max(axis=1), kind="stable") if seen[code] and lost[code].any()]
    order.sort(key=lambda code: names[code] != FUND)
    found = {names[code]: lost[code] for code in order}
    rest = lost[~seen].sum(axis=0)
    return found | ({"others": rest} if rest.any() else {})


def _after(recording: Recording, move: float, populations: int) -> np.ndarray:
    """What each population bears after a move: nothing where nobody owes anything."""
    try:
        return borne(recording, move)
    except Undefined:
        return np.zeros(populations)


def _title(recording: Recording, total: np.ndarray) -> str:
    """What a fall and a rise of a fifth would leave unpaid."""
    fall, rise = (1e6 * float(np.interp(move, MOVES, total)) for move in (-0.2, 0.2))
    return (
        f"A gap of 20% would leave {short(fall)} {quote(recording)} unpaid downwards, {short(rise)} upwards"
    )
