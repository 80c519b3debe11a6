"""Sinking: fill orders at the reference mid, against an account outside the market."""

from __future__ import annotations

from sim.base.jit import kernel
from sim.kernels.desks.desk import afford, fill, refuse, take
from sim.records import (
    GROUP,
    LIMIT,
    MARKET,
    MOVES,
    NO_MARGIN,
    NO_QUANTITY,
    NOT_TRADED,
    NOTHING_TO_REDUCE,
    REDUCE_ONLY,
    SWAP,
    TOO_LATE,
)


@kernel
def mids_at_arrival(orders, rows, mid, half_tick, listed, moves, counts, out):
    """Reference mid at the moment each order arrives, from the changes recorded since.

    Parameters
    ----------
    rows : ndarray of int64
        Rows of `orders`, in arrival order.
    mid : float
        The mid now, after everything that arrived so far.
    half_tick : float
        What one half tick of a recorded change is worth, quote currency; 0 if none are recorded.
    listed : int
        Venue whose mid it is.
    out : ndarray of float64
        Written: a mid per row.
    """
    m = counts[MOVES]
    for k in range(rows.size - 1, -1, -1):
        now = orders[rows[k]]["time"] + orders[rows[k]]["latency"]
        while half_tick > 0.0 and m > 0:
            if moves[m - 1]["venue"] == listed:
                if moves[m - 1]["time"] <= now:
                    break
                mid -= half_tick * moves[m - 1]["half_ticks"]
            m -= 1
        out[k] = mid


@kernel
def sink(
    orders, rows, venue, instrument, maker, mids, lot, fee_rate, population_of, room, fills, rejects, counts
):
    """Fill each order in full at its mid, whatever price it names; a reduce-only one up to the position.

    Parameters
    ----------
    maker : int
        Account that takes the other side.
    mids : ndarray of float64
        Price of each order, quote currency a unit.
    fee_rate : float
        Taker fee, fraction of the notional.
    """
    for k in range(rows.size):
        row = rows[k]
        kind, lots = orders[row]["kind"], orders[row]["qty"]
        if (kind != MARKET and kind != SWAP and kind != LIMIT) or lots == 0:
            refuse(orders, row, venue, NO_QUANTITY if lots == 0 else NOT_TRADED, rejects, counts)
            continue
        if orders[row]["good_till"] <= orders[row]["time"] + orders[row]["latency"]:
            refuse(orders, row, venue, TOO_LATE, rejects, counts)
            continue
        account, is_reduce_only = orders[row]["account"], orders[row]["flags"] & REDUCE_ONLY
        lots = afford(lots, account, is_reduce_only, room)
        if lots == 0:
            refusal = NOTHING_TO_REDUCE if is_reduce_only else NO_MARGIN
            refuse(orders, row, venue, refusal, rejects, counts)
            continue
        take(lots, account, room)
        counts[GROUP] += 1
        fee = fee_rate * abs(lots) * lot * mids[k]
        fill(orders, row, venue, instrument, maker, lots, mids[k], fee, population_of, fills, counts)
