"""Costs: what it costs to trade at a venue, by size, and how much trades up to a price.

A venue's row in the View has its cost curve, exact where that is known. Through the depth shown the
marginal price rises in proportion, from the best one; with `bend` 1 it follows the constant product of
`base` and `cash` instead, as `sim.kernels.pools.curves` has it. Whoever asks here need not know what kind
of venue it is.
"""

from __future__ import annotations

import math

from sim.base.jit import inlined, kernel
from sim.kernels.pools.curves import average_price, units_to_price

BUYING, SELLING = range(2)  # sides of a curve


@inlined
def cost_a_unit(quote, units):
    """Expected cost of an order per unit, fees included: what a buyer pays, minus what a seller gets.

    It is the best price and half the way through the depth shown (the whole span where none is shown so
    near), or the average price along the product; infinite where nothing can be traded.
    """
    size = abs(units)
    is_buy = units > 0.0
    best = quote["ask"] if is_buy else quote["bid"]
    depth = quote["depth_ask"] if is_buy else quote["depth_bid"]
    if not best > 0.0 or quote["is_halted"] != 0:
        return math.inf
    if quote["bend"] > 0.0:
        price = average_price(best, quote["base"], 1.0 - quote["pool_fee"], units)
        if price == math.inf:
            return price
    else:
        away = quote["depth_span"] * (0.5 * size / depth if depth > 0.0 else 1.0)
        price = best + away if is_buy else best - away
    fee = price * quote["taker_fee"]
    return price + fee if is_buy else fee - price


@inlined
def through_depth(depth, away, span):
    """Units until the price is so far from the best one; infinite where trades do not move it."""
    if not away > 0.0:
        return 0.0
    return depth * (away / span) if span > 0.0 else math.inf


@inlined
def units_to(quote, price):
    """Units to buy until the marginal price, the taker's fee aside, is `price`; below zero to sell.

    Zero between bid and ask, and where nothing can be traded.
    """
    if not (quote["bid"] > 0.0 and quote["ask"] > 0.0):
        return 0.0
    if quote["bend"] > 0.0:
        return units_to_price(quote["base"], quote["cash"], price, 1.0 - quote["pool_fee"])
    span = quote["depth_span"]
    bought = through_depth(quote["depth_ask"], price - quote["ask"], span)
    return bought - through_depth(quote["depth_bid"], quote["bid"] - price, span)


@inlined
def total_cost(quote, units):
    """Expected cost of an order, fees included; below zero what a seller gets."""
    if units == 0.0 or math.isinf(units):
        return units
    return abs(units) * cost_a_unit(quote, units)


@kernel
def sample_curves(quotes, offsets, knots):
    """Write each venue's cost curve at some distances from its best prices.

    Parameters
    ----------
    quotes : ndarray of VENUE_STATE, shape (V,)
    offsets : ndarray of float64, shape (J,)
        Of the marginal price, as fractions of the best one.
    knots : ndarray of KNOT, shape (V, 2, J)
        Written: units, and what they cost together, by side (`BUYING`, `SELLING`).
    """
    for venue in range(quotes.size):
        quote = quotes[venue]
        for j in range(offsets.size):
            bought = max(units_to(quote, quote["ask"] * (1.0 + offsets[j])), 0.0)
            sold = max(-units_to(quote, quote["bid"] * (1.0 - offsets[j])), 0.0)
            knots[venue, BUYING, j]["units"] = bought
            knots[venue, BUYING, j]["cost"] = total_cost(quote, bought)
            knots[venue, SELLING, j]["units"] = sold
            knots[venue, SELLING, j]["cost"] = total_cost(quote, -sold)
