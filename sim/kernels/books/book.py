"""The book: carries out orders in arrival order and writes what they did on the tape.

Before each order, what expires by its arrival leaves the book and the price band is
brought up to date. After each order, a change of the reference mid is charged to it.
"""

from __future__ import annotations

import math

import numpy as np

from sim.base.jit import inlined, kernel
from sim.kernels.base.draws import GOLDEN, mix
from sim.kernels.books.admission import (
    accepted,
    is_resting_kind,
    keeps_place,
    limit_tick,
    named,
    replaced,
    signed_qty,
)
from sim.kernels.books.decay import note_arrival, wear, wear_best, wear_every
from sim.kernels.books.expiries import first_due, sweep
from sim.kernels.books.matching import BAND, NOTHING_LEFT, match
from sim.kernels.books.resting import Book, join, leave, party_of, set_expiry, set_reducing, shrink
from sim.kernels.messages.tape import Origin, origin_of, write_move, write_reject
from sim.records import (
    BY_CANCEL,
    BY_QUOTE,
    BY_TRADE,
    CANCEL,
    CANCEL_ALL,
    CANCEL_AT,
    CANCEL_RANDOM,
    FILLS,
    LIMIT,
    MARKET,
    MODIFY,
    NOT_TRADED,
    OUTSIDE_BAND,
    QUOTE,
    REDUCE_ONLY,
    TRADE,
    TRADING,
    UNKNOWN_TAG,
)

TRIES = 256  # random rows looked at before a scan
RARE = 64  # below one row in so many, scan at once


@kernel
def execute(orders, due, until, columns, room, tape):
    """Carry out the due orders, then whatever expires by `until`.

    Parameters
    ----------
    orders : ndarray of ORDER
    due : ndarray of int64
        Rows of `orders`, in arrival order.
    until : float
    columns : BookColumns
        `pool` with room for one more resting order per due order, `expiries` for what those can cause;
        `worn` has a row a tick where volumes decay. Once the market has failed, nothing more is
        carried out.
    room : ndarray of int64, shape (3, A)
    tape : TapeRows
        With room for what the orders can cause.
    """
    c = columns
    book = Book(c.header[0], c.pool, c.ladder, c.bitmap, c.tags, c.expiries, c.accounts, room, c.worn)
    for k in range(due.size):
        order = orders[np.uint64(due[k])]
        prepare(book, tape, order["time"] + order["latency"], np.int64(order["phase"]))
        if book.head["decay"] > 0.0:
            decay(book, tape, order)
        if book.head["fails_at"] <= order["time"] + order["latency"]:
            break
        obey(book, tape, order)
    prepare(book, tape, until, np.int64(TRADING))
    book.head["clock"] = until


@inlined
def prepare(book, tape, now, phase):
    """Bring the book to time `now`: halts end, the band moves, orders expire."""
    head = book.head
    if head["band"] > 0.0:
        move_band(head, now)
    if head["expiring"] > 0:
        sweep(book.expiries, head, book.pool)
        expire(book, tape, now, phase)


@inlined
def decay(book, tape, order):
    """Let resting volume decay as an order arrives; a change of the mid is charged to its sender."""
    account = np.uint32(order["account"])
    if order["kind"] in (LIMIT, MARKET) and book.accounts[account]["is_durable"] == 0:
        note_arrival(book.head)
        charge(book, tape, account, origin_of(order), np.int64(BY_CANCEL), np.nan)
    if order["kind"] == CANCEL_RANDOM:
        wear_every(book)
    elif 0 <= order["target"] < book.tags.size:
        slot = np.int64(book.tags[order["target"]])
        if slot > 0:
            wear(book, np.int64(book.pool[slot]["price"]))


@inlined
def move_band(head, now):
    """Move the band's reference towards the mid; after a halt restart it there.

    Notes
    -----
    reference += (mid - reference) (1 - exp(-elapsed / window)), from order to order.
    """
    mid = float(head["mid"])
    elapsed = now - head["reference_time"]
    if now >= head["halted_until"] and head["halted_until"] > -np.inf:
        head["halted_until"] = -np.inf
        head["reference"] = mid
    elif elapsed > 0.0:
        weight = 1.0 - math.exp(-elapsed / head["band_window"])
        head["reference"] += (mid - head["reference"]) * weight
    head["reference_time"] = now
    head["low"] = np.int64(math.ceil(0.5 * head["reference"] * (1.0 - head["band"])))
    head["high"] = np.int64(math.floor(0.5 * head["reference"] * (1.0 + head["band"])))


