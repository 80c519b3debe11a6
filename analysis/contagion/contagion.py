"""Contagion: who moved the price against whom, in money.

Let r_i(t) be the change of an asset's mid that mover i made in step t, and D_j(t - 1) the
net delta that population j held when the step before it ended. The cost of i to j is

    C[i, j] = - sum_t r_i(t) D_j(t - 1),

above zero where i moved the price against j. Summed over movers it is what j lost on its
delta as the mid moved; options' curvature and all that is traded within a step are not in
it, nor is the first step, before which no delta is recorded. Changes of the mid are those
of `analysis.attribution.charges`, charged to the last touch or, through makers, to what they answered.

The recorded net delta of a population is its sum over all assets. In a market of several
assets only populations that trade in just one are counted, each against that one's mid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.attribution import charges
from analysis.base.metric import Undefined, metric
from analysis.base.series import series
from sim.recording.recording import Recording

if TYPE_CHECKING:
    import networkx as nx
    import pandas as pd

HEADING, PLACE = "Contagion and defaults", 130


def contagion(
    recording: Recording,
    asset: str | None = None,
    *,
    by_reason: bool = False,
    through_makers: bool = False,
) -> pd.DataFrame:
    """What each mover of the price cost each population, in quote currency.

    Parameters
    ----------
    recording : Recording
    asset : str, optional
        All assets together, if not given.
    by_reason : bool
        Rows are movers and why they moved the price: "dealers (hedging)", "levered (forced)";
        other reasons carry no brackets.
    through_makers : bool
        Changes that makers made in answer to hedging or forced trades are charged to those.

    Returns
    -------
    DataFrame
        Index "mover", columns "bearer"; above zero the mover's changes of the mid cost the
        bearer money, below zero they earned it some.

    Raises
    ------
    Undefined
        If no mid moved, no population's delta is known, or makers' answers are not recorded.

    Notes
    -----
    A population whose net delta never exceeds half a lot an account counts as neutral.
    """
    import pandas as pd

    version = charges.THROUGH_MAKERS if through_makers else charges.LAST_TOUCH
    found = [
        each
        for name in ([asset] if asset else recording.names("assets"))
        if (each := _one(recording, name, version, by_reason)) is not None
    ]
    if not found:
        raise Undefined("no mid moved while a population's delta in that asset was known")
    total = pd.concat(found).groupby(level=0, sort=False).sum().fillna(0.0)
    ordered = [name for name in recording.names("populations") if name in total.columns]
    return total[ordered].rename_axis(index="mover", columns="bearer")


def network(matrix: pd.DataFrame, share: float = 0.0) -> nx.DiGraph:
    """The graph of who cost whom money: an edge from mover to bearer, `weight` in quote currency.

    Parameters
    ----------
    matrix : DataFrame
        As `contagion` returns it.
    share : float
        Edges below this share of the heaviest are left out.

    Notes
    -----
    What populations cost themselves, and what movers earned others, is no edge.
    """
    import networkx as nx

    graph = nx.DiGraph()
    graph.add_nodes_from(dict.fromkeys([*matrix.index, *matrix.columns]))
    costs = {
        (mover, bearer): cost
        for mover, row in matrix.iterrows()
        for bearer, cost in row.items()
        if cost > 0 and mover != bearer
    }
    least = share * max(costs.values(), default=0.0)
    graph.add_weighted_edges_from((*pair, cost) for pair, cost in costs.items() if cost >= least)
    return graph


def bearers(recording: Recording, asset: str, column: str = "net_delta") -> list[str]:
    """The populations whose recorded net delta (or another such series) is in this asset alone.

    In a market of one asset, all that have the series; else those of them whose fills are all in
    instruments of this asset.
    """
    columns = recording.table("series").column_names
    names = [name for name in recording.names("populations") if f"{name}.{column}" in columns]
    if len(recording.names("assets")) == 1:
        return names
    traded = assets_traded(recording)
    return [name for name in names if traded.get(name) == {asset}]


def assets_traded(recording: Recording) -> dict[str, set[str]]:
    """The assets in whose instruments each population has any fill."""
    owner = instrument_assets(recording)[recording.column("fills", "instrument")]
    found: dict[str, set[str]] = {}
    for side in ("maker_population", "taker_population"):
        population = recording.column("fills", side)
        for code, asset in np.unique(np.stack([population, owner]), axis=1).T.tolist():
            if code >= 0 and asset >= 0:
                name = recording.names("populations")[code]
                found.setdefault(name, set()).add(recording.names("assets")[asset])
    return found


def instrument_assets(recording: Recording) -> np.ndarray:
    """Code of the asset of every instrument, -1 where its name does not say; one more -1 at the end.

    Instruments are named after their asset, shares of a pool after the pool.
    """
    assets = {name: code for code, name in enumerate(recording.names("assets"))}
    pools = {venue["name"]: assets.get(venue["asset"], -1) for venue in recording.market["venues"]}
    codes = [-1] * (len(recording.names("instruments")) + 1)
    for number, name in enumerate(recording.names("instruments")):
        pool = pools.get(name.removesuffix("-share"), -1) if name.endswith("-share") else -1
        own = [code for asset, code in assets.items() if name.startswith(f"{asset}-")]
        codes[number] = max(own, default=pool)
    return np.array(codes)


def _one(recording: Recording, asset: str, version: str, by_reason: bool) -> pd.DataFrame | None:
    """The matrix of one asset; None if its mid never moved or nobody's delta in it is known."""
    import pandas as pd

    names = bearers(recording, asset)
    try:
        moved = charges.last_touch(recording, asset)
    except Undefined:
        return None
    if not names:
        return None
    if version == charges.THROUGH_MAKERS:
        moved = charges.charges(recording, asset, version)
    moved = moved if by_reason else moved.by_who()
    held = np.nan_to_num([series(recording, f"{name}.net_delta") for name in names])
    held[~(np.abs(held).max(axis=1) > _rounding(recording, asset, names))] = 0.0
    change = moved.half_tick * moved.half_ticks[:, 1 : held.shape[1]]
    cost = -(change @ held[:, : change.shape[1]].T)
    return pd.DataFrame(cost, index=[label(part) for part in moved.parts], columns=names)


