"""Hedge: compare what each row holds with what would neutralise its exposure, and send the rest."""

from __future__ import annotations

import math

from agents.kernels.sending import marketable, next_tick, rounded
from sim.jit import inlined, kernel
from sim.records import HEDGE

SPOT = 0


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
    """Expected price above (when buying) or below the mid's level of a market order, per unit.

    A book charges half its spread and half the way through the depth it shows; a pool moves
    along its curve. Returns the average price: lower is better for a buyer.
    """
    size = abs(units)
    is_buy = units > 0.0
    best = quote["ask"] if is_buy else quote["bid"]
    depth = quote["depth_ask"] if is_buy else quote["depth_bid"]
    if not best > 0.0 or quote["is_halted"] != 0:
        return math.inf
    if quote["base"] > 0.0:
        left = quote["base"] - size if is_buy else quote["base"] + size
        if left <= 0.0:
            return math.inf
        price = best * quote["base"] / left
    elif depth > 0.0:
        reach = quote["depth_span"] * size / depth * 0.5
        price = best + reach if is_buy else best - reach
    else:
        return math.inf
    fee = price * quote["taker_fee"]
    return price + fee if is_buy else fee - price


@inlined
def affordable(account, venue, units, quotes, position, terms):
    """Whether the account has the spot to sell at a venue of spot (cash is the venue's to check)."""
    instrument = quotes[venue]["instrument"]
    if terms[instrument]["kind"] != SPOT or units > 0.0:
        return True
    return position[instrument, account] * terms[instrument]["lot"] >= -units


@inlined
def cheapest(account, units, venues, quotes, position, terms):
    """Venue with the lowest expected cost for the order, the first listed if none has a price."""
    best, least = venues[0], math.inf
    for j in range(venues.size):
        cost = cost_a_unit(quotes[venues[j]], units)
        if cost < least and affordable(account, venues[j], units, quotes, position, terms):
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
    venues : ndarray of int64
        Venues to choose from.
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
        venue = cheapest(account, units, venues, quotes, position, terms)
        lots = rounded(units, quotes[venue]["lot"])
        if lots != 0:
            count = marketable(
                out, count, now, latency[row], account, quotes, venue, lots, mid, slippage[row], HEDGE
            )
            next_look[row] = max(next_look[row], now + latency[row])
    return count
