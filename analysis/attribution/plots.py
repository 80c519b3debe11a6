"""Figures of attribution: who moved the price over time, and whose are its ups and downs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.attribution.attribution import shares_of_variance
from analysis.attribution.charges import (
    FORCING,
    HEDGING,
    LAST_TOUCH,
    MEANINGS,
    THROUGH_MAKERS,
    WHYS,
    Charges,
    Part,
    Span,
    charges,
    largest_fall,
    largest_rise,
    minute,
    versions,
)
from analysis.base.metric import Undefined
from analysis.figures.figure import figure
from analysis.figures.style import (
    GRID,
    INK,
    LARGE,
    OTHER,
    PALE,
    SMALL,
    axes,
    clock,
    colours,
    dress,
    legend_above,
    lighter,
    thousands,
    words,
)
from sim.recording.recording import Recording

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PLACE = 30

HATCHES = {HEDGING: "////", FORCING: "...."}
"""Hatching of what was done to hedge, and of what liquidations forced."""

POINTS = 900
"""At how many times, at most, a stack is drawn."""

REST = Part("all others")
"""Those who are too small to be drawn alone."""

_SMALLEST = 0.03

LINEAR_TO = 100.0
"""Per cent of the variance up to which its axis is linear, and logarithmic beyond."""


@figure(per="assets", is_whole=True, heading="Who moved the price", is_main=True)
def attribution(recording: Recording, sheet: Figure | None = None, *, asset: str | None = None) -> Figure:
    """What every population has added to the price so far, by last touch and through makers.

    Returns
    -------
    Figure
        A panel for each version that the recording holds, each on its own price axis: last touch charges
        makers and takers with large moves that cancel.

    Notes
    -----
    At every time the layers above zero less those below it are the line.
    """
    asset = asset or recording.names("assets")[0]
    found, kind, span = versions(recording, asset), *_largest(recording, asset)
    if sheet is None:
        from matplotlib.figure import Figure

        sheet = Figure(figsize=(10.4, 5.2), dpi=130)
    sheet.subplots_adjust(left=0.08, right=0.985, top=0.785, bottom=0.235, wspace=0.16)
    panels = sheet.subplots(1, len(found), sharex=True, squeeze=False)[0]
    drawn, handles = _worth_a_layer(found), []
    for panel, (version, charged) in zip(panels, found.items(), strict=True):
        handles = _stack(recording, panel, charged, drawn, span)
        label = f"added to the price of {asset} since the start (%)"
        dress(panel, _told(version, charged, span), f"time ({clock(recording).unit})", label)
        if panel is not panels[0]:
            panel.set_ylabel("")
        _say(panel, MEANINGS[version], len(found))
    size = abs(found[LAST_TOUCH].percent(found[LAST_TOUCH].total[span.first : span.last].sum()))
    _head(sheet, f"Who makes the largest {kind} of {asset}, {size:.1f}%", handles)
    return sheet


@figure(per="assets", heading="Who moved the price")
def variance_shares(recording: Recording, ax: Axes | None = None, *, asset: str | None = None) -> Axes:
    """Whose charges make the variance of the price over a minute, in both versions, with intervals."""
    ax, asset = axes(ax), asset or recording.names("assets")[0]
    horizon, colour = minute(recording, asset), colours(recording)
    found = {name: shares_of_variance(each, horizon) for name, each in versions(recording, asset).items()}
    of = {
        (name, part): (100 * shares.value[row], 100 * shares.low[row], 100 * shares.high[row])
        for name, shares in found.items()
        for row, part in enumerate(charges(recording, asset, name).parts)
    }
    parts = _by_size(of)
    for (version, part), (value, low, high) in of.items():
        if part not in parts:
            continue
        at = parts.index(part) + (0.2 if version == THROUGH_MAKERS else -0.2) * (len(found) - 1)
        ax.barh(at, value, 0.72 / len(found), color=_shade(colour, part, version), lw=0)
        ax.plot([low, high], [at, at], color=INK, lw=1.0, solid_capstyle="butt")
    ax.set_yticks(range(len(parts)), [_label(part) for part in parts])
    if max(abs(value) for value, _, _ in of.values()) > LINEAR_TO:
        ax.set_xscale("symlog", linthresh=LINEAR_TO)
        ax.axvspan(-LINEAR_TO, LINEAR_TO, color=GRID, alpha=0.25, lw=0, zorder=0)
    ax.invert_yaxis()
    label = (
        "share of the variance of changes over 1 min (%, together 100; below zero: leans against the price"
    )
    label += "; shaded: linear scale)" if ax.get_xscale() == "symlog" else ")"
    dress(ax, _variance_caption(asset, of), label, "")
    ax.xaxis.label.set_fontsize(SMALL)
    ax.grid(axis="x", color=GRID, linewidth=0.6)
    ax.grid(axis="y", visible=False)
    ax.axvline(0, color=INK, lw=0.8)
    thousands(ax, "x")
    legend_above(ax, _keys(found))
    return ax


def _stack(recording: Recording, ax: Axes, charged: Charges, drawn: list[Part], span: Span) -> list[Any]:
    """Layers above zero and below it, and the price as a line, around a span of steps."""
    window = _window(span, charged.half_ticks.shape[1])
    time = window * recording.market["step_seconds"] / clock(recording).seconds
    colour, handles = colours(recording), list[Any]()
    up, down = np.zeros(time.size), np.zeros(time.size)
    for part, path in _layers(charged, drawn):
        seen = path[window]
        base = np.where(seen > 0, up, down)
        shade, hatch = colour.get(part.who, OTHER), HATCHES.get(part.why)
        look: dict[str, Any] = {"facecolor": shade, "edgecolor": "white", "hatch": hatch, "lw": 0}
        handles.append(ax.fill_between(time, base, base + seen, label=_label(part), **look))
        up, down = up + np.maximum(seen, 0), down + np.minimum(seen, 0)
    total = charged.percent(charged.paths.sum(axis=0))[window]
    ax.plot(time, total, color="white", lw=3.2)
    handles += ax.plot(time, total, color=INK, lw=1.5, label="price")
    ax.axhline(0, color=INK, lw=0.6)
    ax.set_xlim(time[0], time[-1])
    return handles


def _window(span: Span, steps: int) -> np.ndarray:
    """The steps to draw: those of a span, a third as many before it and as many after it."""
    length = max(span.last - span.first, steps // 20)
    first, last = max(0, span.first - length // 3), min(steps, span.last + length)
    return np.arange(first, last + 1, max(1, (last - first) // POINTS))


def _worth_a_layer(found: dict[str, Charges]) -> list[Part]:
    """The parts that added much at some time, in any version; hedging and forced ones first."""
    kept: dict[Part, None] = {}
    for charged in found.values():
        reach = np.abs(charged.paths).max(axis=1)
        kept |= dict.fromkeys(
            part for part, far in zip(charged.parts, reach, strict=True) if far >= _SMALLEST * reach.max()
        )
    return sorted(kept, key=lambda part: WHYS.index(part.why))


def _layers(charged: Charges, drawn: list[Part]) -> list[tuple[Part, np.ndarray]]:
    """What every part has added so far, in %; those that are not drawn alone are put together."""
    paths = dict(zip(charged.parts, charged.percent(charged.paths), strict=True))
    none = np.zeros(charged.half_ticks.shape[1] + 1)
    layers = [(part, paths.pop(part, none)) for part in drawn]
    return [*layers, (REST, np.sum([none, *paths.values()], axis=0))]


def _label(part: Part) -> str:
    """A population and why it acted, as a reader would write it."""
    return f"{words(part.who)} ({part.why})" if part.why in HATCHES else words(part.who)


def _say(ax: Axes, meaning: str, panels: int) -> None:
    """What a version means, below its panel."""
    from textwrap import fill

    text = fill(meaning, 150 // panels)
    ax.text(0, -0.19, text, transform=ax.transAxes, fontsize=SMALL, color=INK, va="top", linespacing=1.35)


def _head(sheet: Figure, title: str, handles: list[Artist]) -> None:
    """A title over all panels, and under it one legend for them."""
    sheet.text(0.08, 0.965, title, fontsize=LARGE, fontweight="bold", color=INK, va="top")
    sheet.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.075, 0.935),
        ncols=min(7, -(-len(handles) // 2)),
        frameon=False,
        fontsize=SMALL,
        labelcolor=INK,
        handlelength=1.7,
        columnspacing=1.3,
        borderaxespad=0.2,
    )


def _largest(recording: Recording, asset: str) -> tuple[str, Span]:
    """The largest fall or the largest rise, whichever is steeper."""
    charged, found = charges(recording, asset), []
    for kind, span in (("fall", largest_fall), ("rise", largest_rise)):
        try:
            found.append((kind, span(recording, asset)))
        except Undefined:
            continue
    if not found:
        raise Undefined(f"the mid of {asset} is the same at the end of every step")
    return max(found, key=lambda each: _steepness(charged, each[1]))


def _steepness(charged: Charges, span: Span) -> float:
    """Size of a move over the root of its length: a random walk would have much the same for any."""
    moved = abs(charged.total[span.first : span.last].sum())
    return float(moved / np.sqrt(span.last - span.first))


def _told(version: str, charged: Charges, span: Span) -> str:
    """What the two largest parts added within a span."""
    added = charged.percent(charged.half_ticks[:, span.first : span.last].sum(axis=1))
    most = np.argsort(-np.abs(added), kind="stable")[:2]
    told = ", ".join(f"{_label(charged.parts[one])} {_signed(added[one])}" for one in most)
    return f"{version.capitalize()}: {told}"


def _signed(percent: float) -> str:
    return f"{percent:+.1f}%".replace("-", "\N{MINUS SIGN}")


def _by_size(of: dict[tuple[str, Part], tuple[float, float, float]]) -> list[Part]:
    """The parts worth a bar, the largest share in either version first."""
    sizes: dict[Part, float] = {}
    for (_, part), (value, *_) in of.items():
        sizes[part] = max(sizes.get(part, 0.0), abs(value))
    largest = max(sizes.values())
    kept = [part for part in sizes if sizes[part] >= 0.005 * largest]
    return sorted(kept, key=lambda part: (-sizes[part], part))[:12]


def _shade(colour: dict[str, str], part: Part, version: str) -> str:
    """Colour of a population, pale for last touch."""
    return lighter(colour.get(part.who, OTHER), 2 if version == LAST_TOUCH else 0)


def _keys(found: Iterable[str]) -> list[Artist]:
    """Which bars are of which version, and what the lines are."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    tints = {LAST_TOUCH: (GRID, "pale: last touch"), THROUGH_MAKERS: (PALE, "full: cause through makers")}
    keys: list[Artist] = [Patch(facecolor=tints[name][0], label=tints[name][1]) for name in found]
    return [*keys, Line2D([], [], color=INK, lw=1.0, label="95% over blocks of time")]


def _variance_caption(asset: str, of: dict[tuple[str, Part], tuple[float, float, float]]) -> str:
    """Who makes most of the variance in each version."""
    told = []
    for version in dict.fromkeys(name for name, _ in of):
        own = {part: value for (name, part), (value, *_) in of.items() if name == version}
        most = max(own, key=lambda part: own[part])
        told.append(f"{_label(most)} {own[most]:,.0f}% ({version})")
    return f"Most swings of {asset}: " + ", ".join(told)
