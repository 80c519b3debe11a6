"""Through the depth shown: the marginal price rises in proportion, from the best one."""

from __future__ import annotations

import math

from sim.base.jit import inlined


@inlined
def average_price(quote, best, units):
    """The best price and half the way through the depth, the whole span where none is shown so near."""
    is_buy = units > 0.0
    depth = quote["depth_ask"] if is_buy else quote["depth_bid"]
    away = quote["depth_span"] * (0.5 * abs(units) / depth if depth > 0.0 else 1.0)
    return best + away if is_buy else best - away


@inlined
def units_until(quote, price, is_buy):
    """In proportion to the way; infinite where trades do not move the price."""
    away = price - quote["ask"] if is_buy else quote["bid"] - price
    if not away > 0.0:
        return 0.0
    depth, span = quote["depth_ask"] if is_buy else quote["depth_bid"], quote["depth_span"]
    return depth * (away / span) if span > 0.0 else math.inf