def _rounding(recording: Recording, asset: str, names: list[str]) -> np.ndarray:
    """Net delta that populations without any have from holding whole lots: half a lot an account."""
    lots = [venue["lot"] for venue in recording.market["venues"] if venue["asset"] == asset]
    counts = {each["name"]: each.get("count", 1) for each in recording.market["populations"]}
    most: np.ndarray = np.array([0.5 * max(lots, default=0.0) * counts[name] for name in names])
    return most


def label(part: charges.Part) -> str:
    """A mover and, if it hedged or was forced, why."""
    return f"{part.who} ({part.why})" if part.why in (charges.HEDGING, charges.FORCING) else part.who


def cost_of(recording: Recording, why: str, through_makers: bool = False) -> float:
    """What changes made for one reason cost all populations but the mover's own, gains left out."""
    matrix: Any = contagion(recording, by_reason=True, through_makers=through_makers)
    rows = [name for name in matrix.index if name.endswith(f"({why})")]
    total = 0.0
    for name in rows:
        others = matrix.loc[name].drop(name.removesuffix(f" ({why})"), errors="ignore")
        total += float(others.clip(lower=0.0).sum())
    return total


COST = "sum over {movers} and over other populations of what the change of the mid cost them, where it cost"


@metric(unit="quote", source=COST.format(movers="hedgers"))
def contagion_of_hedging(recording: Recording) -> float:
    """What hedgers' trades cost other populations through the mid, as last touch charges it."""
    return cost_of(recording, charges.HEDGING)


@metric(unit="quote", source=COST.format(movers="those liquidated and their liquidators"))
def contagion_of_forced_trades(recording: Recording) -> float:
    """What forced trades cost other populations through the mid, as last touch charges it."""
    return cost_of(recording, charges.FORCING)


@metric(unit="quote", source="largest cost of one population's changes of the mid to another population")
def largest_contagion(recording: Recording) -> float:
    """The heaviest edge of the graph of contagion."""
    edges = network(contagion(recording)).edges(data="weight")
    if not edges:
        raise Undefined("no population moved the price against another")
    return float(max(weight for *_, weight in edges))
