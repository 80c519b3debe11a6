"""Style of the figures: one colour a population, units on every axis, legends off the data.

Colours are those of Okabe & Ito (2008, "Color Universal Design"), which readers with any
common colour blindness tell apart, then those of Tol's muted scheme. A kind of population
has the same colour in every figure of every run; a second population of the same kind has
a lighter shade of it.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sim.recording.recording import Recording

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

INK = "#1f2328"
PALE = "#8c959f"
GRID = "#d8dee4"

HEDGING = "#0072b2"
FORCED = "#d55e00"
OTHER = "#b4bac1"
VALUE = "#009e73"
BID = "#0072b2"
ASK = "#e69f00"
SPREAD = "#7a5195"

BASE_COLOURS = {
    "dealers": "#0072b2",
    "levered": "#d55e00",
    "makers": "#e69f00",
    "vaults": "#56b4e9",
    "liquidity_providers": "#009e73",
    "momentum": "#cc79a7",
    "fundamental": "#8c6d31",
    "arbitrageurs": "#c2b000",
    "liquidators": "#7a5195",
    "noise": "#8c959f",
}
"""Colour of the kinds of population that ship with the simulator."""

OTHERS = ("#332288", "#117733", "#882255", "#44aa99", "#999933", "#aa4499", "#cc6677", "#6699cc")
"""Colours of all other kinds, chosen by a hash of the kind's name."""

SMALL = 8.5
NORMAL = 9.5
LARGE = 11.0


class Clock(NamedTuple):
    """Unit of a time axis: how many seconds, and its name."""

    seconds: float
    unit: str


def clock(recording: Recording) -> Clock:
    """The unit of time that suits the length of a run."""
    duration = recording.market["step_seconds"] * max(1, recording.table("series").num_rows)
    for limit, seconds, unit in ((180, 1, "s"), (10_800, 60, "min"), (259_200, 3600, "hours")):
        if duration <= limit:
            return Clock(float(seconds), unit)
    return Clock(86_400.0, "days")


def colours(recording: Recording) -> dict[str, str]:
    """Colour of every population by its name."""
    seen: dict[str, int] = {}
    chosen = {}
    for population in recording.market["populations"]:
        kind = population["type"].split(".")[0]
        base = BASE_COLOURS.get(kind) or OTHERS[zlib.crc32(kind.encode()) % len(OTHERS)]
        chosen[population["name"]] = lighter(base, seen.get(kind, 0))
        seen[kind] = seen.get(kind, 0) + 1
    return chosen


def lighter(colour: str, times: int) -> str:
    """A colour so many shades nearer to white."""
    keep = 0.62 ** min(times, 3)
    parts = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(255 - keep * (255 - part)):02x}" for part in parts)


def quote(recording: Recording) -> str:
    """Name of the currency that prices are in."""
    return str(recording.market.get("quote", "quote currency"))


def words(name: str) -> str:
    """A name of the scenario as a reader would write it."""
    return name.replace("_", " ")


def short(number: float, figures: int = 3) -> str:
    """A number in a few figures, as in 1,230, 12.3k, 2.5M or 10bn."""
    scales = ((1e9, 1e9, "bn"), (1e6, 1e6, "M"), (1e4, 1e3, "k"), (0.0, 1.0, ""))
    size, suffix = next(scale[1:] for scale in scales if abs(number) >= 0.9995 * scale[0])
    return _with_minus(f"{float(f'{number / size:.{figures}g}'):,g}{suffix}")


def level(price: float) -> str:
    """A price in four figures at least, as in 66,462, 43.92 or 0.05213."""
    decimals = max(0, 3 - int(np.floor(np.log10(price)))) if price > 0 else 0
    return f"{price:,.{decimals}f}"


def _with_minus(text: str) -> str:
    """A formatted number with a minus sign in place of the hyphen."""
    return text.replace("-", "\N{MINUS SIGN}")


def round_up(number: float) -> float:
    """The next of 1, 2, 3, 5, 6 or 10 times a power of ten, at least 1."""
    power = 10.0 ** np.floor(np.log10(max(1.0, number)))
    return float(power * next(n for n in (1, 2, 3, 5, 6, 10) if number <= 1.0001 * n * power))


