"""Figures of contagion: who moved the price against whom, as a table and as a graph.

Both draw `analysis.contagion.contagion.contagion`, through makers where the recording knows what the
makers answered, else by last touch; they say which.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.base.metric import Undefined
from analysis.contagion.contagion import contagion, network
from analysis.figures.figure import figure
from analysis.figures.style import INK, LARGE, NORMAL, OTHER, SMALL, axes, colours, quote, short, words
from sim.recording.recording import Recording

if TYPE_CHECKING:
    import networkx as nx
    import pandas as pd
    from matplotlib.axes import Axes

PLACE = 60

SEEN = 0.01
"""Rows, columns and edges that never reach this share of the largest are not drawn."""

EDGES = 10
"""How many of the heaviest edges are drawn at most."""

WIDEST = 9.0
"""Points across of the heaviest edge."""


@figure(heading="Contagion")
def contagion_matrix(recording: Recording, ax: Axes | None = None) -> Axes:
    """What each mover of the price cost each population, in money, by why it moved the price."""
    matrix, version = _matrix(recording, by_reason=True)
    kept = matrix.abs() >= SEEN * matrix.abs().to_numpy().max()
    title, ax = _title(recording, matrix), axes(ax)
    _draw_cells(recording, ax, matrix.loc[kept.any(axis=1), kept.any(axis=0)])
    _caption(ax, title, f"Rows moved the mid, charged {version}; columns bore the cost")
    return ax


@figure(heading="Contagion")
def contagion_graph(recording: Recording, ax: Axes | None = None) -> Axes:
    """Who moved the price against whom: the heaviest edges, as wide as the money they cost."""
    import networkx as nx

    matrix, version = _matrix(recording, by_reason=False)
    graph = _heavy(network(matrix, SEEN))
    title, ax, place = _title(recording, matrix), axes(ax), nx.circular_layout(graph)
    _draw_edges(recording, ax, graph, place)
    _draw_nodes(recording, ax, graph, place)
    ax.set_xlim(-1.75, 1.75)
    ax.set_ylim(-1.3, 1.3)
    ax.set_axis_off()
    _caption(ax, title, f"Arrows from who moved the mid, charged {version}, to who lost by it")
    return ax


def _matrix(recording: Recording, by_reason: bool) -> tuple[pd.DataFrame, str]:
    """The matrix through makers if it is known, else by last touch, and which it is."""
    try:
        traced = contagion(recording, by_reason=by_reason, through_makers=True)
    except Undefined:
        return contagion(recording, by_reason=by_reason), "to the last touch"
    return traced, "through makers"


def _title(recording: Recording, matrix: pd.DataFrame) -> str:
    """Who cost whom most."""
    costs: dict[Any, Any] = matrix.stack().to_dict()
    pairs = {pair: cost for pair, cost in costs.items() if pair[0].split(" (")[0] != pair[1] and cost > 0}
    if not pairs:
        raise Undefined("no population moved the price against another")
    mover, bearer = max(pairs, key=lambda pair: pairs[pair])
    most = f"{short(pairs[mover, bearer])} {quote(recording)}"
    title = f"{words(mover)} cost {words(bearer)} {most} through the price, the most of all"
    return title[0].upper() + title[1:]


def _caption(ax: Axes, title: str, what: str) -> None:
    """A title, and under it how to read the figure."""
    look = {"fontweight": "bold", "color": INK, "fontsize": min(LARGE, 700 / len(title))}
    ax.set_title(title, look, loc="left", pad=22)
    ax.text(0, 1.03, what, transform=ax.transAxes, fontsize=SMALL, color=INK)


def _draw_cells(recording: Recording, ax: Axes, matrix: pd.DataFrame) -> None:
    """Cells coloured by signed money, with the money written in them."""
    from matplotlib.colors import SymLogNorm

    values = matrix.to_numpy()
    largest = np.abs(values).max(initial=0.0)
    if not largest > 0:
        raise Undefined("nobody's move of the price cost anybody anything")
    norm = SymLogNorm(linthresh=largest / 20, vmin=-largest, vmax=largest)
    image = ax.imshow(values, cmap="PuOr_r", norm=norm, aspect="auto")
    for (row, column), money in np.ndenumerate(values):
        if abs(money) >= SEEN * largest:
            dark = abs(norm(money) - 0.5) > 0.3
            look = {"fontsize": 0.86 * SMALL, "color": "white" if dark else INK}
            ax.text(column, row, short(money, 2), look, ha="center", va="center")
    ax.set_xticks(range(values.shape[1]), [words(name) for name in matrix.columns], rotation=30, ha="right")
    ax.set_yticks(range(values.shape[0]), [words(name) for name in matrix.index])
    ax.tick_params(labelsize=SMALL, labelcolor=INK, length=0)
    ax.spines[:].set_visible(False)
    _draw_scale(recording, ax, image, largest)


def _draw_scale(recording: Recording, ax: Axes, image: Any, largest: float) -> None:
    """A colour bar in money, a few round numbers on it."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    power = 10.0 ** np.floor(np.log10(largest))
    ticks = np.array([-1.0, -0.1, 0.0, 0.1, 1.0]) * power
    bar = figure.colorbar(image, ax=ax, pad=0.02, fraction=0.05, ticks=ticks)
    bar.ax.set_yticklabels([short(tick) for tick in ticks], fontsize=SMALL, color=INK)
    bar.ax.minorticks_off()
    bar.set_label(f"cost, below zero a gain ({quote(recording)})", fontsize=NORMAL, color=INK)
    bar.outline.set_visible(False)


