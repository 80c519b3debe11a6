"""Matching: an arriving order meets what rests on the other side.

Price first, then time: the best level is emptied from the head of its queue before the
next level is looked at. Every trade is at the resting order's price.
"""

from __future__ import annotations

import numpy as np

from sim.base.jit import inlined
from sim.kernels.books.decay import wear, wear_best
from sim.kernels.books.ladder import occupied_above, occupied_below
from sim.kernels.books.resting import is_reducing, leave, party_of, shrink
from sim.kernels.desks.desk import reducible, take
from sim.kernels.messages.tape import Deal, open_group, origin_of, pencil_fill, write_fill
from sim.records import EXPIRE_MAKER, EXPIRE_TAKER, FILLS, QUOTE, STP_NONE

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
def trade(book, tape, order, group, side, slot, lots):
    """Trade `lots` with the resting order in `slot`; the emptied order stays in its queue."""
    head = book.head
    row = book.pool[slot]
    qty = side * lots
    price = row["price"] * head["tick"]
    notional = abs(qty) * head["lot"] * price
    fee, maker_fee = notional * head["taker_fee"], notional * head["maker_fee"]
    maker, taker = party_of(book, row["account"]), party_of(book, order["account"])
    deal = Deal(head["instrument"], qty, price, fee, maker_fee)
    write_fill(tape, head["venue"], group, deal, maker, taker, origin_of(order))
    take(qty, taker.account, book.room)
    take(-qty, maker.account, book.room)
    shrink(book, slot, lots)
    head["flow"] += qty * (order["kind"] != QUOTE)
    head["volume"] += lots
    head["last"] = np.int64(row["price"])


@inlined
def match(book, tape, order, side, lots, limit):
    """Trade up to `lots` at `limit` or better; returns the lots left and why it stopped.

    Notes
    -----
    Self-trade prevention is the taker's: EXPIRE_MAKER removes the resting order and goes
    on, EXPIRE_TAKER drops the rest of the taker, EXPIRE_BOTH does both; earlier trades
    of the same order stand. A reduce-only order that is met is first cut to what its owner has left
    to reduce at that moment. What is removed, cut or dropped so is not a refusal.
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
        size = tradable(book, slot)
        if size < abs(book.pool[slot]["qty"]):
            shrink(book, slot, abs(book.pool[slot]["qty"]) - size)
            if size == 0:
                leave(book, slot)
                continue
        is_own = stp != STP_NONE and book.pool[slot]["account"] == account
        if is_own and stp == EXPIRE_TAKER:
            return lots, OWN_ORDER
        if not is_own:
            traded = min(lots, size)
            if group < 0:
                group = open_group(tape)
            trade(book, tape, order, group, side, slot, traded)
            lots -= traded
        if is_own or book.pool[slot]["qty"] == 0:
            leave(book, slot)
        if is_own and stp != EXPIRE_MAKER:
            return lots, OWN_ORDER
    return lots, NOTHING_LEFT


@inlined
def tradable(book, slot):
    """Lots of a resting order that may trade: all, or what is left to reduce if it is reduce-only."""
    row = book.pool[slot]
    lots = abs(row["qty"])
    if is_reducing(row):
        return min(lots, reducible(book.room, row["account"], 1 if row["qty"] > 0 else -1))
    return lots


@inlined
def rehearse(book, tape, order, side, lots, limit, old):
    """What `match` would leave of `lots`, and why it would stop, were the order in row `old` gone.

    Nothing is changed. The trades are tried out on what accounts hold and taken back after; in between
    they stand on the tape's next rows, which are not written yet.
    """
    head = book.head
    account, stp = order["account"], order["stp"]
    first, tried = tape.counts[FILLS], np.int64(0)
    stop = NOTHING_LEFT
    tick = opposite_best(head, side)
    while lots > 0 and stop == NOTHING_LEFT and is_within(tick, limit, side):
        if head["decay"] > 0.0:
            wear(book, np.int64(tick))
        slot = np.int64(book.ladder[np.uint64(tick)]["head"])
        if slot == old and slot > 0:
            slot = np.int64(book.pool[slot]["next"])
        if slot > 0 and is_outside_band(head, tick):
            stop = BAND
        while lots > 0 and stop == NOTHING_LEFT and slot > 0:
            row = book.pool[slot]
            size = tradable(book, slot) if slot != old else np.int64(0)
            if size > 0 and stp != STP_NONE and row["account"] == account:
                stop = NOTHING_LEFT if stp == EXPIRE_MAKER else OWN_ORDER
            elif size > 0:
                traded = min(lots, size)
                pencil_fill(tape, tried, row["account"], account, side * traded)
                take(side * traded, account, book.room)
                take(-side * traded, row["account"], book.room)
                tried += 1
                lots -= traded
            slot = np.int64(row["next"])
        if side > 0:
            tick = occupied_above(book.bitmap, head["width"], tick + 1)
        else:
            tick = occupied_below(book.bitmap, head["width"], tick - 1)
    for k in range(first, first + tried):
        done = tape.fills[np.uint64(k)]
        take(-done["qty"], done["taker"], book.room)
        take(done["qty"], done["maker"], book.room)
    return lots, stop
