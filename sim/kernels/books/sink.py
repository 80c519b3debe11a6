"""Sinking: fill orders at the reference mid, against an account outside the market."""

from __future__ import annotations

from typing import Any, NamedTuple

from sim.base.jit import kernel
from sim.kernels.desks.desk import afford, take
from sim.kernels.messages.tape import Deal, open_group, origin_of, refuse, sender_of, write_fill
from sim.records import (
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


class Place(NamedTuple):
    """A sink: its row in the quotes, what it trades, and who takes the other side."""

    venue: Any
    instrument: Any
    maker: Any  # Party
    lot: Any  # units
    fee_rate: Any  # of takers, fraction of the notional


@kernel
def mids_at_arrival(orders, rows, mid, half_tick, listed, tape, out):
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
    m, moves = tape.counts[MOVES], tape.moves
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
def sink(orders, rows, mids, place, room, tape):
    """Fill each order in full at its mid, whatever price it names; a reduce-only one up to the position.

    Parameters
    ----------
    mids : ndarray of float64
        Price of each order, quote currency a unit.
    place : Place
    room : ndarray of int64, shape (3, A)
    tape : TapeRows
        With room for a fill or a refusal an order.
    """
    for k in range(rows.size):
        order = orders[rows[k]]
        kind, lots = order["kind"], order["qty"]
        if (kind != MARKET and kind != SWAP and kind != LIMIT) or lots == 0:
            refuse(tape, place.venue, order, NO_QUANTITY if lots == 0 else NOT_TRADED)
            continue
        if order["good_till"] <= order["time"] + order["latency"]:
            refuse(tape, place.venue, order, TOO_LATE)
            continue
        account, is_reduce_only = order["account"], order["flags"] & REDUCE_ONLY
        lots = afford(lots, account, is_reduce_only, room)
        if lots == 0:
            refuse(tape, place.venue, order, NOTHING_TO_REDUCE if is_reduce_only else NO_MARGIN)
            continue
        take(lots, account, room)
        fee = place.fee_rate * abs(lots) * place.lot * mids[k]
        deal = Deal(place.instrument, lots, mids[k], fee, 0.0)
        write_fill(tape, place.venue, open_group(tape), deal, place.maker, sender_of(order), origin_of(order))
