"""Answering losses: add margin, close at a stop or a target, and come back later.

A row holds a perpetual, cash, and perhaps a reserve outside the market. Equity and maintenance are lines in
the mark as long as it neither trades nor is paid; so each row has a mark below and one above at which
something falls due, and between the two it is not looked at.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from sim.base.jit import inlined, kernel
from sim.kernels.accounts.changes import has_missed, noted
from sim.kernels.accounts.valuation import standing
from sim.kernels.base.draws import uniform
from sim.kernels.messages.outbox import send
from sim.kernels.messages.owners import NO_ROW, row_in
from sim.records import MARKET, REDUCE_ONLY, REQUEST

ROUNDING = 1e-9  # of a mark, by which a row is looked at too early rather than too late
IS_OUT, IS_IN, IS_LEAVING = range(3)


class Books(NamedTuple):
    """Where rows trade: the venue of the perpetual, and the desk that changes reserves into cash."""

    venue: Any
    instrument: Any
    desk: Any
    reserve: Any  # instrument, below 0 where nobody has one


class Traders(NamedTuple):
    """What each row will do, shape (N,).

    Attributes
    ----------
    account : ndarray of int64
        At the venue.
    banked : ndarray of int64
        At the desk.
    latency : ndarray of float64
        Decision to arrival, s.
    size : ndarray of int64
        Lots it opened with, below zero short: the side it is on, and the most it comes back with.
    leverage : ndarray of float64
        With which it comes back.
    ratio : ndarray of float64
        Equity over maintenance below which it tops up, 0 if never.
    portion : ndarray of int64
        Lots of reserve that it sends at once.
    drawdown, gain : ndarray of float64
        Share of the equity at entry that, lost or won, makes it close; infinite if never.
    pause : ndarray of float64
        Seconds for which it stays out, infinite if for good.
    flips : ndarray of bool
        Whether a coin chooses the side on which it comes back.
    """

    account: Any
    banked: Any
    latency: Any
    size: Any
    leverage: Any
    ratio: Any
    portion: Any
    drawdown: Any
    gain: Any
    pause: Any
    flips: Any


class Standings(NamedTuple):
    """What becomes of each row, shape (N,); written.

    Attributes
    ----------
    low, high : ndarray of float64
        Marks at which something falls due; a row is looked at if the mark is not between them.
    due : ndarray of float64
        When a row that is out comes back, s.
    state : ndarray of int8
    base : ndarray of float64
        Equity at the entry, with what was added since, quote currency.
    entries : ndarray of int64
        How often it has come back.
    pending : ndarray of int64, shape (2, N)
        Lots of the perpetual and of reserve on the way.
    """

    low: Any
    high: Any
    due: Any
    state: Any
    base: Any
    entries: Any
    pending: Any


@inlined
def look_again(rows, row):
    """Let a row be looked at in the next step, whatever the mark."""
    rows.low[row] = math.inf


@inlined
def mark_changed(rows, account, changes, since, owners):
    """Let the rows be looked at whose account has changed."""
    population = owners.population_of[account[0]]
    if has_missed(changes, since):
        rows.low[:] = math.inf
    else:
        for number in range(since, changes[0]):
            row = row_in(population, noted(changes, number), owners)
            if row != NO_ROW:
                look_again(rows, row)


@inlined
def narrow(rows, row, mark, level):
    """Look at a row once the mark is at this level, on whichever side of it that is."""
    if level < mark:
        rows.low[row] = max(rows.low[row], level * (1.0 + ROUNDING))
    else:
        rows.high[row] = min(rows.high[row], level * (1.0 - ROUNDING))


@inlined
def leave(out, now, row, lots, books, traders, rows):
    """Close what the row holds, at the market; what is not filled is sent again."""
    rows.state[row] = IS_LEAVING
    order = send(out, now, traders.latency[row], traders.account[row], books.venue, MARKET, -lots)
    order["flags"] = REDUCE_ONLY
    look_again(rows, row)


@inlined
def enter(out, key, now, row, equity, lot_value, books, traders, rows):
    """Come back with the leverage of the opening on the equity that is left, and no more lots than then."""
    size, entry = traders.size[row], rows.entries[row]
    rows.entries[row] += 1
    rows.due[row] = now + traders.pause[row]
    most = max(traders.leverage[row] * equity / lot_value, 0.0)
    lots = min(np.int64(most), abs(size))
    is_long = uniform(key, entry, row, 0) < 0.5 if traders.flips[row] else size > 0
    if lots > 0:
        lots = lots if is_long else -lots
        send(out, now, traders.latency[row], traders.account[row], books.venue, MARKET, lots)


@inlined
def top_up(out, now, row, left, books, traders, rows):
    """Send a portion of the reserve to the account."""
    lots = min(traders.portion[row], left)
    order = send(out, now, traders.latency[row], traders.banked[row], books.desk, REQUEST, -lots)
    order["instrument"] = books.reserve
    look_again(rows, row)


@inlined
def wait_out(now, row, traders, rows):
    """Let a row that holds nothing wait until it may come back."""
    if rows.state[row] != IS_OUT:
        rows.state[row] = IS_OUT
        rows.due[row] = now + traders.pause[row]
    rows.low[row], rows.high[row] = -math.inf, math.inf


@inlined
def set_lines(row, mark, equity, needed, units, can_add, traders, rows):
    """Work out between which marks nothing is due; `units` is what equity changes by per unit of the mark."""
    rows.low[row], rows.high[row] = -math.inf, math.inf
    base = rows.base[row]
    narrow(rows, row, mark, mark + (base * (1.0 - traders.drawdown[row]) - equity) / units)
    narrow(rows, row, mark, mark + (base * (1.0 + traders.gain[row]) - equity) / units)
    slope = units - traders.ratio[row] * needed / mark
    if can_add and slope != 0.0:
        narrow(rows, row, mark, (units * mark - equity) / slope)


@inlined
def review(out, key, now, row, holdings, prices, books, traders, rows):
    """Look at one row and send what is due; nothing while its trade is on the way."""
    if rows.pending[0, row] != 0:
        look_again(rows, row)
        return
    terms, account = prices.terms, traders.account[row]
    lots = holdings.position[books.instrument, account]
    mark, lot = terms[books.instrument]["price"], terms[books.instrument]["lot"]
    equity, needed = standing(account, holdings, prices)
    if lots == 0:
        wait_out(now, row, traders, rows)
        if now >= rows.due[row]:
            enter(out, key, now, row, equity, lot * mark, books, traders, rows)
        return
    left = np.int64(0)
    if books.reserve >= 0:
        coming = -rows.pending[1, row]
        left = holdings.position[books.reserve, traders.banked[row]] - coming
        equity += coming * terms[books.reserve]["lot"]
    if rows.state[row] == IS_OUT:
        rows.state[row], rows.base[row], rows.due[row] = IS_IN, max(equity, 0.0), math.inf
    base = rows.base[row]
    is_stopped = equity <= base * (1.0 - traders.drawdown[row])
    if rows.state[row] == IS_LEAVING or is_stopped or equity >= base * (1.0 + traders.gain[row]):
        leave(out, now, row, lots, books, traders, rows)
        return
    can_add = left > 0 and traders.ratio[row] > 0.0
    set_lines(row, mark, equity, needed, lots * lot, can_add, traders, rows)
    if can_add and equity < traders.ratio[row] * needed:
        rows.base[row] += min(traders.portion[row], left) * terms[books.reserve]["lot"]
        top_up(out, now, row, left, books, traders, rows)


@kernel
def answer(key, now, since, changes, owners, holdings, prices, books, traders, rows, out):
    """Look at the rows for which something may be due, and let them act; returns how many changes were read.

    Parameters
    ----------
    key : uint64
        Of the coins, which depend on the row and on how often it has come back.
    now : float
    since : int
        How many of the changes the ledger has noted were read before.
    changes : ndarray of int64
        The ledger's log (`sim.kernels.accounts.changes`).
    owners : Owners
    holdings, prices : Holdings, Prices
    books : Books
    traders : Traders
    rows : Standings
    out : Out
        With room for an order a row.
    """
    mark_changed(rows, traders.account, changes, since, owners)
    mark = prices.terms[books.instrument]["price"]
    for row in range(rows.low.size):
        if not (rows.low[row] < mark < rows.high[row]) or now >= rows.due[row]:
            review(out, key, now, row, holdings, prices, books, traders, rows)
    return changes[0]
