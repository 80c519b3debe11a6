"""Spreading: buy where it is cheap and sell where it is dear, book against pool."""

from __future__ import annotations

import math

from agents.kernels.sending import blank, marketable, next_tick, rounded
from sim.jit import inlined, kernel
from sim.records import SWAP, TRADE

BPS = 1e-4


@inlined
def units_to_reach(base, cash, price, keep):
    """Units to buy from a constant-product pool until its marginal price after fee is `price`.

    Below zero: to sell. `keep` is one minus the fee. Zero inside the fee's band.
    """
    spot = cash / base
    if price > spot / keep:
        return base - math.sqrt(base * cash / (keep * price))
    if price < spot * keep:
        return -(math.sqrt(keep * base * cash / price) - base) / keep
    return 0.0


@inlined
def worth_trading(units, quotes, book, pool, edge):
    """Whether the gap between the venues still pays the fees and the edge asked for."""
    fee = quotes[book]["taker_fee"] + edge
    if units > 0.0:
        return quotes[book]["bid"] * (1.0 - fee) > quotes[pool]["ask"]
    return quotes[book]["ask"] * (1.0 + fee) < quotes[pool]["bid"]


@kernel
def spread(
    now,
    first_account,
    book,
    pool,
    lot,
    keep,
    quotes,
    position,
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
    """Send both legs of each row's trade: a swap with the pool, its opposite in the book.

    Parameters
    ----------
    edge_bps : ndarray of float64, shape (N,)
        Profit a row asks for beyond fees.
    share : ndarray of float64, shape (N,)
        Share of the gap a row closes at one look.
    slippage : float
        Worst price of the leg in the book, as a fraction of the mid.
    most : ndarray of float64, shape (N,)
        Largest basis position, units: spot bought beyond the opening, perpetual sold.
    """
    for row in range(share.size):
        if next_look[row] > now:
            continue
        next_look[row] = max(next_tick(now, interval[row], offset[row]), now + latency[row])
        bid, ask = quotes[book]["bid"], quotes[book]["ask"]
        base, cash = quotes[pool]["base"], quotes[pool]["cash"]
        if not (bid > 0.0 and ask > 0.0 and base > 0.0):
            continue
        fee = quotes[book]["taker_fee"] + edge_bps[row] * BPS
        buy = units_to_reach(base, cash, bid * (1.0 - fee), keep)
        sell = units_to_reach(base, cash, ask * (1.0 + fee), keep)
        units = buy if buy > 0.0 else min(sell, 0.0)
        if units == 0.0 or not worth_trading(units, quotes, book, pool, edge_bps[row] * BPS):
            continue
        account = first_account + row
        carried = -position[perpetual, account] * lot
        units = max(min(units * share[row], most[row] - carried), -most[row] - carried)
        if units < 0.0:
            units = max(units, -position[spot, account] * lot)
        depth = quotes[book]["depth_bid"] if units > 0.0 else quotes[book]["depth_ask"]
        units = max(min(units, depth), -depth)
        lots = rounded(units, lot)
        if lots != 0:
            blank(out, count, now, latency[row], account, pool, SWAP, lots)
            out[count]["value"] = bid * (1.0 - fee) if lots > 0 else ask * (1.0 + fee)
            mid = 0.5 * (bid + ask)
            count = marketable(
                out, count + 1, now, latency[row], account, quotes, book, -lots, mid, slippage, TRADE
            )
    return count
