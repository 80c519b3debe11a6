"""Hedge: compare what each row holds with what would neutralise its exposure, and send the rest."""

from __future__ import annotations

import math

import numpy as np

from agents.kernels.sending import marketable, next_tick, rounded
from sim.jit import inlined, kernel
from sim.records import HEDGE

SPOT = 0
PERPETUAL = 1


@inlined
def held_units(account, row, instruments, baseline, position, terms):
    """Units of the asset the row holds in its hedging instruments, beyond its treasury."""
    total = 0.0
    for j in range(instruments.size):
        i = instruments[j]
        total += (position[i, account] - baseline[j, row]) * terms[i]["lot"]
    return total


@inlined
def cost_a_unit(quote, units):
    """Expected cost of an order per unit, fees included: what a buyer pays, minus what a seller gets.

    A book charges its best price and half the way through the depth it shows (the whole span
    where it shows none so near), a pool its average price along the curve; infinite where nothing
    can be traded.
    """
    size = abs(units)
    is_buy = units > 0.0
    best = quote["ask"] if is_buy else quote["bid"]
    depth = quote["depth_ask"] if is_buy else quote["depth_bid"]
    if not best > 0.0 or quote["is_halted"] != 0:
        return math.inf
    if quote["base"] > 0.0:
        left = quote["base"] - size if is_buy else quote["base"] + size * (1.0 - quote["pool_fee"])
        if left <= 0.0:
            return math.inf
        price = best * quote["base"] / left
    else:
        reach = quote["depth_span"] * (0.5 * size / depth if depth > 0.0 else 1.0)
        price = best + reach if is_buy else best - reach
    fee = price * quote["taker_fee"]
    return price + fee if is_buy else fee - price


@inlined
def free_cash(account, cash, equity, maintenance, position, terms):
    """Cash that an account may spend on spot, a cautious estimate of the venue's own check.

    Cash and perpetuals at the mark, or equity without the spot in it if that is less (options
    owed), minus twice the maintenance: the initial margin is about that.
    """
    total, pledged = cash[account], 0.0
    for i in range(terms.size):
        value = position[i, account] * terms[i]["lot"] * terms[i]["price"]
        if terms[i]["kind"] == PERPETUAL:
            total += value
        else:
            pledged += value * terms[i]["collateral"]
    return min(total, equity[account] - pledged) - 2.0 * maintenance[account]


@inlined
def is_affordable(account, venue, units, quotes, cash, equity, maintenance, position, terms):
    """Whether the account has the spot to sell, or the cash to buy it; the venue checks perpetuals."""
    instrument = quotes[venue]["instrument"]
    if terms[instrument]["kind"] != SPOT:
        return True
    if units < 0.0:
        return position[instrument, account] * terms[instrument]["lot"] >= -units
    price = cost_a_unit(quotes[venue], units)
    return units * price <= free_cash(account, cash, equity, maintenance, position, terms)


@inlined
def cheapest(account, units, worst, venues, quotes, cash, equity, maintenance, position, terms):
    """Venue with the lowest expected cost that the account can afford, -1 if there is none.

    A pool fills an order whole or not at all: one that would cost more than `worst` is passed over.
    """
    best, least = np.int64(-1), math.inf
    for j in range(venues.size):
        cost = cost_a_unit(quotes[venues[j]], units)
        if quotes[venues[j]]["base"] > 0.0 and cost > worst:
            continue
        if cost < least and is_affordable(
            account, venues[j], units, quotes, cash, equity, maintenance, position, terms
        ):
            best, least = venues[j], cost
    return best


@kernel
def hedge(
    now,
    first_account,
    exposure,
    scale,
    is_active,
    instruments,
    baseline,
    cash,
    equity,
    maintenance,
    position,
    terms,
    venues,
    quotes,
    mid,
    width,
    interval,
    offset,
    response,
    most,
    slippage,
    latency,
    next_look,
    out,
    count,
):
    """Send a market order for each row whose net delta is outside its band at its look.

    Parameters
    ----------
    exposure : ndarray of float64, shape (N,)
        Delta to neutralise, units of the asset.
    scale : ndarray of float64, shape (N,)
        Units that the band width is a fraction of.
    is_active : ndarray of bool, shape (N,)
    instruments : ndarray of int64, shape (J,)
        Dense instruments that count as hedge.
    baseline : ndarray of int64, shape (J, N)
        Lots of them that are treasury, not hedge.
    cash, equity, maintenance : ndarray of float64, shape (A,)
        Of every account; they say which row can pay for spot.
    venues : ndarray of int64
        Venues to choose from. A row that can trade at none of them waits for its next look.
    mid : float
        Reference mid of the asset, from which slippage is measured.
    width, interval, offset, response, most, slippage, latency : ndarray of float64, shape (N,)
        Band (fraction of scale), seconds between looks, time of the first, share of the net
        delta that is traded, largest order in units, worst price (fraction of the mid), seconds
        to arrival.
    next_look : ndarray of float64, shape (N,)
        When each row looks next, never before its last order has arrived. Written.

    Returns
    -------
    int
        Orders in the outbox afterwards.
    """
    for row in range(exposure.size):
        if next_look[row] > now or not is_active[row]:
            continue
        next_look[row] = next_tick(now, interval[row], offset[row])
        account = first_account + row
        net = exposure[row] + held_units(account, row, instruments, baseline, position, terms)
        if abs(net) <= width[row] * scale[row]:
            continue
        units = min(max(-response[row] * net, -most[row]), most[row])
        worst = mid * (slippage[row] + 1.0 if units > 0.0 else slippage[row] - 1.0)
        venue = cheapest(account, units, worst, venues, quotes, cash, equity, maintenance, position, terms)
        if venue < 0:
            continue
        lots = rounded(units, quotes[venue]["lot"])
        if lots != 0:
            count = marketable(
                out, count, now, latency[row], account, quotes, venue, lots, mid, slippage[row], HEDGE
            )
            next_look[row] = max(next_look[row], now + latency[row])
    return count
