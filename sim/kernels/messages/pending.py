"""Pending: which orders will trade as they arrive, and what those on the way add up to."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sim.base.jit import inlined, kernel
from sim.kernels.messages.owners import NO_ROW, row_in
from sim.records import (
    GTC,
    LIMIT,
    MARKET,
    MODIFY,
    QUOTE,
    REMOVE_LIQUIDITY,
    REQUEST,
    SIDE_BY_VALUE,
    SWAP,
)

TRADED, REDEEMED = range(2)  # rows of what a venue trades
BEFORE, NOW = 1, 2  # marks of rows
# Kinds of orders, as bits: that trade as they arrive, that rest unless they say otherwise, that redeem.
TRADES = 1 << MARKET | 1 << SWAP | 1 << REQUEST
MAY_REST = 1 << LIMIT | 1 << QUOTE | 1 << MODIFY
REDEEMS = 1 << REMOVE_LIQUIDITY


class Looked(NamedTuple):
    """What a look at the orders of N accounts leaves to the next.

    `marks` is work space, zero before and after; `rows` had lots on the way at the last look; `found` gets
    those that have some now, then those that only had some.
    """

    marks: Any
    rows: Any
    found: Any


@inlined
def is_pending(order):
    """Whether an order trades as it arrives, or not at all, to a side that is known.

    What may rest, or takes its side from the price it will meet, counts for nothing.
    """
    kind = np.int64(1) << np.int64(order["kind"])
    is_immediate = (order["tif"] != GTC) & (kind & MAY_REST != 0)
    is_sided = order["flags"] & SIDE_BY_VALUE == 0
    return (((kind & TRADES != 0) | is_immediate) & is_sided) | (kind == REDEEMS)


@inlined
def instrument_of(order, traded):
    """The dense instrument whose lots an order changes, below zero if none."""
    if order["kind"] == REQUEST:
        return order["instrument"]
    return traded[REDEEMED if order["kind"] == REMOVE_LIQUIDITY else TRADED, order["venue"]]


@inlined
def change_of(order, traded, instrument):
    """Lots by which a pending order changes what its sender holds of an instrument, if filled whole."""
    if not is_pending(order) or instrument_of(order, traded) != instrument:
        return np.int64(0)
    return -order["qty"] if order["kind"] == REMOVE_LIQUIDITY else order["qty"]


@kernel
def total(out, begin, account, instrument, traded):
    """Lots of a dense instrument that an account has on the way, by the rows of an outbox from `begin` on."""
    lots = np.int64(0)
    for i in range(begin, out.count[0]):
        if out.rows[i]["account"] == account:
            lots += change_of(out.rows[i], traded, instrument)
    return lots


@kernel
def gather(out, begin, account, owners, instruments, traded, lots, looked, held):
    """Add up what orders on the way will change the holdings of a population's rows by, if filled whole.

    Parameters
    ----------
    out : Out
        Of its rows, those from `begin` on.
    account : int
        Any account of the population.
    owners : Owners
    instruments : ndarray of int64, shape (J,)
        Dense instruments to count.
    traded : ndarray of int32, shape (2, V)
        What each venue trades, and what it redeems as liquidity is removed; -1 for nothing.
    lots : ndarray of int64, shape (J, N)
        Brought up to date.
    looked : Looked
    held : int
        How many rows had lots on the way at the last look.

    Returns
    -------
    int, int
        How many rows have lots on the way now, and how many rows `found` holds.
    """
    marks, rows, found = looked.marks, looked.rows, looked.found
    for n in range(held):
        marks[rows[n]] = BEFORE
        for j in range(instruments.size):
            lots[j, rows[n]] = 0
    orders, now, population = out.rows, 0, owners.population_of[account]
    for i in range(begin, out.count[0]):
        row = row_in(population, orders[i]["account"], owners)
        if row != NO_ROW:
            for j in range(instruments.size):
                change = change_of(orders[i], traded, instruments[j])
                lots[j, row] += change
                if change != 0 and marks[row] != NOW:
                    marks[row] = NOW
                    found[now] = row
                    now += 1
    count = now
    for n in range(held):
        if marks[rows[n]] == BEFORE:
            found[count] = rows[n]
            count += 1
    for n in range(count):
        marks[found[n]] = 0
    return now, count