def thinned(x: np.ndarray, y: np.ndarray, points: int = 6000) -> tuple[np.ndarray, np.ndarray]:
    """The same line in fewer points: the lowest and the highest of every stretch are kept."""
    if x.size <= points:
        return x, y
    stretch = -(-2 * x.size // points)
    whole = x.size // stretch * stretch
    filled = np.nan_to_num(y[:whole].reshape(-1, stretch), nan=np.inf)
    low = filled.argmin(axis=1)
    high = np.where(np.isinf(filled), -np.inf, filled).argmax(axis=1)
    start = np.arange(0, whole, stretch)
    kept = np.unique(np.concatenate([start + low, start + high, np.arange(whole, x.size)]))
    return x[kept], y[kept]


def banded(x: np.ndarray, y: np.ndarray, bins: int = 360) -> tuple[np.ndarray, np.ndarray]:
    """Mean, lowest and highest of a noisy line over stretches of equal length.

    Returns
    -------
    centres : ndarray of float64, shape (n,)
    bands : ndarray of float64, shape (3, n)
        Rows mean, lowest and highest of the values that are numbers; NaN where none is.
    """
    stretch = max(1, -(-x.size // bins))
    starts = np.arange(0, x.size, stretch)
    known = ~np.isnan(y)
    counts = np.add.reduceat(known.astype(float), starts)
    counts[counts == 0] = np.nan
    mean = np.add.reduceat(np.where(known, y, 0.0), starts) / counts
    low = np.minimum.reduceat(np.where(known, y, np.inf), starts)
    high = np.maximum.reduceat(np.where(known, y, -np.inf), starts)
    low[np.isnan(mean)] = high[np.isnan(mean)] = np.nan
    ends = np.minimum(starts + stretch, x.size) - 1
    return (x[starts] + x[ends]) / 2, np.stack([mean, low, high])


def axes(ax: Axes | None) -> Axes:
    """The axes given, or those of a new pyplot figure (which a notebook shows)."""
    if ax is not None:
        return ax
    from matplotlib import pyplot

    return pyplot.subplots(figsize=(7.4, 4.2), layout="constrained")[1]


def dress(ax: Axes, title: str, xlabel: str, ylabel: str) -> None:
    """Title, labels, quiet spines and a pale grid."""
    _title(ax, title)
    ax.set_xlabel(xlabel, fontsize=NORMAL, color=INK)
    ax.set_ylabel(ylabel, fontsize=NORMAL, color=INK)
    ax.tick_params(labelsize=SMALL, labelcolor=INK, color=PALE, length=3)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color(PALE)
    ax.grid(axis="y", color=GRID, linewidth=0.6)
    ax.set_axisbelow(True)


def legend_above(ax: Axes, handles: Sequence[Artist]) -> None:
    """A legend between the title and the data, in one or two lines, so that it hides neither."""
    if not handles:
        return
    lengths = [len(str(handle.get_label())) for handle in handles]
    for columns in range(len(lengths), (len(lengths) - 1) // 2, -1):
        size = _fitting_size(ax, lengths, columns)
        if size >= 0.9 * SMALL:
            break
    ax.legend(
        handles=list(handles),
        loc="lower left",
        bbox_to_anchor=(0, 1.0),
        ncols=columns,
        frameon=False,
        fontsize=size,
        labelcolor=INK,
        borderaxespad=0.2,
        borderpad=0.1,
        handlelength=1.5,
        columnspacing=1.2,
    )
    lines = -(-len(handles) // columns)
    _title(ax, ax.get_title("left"), above=lines * 1.62 * SMALL)


def note(ax: Axes, text: str) -> None:
    """What a figure leaves out, in small letters under its panel."""
    from textwrap import fill

    characters = int(_width(ax) / (0.52 * SMALL))
    ax.text(
        0,
        -0.155,
        fill(text, characters),
        transform=ax.transAxes,
        fontsize=SMALL,
        color=INK,
        va="top",
        linespacing=1.35,
    )


def _fitting_size(ax: Axes, lengths: Sequence[int], columns: int) -> float:
    """Largest font in which texts, filled downwards into columns, are not wider than the axes."""
    characters = sum(7 + max(column) for column in np.array_split(lengths, columns))
    return min(SMALL, _width(ax) / (0.52 * float(characters)))


def _title(ax: Axes, title: str, above: float = 0.0) -> None:
    """A title so many points higher than usual, small enough to fit over the axes."""
    size = min(LARGE, 1.02 * _width(ax) / (0.62 * max(1, len(title))))
    ax.set_title(title, loc="left", fontsize=size, fontweight="bold", color=INK, pad=6 + above)


def _width(ax: Axes) -> float:
    """Width of the axes in points."""
    figure = ax.get_figure(root=True)
    return 72 * ax.get_position().width * (figure.get_figwidth() if figure else 6.4)


def plain_log(axis: Axis) -> None:
    """Plain numbers at 1, 2 and 5 of each power of ten on a logarithmic axis."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


def thousands(ax: Axes, which: str) -> None:
    """Thousands separators on the x or the y axis."""
    axis = ax.xaxis if which == "x" else ax.yaxis
    axis.set_major_formatter(lambda number, _: _with_minus(f"{number:,.10g}"))
