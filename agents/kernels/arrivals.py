"""Arrivals: limit orders placed around the live market, market orders, and cancels by distance."""

from __future__ import annotations

import math

import numpy as np

from agents.kernels.sending import blank
from sim.base.jit import inlined, kernel
from sim.kernels.base.draws import exponential, normal, poisson, uniform
from sim.records import CANCEL_AT, LIMIT, MARKET, MID, OPPOSITE_BEST, SIDE_BY_VALUE

# Draws of one order: this many uses apart.
USES = 8


@inlined
def write_times(key, step, row, now, step_seconds, arriving, out, count):
    """Write the times of so many arrivals, even over the step, into the outbox in rising order.

    Notes
    -----
    Sums of exponentials over their total: the order statistics of uniforms, without sorting.
    """
    total = 0.0
    for j in range(arriving):
        total += exponential(1.0, key, step, row, USES * (j + 1))
        out[count + j]["time"] = total
    total += exponential(1.0, key, step, row, 1)
    for j in range(arriving):
        out[count + j]["time"] = now + step_seconds * (out[count + j]["time"] / total)


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
def flow(
    key,
    step,
    now,
    step_seconds,
    account,
    venue,
    lots,
    limit_rates,
    cancel_rates,
    market_rate,
    mean_life,
    places,
    latency,
    out,
    count,
):
    """Send each row's limit orders, market orders and cancels of this step, both sides alike.

    Parameters
    ----------
    lots : int
        Of every order.
    limit_rates, cancel_rates : ndarray of float64
        Cumulative over the distance from the opposite best, a second and side; of cancels, of each
        order that rests. Without cancel rates each order lives an exponential time.
    market_rate : float
        Orders a second and side.
    mean_life : float
        Seconds, infinite for ever.
    places : int
        Orders at a price for which cancels are drawn.
    latency : ndarray of float64, shape (N,)

    Returns
    -------
    int
        Orders in the outbox afterwards, minus one less if they do not fit.
    """
    limit_mean = 2.0 * limit_rates[limit_rates.size - 1] * step_seconds
    market_mean = 2.0 * market_rate * step_seconds
    cancel_mean = 0.0
    if cancel_rates.size > 0:
        cancel_mean = 2.0 * places * cancel_rates[cancel_rates.size - 1] * step_seconds
    mean = limit_mean + market_mean + cancel_mean
    for row in range(latency.size):
        arriving = poisson(mean, uniform(key, step, row, 0))
        if count + arriving > out.size:
            return -1 - count - arriving
        write_times(key, step, row, now, step_seconds, arriving, out, count)
        for j in range(arriving):
            use = USES * (j + 1)
            at = out[count]["time"]
            which = mean * uniform(key, step, row, use + 1)
            qty = lots if uniform(key, step, row, use + 2) < 0.5 else -lots
            kind = LIMIT if which < limit_mean else CANCEL_AT if which < limit_mean + cancel_mean else MARKET
            blank(out, count, at, latency[row], account[row], venue, kind, qty)
            if kind == LIMIT:
                out[count]["price_ref"] = OPPOSITE_BEST
                out[count]["price"] = drawn_distance(limit_rates, uniform(key, step, row, use + 3))
                if mean_life < math.inf:
                    life = exponential(mean_life, key, step, row, use + 4)
                    out[count]["good_till"] = at + latency[row] + life
            elif kind == CANCEL_AT:
                out[count]["price_ref"] = OPPOSITE_BEST
                out[count]["price"] = drawn_distance(cancel_rates, uniform(key, step, row, use + 3))
                out[count]["target"] = places
                out[count]["value"] = uniform(key, step, row, use + 4)
            count += 1
    return count


@inlined
def place_around(out, n, reference, is_absolute, side, offset, tick):
    """Price a limit order at `offset` (quote currency, positive towards a trade) from its reference.

    Notes
    -----
    From an absolute value to the nearest tick. The mid stands on a tick or half way between two,
    from where the venue rounds to the passive side; a quarter tick between the two makes
    the average right.
    """
    if is_absolute:
        out[n]["price"] = np.int64(math.floor((reference + side * offset) / tick + 0.5))
    else:
        out[n]["price_ref"] = MID
        out[n]["price"] = np.int64(math.floor(0.25 - offset / tick))


@kernel
def mingle(
    key,
    step,
    now,
    step_seconds,
    account,
    venue,
    tick,
    lot,
    value,
    rate,
    immediacy,
    informed_share,
    largest,
    offset,
    offset_sd,
    latency,
    out,
    count,
):
    """Send each row's orders of this step, of informed and uninformed traders alike.

    Parameters
    ----------
    value : float
        What the informed know the asset to be worth, quote currency.
    rate, immediacy, informed_share, largest, offset, offset_sd : ndarray of float64, shape (N,)
        Orders a second; share of market orders; share that is informed; largest size, units; mean and
        standard deviation of how far limit prices go beyond the reference towards a trade, quote currency.

    Returns
    -------
    int
        Orders in the outbox afterwards, minus one less if they do not fit.
    """
    for row in range(latency.size):
        arriving = poisson(rate[row] * step_seconds, uniform(key, step, row, 0))
        if count + arriving > out.size:
            return -1 - count - arriving
        write_times(key, step, row, now, step_seconds, arriving, out, count)
        for j in range(arriving):
            use = USES * (j + 1)
            at = out[count]["time"]
            lots = np.int64(math.ceil(largest[row] / lot * uniform(key, step, row, use + 1)))
            side = 1 if uniform(key, step, row, use + 2) < 0.5 else -1
            is_informed = uniform(key, step, row, use + 3) < informed_share[row]
            is_market = uniform(key, step, row, use + 4) < immediacy[row]
            kind = MARKET if is_market else LIMIT
            blank(out, count, at, latency[row], account[row], venue, kind, side * lots)
            if is_market and is_informed:
                out[count]["flags"] = SIDE_BY_VALUE
                out[count]["value"] = value
            elif not is_market:
                towards = offset[row] + offset_sd[row] * normal(key, step, row, use + 5)
                place_around(out, count, value, is_informed, side, towards, tick)
            count += 1
    return count
