"""Admission: what an arriving order asks for, and whether the book takes it.

A refusal is found before anything is changed, so a refused replacement leaves the order
it would have replaced as it was.
"""

from __future__ import annotations

import numpy as np

from sim.base.jit import inlined
from sim.kernels.books.matching import BAND, is_within, opposite_best, rehearse
from sim.kernels.desks.desk import reducible
from sim.records import (
    ABSOLUTE,
    FOK,
    GTC,
    HALTED,
    LIMIT,
    MARKET,
    MID,
    MODIFY,
    NO_MARGIN,
    NO_QUANTITY,
    NO_REFERENCE,
    NOT_FILLABLE,
    NOTHING_TO_REDUCE,
    OFF_LADDER,
    OUTSIDE_BAND,
    OWN_BEST,
    POST_ONLY,
    REDUCE_ONLY,
    SIDE_BY_VALUE,
    TAG_IN_USE,
    TOO_LATE,
    UNKNOWN_TAG,
    UNSUPPORTED,
    WOULD_CROSS,
)


@inlined
def named(book, order):
    """Row of the sender's order under the tag `target`; 0 if none, -1 if the tag is not its own."""
    tag = order["target"]
    if tag < 0 or tag >= book.tags.size:
        return np.int64(-1)
    slot = np.int64(book.tags[np.uint64(tag)])
    if slot > 0 and book.pool[slot]["account"] != order["account"]:
        return np.int64(-1)
    return slot


@inlined
def signed_qty(head, order):
    """Lots wanted, > 0 to buy; 0 where the side follows the valuation and that equals the mid."""
    qty = order["qty"]
    if order["flags"] & SIDE_BY_VALUE and (order["kind"] == LIMIT or order["kind"] == MARKET):
        mid = 0.5 * head["mid"] * head["tick"]
        if order["value"] > mid:
            return abs(qty)
        return -abs(qty) if order["value"] < mid else np.int64(0)
    return qty


@inlined
def limit_tick(head, order, side):
    """Worst tick the order accepts, or minus the refusal.

    Notes
    -----
    From the mid, half a tick is rounded to the passive side; offsets are positive
    towards prices further from a trade.
    """
    width = head["width"]
    if order["kind"] == MARKET:
        best = opposite_best(head, side)
        if best < 0 or best >= width:
            return np.int64(-NO_REFERENCE)
        return width - 1 if side > 0 else np.int64(1)
    tick = min(max(order["price"], -width), width)
    if order["price_ref"] != ABSOLUTE:
        if order["price_ref"] == MID:
            base = (head["mid"] + (side < 0)) >> 1
        else:
            base = opposite_best(head, -side if order["price_ref"] == OWN_BEST else side)
        if base < 0 or base >= width:
            return np.int64(-NO_REFERENCE)
        tick = base - side * tick
    return tick if 0 < tick < width else np.int64(-OFF_LADDER)


@inlined
def replaced(book, order):
    """Row of the order that a QUOTE or MODIFY replaces, 0 if none, else minus the refusal."""
    kind = order["kind"]
    if kind == MARKET or (kind == LIMIT and order["target"] < 0):
        return np.int64(0)
    slot = named(book, order)
    if kind == LIMIT:
        if order["target"] >= book.tags.size:
            return np.int64(-UNKNOWN_TAG)
        return np.int64(0) if slot == 0 else np.int64(-TAG_IN_USE)
    if slot < 0 or (slot == 0 and kind == MODIFY):
        return np.int64(-UNKNOWN_TAG)
    return slot


@inlined
def accepted(book, tape, order, now, qty, side, limit, old):
    """Lots that may trade or rest, and the refusal if the order is refused whole."""
    head = book.head
    lots = np.int64(abs(qty))
    if now < head["halted_until"]:
        return lots, HALTED
    if order["good_till"] <= now:
        return lots, TOO_LATE
    if order["qty"] == 0 and qty == 0:
        return lots, NO_QUANTITY
    if qty == 0:
        return lots, 0
    if limit < 0:
        return lots, -limit
    if old < 0:
        return lots, -old
    allowed = allowance(book, order, side, old)
    if order["flags"] & REDUCE_ONLY:
        if allowed <= 0:
            return lots, NOTHING_TO_REDUCE
        lots = min(lots, allowed)
    elif lots > allowed:
        if allowed <= 0 or is_resting_kind(order) or is_whole_or_nothing(order):
            return lots, NO_MARGIN
        lots = allowed
    if order["flags"] & POST_ONLY:
        if is_within(opposite_best(head, side), limit, side):
            return lots, WOULD_CROSS
        if not is_resting_kind(order):
            return lots, UNSUPPORTED
    if is_whole_or_nothing(order) or (old > 0 and head["band"] > 0.0):
        return lots, rehearsed(book, tape, order, side, lots, limit, old)
    return lots, 0


@inlined
def rehearsed(book, tape, order, side, lots, limit, old):
    """Refusal of an order that must trade whole and cannot, or that replaces one and would trade nothing."""
    is_whole = is_whole_or_nothing(order)
    left, stop = rehearse(book, tape, order, side, lots if is_whole else np.int64(1), limit, old)
    if left > 0 and is_whole:
        return NOT_FILLABLE
    return OUTSIDE_BAND if left > 0 and stop == BAND else 0


@inlined
def allowance(book, order, side, old):
    """Lots the sender may still add on this side; an order being replaced does not count.

    The room that margin leaves or, for a reduce-only order, what is left to reduce of the position at
    this moment; both less what rests on that side already.
    """
    account = np.uint32(order["account"])
    buying = book.accounts[account]["buying"]
    selling = book.accounts[account]["selling"]
    lots = book.room[np.uint64(side < 0), account]
    if order["flags"] & REDUCE_ONLY:
        lots = reducible(book.room, account, side)
    lots -= buying if side > 0 else selling
    if old > 0 and (book.pool[old]["qty"] > 0) == (side > 0):
        lots += abs(book.pool[old]["qty"])
    return lots


@inlined
def keeps_place(row, side, lots, limit):
    """True if the replacement is at the same price and no larger."""
    return row["price"] == limit and lots <= side * row["qty"]


@inlined
def is_resting_kind(order):
    """True if what does not trade at once rests on the book."""
    return order["kind"] != MARKET and order["tif"] == GTC


@inlined
def is_whole_or_nothing(order):
    """True if the order trades whole at once or not at all."""
    return order["tif"] == FOK
