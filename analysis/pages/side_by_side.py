"""The figure of a comparison: prices on one axis, amplifications on another, with intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from analysis.base.metric import Undefined
from analysis.base.result import Result
from analysis.figures.drawing import own_settings
from analysis.figures.style import INK, PALE, clock, dress, legend_above, short, thinned, words
from analysis.pages.metric_rows import MetricRow

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sim.recording.recording import Recording


COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", INK)
"""Colours of the results, in their order (Okabe & Ito); after the last, lines are broken."""


DASHES: tuple[Any, ...] = ("-", (0, (4, 2)), (0, (1, 1.5)))


class Compared(Protocol):
    """What the figure asks of a comparison: its results, their labels, and what they were compared in."""

    @property
    def results(self) -> tuple[Result, ...]:
        """In the order they are drawn."""

    @property
    def labels(self) -> tuple[str, ...]:
        """A name for each result."""

    @property
    def metrics(self) -> list[MetricRow]:
        """Every metric, the main ones first."""

    def ratios(self, metric: MetricRow) -> list[Mapping[str, Any] | None]:
        """Entries that have a ratio; None for results that do not."""


@own_settings()
def figure(comparison: Compared) -> Figure:
    """Prices against their start on one axis and, of amplifications, ratios with their intervals.

    Raises
    ------
    Undefined
        If no result has either.
    """
    from matplotlib.figure import Figure

    priced = any(result.recording is not None for result in comparison.results)
    headlines = (metric for metric in comparison.metrics if metric.is_headline)
    ratios = [metric for metric in headlines if any(comparison.ratios(metric))]
    heights = [4.2] * priced + [1.5 + 0.36 * len(ratios)] * bool(ratios)
    if not heights:
        raise Undefined("no result has prices or amplifications")
    sheet = Figure(figsize=(7.4, sum(heights)), dpi=130)
    room = sum(heights)
    edges = {
        "left": 0.25 if ratios else 0.1,
        "right": 0.97,
        "top": 1 - 0.62 / room,
        "bottom": 0.55 / room,
    }
    sheet.subplots_adjust(**edges, hspace=1.15 * len(heights) / room)
    panels = sheet.subplots(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
    if priced:
        _draw_prices(panels[0], comparison)
    if ratios:
        _draw_ratios(panels[-1], comparison, ratios)
    return sheet


def _draw_prices(ax: Axes, comparison: Compared) -> None:
    """Mids as per cent of change since before the first step."""
    recordings = [result.recording for result in comparison.results if result.recording is not None]
    scale = clock(max(recordings, key=_duration))
    handles, furthest = [], {}
    for place, (label, result) in enumerate(zip(comparison.labels, comparison.results, strict=True)):
        for number, (asset, time, change) in enumerate(_paths(result)):
            name = label if len(result.assets) == 1 else f"{label} {asset}"
            furthest[name] = float(change[np.nanargmax(np.abs(change))])
            style = {"color": COLOURS[place % len(COLOURS)], "ls": _dash(place, number)}
            name += ", one seed" if result.amplification is not None else ""
            x, y = thinned(time / scale.seconds, change)
            handles += ax.plot(x, y, lw=max(1.2, 2.2 - 0.5 * place), label=name, **style)
    ax.axhline(0, color=PALE, lw=0.8)
    told = ", ".join(f"{name} {'+' * (x > 0)}{short(x)}%" for name, x in furthest.items())
    title = f"Furthest from the start: {told}" if len(furthest) < 4 else "Prices since the start"
    dress(ax, title, f"time ({scale.unit})", "price since the start (%)")
    legend_above(ax, handles)


def _draw_ratios(ax: Axes, comparison: Compared, metrics: Sequence[MetricRow]) -> None:
    """A point a result and metric, with its interval as a bar."""
    drawn = [place for place, result in enumerate(comparison.results) if result.amplification is not None]
    handles = []
    for number, place in enumerate(drawn):
        found = [comparison.ratios(metric)[place] for metric in metrics]
        shift = 0.6 * ((number + 0.5) / len(drawn) - 0.5)
        known = {at + shift: entry for at, entry in enumerate(found) if entry}
        if known:
            handles.append(_points(ax, known, COLOURS[place % len(COLOURS)], comparison.labels[place]))
    ax.axvline(1, color=INK, lw=0.9, ls=(0, (2, 2)))
    dress(ax, "Amplification; bars are 95% intervals", "base over muted (ratio of means)", "")
    ax.grid(visible=False, axis="y")
    ax.grid(axis="x", color=PALE, alpha=0.4, lw=0.6)
    ax.set_yticks(range(len(metrics)), [words(metric.key.replace(".", " ")) for metric in metrics])
    ax.set_ylim(len(metrics) - 0.5, -0.5)
    legend_above(ax, handles)


def _paths(result: Result) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Every asset with the times (s) and its mid as per cent of change since before the first step."""
    recording = result.recording
    for entry in recording.market["assets"] if recording is not None else ():
        column = f"{entry['name']}.mid"
        if recording is not None and column in recording.table("series").column_names:
            change = 100 * (recording.column("series", column) / entry["spot"] - 1)
            if np.isfinite(change).any():
                yield entry["name"], recording.column("series", "time_s"), change


def _dash(place: int, number: int) -> Any:
    return DASHES[(place // len(COLOURS) + number) % len(DASHES)]


def _duration(recording: Recording) -> float:
    return float(recording.market["step_seconds"] * recording.table("series").num_rows)


def _points(ax: Axes, entries: Mapping[float, Mapping[str, Any]], colour: str, label: str) -> Any:
    """Ratios at heights, each with its interval where it has one."""
    ratios = np.array([entry["ratio"] for entry in entries.values()])
    ends = np.array([entry.get("interval") or (entry["ratio"],) * 2 for entry in entries.values()])
    reach = np.abs(ends - ratios[:, None]).T
    return ax.errorbar(
        ratios, list(entries), xerr=reach, fmt="o", ms=5, lw=1.6, capsize=3, color=colour, label=label
    )
