"""Figures of cascades: how large they were, what brought them about, and the largest as a tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.base.estimate import Estimate
from analysis.base.metric import Undefined
from analysis.base.power_law import PowerLaw
from analysis.cascades.branching import borel_tail, branching, tail
from analysis.cascades.cascades import cascades, known, lineage, tree
from analysis.figures.figure import figure
from analysis.figures.style import (
    FORCED,
    HEDGING,
    INK,
    NORMAL,
    OTHER,
    PALE,
    SMALL,
    axes,
    clock,
    colours,
    dress,
    legend_above,
    quote,
    round_up,
    short,
    thousands,
    words,
)
from sim.recording.recording import Recording

if TYPE_CHECKING:
    import networkx as nx
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

PLACE = 40

CAUSES = {"share_hedging": HEDGING, "share_forced": FORCED, "share_exogenous": OTHER}
"""What a liquidated account may have lost by, and its colour."""

BINS = 60
"""In how many stretches of time, at most, causes are drawn."""


@figure(heading="Cascades")
def cascade_sizes(recording: Recording, ax: Axes | None = None) -> Axes:
    """How often cascades were at least so large, with a fitted tail and that of a branching process."""
    ax, sizes = axes(ax), np.sort(cascades(recording)["count"].to_numpy())
    ratio = branching(recording)
    if sizes.size < 2:
        raise Undefined("one cascade alone has no distribution of sizes")
    values, counts = np.unique(sizes, return_counts=True)
    share = 100 * np.cumsum(counts[::-1])[::-1] / sizes.size
    handles: list[Any] = ax.plot(
        values, share, "o", color=INK, ms=5, alpha=0.8, mew=0, label=f"{sizes.size:,} cascades"
    )
    handles += _theory(ax, sizes, ratio)
    try:
        fitted = tail(recording)
    except Undefined:
        fitted = None
    if fitted is not None:
        handles += _fitted(ax, sizes, fitted)
    dress(
        ax,
        _sizes_caption(sizes, ratio, fitted),
        "liquidations in a cascade",
        "cascades at least so large (%)",
    )
    ax.set(xscale="log", yscale="log", ylim=(50 / sizes.size, 140), xlim=(0.9, 1.5 * max(3, sizes[-1])))
    _plain_ticks(ax)
    legend_above(ax, handles)
    return ax


@figure(heading="Cascades")
def largest_cascade(recording: Recording, ax: Axes | None = None) -> Axes:
    """The cascade with most liquidations as a tree over time, each under the one that did most to it.

    Notes
    -----
    Discs are liquidations, as large as their notional; descendants stand to the right of what
    brought them about (or below and above it, if at once), larger families first.
    """
    ax, first = axes(ax), cascades(recording).iloc[0]
    family = tree(recording, int(first["root"]))
    row, scale = rows(family), clock(recording)
    times = np.array([family.nodes[node]["time"] for node in family])
    start, unit = times.min(), (1.0, "s") if np.ptp(times) <= 300 else (scale.seconds, scale.unit)
    at = {node: ((family.nodes[node]["time"] - start) / unit[0], row[node]) for node in family}
    _branches(ax, family, at)
    handles = _discs(recording, ax, family, at)
    began = f"{start / scale.seconds:,.3g} {scale.unit}"
    label = f"time since the root, which is at {began} ({unit[1]})"
    dress(ax, _tree_caption(first), label, "branches, side by side")
    width = max(np.ptp(times) / unit[0], 1e-9)
    ax.set_xlim(-0.04 * width - 0.02, 1.06 * width + 0.02)
    leaves = max(row.values())
    ax.set_ylim(leaves + 0.06 * leaves + 0.6, -0.06 * leaves - 0.6)
    ax.set_yticks([])
    legend_above(ax, handles)
    return ax


@figure(heading="Cascades")
def cascade_causes(recording: Recording, ax: Axes | None = None) -> Axes:
    """By what the liquidated lost their money, over time, weighted by notional."""
    ax, rows_ = axes(ax), lineage(recording)
    edges = _edges(recording, rows_.time)
    shares = np.stack([known(recording, name) for name in CAUSES])
    traced = ~np.isnan(shares).any(axis=0)
    total = np.histogram(rows_.time, edges, weights=rows_.notional)[0]
    sums = [
        np.histogram(rows_.time[traced], edges, weights=(each * rows_.notional)[traced])[0] for each in shares
    ]
    whole = np.sum(sums, axis=0)
    scale, base, handles = clock(recording), np.zeros(total.size), list[Any]()
    for (name, colour), part in zip(CAUSES.items(), sums, strict=True):
        top = base + 100 * part / np.where(whole > 0, whole, 1)
        drawn = ax.stairs(top, edges / scale.seconds, baseline=base, fill=True, color=colour, lw=0)
        drawn.set_label(name.removeprefix("share_"))
        handles, base = [*handles, drawn], top
    handles += _notional(recording, ax, total / 1e6, edges / scale.seconds)
    overall = {name: float(sum_.sum() / whole.sum()) for name, sum_ in zip(CAUSES, sums, strict=True)}
    width = f"{edges[1] - edges[0]:g} s"
    dress(ax, _causes_caption(overall), f"time ({scale.unit})", f"share of the loss (%, per {width})")
    ax.set(ylim=(0, 100), xlim=(edges[0] / scale.seconds, edges[-1] / scale.seconds))
    legend_above(ax, handles)
    return ax


def rows(family: nx.DiGraph) -> dict[int, float]:
    """Where each node of a tree stands across: leaves side by side, others amid their children.

    Children follow each other from the largest family to the smallest, the earlier first
    among equals, so that equal trees are drawn alike and branches do not cross.
    """
    sizes = dict.fromkeys(family, 1)
    order = list(family)
    for node in reversed(order):
        for parent in family.predecessors(node):
            sizes[parent] += sizes[node]
    place, stack, leaves = dict[int, float](), order[:1], 0
    visited = []
    while stack:
        node = stack.pop()
        visited.append(node)
        children = sorted(family.successors(node), key=lambda child: (-sizes[child], child))
        stack += reversed(children)
        if not children:
            place[node], leaves = float(leaves), leaves + 1
    for node in reversed(visited):
        if node not in place:
            held = [place[child] for child in family.successors(node)]
            place[node] = (min(held) + max(held)) / 2
    return place


def _branches(ax: Axes, family: nx.DiGraph, at: dict[int, tuple[float, float]]) -> None:
    """Lines from parents to children: across at the parent's time, then on to the child's."""
    from matplotlib.collections import LineCollection

    bends = [[at[parent], (at[parent][0], at[child][1]), at[child]] for parent, child in family.edges]
    thin = np.clip(12 / np.sqrt(max(1, len(bends))), 0.35, 1.1)
    ax.add_collection(LineCollection(bends, colors=PALE, linewidths=thin, zorder=1), autolim=False)


def _discs(
    recording: Recording, ax: Axes, family: nx.DiGraph, at: dict[int, tuple[float, float]]
) -> list[Artist]:
    """A disc for each liquidation; its area is the notional."""
    from matplotlib.lines import Line2D

    colour, handles = colours(recording), list[Any]()
    notional = {node: family.nodes[node]["notional"] for node in family}
    largest = max(max(notional.values()), 1e-9)
    area = min(420.0, 20 + 1600 / np.sqrt(len(notional)))
    names = [family.nodes[node]["population"] for node in family]
    for name in dict.fromkeys(names):
        own = [node for node in family if family.nodes[node]["population"] == name]
        sizes = [4 + area * notional[node] / largest for node in own]
        shade, label = colour.get(name, OTHER), f"{words(name or 'nobody')} ({len(own):,})"
        x, y = zip(*(at[node] for node in own), strict=True)
        ax.scatter(x, y, sizes, shade, lw=0.3, edgecolors="white", alpha=0.9, zorder=2)
        handles.append(Line2D([], [], color=shade, marker="o", lw=0, label=label))
    text = f"largest disc: {short(largest)} {quote(recording)}"
    return [
        *handles,
        Line2D([], [], color="none", marker="o", mec=INK, mew=0.8, lw=0, ms=min(11.0, area**0.5), label=text),
    ]


def _plain_ticks(ax: Axes) -> None:
    """Ticks at 1, 2 and 5 times the powers of ten, or at the powers alone if there are many."""
    from matplotlib.ticker import LogLocator, NullFormatter

    for axis, (low, high) in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 2000 * low else (1,)))
        axis.set_minor_formatter(NullFormatter())
    thousands(ax, "x")
    thousands(ax, "y")


def _theory(ax: Axes, sizes: np.ndarray, ratio: Estimate) -> list[Any]:
    """The Borel distribution of a branching process with the ratio that was found."""
    largest = int(min(1.5 * max(3, sizes[-1]), 1e6))
    curve = borel_tail(largest, ratio.value)
    seen = np.unique(np.geomspace(1, largest, 400).astype(int))
    label = f"branching process, n = {ratio.value:.2f}"
    return [*ax.plot(seen, 100 * curve[seen - 1], color=HEDGING, lw=1.5, label=label)]


def _fitted(ax: Axes, sizes: np.ndarray, fitted: PowerLaw) -> list[Any]:
    """The fitted power law, over the sizes it was fitted to."""
    seen = np.unique(np.geomspace(fitted.xmin, 1.5 * sizes[-1], 200).astype(int))
    curve = 100 * fitted.tail(seen) * fitted.observations / sizes.size
    label = f"power law from {fitted.xmin:,}, exponent {fitted.alpha:.2f} ± {1.96 * fitted.error:.2f}"
    return [*ax.plot(seen, curve, color=FORCED, lw=1.5, ls=(0, (5, 2)), label=label)]


def _notional(recording: Recording, ax: Axes, total: np.ndarray, edges: np.ndarray) -> list[Any]:
    """What was liquidated in each stretch, on the right axis."""
    beside = ax.twinx()
    drawn = beside.stairs(total, edges, color=INK, lw=1.2, label="liquidated (right)")
    beside.set_ylim(0, 1.12 * total.max())
    beside.set_ylabel(f"liquidated (million {quote(recording)})", fontsize=NORMAL, color=INK)
    beside.tick_params(labelsize=SMALL, labelcolor=INK, color=PALE, length=3)
    for spine in beside.spines.values():
        spine.set_visible(False)
    return [drawn]


def _edges(recording: Recording, time: np.ndarray) -> np.ndarray:
    """Edges of stretches of whole steps around all liquidations."""
    step = recording.market["step_seconds"]
    first, last = np.floor(time.min() / step), np.ceil(time.max() / step)
    width = round_up(max(1.0, (last - first) / BINS))
    count = int(np.ceil((last - first) / width)) + 1
    edges: np.ndarray = step * (first + width * np.arange(count + 1))
    return edges


def _sizes_caption(sizes: np.ndarray, ratio: Estimate, fitted: PowerLaw | None) -> str:
    interval = "" if np.isnan(ratio.low) else f" ({ratio.low:.2f} to {ratio.high:.2f})"
    largest = f"the largest cascade has {sizes[-1]:,}" if sizes[-1] > 1 else "every cascade has one"
    return f"Branching ratio {ratio.value:.2f}{interval}; {largest}" + (
        "" if fitted else "; too few to fit a tail"
    )


def _tree_caption(first: Any) -> str:
    count, depth = int(first["count"]), int(first["depth"])
    if count == 1:
        return "No liquidation brings about another"
    return (
        f"{count:,} liquidations of {short(first['notional'])} descend from one, "
        f"in {depth:,} generations over {first['duration']:,.3g} s"
    )


def _causes_caption(overall: dict[str, float]) -> str:
    told = ", ".join(f"{share:.0%} {name.removeprefix('share_')}" for name, share in overall.items())
    return f"What ruined the liquidated: {told}"
