"""Impact: markets whose price follows a value and is moved by the net flow alone.

Linear: the price moves by a constant, lambda, for each unit bought. Reference demand: others want
what is worth a fixed sum, so that the price times what is left to them stays (Frey & Stremme 1997);
buying q of the b units left takes the price from S to S b / (b - q), at S (b / q) ln(b / (b - q)) on
average.
"""

from __future__ import annotations

import math

import numpy as np

from sim.base.jit import inlined, kernel
from sim.kernels.desks.desk import afford, fill, refuse, take
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
    TOO_LATE,
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

HIGHEST = 2.0**51  # ticks; beyond, a price in half ticks would not be exact


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
def moved(mid, lots, step, left):
    """Price after `lots` are bought: linear by `step` a lot, or by reference demand with `left` lots left."""
    if left > 0.0:
        return mid * left / (left - lots) if lots < left else math.inf
    return mid + lots * step


@inlined
def paid(mid, lots, step, left):
    """Average price of `lots` along their own impact."""
    if left > 0.0:
        return -mid * left / lots * math.log1p(-lots / left)
    return mid + 0.5 * lots * step


@inlined
def room_to(order, mid, lots, tick, step, left):
    """Lots an immediate-or-cancel limit order trades before the price it moves passes its limit."""
    side = 1.0 if lots > 0 else -1.0
    limit = order["price"] * tick
    if order["price_ref"] != ABSOLUTE:
        limit = mid - side * limit
    reach = side * (limit - mid)
    if reach < 0.0:
        return lots * 0
    if reach >= side * (moved(mid, lots, step, left) - mid):
        return lots
    most = np.int64(math.floor(left * reach / limit if left > 0.0 else reach / step))
    return most if lots > 0 else -most


@inlined
def is_worse(order, lots, price):
    """Whether a swap's average price is beyond what it accepts."""
    if order["kind"] != SWAP or order["flags"] & SIDE_BY_VALUE or not order["value"] > 0.0:
        return False
    return price > order["value"] if lots > 0 else price < order["value"]


@inlined
def granted(order, mid, tick, step, left, room):
    """Lots an order trades now, and the refusal if that is none for a reason worth recording."""
    kind = order["kind"]
    is_limited = kind == LIMIT and order["tif"] != GTC
    if kind != MARKET and kind != SWAP and not is_limited:
        return np.int64(0), NOT_TRADED
    if order["good_till"] <= order["time"] + order["latency"]:
        return np.int64(0), TOO_LATE
    if order["qty"] == 0:
        return np.int64(0), NO_QUANTITY
    wanted = signed(order, mid)
    is_reduce_only = order["flags"] & REDUCE_ONLY
    lots = np.int64(afford(wanted, order["account"], is_reduce_only, room))
    if lots == 0 and wanted != 0:
        return lots, NOTHING_TO_REDUCE if is_reduce_only else NO_MARGIN
    if is_limited:
        within = np.int64(room_to(order, mid, lots, tick, step, left))
        if within != lots and order["tif"] == FOK:
            return np.int64(0), NOT_FILLABLE
        lots = within
    after = moved(mid, lots, step, left)
    if after < tick or after > HIGHEST * tick:
        return np.int64(0), NOT_FILLABLE
    if lots != 0 and is_worse(order, lots, paid(mid, lots, step, left)):
        return np.int64(0), SLIPPAGE
    return lots, 0


@kernel
def follow(value, time, tick, weight, is_relative, account, population, venue, state, carry, moves, counts):
    """Move the mid by `weight` times the change of the exogenous value, down to one tick at most.

    `is_relative` makes it the relative change of both.
    """
    present = state[HALF_TICKS] + carry[CARRY]
    half_ticks = weight * (value - carry[VALUE]) / (0.5 * tick)
    if is_relative:
        half_ticks = weight * (value / carry[VALUE] - 1.0) * present
    half_ticks = min(max(half_ticks, 2.0 - present), 2.0 * HIGHEST - present)
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
    supply,
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
        Quote currency that the price moves per unit traded, lambda.
    supply : float
        Units the others hold at the opening where their demand makes the price; 0 where it is linear.
    """
    step = impact * lot
    for k in range(rows.size):
        row = rows[k]
        order = orders[row]
        mid = (state[HALF_TICKS] + carry[CARRY]) * 0.5 * tick
        left = supply / lot - state[NET_FLOW] if supply > 0.0 else 0.0
        lots, refusal = granted(order, mid, tick, step, left, room)
        if refusal != 0:
            refuse(orders, row, venue, refusal, rejects, counts)
        if lots == 0:
            continue
        account = order["account"]
        take(lots, account, room)
        price = paid(mid, lots, step, left)
        counts[GROUP] += 1
        fee = fee_rate * abs(lots) * lot * price
        fill(orders, row, venue, instrument, maker, lots, price, fee, population_of, fills, counts)
        state[FLOW] += lots
        state[NET_FLOW] += lots
        state[VOLUME] += abs(lots)
        change = shift((moved(mid, lots, step, left) - mid) / (0.5 * tick), state, carry)
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
