"""Matching: an arriving order meets what rests on the other side.

Price first, then time: the best level is emptied from the head of its queue before the
next level is looked at. Every trade is at the resting order's price.
"""

from __future__ import annotations

import numpy as np

from sim.jit import inlined
from sim.kernels.decay import wear, wear_best
from sim.kernels.ladder import occupied_above, occupied_below
from sim.kernels.pages import write_fill
from sim.kernels.resting import leave, shrink
from sim.records import EXPIRE_MAKER, EXPIRE_TAKER, GROUP, QUOTE, STP_NONE

# Why matching stopped with lots left over.
NOTHING_LEFT = 0  # nothing rests within the limit
OWN_ORDER = 1  # self-trade prevention expired the taker
BAND = 2  # the next trade would be outside the price band


@inlined
def opposite_best(head, side):
    """Best tick an order of this side would trade at; off the ladder if there is none."""
    bid = head["bid"]
    ask = head["ask"]
    return ask if side > 0 else bid


@inlined
def is_within(tick, limit, side):
    """True if `tick` is a price that a limit at `limit` accepts."""
    return (tick - limit) * side <= 0


@inlined
def is_outside_band(head, tick):
    """True if no trade may happen at `tick`."""
    return tick < head["low"] or tick > head["high"]


@inlined
def move_room(room, account, side, lots):
    """Account for a trade in what an account may still buy (row 0) and sell (row 1)."""
    room[0, np.uint32(account)] -= side * lots
    room[1, np.uint32(account)] += side * lots


@inlined
def trade(book, pages, order, now, group, side, slot, lots):
    """Trade `lots` with the resting order in `slot`; the emptied order stays in its queue."""
    head = book.head
    row = book.pool[slot]
    maker = row["account"]
    write_fill(pages, head, book.accounts, order, now, group, row["price"], side * lots, maker)
    move_room(book.room, np.uint32(order["account"]), side, lots)
    move_room(book.room, maker, -side, lots)
    shrink(book, slot, lots)
    head["flow"] += side * lots * (order["kind"] != QUOTE)
    head["volume"] += lots


@inlined
def match(book, pages, order, now, side, lots, limit):
    """Trade up to `lots` at `limit` or better; returns the lots left and why it stopped.

    Notes
    -----
    Self-trade prevention is the taker's: EXPIRE_MAKER removes the resting order and goes
    on, EXPIRE_TAKER drops the rest of the taker, EXPIRE_BOTH does both; earlier trades
    of the same order stand. What is removed or dropped so is not a refusal.
    """
    head = book.head
    account = order["account"]
    stp = order["stp"]
    group = np.int64(-1)
    while lots > 0:
        if head["decay"] > 0.0:
            wear_best(book)
        tick = opposite_best(head, side)
        if not is_within(tick, limit, side):
            return lots, NOTHING_LEFT
        if is_outside_band(head, tick):
            return lots, BAND
        slot = np.int64(book.ladder[np.uint64(tick)]["head"])
        is_own = stp != STP_NONE and book.pool[slot]["account"] == account
        if is_own and stp == EXPIRE_TAKER:
            return lots, OWN_ORDER
        if not is_own:
            traded = min(lots, abs(book.pool[slot]["qty"]))
            if group < 0:
                pages.counts[GROUP] += 1
                group = pages.counts[GROUP]
            trade(book, pages, order, now, group, side, slot, traded)
            lots -= traded
        if is_own or book.pool[slot]["qty"] == 0:
            leave(book, slot)
        if is_own and stp != EXPIRE_MAKER:
            return lots, OWN_ORDER
    return lots, NOTHING_LEFT


@inlined
def is_fillable(book, order, side, lots, limit):
    """True if all of `lots` would trade at `limit` or better, within the band, with others."""
    head = book.head
    stp = order["stp"]
    tick = opposite_best(head, side)
    while lots > 0 and is_within(tick, limit, side) and not is_outside_band(head, tick):
        if head["decay"] > 0.0:
            wear(book, np.int64(tick))
        slot = book.ladder[np.uint64(tick)]["head"]
        while slot > 0 and lots > 0:
            row = book.pool[slot]
            if stp == STP_NONE or row["account"] != order["account"]:
                lots -= abs(row["qty"])
            elif stp != EXPIRE_MAKER:
                return False
            slot = row["next"]
        if side > 0:
            tick = occupied_above(book.bitmap, head["width"], tick + 1)
        else:
            tick = occupied_below(book.bitmap, head["width"], tick - 1)
    return lots <= 0
