"""Spreading: buy where it is cheap and sell where it is dear, book against pool."""

from __future__ import annotations

from agents.kernels.sending import blank, marketable, next_tick, rounded
from sim.base.jit import inlined, kernel
from sim.kernels.costs import units_to
from sim.records import TRADE

BPS = 1e-4


@inlined
def units_to_close(quotes, book, pool, edge):
    """Units to buy from the pool (below zero: sell) until the book's price, net of fee and edge, is reached.

    Zero where the gap does not pay.
    """
    bid, ask = quotes[book]["bid"], quotes[book]["ask"]
    if not (bid > 0.0 and ask > 0.0):
        return 0.0
    fee = quotes[book]["taker_fee"] + edge
    buy = units_to(quotes[pool], bid * (1.0 - fee))
    if buy > 0.0:
        return buy
    return min(units_to(quotes[pool], ask * (1.0 + fee)), 0.0)


@inlined
def left_open(units, waiting):
    """What is left to trade of `units` where swaps of the same side wait already."""
    if units > 0.0:
        return max(units - max(waiting, 0.0), 0.0)
    return min(units - min(waiting, 0.0), 0.0)


@inlined
def within_means(account, units, waiting, most, price, lot, spot, perpetual, cash, position, terms):
    """Units cut to the basis position allowed, the spot there is and the cash to buy it.

    A swap that waits has claimed the spot it sells, or the cash it pays.
    """
    held = position[spot, account] * lot + min(waiting, 0.0)
    if spot == perpetual:
        return max(min(units, held), -held)
    carried = -position[perpetual, account] * lot
    units = max(min(units, most - carried), -most - carried)
    margin = price * terms[perpetual]["initial"]
    free = cash[account] - max(waiting, 0.0) * price - carried * price - abs(carried) * margin
    return max(min(units, max(free, 0.0) / (price + margin)), -held)


@kernel
def spread(
    now,
    first_account,
    book,
    pool,
    lot,
    quotes,
    cash,
    position,
    pending,
    terms,
    spot,
    perpetual,
    edge_bps,
    share,
    most,
    slippage,
    interval,
    offset,
    next_look,
    latency,
    out,
    count,
):
    """Send both legs of each row's trade: what trades at once at the pool, its opposite in the book.

    Parameters
    ----------
    pending : ndarray of int64, shape (1, N)
        Lots of spot on the way: swaps that wait for a block, which close their part of the gap.
    spot, perpetual : int
        Instruments of the pool and of the book; equal in a book of spot.
    edge_bps : ndarray of float64, shape (N,)
        Profit a row asks for beyond fees.
    share : ndarray of float64, shape (N,)
        Share of the gap a row closes at one look.
    most : ndarray of float64, shape (N,)
        Largest basis position, units: perpetual sold against spot, or bought.
    slippage : float
        Worst price of the leg in the book, as a fraction of the mid.
    """
    for row in range(share.size):
        if next_look[row] > now or quotes[pool]["is_waiting"] != 0:
            continue
        next_look[row] = max(next_tick(now, interval[row], offset[row]), now + latency[row])
        edge = edge_bps[row] * BPS
        waiting = pending[0, row] * lot
        units = left_open(share[row] * units_to_close(quotes, book, pool, edge), waiting)
        if units == 0.0:
            continue
        account, mid = first_account + row, 0.5 * (quotes[book]["bid"] + quotes[book]["ask"])
        units = within_means(
            account, units, waiting, most[row], mid, lot, spot, perpetual, cash, position, terms
        )
        depth = quotes[book]["depth_bid"] if units > 0.0 else quotes[book]["depth_ask"]
        lots = rounded(max(min(units, depth), -depth), lot)
        if lots != 0:
            fee = quotes[book]["taker_fee"] + edge
            best = quotes[book]["bid"] * (1.0 - fee) if lots > 0 else quotes[book]["ask"] * (1.0 + fee)
            blank(out, count, now, latency[row], account, pool, quotes[pool]["takes"], lots)
            out[count]["value"] = best
            count = marketable(
                out, count + 1, now, latency[row], account, quotes, book, -lots, mid, slippage, TRADE
            )
    return count
