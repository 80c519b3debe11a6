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
        ("external", "f8"),  # exogenous value at the last heartbeat
        ("refresh_at", "f8"),  # s
        ("premium", "f8"),  # average of mid less index
        ("time", "f8"),  # of the last update, s
    ]
)


@inlined
def fade(elapsed, window):
    """Weight that a moving average keeps after some time; 0 without a window."""
    return math.exp(-elapsed / window) if window > 0.0 else 0.0


@kernel
def index_and_mark(time, oracle, weights, averages, assets, asset, quotes):
    """Write index and mark of one asset.

    Parameters
    ----------
    oracle : ndarray of ORACLE, shape (1,)
        Updated.
    weights : ndarray of float64, shape (V,)
        Of each venue's mid, the external weight aside.
    averages : ndarray of float64, shape (V,)
        Averaged mids; 0 of a venue that never had one. Updated.
    """
    state = oracle[0]
    if time >= state["refresh_at"] - INSTANT:
        state["external"] = assets[asset]["value"]
        beats = math.floor((time + INSTANT) / state["heartbeat"])
        state["refresh_at"] = state["heartbeat"] * (beats + 1.0)
    elapsed = time - state["time"]
    keep = fade(elapsed, state["averaging"])
    total, share = state["external_weight"] * state["external"], state["external_weight"]
    for v in range(weights.size):
        mid = quotes[v]["mid"]
        if weights[v] > 0.0 and mid > 0.0:
            last = averages[v] if averages[v] > 0.0 else mid
            averages[v] = keep * last + (1.0 - keep) * mid
        if averages[v] > 0.0:
            total += weights[v] * averages[v]
            share += weights[v]
    index = total / share if share > 0.0 else state["external"]
    keep = fade(elapsed, state["window"])
    state["premium"] = keep * state["premium"] + (1.0 - keep) * (assets[asset]["mid"] - index)
    state["time"] = time
    band = state["band"] * index
    assets[asset]["index"] = index
    assets[asset]["mark"] = index + min(max(state["premium"], -band), band)
