"""Cascades: which liquidation brought about which, as trees, with sizes, depths and durations.

Every liquidation has fractional parents: the parts of its equity loss that other
liquidations made, by their trades or by the hedging these set off; what is left was made
by nothing in the market. One of them, drawn in proportion to its weight (`sim.causes.genealogy`),
is its parent in the tree; one without a parent is a root, and a cascade is a root with all
that descend from it. So every liquidation belongs to exactly one cascade, and a lone one is
a cascade of size 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from analysis.base.metric import Undefined, metric
from analysis.base.remembered import remembered
from analysis.base.trades import step_end
from sim.recording.recording import Recording

if TYPE_CHECKING:
    import networkx as nx
    import pandas as pd

HEADING, PLACE = "Cascades", 100

UNTRACED = "the recording does not trace what brought liquidations about"


class Lineage(NamedTuple):
    """Columns over the liquidations of a recording, in the order they happened.

    Attributes
    ----------
    id, parent, root, generation : ndarray of int
        `parent` is -1 and `generation` 0 for a root, whose `root` it is itself.
    time : ndarray of float64
        Seconds since the start.
    notional : ndarray of float64
        Quote currency, not below zero.
    account, population : ndarray of int
        Whose position was closed.
    """

    id: np.ndarray
    parent: np.ndarray
    root: np.ndarray
    generation: np.ndarray
    time: np.ndarray
    notional: np.ndarray
    account: np.ndarray
    population: np.ndarray


def known(recording: Recording, name: str) -> np.ndarray:
    """A column of the liquidations that says what brought them about.

    Raises
    ------
    Undefined
        If nobody was liquidated, or the recording does not trace it.
    """
    columns = recording.table("liquidations")
    if columns.num_rows == 0:
        raise Undefined("nobody was liquidated")
    if (
        name not in columns.column_names
        or np.isnan(recording.column("liquidations", "share_exogenous")).all()
    ):
        raise Undefined(UNTRACED)
    return recording.column("liquidations", name)


@remembered
def lineage(recording: Recording) -> Lineage:
    """Who descends from whom.

    Raises
    ------
    Undefined
        If nobody was liquidated, or the recording does not trace it.
    """
    names = ("id", "parent", "root", "generation")
    ids, parent, root, generation = (known(recording, name) for name in names)
    is_timed = "time" in recording.table("liquidations").column_names
    step, notional, account, population = (
        recording.column("liquidations", name) for name in ("step", "notional", "account", "population")
    )
    time = recording.column("liquidations", "time") if is_timed else step_end(recording, step)
    root = np.where(root < 0, ids, root)
    return Lineage(ids, parent, root, generation, time, np.abs(notional), account, population)


def cascades(recording: Recording) -> pd.DataFrame:
    """The cascades, the one with most liquidations first.

    Returns
    -------
    DataFrame
        A row a cascade: `root` (id), `start` (s), `count` (liquidations), `notional` (quote
        currency), `depth` (generations after the root), `duration` (s, from the root to the
        last), `accounts` and `populations` (how many different ones).

    Raises
    ------
    Undefined
        If nobody was liquidated, or the recording does not trace it.
    """
    import pandas as pd

    rows = pd.DataFrame(lineage(recording)._asdict())
    groups = rows.groupby("root")
    found = pd.DataFrame(
        {
            "start": groups.time.min(),
            "count": groups.id.count(),
            "notional": groups.notional.sum(),
            "depth": groups.generation.max(),
            "duration": groups.time.max() - groups.time.min(),
            "accounts": groups.account.nunique(),
            "populations": groups.population.nunique(),
        }
    ).reset_index()
    return found.sort_values(["count", "notional", "root"], ascending=[False, False, True], ignore_index=True)


def genealogy(recording: Recording) -> nx.DiGraph:
    """All liquidations as a directed graph from cause to effect, with fractional parents.

    Returns
    -------
    DiGraph
        Nodes are ids, with time (s), account, population (name), notional (quote currency),
        generation, root and `exogenous`, the weight that rests on no liquidation. Edges have
        a `weight`, and `is_tree` where they come from the parent in the tree. The weights into a
        node and its `exogenous` add up to 1.

    Raises
    ------
    Undefined
        If nobody was liquidated, or the recording does not trace it.
    """
    import networkx as nx

    rows, cause = lineage(recording), known(recording, "cause")
    names, graph, of_cause = [*recording.names("populations"), None], nx.DiGraph(), _parents(recording)
    columns = (rows.id, rows.parent, rows.population, cause, rows.time, rows.notional, rows.account)
    for child, parent, population, row, *more in zip(*(each.tolist() for each in columns), strict=True):
        weights = of_cause.get(row, {})
        look = dict(zip(("time", "notional", "account"), more, strict=True))
        graph.add_node(child, population=names[population], exogenous=1.0 - sum(weights.values()), **look)
        for source, weight in weights.items():
            graph.add_edge(source, child, weight=weight, is_tree=source == parent)
    for name in ("generation", "root"):
        values = getattr(rows, name).tolist()
        nx.set_node_attributes(graph, dict(zip(rows.id.tolist(), values, strict=True)), name)
    return graph


def _parents(recording: Recording) -> dict[int, dict[int, float]]:
    """Liquidations and their weights, by cause."""
    names = ("cause_id", "liquidation_id", "weight")
    found: dict[int, dict[int, float]] = {}
    for cause, source, weight in zip(
        *(recording.column("causes", name).tolist() for name in names), strict=True
    ):
        found.setdefault(cause, {})[source] = weight
    return found


def tree(recording: Recording, root: int) -> nx.DiGraph:
    """One cascade as a tree: every liquidation but the root has the one parent that was drawn.

    Returns
    -------
    DiGraph
        Nodes in the order they happened, with time (s), population (name) and notional.

    Raises
    ------
    Undefined
        If nobody was liquidated, or the recording does not trace it.
    KeyError
        If no cascade has that root.
    """
    import networkx as nx

    rows = lineage(recording)
    own = np.flatnonzero(rows.root == root)
    if own.size == 0:
        raise KeyError(f"no cascade starts with liquidation {root}")
    names, graph = [*recording.names("populations"), None], nx.DiGraph()
    for at in own[np.lexsort((rows.id[own], rows.time[own]))].tolist():
        look = {"time": float(rows.time[at]), "notional": float(rows.notional[at])}
        graph.add_node(int(rows.id[at]), population=names[rows.population[at]], **look)
    graph.add_edges_from((int(rows.parent[at]), int(rows.id[at])) for at in own if rows.parent[at] >= 0)
    return graph


# Metrics.


@metric(unit="cascades", source="number of liquidations that no other liquidation is a parent of")
def cascade_count(recording: Recording) -> int:
    """How many cascades there were, lone liquidations included."""
    return len(cascades(recording))


@metric(unit="liquidations", source="liquidations / cascades")
def mean_cascade_size(recording: Recording) -> float:
    """How many liquidations a cascade has on average."""
    return float(cascades(recording)["count"].mean())


@metric(
    unit="liquidations",
    source="largest number of liquidations that descend from one root, itself included",
    headline=12,
)
def largest_cascade_count(recording: Recording) -> int:
    """How many were liquidated in the largest cascade."""
    return int(cascades(recording)["count"].max())


@metric(unit="quote", source="largest sum of the notional of liquidations that descend from one root")
def largest_cascade_notional(recording: Recording) -> float:
    """Worth of what the costliest cascade closed by force."""
    return float(cascades(recording)["notional"].max())


@metric(unit="generations", source="largest number of generations after a root")
def cascade_depth(recording: Recording) -> int:
    """How far the longest chain of liquidations went."""
    return int(cascades(recording)["depth"].max())


@metric(unit="s", source="time from the root to the last liquidation of the cascade with most liquidations")
def largest_cascade_duration(recording: Recording) -> float:
    """How long the largest cascade lasted."""
    return float(cascades(recording)["duration"].iloc[0])


LOSS = "notional-weighted mean over liquidations of the share of the equity loss made by {what}"


@metric(unit="1", as_percent=True, source=LOSS.format(what="hedging"))
def share_of_loss_by_hedging(recording: Recording) -> float:
    """How much of what ruined the liquidated was hedging."""
    return _loss(recording, "share_hedging")


@metric(unit="1", as_percent=True, source=LOSS.format(what="forced trades"))
def share_of_loss_by_forced(recording: Recording) -> float:
    """How much of what ruined the liquidated was the liquidation of others."""
    return _loss(recording, "share_forced")


@metric(unit="1", as_percent=True, source=LOSS.format(what="neither hedging nor forced trades"))
def share_of_loss_by_exogenous(recording: Recording) -> float:
    """How much of what ruined the liquidated came from elsewhere."""
    return _loss(recording, "share_exogenous")


@metric(
    unit="1",
    as_percent=True,
    source=LOSS.format(what="other liquidations, by their trades or the hedging these set off"),
)
def share_of_loss_by_liquidations(recording: Recording) -> float:
    """How much of what ruined the liquidated goes back to other liquidations."""
    return _loss(recording, "share_liquidations")


def _loss(recording: Recording, name: str) -> float:
    share, notional = known(recording, name), np.abs(recording.column("liquidations", "notional"))
    traced = ~np.isnan(share)
    if notional[traced].sum() == 0:
        raise Undefined("nothing of worth was liquidated")
    return float(np.average(share[traced], weights=notional[traced]))
