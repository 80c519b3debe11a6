"""Figures of a comparison of arms: ratios with their intervals, metric by metric."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.base.arms import NO_LOOP_OF_THEIR_OWN
from analysis.base.metric import Undefined
from analysis.feedback.amplification import FEWEST, NO_INTERVAL, sign
from analysis.figures.drawing import going_on, own_settings
from analysis.figures.style import FORCED, HEDGING, INK, LARGE, NORMAL, PALE, SMALL, axes, dress, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PARTS = (
    ("", "hedging (base / muted)", INK, "o", 5.5),
    ("flow_ratio", "its flow (open loop / muted)", HEDGING, "s", 4.0),
    ("feedback_ratio", "its feedback (base / open loop)", FORCED, "D", 4.0),
)
"""What is drawn of each metric: key of the entry, label, colour, marker and its size."""

GAIN, LONG_RUN = "median_loop_gain", "long_run_volatility"

CREDITED = ("#0072b2", "#009e73", "#d55e00", "#e69f00", "#cc79a7", "#56b4e9")
MARKERS = ("o", "s", "D", "^", "v", "P")


def amplification(entries: Mapping[str, Any], ax: Axes | None = None) -> Axes:
    """Ratios of means with 95% intervals, a row a metric; 1 is no effect, ≥ and ≤ mark those that are bounds.

    Parameters
    ----------
    entries : mapping
        As in `amplification.json`.
    ax : Axes, optional
        Where to draw; a new figure if not given.
    """
    ax = axes(ax)
    drawn = {name: entry for name, entry in entries.items() if entry.get("ratio") is not None}
    rows = np.arange(len(drawn))[::-1]
    for offset, (key, label, colour, marker, size) in zip((0.0, -0.22, -0.42), PARTS, strict=True):
        found = [_part(entry, key) for entry in drawn.values()]
        known = [(row, *part) for row, part in zip(rows, found, strict=True) if part is not None]
        if known:
            y, value, low, high = np.array(known).T
            ax.errorbar(
                value,
                y + offset,
                xerr=np.nan_to_num([value - low, high - value]),
                fmt=marker,
                ms=size,
                color=colour,
                lw=1.4,
                capsize=2.5,
                label=label,
            )
    _dress(ax, drawn, rows, entries)
    return ax


def saved(
    entries: Mapping[str, Any],
    credited: Mapping[str, Any],
    worlds: Mapping[str, Any],
    folder: Path,
    failed: dict[str, str] | None = None,
) -> Iterator[Path]:
    """Write every figure of a comparison, each when the path of the one before was taken.

    Parameters
    ----------
    entries, credited, worlds : mapping
        As in `amplification.json`, `shapley.json` and `worlds.json`; the last two may be empty.
    folder : Path
    failed : dict of str to str, optional
        As in `analysis.gallery.saved`.
    """
    with going_on(failed, "amplification"):
        yield save_amplification(entries, folder)
    with going_on(failed, "theory_vs_measured"):
        yield from save_gains(entries, folder)
    if credited:
        with going_on(failed, "shapley"):
            yield save_shapley(credited, folder)
    if worlds.get("ratios"):
        from analysis.feedback import world_plots

        with going_on(failed, "worlds"):
            yield from world_plots.save(worlds, entries, folder)


@own_settings()
def save_amplification(entries: Mapping[str, Any], folder: Path) -> Path:
    """Write the figure as `amplification.png`; returns its path."""
    from matplotlib.figure import Figure

    from analysis.gallery import DPI, save

    folder.mkdir(parents=True, exist_ok=True)
    drawn = sum(entry.get("ratio") is not None for entry in entries.values())
    figure = Figure(figsize=(7.4, 1.5 + 0.42 * max(drawn, 2)), dpi=DPI)
    figure.subplots_adjust(left=0.3, right=0.96, top=1 - 0.75 / figure.get_figheight(), bottom=0.12)
    amplification(entries, figure.subplots())
    return save(figure, folder / "amplification.png")


def shapley(entries: Mapping[str, Any], ax: Axes | None = None) -> Axes:
    """Factor credited to each mechanism with its 95% interval, a row a metric; they multiply to the total.

    Parameters
    ----------
    entries : mapping
        As in `shapley.json`.
    ax : Axes, optional
        Where to draw; a new figure if not given.
    """
    ax = axes(ax)
    drawn = {name: entry for name, entry in entries.items() if entry["mechanisms"]}
    rows = np.arange(len(drawn))[::-1]
    players = list(next(iter(drawn.values()))["mechanisms"]) if drawn else []
    parts = {name: [entry["mechanisms"][name] for entry in drawn.values()] for name in players}
    parts["all together"] = [entry["total"] for entry in drawn.values()]
    for number, (name, found) in enumerate(parts.items()):
        value = np.array([part["factor"] for part in found])
        low, high = np.array([part.get("factor_interval") or [part["factor"]] * 2 for part in found]).T
        ax.errorbar(
            value,
            rows - 0.13 * number,
            xerr=(value - low, high - value),
            fmt=MARKERS[number % len(MARKERS)],
            ms=5,
            color=INK if name == "all together" else CREDITED[number % len(CREDITED)],
            lw=1.4,
            capsize=2.5,
            label=name,
        )
    _dress_shapley(ax, drawn, rows)
    return ax


@own_settings()
def save_shapley(entries: Mapping[str, Any], folder: Path) -> Path:
    """Write the figure as `shapley.png`; returns its path."""
    from matplotlib.figure import Figure

    from analysis.gallery import DPI, save

    folder.mkdir(parents=True, exist_ok=True)
    figure = Figure(figsize=(7.4, 1.6 + 0.75 * max(len(entries), 1)), dpi=DPI)
    figure.subplots_adjust(left=0.3, right=0.96, top=1 - 0.95 / figure.get_figheight(), bottom=0.14)
    shapley(entries, figure.subplots())
    return save(figure, folder / "shapley.png")


def _dress_shapley(ax: Axes, drawn: Mapping[str, Any], rows: np.ndarray) -> None:
    bars = _bars(entry["total"].get("factor_interval") for entry in drawn.values())
    _frame(ax, [_label(name) for name in drawn], rows, f"factor credited (1 is no effect; {bars})")
    seeds = max((entry["seeds"] for entry in drawn.values()), default=0)
    title = f"Which mechanism multiplies what, Shapley values over {seeds} seeds"
    ax.set_title(
        title if drawn else "No amplification is defined", loc="left", fontsize=LARGE, color=INK, pad=40
    )
    if drawn:
        ax.legend(loc="lower left", bbox_to_anchor=(-0.42, 1.0), ncols=3, frameon=False, fontsize=SMALL)


def theory_vs_measured(entries: Mapping[str, Any], asset: str, ax: Axes | None = None) -> Axes:
    """Amplification of long-run volatility against the recorded loop gain, and 1 / (1 - gain).

    Parameters
    ----------
    entries : mapping
        As in `amplification.json`.
    asset : str
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Raises
    ------
    Undefined
        If no arm has both a gain and an amplification.

    Notes
    -----
    The line is exact where the price moves by a constant times the flow (Frey & Stremme 1997);
    elsewhere the distance from it says what else is at work.
    """
    points = _gains(entries, asset)
    if not points:
        raise Undefined("no arm has a loop gain and an amplification of long-run volatility")
    ax = axes(ax)
    gains = [gain for _, gain, *_ in points]
    edge = np.linspace(min(-0.6, *gains) - 0.05, 0.9, 200)
    ax.plot(
        edge,
        1 / (1 - edge),
        color=PALE,
        lw=1.6,
        label="1 / (1 − gain), exact in the linear market only",
        zorder=1,
    )
    for number, (arm, gain, value, low, high) in enumerate(points):
        bars = np.nan_to_num([[value - low], [high - value]])
        ax.errorbar(gain, value, yerr=bars, fmt="o", ms=5, color=HEDGING, capsize=2.5)
        _name_point(ax, f"{words(arm)}: {value:.3g}", gain, value, is_below=number % 2 == 0)
    ax.axvline(1, color=FORCED, lw=1.0, ls=(0, (4, 2)), label="edge of stability")
    ax.set_xlim(edge[0], max(1.05, *(gain + 0.1 for gain in gains)))
    ax.set_ylim(0, 1.15 * float(np.nanmax([each[2:] for each in points])))
    title = f"{asset}: long-run volatility with hedging over without, and what theory says"
    dress(ax, title, "recorded loop gain, median (price per price)", "volatility, arm / muted")
    ax.legend(loc="upper left", frameon=False, fontsize=SMALL)
    return ax


def _name_point(ax: Axes, label: str, x: float, y: float, *, is_below: bool) -> None:
    """A label beside a point: neighbours in turn below and above, so that they do not collide."""
    ax.annotate(
        label,
        (x, y),
        xytext=(6, -11) if is_below else (-6, 6),
        ha="left" if is_below else "right",
        textcoords="offset points",
        fontsize=SMALL,
    )


@own_settings()
def save_gains(entries: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write `theory_vs_measured.png` for each asset that has one; returns the paths."""
    from matplotlib.figure import Figure

    from analysis.gallery import DPI, save

    subjects = [name.removesuffix(f".{GAIN}") for name in entries if name.endswith(f".{GAIN}")]
    written = []
    for asset in subjects:
        figure = Figure(figsize=(7.4, 4.2), dpi=DPI)
        figure.subplots_adjust(left=0.12, right=0.95, top=0.88, bottom=0.12)
        try:
            theory_vs_measured(entries, asset, figure.subplots())
        except Undefined:
            continue
        prefix = f"{asset}_" if len(subjects) > 1 else ""
        written.append(save(figure, folder / f"{prefix}theory_vs_measured.png"))
    return written


