"""Linear impact: a market in which the price moves by a constant times the net flow."""

from __future__ import annotations

import math

from sim.jit import inlined, kernel
from sim.kernels.desk import fill, refuse
from sim.records import (
    BY_TRADE,
    BY_VALUE,
    GROUP,
    MARKET,
    MOVES,
    NO_MARGIN,
    NO_QUANTITY,
    NOT_TRADED,
    REDUCE_ONLY,
    SEQ,
    SIDE_BY_VALUE,
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
    whole = int(math.floor(total + 0.5))
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
    counts[MOVES] = n + 1
    counts[SEQ] += 1


@inlined
def signed(orders, row, mid):
    """Lots wanted: the order's, or by the side of its value against the mid."""
    lots = orders[row]["qty"]
    if orders[row]["flags"] & SIDE_BY_VALUE:
        if orders[row]["value"] > mid:
            return abs(lots)
        if orders[row]["value"] < mid:
            return -abs(lots)
        return 0
    return lots


@inlined
def afford(lots, account, is_reduce_only, room):
    """Lots within the sender's room: clipped if reduce-only, else all or none."""
    side = 0 if lots > 0 else 1
    if abs(lots) <= room[side, account]:
        return lots
    if is_reduce_only and room[side, account] > 0:
        return room[side, account] if lots > 0 else -room[side, account]
    return 0


@kernel
def follow(value, time, tick, weight, account, population, venue, state, carry, moves, counts):
    """Move the mid by `weight` times the change of the exogenous value."""
    half_ticks = weight * (value - carry[VALUE]) / (0.5 * tick)
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
    """Fill each market order at the average price along its own impact.

    Parameters
    ----------
    impact : float
        Quote currency a unit of price moves per unit traded, lambda.
    """
    for k in range(rows.size):
        row = rows[k]
        kind = orders[row]["kind"]
        if kind != MARKET and kind != SWAP:
            refuse(orders, row, venue, NOT_TRADED, rejects, counts)
            continue
        mid = (state[HALF_TICKS] + carry[CARRY]) * 0.5 * tick
        wanted = signed(orders, row, mid)
        if wanted == 0:
            if orders[row]["flags"] & SIDE_BY_VALUE == 0:
                refuse(orders, row, venue, NO_QUANTITY, rejects, counts)
            continue
        account = orders[row]["account"]
        lots = afford(wanted, account, orders[row]["flags"] & REDUCE_ONLY, room)
        if lots == 0:
            refuse(orders, row, venue, NO_MARGIN, rejects, counts)
            continue
        side = 0 if lots > 0 else 1
        room[side, account] -= abs(lots)
        room[1 - side, account] += abs(lots)
        push = impact * lots * lot
        price = mid + 0.5 * push
        counts[GROUP] += 1
        fee = fee_rate * abs(lots) * lot * price
        fill(orders, row, venue, instrument, maker, lots, price, fee, population_of, fills, counts)
        state[FLOW] += lots
        state[NET_FLOW] += lots
        state[VOLUME] += abs(lots)
        change = shift(push / (0.5 * tick), state, carry)
        if change != 0:
            record(
                orders[row]["time"] + orders[row]["latency"],
                change,
                account,
                orders[row]["population"],
                orders[row]["cause"],
                venue,
                orders[row]["phase"],
                orders[row]["reason"],
                BY_TRADE,
                moves,
                counts,
            )
