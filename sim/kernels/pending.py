"""Pending: which orders will trade as they arrive, and what those on the way add up to."""

from __future__ import annotations

from sim.jit import inlined, kernel
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


@inlined
def is_pending(order):
    """Whether an order trades as it arrives, or not at all, to a side that is known.

    What may rest, or takes its side from the price it will meet, counts for nothing.
    """
    kind = order["kind"]
    is_immediate = order["tif"] != GTC and kind in (LIMIT, QUOTE, MODIFY)
    is_trade = kind in (MARKET, SWAP, REQUEST) or is_immediate
    return (is_trade and order["flags"] & SIDE_BY_VALUE == 0) or kind == REMOVE_LIQUIDITY


@inlined
def instrument_of(order, traded):
    """The dense instrument whose lots an order changes, below zero if none."""
    if order["kind"] == REQUEST:
        return order["instrument"]
    return traded[REDEEMED if order["kind"] == REMOVE_LIQUIDITY else TRADED, order["venue"]]


@kernel
def gather(orders, begin, end, first, instruments, traded, lots):
    """Add up what orders[begin:end] will change the holdings of some accounts by, if filled whole.

    Parameters
    ----------
    first : int
        The first of the accounts.
    instruments : ndarray of int64, shape (J,)
        Dense instruments to count.
    traded : ndarray of int32, shape (2, V)
        What each venue trades, and what it redeems as liquidity is removed; -1 for nothing.
    lots : ndarray of int64, shape (J, N)
        Written, from zeros.

    Returns
    -------
    int
        How many orders were counted.
    """
    lots[:] = 0
    found = 0
    for i in range(begin, end):
        row = orders[i]["account"] - first
        if not 0 <= row < lots.shape[1] or not is_pending(orders[i]):
            continue
        instrument = instrument_of(orders[i], traded)
        for j in range(instruments.size):
            if instruments[j] == instrument:
                is_burnt = orders[i]["kind"] == REMOVE_LIQUIDITY
                lots[j, row] += -orders[i]["qty"] if is_burnt else orders[i]["qty"]
                found += 1
    return found
