"""Resting orders: rows of one flat pool, queued first in first out at each tick.

A row is 32 bytes. Queues are doubly linked through the rows themselves, so joining and
leaving cost the same wherever the order stands; freed rows are chained and used again.
Row 0 holds no order: a link of 0 means there is none, and what is written through such a
link goes to row 0 and is never read. That, and choosing values instead of branching on
the side, spares the processor guesses it would mostly get wrong.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sim.base.jit import inlined
from sim.kernels.books.expiries import schedule
from sim.kernels.books.ladder import occupied_above, occupied_below, occupy, vacate
from sim.kernels.messages.tape import Party

RESTING = np.dtype(
    [
        ("qty", "i8"),  # lots, > 0 a bid; 0 in a free row
        ("price", "u4"),  # tick
        ("account", "u4"),
        ("next", "u4"),  # behind it in the queue; in a free row the next free one
        ("prev", "u4"),  # before it in the queue
        ("tag", "u4"),  # 1 + tag, 0 if it has none; REDUCING is added if it is reduce-only
        ("ticket", "u4"),  # of its expiry, 0 if it rests until cancelled
    ]
)

REDUCING = 1 << 31  # in a row's tag

ACCOUNT = np.dtype(
    [
        ("buying", "i8"),  # lots of its resting bids
        ("selling", "i8"),  # lots of its resting asks
        ("resting", "i4"),  # number of its resting orders
        ("population", "i2"),
        ("is_durable", "i2"),  # its orders do not decay
    ],
    align=True,
)

# The one row of numbers that goes with a book.
HEADER = np.dtype(
    [
        ("bid", "i8"),  # best bid, tick; -1 if none
        ("ask", "i8"),  # best ask, tick; the ladder's width if none
        ("mid", "i8"),  # reference mid, half ticks
        ("last", "i8"),  # tick of the last trade; of the opening mid, rounded down, until there is one
        ("width", "i8"),  # ticks of the ladder
        ("free", "u4"),  # first free row of the pool among those used before
        ("used", "u4"),  # rows of the pool ever used
        ("resting", "i8"),  # orders,
        ("reducing", "i8"),  # of which reduce-only
        ("expiring", "i8"),  # entries of the heap of expiries
        ("stale", "i8"),  # of which the order is gone
        ("ticket", "i8"),  # last expiry ticket handed out
        ("low", "i8"),  # ticks between which trades are allowed
        ("high", "i8"),
        ("flow", "i8"),  # lots bought minus sold by takers since the opening, crossing quotes aside
        ("volume", "i8"),  # lots traded since the opening
        ("step_flow", "i8"),  # what they were when the step began
        ("step_volume", "i8"),
        ("instrument", "i8"),
        ("asset", "i8"),
        ("venue", "i8"),
        ("clock", "f8"),  # s
        ("tick", "f8"),  # quote currency
        ("lot", "f8"),  # units of the instrument
        ("maker_fee", "f8"),  # fraction of the notional
        ("taker_fee", "f8"),
        ("depth_reach", "f8"),  # distance from the mid as a fraction of it
        ("band", "f8"),  # half width as a fraction of the reference, 0 for none
        ("band_window", "f8"),  # s
        ("halt_seconds", "f8"),
        ("reference", "f8"),  # of the band, half ticks
        ("reference_time", "f8"),  # s
        ("halted_until", "f8"),  # s; -inf when trading
        ("fails_at", "f8"),  # s, when a side will have been empty for too long; inf while none is
        ("patience", "f8"),  # s that a side may be empty
        ("is_watched", "i8"),  # whether an empty side is a failure
        ("decay", "f8"),  # of a volume a squared half tick and arrival, 0 for none
        ("origin", "i8"),  # half tick that the sums below are measured from
        ("arrivals", "i8"),  # of orders that made volumes decay,
        ("mids", "i8"),  # sum of the mids they met,
        ("squared_mids", "i8"),  # and of their squares
    ]
)


class BookColumns(NamedTuple):
    """The columns of one book, as its venue keeps them."""

    header: Any
    pool: Any
    ladder: Any
    bitmap: Any
    tags: Any
    expiries: Any
    accounts: Any
    worn: Any


class Book(NamedTuple):
    """One book and the room of those who trade there, gathered inside the entry kernel."""

    head: Any
    pool: Any
    ladder: Any
    bitmap: Any
    tags: Any
    expiries: Any
    accounts: Any
    room: Any
    worn: Any


@inlined
def party_of(book, account):
    """An account and its population, as the book has it."""
    number = np.uint32(account)
    return Party(number, book.accounts[number]["population"])


@inlined
def take_row(book):
    """A free row of the pool."""
    head = book.head
    slot = head["free"]
    if slot > 0:
        head["free"] = book.pool[slot]["next"]
    else:
        slot = head["used"] + 1
        head["used"] = slot
    return slot


@inlined
def reserve_lots(book, account, side, lots):
    """Add lots (negative to release) to what an account has resting."""
    row = book.accounts[np.uint32(account)]
    row["buying"] += lots * (side > 0)
    row["selling"] += lots * (side < 0)


@inlined
def join(book, account, tag, tick, side, lots):
    """Queue a new order at `tick`, not reduce-only; returns its row."""
    head = book.head
    slot = take_row(book)
    level = book.ladder[np.uint64(tick)]
    tail = level["tail"]
    row = book.pool[slot]
    row["qty"] = side * lots
    row["price"] = tick
    row["account"] = account
    row["next"] = 0
    row["prev"] = tail
    row["tag"] = tag + 1
    row["ticket"] = 0
    level["tail"] = slot
    level["volume"] += lots
    book.pool[tail]["next"] = slot
    first = level["head"]
    level["head"] = slot if tail == 0 else first
    width = head["width"]
    occupy(book.bitmap, width, tick)
    head["bid"] = max(head["bid"], tick if side > 0 else -1)
    head["ask"] = min(head["ask"], tick if side < 0 else width)
    if tag >= 0:
        book.tags[np.uint64(tag)] = slot
    head["resting"] += 1
    book.accounts[np.uint32(account)]["resting"] += 1
    reserve_lots(book, account, side, lots)
    return slot


@inlined
def leave(book, slot):
    """Take an order off the book, wherever it stands."""
    row = book.pool[slot]
    level = book.ladder[np.uint64(row["price"])]
    ahead = row["prev"]
    behind = row["next"]
    book.pool[ahead]["next"] = behind
    book.pool[behind]["prev"] = ahead
    first = level["head"]
    last = level["tail"]
    level["head"] = behind if ahead == 0 else first
    level["tail"] = ahead if behind == 0 else last
    level["volume"] -= abs(row["qty"])
    side = 1 if row["qty"] > 0 else -1
    reserve_lots(book, row["account"], side, -abs(row["qty"]))
    if level["head"] == 0:
        close_level(book, np.int64(row["price"]))
    release_row(book, slot)


@inlined
def release_row(book, slot):
    """Return the row of an order that has left its queue; forget its tag and expiry."""
    head = book.head
    row = book.pool[slot]
    set_reducing(book, slot, False)
    if row["tag"] > 0:
        book.tags[np.uint64(np.int64(row["tag"]) - 1)] = 0
    if row["ticket"] > 0:
        head["stale"] += 1
        row["ticket"] = 0
    row["qty"] = 0
    row["next"] = head["free"]
    head["free"] = slot
    head["resting"] -= 1
    book.accounts[np.uint32(row["account"])]["resting"] -= 1


@inlined
def close_level(book, tick):
    """Mark a tick as empty and find the next best price if it was the best."""
    head = book.head
    vacate(book.bitmap, head["width"], tick)
    if tick == head["bid"]:
        head["bid"] = occupied_below(book.bitmap, head["width"], tick)
    elif tick == head["ask"]:
        head["ask"] = occupied_above(book.bitmap, head["width"], tick)


@inlined
def shrink(book, slot, lots):
    """Take lots off an order that keeps its place."""
    row = book.pool[slot]
    side = 1 if row["qty"] > 0 else -1
    row["qty"] -= side * lots
    book.ladder[np.uint64(row["price"])]["volume"] -= lots
    reserve_lots(book, row["account"], side, -lots)


@inlined
def is_reducing(row):
    """True if a resting order is reduce-only."""
    return row["tag"] >= REDUCING


@inlined
def set_reducing(book, slot, is_reduce_only):
    """Make an order reduce-only or not, whatever it was before."""
    row = book.pool[slot]
    if is_reducing(row) != is_reduce_only:
        row["tag"] ^= np.uint32(REDUCING)
        book.head["reducing"] += 1 if is_reduce_only else -1


@inlined
def set_expiry(book, slot, good_till):
    """Make an order expire at `good_till`, whatever it had before."""
    head = book.head
    row = book.pool[slot]
    if row["ticket"] > 0:
        head["stale"] += 1
        row["ticket"] = 0
    if good_till < np.inf:
        row["ticket"] = schedule(book.expiries, head, good_till, slot)
