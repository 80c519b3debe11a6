"""Costs: what it costs to trade at a venue, by size, and how much trades up to a price.

A venue's row in the View has its cost curve, exact where that is known: `curve` is the number of its family
(`sim.kernels.curves`). Whoever asks here need not know what kind of venue it is.
"""

from __future__ import annotations

import math

from sim.base.choice import chosen, families
from sim.base.jit import inlined, kernel

ROOM = "sim.kernels.curves"
CURVES = families(ROOM, "through_depth")
"""Families of curves, by number; through the depth shown if a venue does not say otherwise."""

average_price = chosen(ROOM, CURVES, "average_price")
units_until = chosen(ROOM, CURVES, "units_until")

BUYING, SELLING = range(2)  # sides of a curve


@inlined
def cost_a_unit(quote, units):
    """Expected cost of an order per unit, fees included: what a buyer pays, minus what a seller gets.

    It is the average price along the venue's curve; infinite where nothing can be traded.
    """
    is_buy = units > 0.0
    best = quote["ask"] if is_buy else quote["bid"]
    if not best > 0.0 or quote["is_halted"] != 0:
        return math.inf
    price = average_price(quote["curve"], quote, best, units)
    if price == math.inf:
        return price
    fee = price * quote["taker_fee"]
    return price + fee if is_buy else fee - price


@inlined
def units_up_to(quote, is_buy, price):
    """Units of one side until the marginal price, the taker's fee aside, is `price`.

    Zero where nothing can be traded, infinite where trades do not move the price.
    """
    best = quote["ask"] if is_buy else quote["bid"]
    if not best > 0.0 or quote["is_halted"] != 0:
        return 0.0
    return units_until(quote["curve"], quote, price, is_buy)


@inlined
def units_to(quote, price):
    """Units to buy until the marginal price, the taker's fee aside, is `price`; below zero to sell.

    Zero between bid and ask, and where one of them is missing.
    """
    if not (quote["bid"] > 0.0 and quote["ask"] > 0.0):
        return 0.0
    return units_up_to(quote, True, price) - units_up_to(quote, False, price)


@kernel
def sample_curves(quotes, offsets, most, knots):
    """Write each venue's cost curve at some distances from its best prices.

    Parameters
    ----------
    quotes : ndarray of VENUE_STATE, shape (V,)
    offsets : ndarray of float64, shape (J,)
        Of the marginal price, as fractions of the best one.
    most : float
        Units that a curve goes to where trades do not move the price.
    knots : ndarray of KNOT, shape (V, 2, J)
        Written: units, and what they cost together, by side (`BUYING`, `SELLING`). Where nothing can be
        traded there are no units, and beyond the first point they cost infinitely much.
    """
    for venue in range(quotes.size):
        quote = quotes[venue]
        for side in range(2):
            sign = 1.0 if side == BUYING else -1.0
            best = quote["ask"] if side == BUYING else quote["bid"]
            for j in range(offsets.size):
                units = min(units_up_to(quote, side == BUYING, best * (1.0 + sign * offsets[j])), most)
                cost = 0.0 if offsets[j] == 0.0 else math.inf
                if units > 0.0:
                    cost = units * cost_a_unit(quote, sign * units)
                knots[venue, side, j]["units"] = units
                knots[venue, side, j]["cost"] = cost
