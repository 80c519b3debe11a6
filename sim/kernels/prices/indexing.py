"""Indexing: the index of an asset from its sources, and the mark around it."""

from __future__ import annotations

import math

import numpy as np

from sim.base.jit import inlined, kernel

INSTANT = 1e-9  # s, below which two times are one

# The state and the settings of one asset's oracle.
ORACLE = np.dtype(
    [
        ("external_weight", "f8"),
        ("averaging", "f8"),  # time constant of the average of venues, s; 0 for none
        ("heartbeat", "f8"),  # s
        ("window", "f8"),  # time constant of the mark's average, s
        ("band", "f8"),  # of the mark, fraction of the index
        ("stale", "f8"),  # how long a venue counts without a price, s
        ("external", "f8"),  # exogenous value at the last heartbeat
        ("refresh_at", "f8"),  # s
        ("premium", "f8"),  # average of mid less index
        ("time", "f8"),  # of the last update, s
    ]
)

# A venue as a source of an index.
SOURCE = np.dtype(
    [
        ("weight", "f8"),
        ("average", "f8"),  # of its mids, 0 if it never had a price
        ("priced_at", "f8"),  # s
    ]
)


@inlined
def is_priced(quote):
    """Whether a venue's mid is a price: one can buy and sell, a lot at least within the depth it shows."""
    if not (quote["bid"] > 0.0 and quote["ask"] > 0.0):
        return False
    return quote["depth_span"] == 0.0 or min(quote["depth_bid"], quote["depth_ask"]) >= quote["lot"]


@inlined
def fade(elapsed, window):
    """Weight that a moving average keeps after some time; 0 without a window."""
    return math.exp(-elapsed / window) if window > 0.0 else 0.0


@inlined
def standing(index, external):
    """The index as it stands, the external value if there was none."""
    return index if index > 0.0 else external


@kernel
def index_and_mark(time, oracle, sources, assets, asset, quotes):
    """Write index and mark of one asset; an index without any source stays where it is.

    Parameters
    ----------
    oracle : ndarray of ORACLE, shape (1,)
        Updated.
    sources : ndarray of SOURCE, shape (V,)
        Updated.
    """
    state = oracle[0]
    if time >= state["refresh_at"] - INSTANT:
        state["external"] = assets[asset]["value"]
        beats = math.floor((time + INSTANT) / state["heartbeat"])
        state["refresh_at"] = state["heartbeat"] * (beats + 1.0)
    elapsed = time - state["time"]
    keep = fade(elapsed, state["averaging"])
    total, share = state["external_weight"] * state["external"], state["external_weight"]
    for v in range(sources.size):
        source, mid = sources[v], quotes[v]["mid"]
        counts = source["average"] > 0.0 and time - source["priced_at"] <= state["stale"] + INSTANT
        if source["weight"] > 0.0 and is_priced(quotes[v]):
            last = source["average"] if counts else mid
            source["average"], source["priced_at"] = keep * last + (1.0 - keep) * mid, time
            counts = True
        if counts:
            total += source["weight"] * source["average"]
            share += source["weight"]
    index = total / share if share > 0.0 else standing(assets[asset]["index"], state["external"])
    keep = fade(elapsed, state["window"])
    state["premium"] = keep * state["premium"] + (1.0 - keep) * (assets[asset]["mid"] - index)
    state["time"] = time
    band = state["band"] * index
    assets[asset]["index"] = index
    assets[asset]["mark"] = index + min(max(state["premium"], -band), band)