def _heavy(graph: nx.DiGraph) -> nx.DiGraph:
    """The heaviest edges and the nodes that they join, in the order of the matrix."""
    import networkx as nx

    edges = sorted(graph.edges(data="weight"), key=lambda edge: -edge[2])[:EDGES]
    joined = {end for *pair, _ in edges for end in pair}
    kept = nx.DiGraph()
    kept.add_nodes_from(name for name in graph if name in joined)
    kept.add_weighted_edges_from(edges)
    return kept


def _draw_edges(recording: Recording, ax: Axes, graph: nx.DiGraph, place: dict[str, Any]) -> None:
    """Bent arrows in the mover's colour, with the money beside them."""
    import networkx as nx

    colour = colours(recording)
    edges = sorted(graph.edges(data="weight"), key=lambda edge: -edge[2])
    for mover, bearer, cost in edges:
        width = max(0.8, WIDEST * cost / edges[0][2])
        nx.draw_networkx_edges(
            graph,
            place,
            edgelist=[(mover, bearer)],
            width=width,
            edge_color=colour.get(mover, OTHER),
            alpha=0.75,
            arrowsize=9 + 1.6 * width,
            node_size=620,
            connectionstyle="arc3,rad=0.16",
            ax=ax,
        )
        _write_money(ax, np.asarray(place[mover]), np.asarray(place[bearer]), short(cost, 2))


def _write_money(ax: Axes, start: np.ndarray, end: np.ndarray, text: str) -> None:
    """The money of an edge on the arrow, a third of the way to whom it hits."""
    way = end - start
    bent = start + 0.42 * way + 0.078 * np.array([way[1], -way[0]])
    box = {"facecolor": "white", "alpha": 0.85, "linewidth": 0, "pad": 0.6}
    ax.text(
        bent[0], bent[1], text, fontsize=0.9 * SMALL, color=INK, ha="center", va="center", bbox=box, zorder=5
    )


def _draw_nodes(recording: Recording, ax: Axes, graph: nx.DiGraph, place: dict[str, Any]) -> None:
    """Discs in the colours of the populations, their names outside the circle."""
    colour = colours(recording)
    for name in graph:
        x, y = place[name]
        ax.scatter(x, y, s=420, color=colour.get(name, OTHER), zorder=4)
        side = "left" if x > 0.2 else "right" if x < -0.2 else "center"
        away = (x + 0.12 * np.sign(x), y) if side != "center" else (x, 1.2 * y)
        ax.text(*away, words(name), fontsize=NORMAL, color=INK, ha=side, va="center", zorder=6)
