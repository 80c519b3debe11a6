"""Arrivals: limit orders placed around the live market, market orders, and cancels by distance."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from sim.base.jit import inlined, kernel
from sim.kernels.base.draws import exponential, normal, poisson, uniform
from sim.kernels.messages.outbox import send
from sim.records import CANCEL_AT, LIMIT, MARKET, MID, OPPOSITE_BEST, SIDE_BY_VALUE

# Draws of one order: this many uses apart.
USES = 8


class Rates(NamedTuple):
    """Rates of a flow without intelligence.

    Attributes
    ----------
    limit, cancel : ndarray of float64
        Cumulative over the distance from the opposite best, a second and side; of cancels, of each
        order that rests. Without cancel rates each order lives an exponential time.
    market : float
        Orders a second and side.
    mean_life : float
        Seconds, infinite for ever.
    places : int
        Orders at a price for which cancels are drawn.
    lots : int
        Of every order.
    """

    limit: Any
    cancel: Any
    market: Any
    mean_life: Any
    places: Any
    lots: Any


class Strangers(NamedTuple):
    """What anonymous traders are like, shape (N,) each.

    Attributes
    ----------
    rate, immediacy, informed_share : ndarray of float64
        Orders a second; share of market orders; share that is informed.
    largest : ndarray of float64
        Size, units.
    offset, offset_sd : ndarray of float64
        Mean and standard deviation of how far limit prices go beyond the reference towards a trade, quote
        currency.
    """

    rate: Any
    immediacy: Any
    informed_share: Any
    largest: Any
    offset: Any
    offset_sd: Any


@inlined
def write_times(key, step, row, now, step_seconds, arriving, out):
    """Write the times of so many arrivals, even over the step, into the next rows to be sent, rising.

    Notes
    -----
    Sums of exponentials over their total: the order statistics of uniforms, without sorting.
    """
    total, rows, count = 0.0, out.rows, out.count[0]
    for j in range(arriving):
        total += exponential(1.0, key, step, row, USES * (j + 1))
        rows[count + j]["time"] = total
    total += exponential(1.0, key, step, row, 1)
    for j in range(arriving):
        rows[count + j]["time"] = now + step_seconds * (rows[count + j]["time"] / total)


@inlined
def lacking(arriving, before, out):
    """How many rows more than it had room for at first an outbox needs, that so many fit; 0 if they do.

    If they do not, what was written since is taken back.
    """
    count = out.count[0]
    if count + arriving <= out.rows.size:
        return 0
    out.count[0] = before
    return count + arriving - before


@inlined
def drawn_distance(cumulative, u):
    """Ticks from the opposite best, 1 and more, drawn by cumulative rates; binary search."""
    wanted = u * cumulative[cumulative.size - 1]
    low, high = 0, cumulative.size - 1
    while low < high:
        middle = (low + high) >> 1
        if cumulative[middle] > wanted:
            high = middle
        else:
            low = middle + 1
    return low + 1


@kernel
def flow(key, step, now, step_seconds, place, senders, rates, out):
    """Send each row's limit orders, market orders and cancels of this step, both sides alike.

    Parameters
    ----------
    place : Place
    senders : Senders
    rates : Rates
    out : Out

    Returns
    -------
    int
        0, or if they do not fit how many rows they need; then none is sent.
    """
    limit_mean = 2.0 * rates.limit[rates.limit.size - 1] * step_seconds
    market_mean = 2.0 * rates.market * step_seconds
    cancel_mean = 0.0
    if rates.cancel.size > 0:
        cancel_mean = 2.0 * rates.places * rates.cancel[rates.cancel.size - 1] * step_seconds
    mean, before = limit_mean + market_mean + cancel_mean, out.count[0]
    for row in range(senders.account.size):
        arriving = poisson(mean, uniform(key, step, row, 0))
        needed = lacking(arriving, before, out)
        if needed > 0:
            return needed
        write_times(key, step, row, now, step_seconds, arriving, out)
        account, latency = senders.account[row], senders.latency[row]
        for j in range(arriving):
            use = USES * (j + 1)
            at = out.rows[out.count[0]]["time"]
            which = mean * uniform(key, step, row, use + 1)
            qty = rates.lots if uniform(key, step, row, use + 2) < 0.5 else -rates.lots
            kind = LIMIT if which < limit_mean else CANCEL_AT if which < limit_mean + cancel_mean else MARKET
            order = send(out, at, latency, account, place.venue, kind, qty)
            if kind == LIMIT:
                order["price_ref"] = OPPOSITE_BEST
                order["price"] = drawn_distance(rates.limit, uniform(key, step, row, use + 3))
                if rates.mean_life < math.inf:
                    life = exponential(rates.mean_life, key, step, row, use + 4)
                    order["good_till"] = at + latency + life
            elif kind == CANCEL_AT:
                order["price_ref"] = OPPOSITE_BEST
                order["price"] = drawn_distance(rates.cancel, uniform(key, step, row, use + 3))
                order["target"] = rates.places
                order["value"] = uniform(key, step, row, use + 4)
    return 0


@inlined
def place_around(order, reference, is_absolute, side, offset, tick):
    """Price a limit order at `offset` (quote currency, positive towards a trade) from its reference.

    Notes
    -----
    From an absolute value to the nearest tick. The mid stands on a tick or half way between two,
    from where the venue rounds to the passive side; a quarter tick between the two makes
    the average right.
    """
    if is_absolute:
        order["price"] = np.int64(math.floor((reference + side * offset) / tick + 0.5))
    else:
        order["price_ref"] = MID
        order["price"] = np.int64(math.floor(0.25 - offset / tick))


@kernel
def mingle(key, step, now, step_seconds, assets, place, senders, strangers, out):
    """Send each row's orders of this step, of informed and uninformed traders alike.

    Parameters
    ----------
    assets : ndarray of ASSET
        The value of the one traded is what the informed know it to be worth.
    place : Place
    senders : Senders
    strangers : Strangers
    out : Out

    Returns
    -------
    int
        0, or if they do not fit how many rows they need; then none is sent.
    """
    value, before = assets[place.asset]["value"], out.count[0]
    for row in range(senders.account.size):
        arriving = poisson(strangers.rate[row] * step_seconds, uniform(key, step, row, 0))
        needed = lacking(arriving, before, out)
        if needed > 0:
            return needed
        write_times(key, step, row, now, step_seconds, arriving, out)
        account, latency = senders.account[row], senders.latency[row]
        for j in range(arriving):
            use = USES * (j + 1)
            at = out.rows[out.count[0]]["time"]
            lots = np.int64(math.ceil(strangers.largest[row] / place.lot * uniform(key, step, row, use + 1)))
            side = 1 if uniform(key, step, row, use + 2) < 0.5 else -1
            is_informed = uniform(key, step, row, use + 3) < strangers.informed_share[row]
            is_market = uniform(key, step, row, use + 4) < strangers.immediacy[row]
            kind = MARKET if is_market else LIMIT
            order = send(out, at, latency, account, place.venue, kind, side * lots)
            if is_market and is_informed:
                order["flags"] = SIDE_BY_VALUE
                order["value"] = value
            elif not is_market:
                towards = strangers.offset[row] + strangers.offset_sd[row] * normal(key, step, row, use + 5)
                place_around(order, value, is_informed, side, towards, place.tick)
    return 0
