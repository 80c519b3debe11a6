"""Figures of a comparison of arms: ratios with their intervals, metric by metric."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.style import FORCED, HEDGING, INK, NORMAL, PALE, SMALL, axes, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PARTS = (
    ("", "hedging (base / muted)", INK, "o", 5.5),
    ("flow_ratio", "its flow (open loop / muted)", HEDGING, "s", 4.0),
    ("feedback_ratio", "its feedback (base / open loop)", FORCED, "D", 4.0),
)
"""What is drawn of each metric: key of the entry, label, colour, marker and its size."""


def amplification(entries: Mapping[str, Any], ax: Axes | None = None) -> Axes:
    """Ratios of means with 95% intervals, a row a metric; 1 is no effect.

    Parameters
    ----------
    entries : mapping
        As in `amplification.json`.
    ax : Axes, optional
        Where to draw; a new figure if not given.
    """
    ax = axes(ax)
    drawn = {name: entry for name, entry in entries.items() if entry.get("interval")}
    rows = np.arange(len(drawn))[::-1]
    for offset, (key, label, colour, marker, size) in zip((0.0, -0.22, -0.42), PARTS, strict=True):
        found = [_part(entry, key) for entry in drawn.values()]
        known = [(row, *part) for row, part in zip(rows, found, strict=True) if part is not None]
        if known:
            y, value, low, high = np.array(known).T
            ax.errorbar(
                value,
                y + offset,
                xerr=(value - low, high - value),
                fmt=marker,
                ms=size,
                color=colour,
                lw=1.4,
                capsize=2.5,
                label=label,
            )
    _dress(ax, drawn, rows, entries)
    return ax


def save_amplification(entries: Mapping[str, Any], folder: Path) -> Path:
    """Write the figure as `amplification.png`; returns its path."""
    from matplotlib.figure import Figure

    from analysis.gallery import DPI, save

    folder.mkdir(parents=True, exist_ok=True)
    drawn = sum(bool(entry.get("interval")) for entry in entries.values())
    figure = Figure(figsize=(7.4, 1.5 + 0.42 * max(drawn, 2)), dpi=DPI)
    figure.subplots_adjust(left=0.3, right=0.96, top=1 - 0.75 / figure.get_figheight(), bottom=0.12)
    amplification(entries, figure.subplots())
    return save(figure, folder / "amplification.png")


def _part(entry: Mapping[str, Any], key: str) -> tuple[float, float, float] | None:
    """Value and interval of a part of an entry; None where there is none."""
    value = entry.get("ratio") if not key else (entry.get(key) or {}).get("value")
    interval = entry.get("interval") if not key else (entry.get(key) or {}).get("interval")
    return None if value is None or interval is None else (value, *interval)


def _dress(ax: Axes, drawn: Mapping[str, Any], rows: np.ndarray, entries: Mapping[str, Any]) -> None:
    ax.axvline(1, color=PALE, lw=1.0, zorder=0)
    ax.set_xscale("log")
    _ticks(ax)
    ax.set_yticks(rows, [_label(name) for name in drawn], fontsize=NORMAL)
    ax.set_ylim(-0.8, max(len(drawn), 1) - 0.4)
    ax.set_xlabel("ratio of means over paired seeds (1 is no effect; bars: 95%)", fontsize=NORMAL)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.tick_params(axis="y", length=0)
    seeds = max((entry.get("seeds_compared", 0) for entry in entries.values()), default=0)
    title = f"What hedging multiplies, {seeds} seeds" if drawn else "No ratio is defined"
    ax.set_title(title, loc="left", fontsize=NORMAL + 1.5, color=INK, pad=28)
    if drawn:
        ax.legend(
            loc="lower left",
            bbox_to_anchor=(-0.42, 1.0),
            ncols=3,
            frameon=False,
            fontsize=SMALL,
            handletextpad=0.2,
            columnspacing=1.0,
        )


def _ticks(ax: Axes) -> None:
    """Plain numbers at round ratios inside the limits."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

    low, high = ax.get_xlim()
    steps = (
        0.01,
        0.02,
        0.05,
        0.1,
        0.2,
        0.5,
        0.8,
        0.9,
        0.95,
        1.05,
        1.1,
        1.25,
        1.5,
        2.0,
        3.0,
        5.0,
        10.0,
        20.0,
        50.0,
    )
    inside = [1.0]
    for step in sorted(steps, key=lambda each: abs(np.log(each))):
        is_apart = min(abs(np.log(step / other)) for other in inside) > 0.09 * np.log(high / low)
        if low <= step <= high and is_apart:
            inside.append(step)
    ax.xaxis.set_major_locator(FixedLocator(sorted(inside)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.xaxis.set_minor_locator(FixedLocator([]))


def _label(name: str) -> str:
    subject, _, metric = name.rpartition(".")
    return f"{subject} {words(metric)}".strip()