def _gains(entries: Mapping[str, Any], asset: str) -> list[tuple[str, float, float, float, float]]:
    """Arm, mean recorded gain, amplification of long-run volatility, and its interval, NaN if it has none."""
    gain, volatility = entries.get(f"{asset}.{GAIN}", {}), entries.get(f"{asset}.{LONG_RUN}", {})
    found = []
    for arm, part in (volatility.get("against_muted") or {}).items():
        mean = (gain.get(arm) or {}).get("mean")
        if arm not in NO_LOOP_OF_THEIR_OWN and mean is not None and part["ratio"] is not None:
            low, high = part["interval"] or (np.nan, np.nan)
            found.append((arm, mean, part["ratio"], low, high))
    return sorted(found, key=lambda point: point[1])


def _part(entry: Mapping[str, Any], key: str) -> tuple[float, float, float] | None:
    """Value and interval of a part of an entry, the ends NaN if it has none; None where there is none."""
    value = entry.get("ratio") if not key else (entry.get(key) or {}).get("value")
    interval = entry.get("interval") if not key else (entry.get(key) or {}).get("interval")
    return None if value is None else (value, *(interval or (np.nan, np.nan)))


def _dress(ax: Axes, drawn: Mapping[str, Any], rows: np.ndarray, entries: Mapping[str, Any]) -> None:
    labels = [f"{_label(name)} {sign(entry)}".rstrip() for name, entry in drawn.items()]
    bars = _bars(entry.get("interval") for entry in drawn.values())
    _frame(ax, labels, rows, f"ratio of means over paired seeds (1 is no effect; {bars})")
    seeds = max((entry.get("seeds_compared", 0) for entry in entries.values()), default=0)
    title = f"What hedging multiplies, {seeds} seeds" if drawn else "No ratio is defined"
    ax.set_title(title, loc="left", fontsize=LARGE, color=INK, pad=28)
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


def _bars(intervals: Iterable[Any]) -> str:
    """What the bars are; where there are none, why."""
    known = list(map(bool, intervals))
    if not any(known):
        return NO_INTERVAL
    return "bars: 95%" if all(known) else f"bars: 95%, none below {FEWEST} seeds"


def _frame(ax: Axes, labels: list[str], rows: np.ndarray, xlabel: str) -> None:
    """A row for each label, and ratios on a logarithmic axis with a line at 1."""
    ax.axvline(1, color=PALE, lw=1.0, zorder=0)
    ax.set_xscale("log")
    _ticks(ax)
    ax.set_yticks(rows, labels, fontsize=NORMAL)
    ax.set_ylim(-0.8, max(len(labels), 1) - 0.4)
    ax.set_xlabel(xlabel, fontsize=NORMAL)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.tick_params(axis="y", length=0)


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
