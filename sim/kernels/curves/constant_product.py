"""Along a constant product of the reserves shown, `base` and `cash`, with the fee on what is paid in."""

from __future__ import annotations

import math

from sim.base.jit import inlined


@inlined
def average_price(quote, best, units):
    """The average price; infinite if all that is there is bought."""
    base = quote["base"]
    left = base - units if units > 0.0 else base - units * (1.0 - quote["pool_fee"])
    return best * base / left if left > 0.0 else math.inf


@inlined
def units_until(quote, price, is_buy):
    """Until the marginal price after fee is there."""
    units = units_to(quote["base"], quote["cash"], price, 1.0 - quote["pool_fee"])
    return max(units if is_buy else -units, 0.0)


@inlined
def units_to(base, cash, price, keep):
    """Units to buy until the marginal price after fee is `price`; below zero to sell.

    Zero inside the fee's band.
    """
    spot = cash / base
    if price > spot / keep:
        return base - math.sqrt(base * cash / (keep * price))
    if price < spot * keep:
        return -(math.sqrt(keep * base * cash / price) - base) / keep
    return 0.0
