"""Linear impact: a market in which the price moves by a constant times the net flow."""

from __future__ import annotations

import math

import numpy as np

from sim.jit import inlined, kernel
from sim.kernels.desk import afford, fill, refuse, take
from sim.records import (
    ABSOLUTE,
    BY_TRADE,
    BY_VALUE,
    FOK,
    GROUP,
    GTC,
    LIMIT,
    MARKET,
    MOVES,
    NO_MARGIN,
    NO_QUANTITY,
    NOT_FILLABLE,
    NOT_TRADED,
    NOTHING_TO_REDUCE,
    REDUCE_ONLY,
    SEQ,
    SIDE_BY_VALUE,
    SLIPPAGE,
    STEP,
    SWAP,
    TRADING,
)

# Slots of the integer state.
HALF_TICKS = 0  # mid, half ticks
FLOW = 1  # lots bought minus sold by takers since the step began
VOLUME = 2
NET_FLOW = 3  # lots bought minus sold since the start
# Slots of the float state.
CARRY = 0  # part of the mid below half a tick, in half ticks
VALUE = 1  # exogenous value the mid has followed so far


@inlined
def shift(half_ticks, state, carry):
    """Move the mid by a float number of half ticks; returns the whole half ticks it moved."""
    total = carry[CARRY] + half_ticks
    whole = np.int64(math.floor(total + 0.5))
    carry[CARRY] = total - whole
    state[HALF_TICKS] += whole
    return whole


@inlined
def record(time, change, account, population, cause, venue, phase, reason, mover, moves, counts):
    """Write a MOVE row."""
    n = counts[MOVES]
    moves[n]["time"] = time
    moves[n]["seq"] = counts[SEQ]
    moves[n]["half_ticks"] = change
    moves[n]["step"] = counts[STEP]
    moves[n]["cause"] = cause
    moves[n]["account"] = account
    moves[n]["population"] = population
    moves[n]["venue"] = venue
    moves[n]["phase"] = phase
    moves[n]["reason"] = reason
    moves[n]["mover"] = mover
    moves[n]["answers"] = 0.0
    counts[MOVES] = n + 1
    counts[SEQ] += 1


@inlined
def signed(order, mid):
    """Lots wanted: the order's, or by the side of its value against the mid."""
    lots = order["qty"]
    if order["flags"] & SIDE_BY_VALUE:
        if order["value"] > mid:
            return abs(lots)
        return -abs(lots) if order["value"] < mid else lots * 0
    return lots


@inlined
def room_to(order, mid, lots, tick, step):
    """Lots an immediate-or-cancel limit order trades before the price it moves passes its limit.

    `step` is how far one lot moves the price, quote currency.
    """
    side = 1.0 if lots > 0 else -1.0
    limit = order["price"] * tick
    if order["price_ref"] != ABSOLUTE:
        limit = mid - side * limit
    reach = side * (limit - mid)
    if reach < 0.0:
        return lots * 0
    if reach >= abs(lots) * step:
        return lots
    most = np.int64(math.floor(reach / step))
    return most if lots > 0 else -most


@inlined
def is_worse(order, lots, price):
    """Whether a swap's average price is beyond what it accepts."""
    if order["kind"] != SWAP or order["flags"] & SIDE_BY_VALUE or not order["value"] > 0.0:
        return False
    return price > order["value"] if lots > 0 else price < order["value"]


@inlined
def granted(order, mid, tick, step, room):
    """Lots an order trades now, and the refusal if that is none for a reason worth recording."""
    kind = order["kind"]
    is_limited = kind == LIMIT and order["tif"] != GTC
    if kind != MARKET and kind != SWAP and not is_limited:
        return np.int64(0), NOT_TRADED
    if order["qty"] == 0:
        return np.int64(0), NO_QUANTITY
    wanted = signed(order, mid)
    is_reduce_only = order["flags"] & REDUCE_ONLY
    lots = np.int64(afford(wanted, order["account"], is_reduce_only, room))
    if lots == 0 and wanted != 0:
        return lots, NOTHING_TO_REDUCE if is_reduce_only else NO_MARGIN
    if is_limited:
        within = np.int64(room_to(order, mid, lots, tick, step))
        if within != lots and order["tif"] == FOK:
            return np.int64(0), NOT_FILLABLE
        lots = within
    if mid + lots * step < tick:
        return np.int64(0), NOT_FILLABLE
    if is_worse(order, lots, mid + 0.5 * lots * step):
        return np.int64(0), SLIPPAGE
    return lots, 0


@kernel
def follow(value, time, tick, weight, account, population, venue, state, carry, moves, counts):
    """Move the mid by `weight` times the change of the exogenous value, down to one tick at most."""
    half_ticks = weight * (value - carry[VALUE]) / (0.5 * tick)
    half_ticks = max(half_ticks, 2.0 - state[HALF_TICKS] - carry[CARRY])
    carry[VALUE] = value
    change = shift(half_ticks, state, carry)
    if change != 0:
        record(time, change, account, population, 0, venue, TRADING, 0, BY_VALUE, moves, counts)


@kernel
def trade(
    orders,
    rows,
    venue,
    instrument,
    maker,
    impact,
    tick,
    lot,
    fee_rate,
    population_of,
    room,
    state,
    carry,
    fills,
    moves,
    rejects,
    counts,
):
    """Fill each order at the average price along its own impact.

    Parameters
    ----------
    impact : float
        Quote currency a unit of price moves per unit traded, lambda.
    """
    step = impact * lot
    for k in range(rows.size):
        row = rows[k]
        order = orders[row]
        mid = (state[HALF_TICKS] + carry[CARRY]) * 0.5 * tick
        lots, refusal = granted(order, mid, tick, step, room)
        if refusal != 0:
            refuse(orders, row, venue, refusal, rejects, counts)
        if lots == 0:
            continue
        account = order["account"]
        take(lots, account, room)
        price = mid + 0.5 * lots * step
        counts[GROUP] += 1
        fee = fee_rate * abs(lots) * lot * price
        fill(orders, row, venue, instrument, maker, lots, price, fee, population_of, fills, counts)
        state[FLOW] += lots
        state[NET_FLOW] += lots
        state[VOLUME] += abs(lots)
        change = shift(lots * step / (0.5 * tick), state, carry)
        if change != 0:
            record(
                order["time"] + order["latency"],
                change,
                account,
                order["population"],
                order["cause"],
                venue,
                order["phase"],
                order["reason"],
                BY_TRADE,
                moves,
                counts,
            )