@inlined
def expire(book, tape, now, phase):
    """Take off what expires by `now`; each change of the mid is charged to the order's owner."""
    slot, time = first_due(book.expiries, book.head, book.pool, now)
    while slot > 0:
        account = book.pool[slot]["account"]
        leave(book, slot)
        origin = Origin(time, np.int32(0), phase, np.int64(TRADE))
        charge(book, tape, account, origin, np.int64(BY_CANCEL), np.nan)
        slot, time = first_due(book.expiries, book.head, book.pool, now)


@inlined
def charge(book, tape, account, origin, mover, told):
    """Write a change of the reference mid, if there is one.

    Notes
    -----
    An empty side keeps the last mid, unless the other side's best price is past it: who asks less than the
    mid where nobody bids says that it is too high.

    `told` is what news made of the price of a QUOTE, a logarithm, and NaN for other orders. One side of
    the book moves the mid by half of that; as far as the change goes that way it is news.
    """
    head = book.head
    if head["decay"] > 0.0:
        wear_best(book)
    change = unsaid(head)
    if change != 0:
        answers = 0.0 if math.isnan(told) else 1.0 - min(max(0.5 * told * head["mid"] / change, 0.0), 1.0)
        head["mid"] += change
        write_move(tape, head["venue"], change, mover, party_of(book, account), origin, answers)
    if head["bid"] >= 0 and head["ask"] < head["width"]:
        head["fails_at"] = np.inf
    elif head["is_watched"] != 0:
        head["fails_at"] = min(head["fails_at"], origin.time + head["patience"])


@inlined
def unsaid(head):
    """What the best prices make of the reference mid, less what was written of it, half ticks."""
    mid = head["mid"]
    if head["bid"] < 0:
        return min(2 * head["ask"] - mid, 0) if head["ask"] < head["width"] else 0
    return head["bid"] + head["ask"] - mid if head["ask"] < head["width"] else max(2 * head["bid"] - mid, 0)


@inlined
def obey(book, tape, order):
    """Carry out one order, write its refusal if there is one, charge the move it made."""
    kind = order["kind"]
    filled = tape.counts[FILLS]
    refusal = 0
    qty = order["qty"]
    mover = BY_CANCEL
    if kind in (LIMIT, MARKET, MODIFY) or (kind == QUOTE and qty != 0):
        refusal, qty = enter(book, tape, order)
        mover = BY_CANCEL if kind == MARKET else BY_QUOTE
    elif kind == CANCEL_ALL:
        cancel_all(book, order["account"])
    elif kind in (CANCEL, CANCEL_RANDOM, QUOTE):
        refusal = cancel(book, order)
    elif kind == CANCEL_AT:
        cancel_at(book, order)
    else:
        refusal = NOT_TRADED
    if refusal != 0:
        write_reject(tape, book.head["venue"], order, party_of(book, order["account"]), qty, refusal)
    if tape.counts[FILLS] > filled:
        mover = BY_TRADE
    told = order["value"] if kind == QUOTE else np.nan
    charge(book, tape, np.uint32(order["account"]), origin_of(order), mover, told)


@inlined
def cancel(book, order):
    """Take off the order meant by CANCEL, CANCEL_RANDOM or an empty QUOTE; returns the refusal."""
    slot = drawn(book, order) if order["kind"] == CANCEL_RANDOM else named(book, order)
    if slot > 0:
        leave(book, slot)
        return 0
    return 0 if slot == 0 and order["kind"] == QUOTE else UNKNOWN_TAG


