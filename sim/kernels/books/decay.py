"""Decay: resting volume that wears off with every order that arrives.

An arrival multiplies the volume resting at price p by exp(-decay (mid - p)^2), the mid being
the one it meets. Over the arrivals k since a price was last looked at, the exponent is

    sum (m_k - p)^2 = sum m_k^2 - 2 p sum m_k + n p^2,

so three running sums, kept in integers and therefore exact, and a copy of them for each
price give the same volume as touching every order at every arrival. A price is brought up
to date before anything trades, joins, is named or is shown there, and the two best prices
after every order, because what has worn off entirely is no longer the best.

Lots are whole: each look rounds a volume down, so that it ends; with lots that are small
beside the orders this is the only difference from touching every order.
"""

from __future__ import annotations

import math

import numpy as np

from sim.base.jit import inlined, kernel
from sim.kernels.books.ladder import occupied_above
from sim.kernels.books.resting import Book, leave, shrink

# The sums of a book when a price was last looked at.
WORN = np.dtype([("arrivals", "i8"), ("mids", "i8"), ("squared_mids", "i8")])


@inlined
def note_arrival(head):
    """Add the mid that an arriving order meets to the sums."""
    mid = head["mid"] - head["origin"]
    head["arrivals"] += 1
    head["mids"] += mid
    head["squared_mids"] += mid * mid


@inlined
def distance_since(head, then, tick):
    """Sum of squared distances of the mids from a price since it was last looked at, squared half ticks."""
    price = 2 * tick - head["origin"]
    arrivals = head["arrivals"] - then["arrivals"]
    mids = head["mids"] - then["mids"]
    return head["squared_mids"] - then["squared_mids"] - 2 * price * mids + price * price * arrivals


@inlined
def wear(book, tick):
    """Bring the volumes at a price up to date; what is worn off leaves the book."""
    head = book.head
    then = book.worn[tick]
    if then["arrivals"] == head["arrivals"]:
        return
    distance = distance_since(head, then, tick)
    then["arrivals"] = head["arrivals"]
    then["mids"] = head["mids"]
    then["squared_mids"] = head["squared_mids"]
    lost = -math.expm1(-head["decay"] * distance)
    slot = np.int64(book.ladder[tick]["head"])
    while slot > 0 and lost > 0.0:
        row = book.pool[slot]
        behind = np.int64(row["next"])
        if book.accounts[row["account"]]["is_durable"] == 0:
            lots = abs(row["qty"])
            off = np.int64(math.ceil(lots * lost))
            if off < lots:
                shrink(book, slot, off)
            else:
                leave(book, slot)
        slot = behind


@inlined
def wear_best(book):
    """Bring the best prices of both sides up to date, until something is left there."""
    head = book.head
    tick = np.int64(-1)
    while head["bid"] >= 0 and head["bid"] != tick:
        tick = head["bid"]
        wear(book, tick)
    tick = np.int64(-1)
    while head["ask"] < head["width"] and head["ask"] != tick:
        tick = head["ask"]
        wear(book, tick)


@inlined
def wear_every(book):
    """Bring every price up to date."""
    width = book.head["width"]
    tick = occupied_above(book.bitmap, width, np.int64(0))
    while tick < width:
        wear(book, tick)
        tick = occupied_above(book.bitmap, width, tick + 1)


@kernel
def wear_all(columns, room):
    """Bring every price of a book up to date."""
    c = columns
    wear_every(Book(c.header[0], c.pool, c.ladder, c.bitmap, c.tags, c.expiries, c.accounts, room, c.worn))
