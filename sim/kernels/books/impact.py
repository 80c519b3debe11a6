"""Impact: markets whose price follows a value and is moved by the net flow alone.

Linear: the price moves by a constant, lambda, for each unit bought. Reference demand: others want
what is worth a fixed sum, so that the price times what is left to them stays (Frey & Stremme 1997);
buying q of the b units left takes the price from S to S b / (b - q), at S (b / q) ln(b / (b - q)) on
average.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from sim.base.jit import inlined, kernel
from sim.kernels.desks.desk import afford, take
from sim.kernels.messages.tape import (
    Deal,
    Origin,
    open_group,
    origin_of,
    refuse,
    sender_of,
    write_fill,
    write_move,
)
from sim.records import (
    ABSOLUTE,
    BY_TRADE,
    BY_VALUE,
    FOK,
    GTC,
    LIMIT,
    MARKET,
    NO_MARGIN,
    NO_QUANTITY,
    NOT_FILLABLE,
    NOT_TRADED,
    NOTHING_TO_REDUCE,
    REDUCE_ONLY,
    SIDE_BY_VALUE,
    SLIPPAGE,
    SWAP,
    TOO_LATE,
    TRADE,
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


class Market(NamedTuple):
    """A market: its row in the quotes, what it trades and against whom, its rules, and how it stands."""

    venue: Any
    instrument: Any
    maker: Any  # Party
    impact: Any  # quote currency that the price moves per unit traded, lambda
    supply: Any  # units the others hold at the opening if their demand makes the price; 0 where it is linear
    tick: Any
    lot: Any
    fee_rate: Any  # of takers, fraction of the notional
    state: Any
    carry: Any


@inlined
def shift(half_ticks, state, carry):
    """Move the mid by a float number of half ticks; returns the whole half ticks it moved."""
    total = carry[CARRY] + half_ticks
    whole = np.int64(math.floor(total + 0.5))
    carry[CARRY] = total - whole
    state[HALF_TICKS] += whole
    return whole


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
def follow(value, time, weight, is_relative, market, tape):
    """Move the mid by `weight` times the change of the exogenous value, down to one tick at most.

    `is_relative` makes it the relative change of both.
    """
    state, carry = market.state, market.carry
    present = state[HALF_TICKS] + carry[CARRY]
    half_ticks = weight * (value - carry[VALUE]) / (0.5 * market.tick)
    if is_relative:
        half_ticks = weight * (value / carry[VALUE] - 1.0) * present
    half_ticks = min(max(half_ticks, 2.0 - present), 2.0 * HIGHEST - present)
    carry[VALUE] = value
    change = shift(half_ticks, state, carry)
    if change != 0:
        write_move(tape, market.venue, change, BY_VALUE, market.maker, Origin(time, 0, TRADING, TRADE), 0.0)


@kernel
def trade(orders, rows, market, room, tape):
    """Fill each order at the average price along its own impact.

    Parameters
    ----------
    market : Market
    room : ndarray of int64, shape (3, A)
    tape : TapeRows
        With room for a fill, a move and a refusal an order.
    """
    state, carry, tick, lot = market.state, market.carry, market.tick, market.lot
    step = market.impact * lot
    for k in range(rows.size):
        order = orders[rows[k]]
        mid = (state[HALF_TICKS] + carry[CARRY]) * 0.5 * tick
        left = market.supply / lot - state[NET_FLOW] if market.supply > 0.0 else 0.0
        lots, refusal = granted(order, mid, tick, step, left, room)
        if refusal != 0:
            refuse(tape, market.venue, order, refusal)
        if lots == 0:
            continue
        take(lots, order["account"], room)
        price = paid(mid, lots, step, left)
        deal = Deal(market.instrument, lots, price, market.fee_rate * abs(lots) * lot * price, 0.0)
        sender, origin = sender_of(order), origin_of(order)
        write_fill(tape, market.venue, open_group(tape), deal, market.maker, sender, origin)
        state[FLOW] += lots
        state[NET_FLOW] += lots
        state[VOLUME] += abs(lots)
        change = shift((moved(mid, lots, step, left) - mid) / (0.5 * tick), state, carry)
        if change != 0:
            write_move(tape, market.venue, change, BY_TRADE, sender, origin, 0.0)