@inlined
def cancel_at(book, order):
    """Take off the sender's order in the place drawn at a price, if that place is taken.

    Notes
    -----
    Sent at rate `places` x θ with a uniform place, such cancels take each order off at rate θ while
    no more than `places` rest there: the thinning of Lewis & Shedler (1979).
    """
    side = 1 if order["qty"] > 0 else -1
    tick = limit_tick(book.head, order, side)
    ahead = np.int64(order["value"] * order["target"])
    if tick > 0:
        if book.head["decay"] > 0.0:
            wear(book, tick)
        slot = np.int64(book.ladder[tick]["head"])
        while slot > 0 and ahead >= 0:
            row = book.pool[slot]
            behind = np.int64(row["next"])
            if row["account"] == np.uint32(order["account"]) and row["qty"] * side > 0:
                if ahead == 0:
                    leave(book, slot)
                ahead -= 1
            slot = behind


@inlined
def cancel_all(book, account):
    """Take off every order of an account."""
    slot = book.head["used"]
    while slot > 0 and book.accounts[account]["resting"] > 0:
        if is_resting(book, slot, account):
            leave(book, slot)
        slot -= 1


@inlined
def is_resting(book, slot, account):
    """True if this row holds an order of this account."""
    return book.pool[slot]["qty"] != 0 and book.pool[slot]["account"] == account


@inlined
def drawn(book, order):
    """Row of one of the sender's orders, each as likely as the other; 0 if it has none.

    Notes
    -----
    Random rows of the pool until one is the sender's; where those are rare, or after
    `TRIES`, the order at a uniformly chosen position among the sender's.
    """
    account = order["account"]
    count = book.accounts[account]["resting"]
    used = book.head["used"]
    u = order["value"] if 0.0 < order["value"] < 1.0 else 0.5
    if count * RARE >= used and count > 0:
        seed = np.uint64(u * 9007199254740992.0)
        for i in range(TRIES):
            bits = mix(seed + np.uint64(i + 1) * GOLDEN) >> np.uint64(32)
            slot = np.int64((bits * np.uint64(used)) >> np.uint64(32)) + 1
            if is_resting(book, slot, account):
                return slot
    ahead = min(np.int64(u * count), np.int64(count - 1))
    slot = np.int64(1)
    while count > 0 and slot <= used:
        if is_resting(book, slot, account):
            if ahead == 0:
                return slot
            ahead -= 1
        slot += 1
    return np.int64(0)


@inlined
def enter(book, tape, order):
    """Let an order trade and rest; returns the refusal (0 if none) and the qty refused."""
    head = book.head
    now = order["time"] + order["latency"]
    old = replaced(book, order)
    qty = signed_qty(head, order)
    if order["kind"] == MODIFY and qty == 0 and old > 0:
        qty = np.int64(book.pool[old]["qty"])
    side = 1 if qty > 0 else -1
    limit = limit_tick(head, order, side)
    lots, refusal = accepted(book, tape, order, now, qty, side, limit, old)
    if refusal == OUTSIDE_BAND:
        halt(head, now)
    if refusal != 0 or lots == 0:
        return refusal, order["qty"]
    is_reduce_only = order["flags"] & REDUCE_ONLY != 0
    if old > 0 and is_resting_kind(order) and keeps_place(book.pool[old], side, lots, limit):
        shrink(book, old, abs(book.pool[old]["qty"]) - lots)
        set_expiry(book, old, order["good_till"])
        set_reducing(book, old, is_reduce_only)
        return 0, order["qty"]
    if old > 0:
        leave(book, old)
    left, stop = match(book, tape, order, side, lots, limit)
    if stop == BAND:
        halt(head, now)
        return OUTSIDE_BAND, side * left
    if left > 0 and stop == NOTHING_LEFT and is_resting_kind(order):
        if head["decay"] > 0.0:
            wear(book, limit)
        tag = -1 if order["target"] < 0 else order["target"]
        slot = join(book, np.uint32(order["account"]), tag, limit, side, left)
        if order["good_till"] < np.inf:
            set_expiry(book, slot, order["good_till"])
        if is_reduce_only:
            set_reducing(book, slot, True)
    return 0, order["qty"]


@inlined
def halt(head, now):
    """Halt trading because the band was hit, where the book has halts."""
    if head["halt_seconds"] > 0.0:
        head["halted_until"] = now + head["halt_seconds"]
