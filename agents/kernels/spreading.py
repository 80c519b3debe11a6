"""Spreading: buy where it is cheap and sell where it is dear, book against pool."""

from __future__ import annotations

from typing import Any, NamedTuple

from agents.kernels.sending import next_tick, rounded, send_marketable
from sim.base.jit import inlined, kernel
from sim.kernels.costs import units_to
from sim.kernels.messages.outbox import send
from sim.records import TRADE

BPS = 1e-4


class Legs(NamedTuple):
    """The two markets of a spread: rows in the quotes, instruments (equal in a book of spot), and the lot.

    `slippage` is the worst price of the leg in the book, as a fraction of the mid.
    """

    book: Any
    pool: Any
    spot: Any
    perpetual: Any
    lot: Any
    slippage: Any


class Spreaders(NamedTuple):
    """Those who trade them.

    Attributes
    ----------
    account : ndarray of int64, shape (chains, N)
    latency : ndarray of float64, shape (N,)
    pending : ndarray of int64, shape (1, N)
        Lots of spot on the way: swaps that wait for a block, which close their part of the gap.
    edge_bps : ndarray of float64, shape (N,)
        Profit a row asks for beyond fees.
    share : ndarray of float64, shape (N,)
        Share of the gap a row closes at one look.
    most : ndarray of float64, shape (N,)
        Largest basis position, units: perpetual sold against spot, or bought.
    """

    account: Any
    latency: Any
    pending: Any
    edge_bps: Any
    share: Any
    most: Any


@inlined
def units_to_close(book, pool, edge):
    """Units to buy from the pool (below zero: sell) until the book's price, net of fee and edge, is reached.

    Zero where the gap does not pay.
    """
    bid, ask = book["bid"], book["ask"]
    if not (bid > 0.0 and ask > 0.0):
        return 0.0
    fee = book["taker_fee"] + edge
    buy = units_to(pool, bid * (1.0 - fee))
    if buy > 0.0:
        return buy
    return min(units_to(pool, ask * (1.0 + fee)), 0.0)


@inlined
def left_open(units, waiting):
    """What is left to trade of `units` where swaps of the same side wait already."""
    if units > 0.0:
        return max(units - max(waiting, 0.0), 0.0)
    return min(units - min(waiting, 0.0), 0.0)


@inlined
def within_means(at_book, at_pool, units, waiting, most, price, legs, cash, position, terms):
    """Units cut to the basis position allowed, the spot there is and the cash to buy it.

    A swap that waits has claimed the spot it sells, or the cash it pays.
    """
    lot = legs.lot
    held = position[legs.spot, at_pool] * lot + min(waiting, 0.0)
    if legs.spot == legs.perpetual:
        return max(min(units, held), -held)
    carried = -position[legs.perpetual, at_book] * lot
    units = max(min(units, most - carried), -most - carried)
    margin = price * terms[legs.perpetual]["initial"]
    free = cash[at_pool] - max(waiting, 0.0) * price - carried * price - abs(carried) * margin
    return max(min(units, max(free, 0.0) / (price + margin)), -held)


@kernel
def spread(now, quotes, cash, position, terms, legs, spreaders, looks, out):
    """Send both legs of each row's trade: what trades at once at the pool, its opposite in the book.

    Parameters
    ----------
    quotes : ndarray of VENUE_STATE, shape (V,)
    cash : ndarray of float64, shape (A,)
    position : ndarray of int64, shape (I, A)
    terms : ndarray of TERMS, shape (I,)
    legs : Legs
    spreaders : Spreaders
    looks : Looks
    out : Out
    """
    own, lot, account = spreaders, legs.lot, spreaders.account
    for row in range(own.share.size):
        book, pool, latency = quotes[legs.book], quotes[legs.pool], own.latency[row]
        if looks.next_at[row] > now or pool["is_waiting"] != 0:
            continue
        looks.next_at[row] = max(next_tick(now, looks.interval[row], looks.offset[row]), now + latency)
        edge = own.edge_bps[row] * BPS
        waiting = own.pending[0, row] * lot
        units = left_open(own.share[row] * units_to_close(book, pool, edge), waiting)
        if not abs(units) > 0.0:
            continue  # nor is there a share of none in what has no end
        mid = 0.5 * (book["bid"] + book["ask"])
        at_book, at_pool = account[book["chain"], row], account[pool["chain"], row]
        units = within_means(
            at_book, at_pool, units, waiting, own.most[row], mid, legs, cash, position, terms
        )
        depth = book["depth_bid"] if units > 0.0 else book["depth_ask"]
        lots = rounded(max(min(units, depth), -depth), lot)
        if lots != 0:
            fee = book["taker_fee"] + edge
            best = book["bid"] * (1.0 - fee) if lots > 0 else book["ask"] * (1.0 + fee)
            order = send(out, now, latency, at_pool, legs.pool, pool["takes"], lots)
            order["value"] = best
            send_marketable(out, now, latency, at_book, quotes, legs.book, -lots, mid, legs.slippage, TRADE)
