"""Constant-product curves: what swaps and shares of liquidity are worth.

Reserves x of the asset and y of quote currency keep x y from falling; the spot price is
y / x. A fee stays in the pool: of an input only the share `kept` / `whole` counts
(997 / 1000 in Uniswap v2).

Formulas are ratios of products, written once as plain functions that return numerator
and denominator. Python integers divided with `//` give the protocol's integers exactly;
the compiled copies divide floats.
"""

from __future__ import annotations

import math

from sim.base.jit import inlined


def amount_out(amount_in, reserve_in, reserve_out, kept, whole):
    """What a swap of `amount_in` returns, as numerator and denominator; rounds down."""
    return kept * amount_in * reserve_out, whole * reserve_in + kept * amount_in


def amount_in(amount_out, reserve_in, reserve_out, kept, whole):
    """What a swap for `amount_out` costs, as numerator and denominator.

    The protocol divides down and adds one.
    """
    return whole * reserve_in * amount_out, (reserve_out - amount_out) * kept


def pro_rata(amount, part, total):
    """`amount` x part / total, as numerator and denominator.

    Shares for a deposit are the least over both reserves of supply x deposit / reserve;
    a burn returns reserve x shares / supply.
    """
    return amount * part, total


def protocol_fee(supply, root, root_before):
    """Shares minted for a sixth of the growth of sqrt(k), as numerator and denominator."""
    return supply * (root - root_before), 5 * root + root_before


def cumulative_price(reserve, other, seconds):
    """Growth of the time-weighted price of `other` in binary fixed point, 112 digits."""
    return (reserve << 112) // other * seconds


swap_out = inlined(amount_out)
swap_in = inlined(amount_in)
portion = inlined(pro_rata)


@inlined
def average_price(best, base, keep, units):
    """Average price of a trade whose first unit is at `best`; infinite if all that is there is bought.

    `base` units are in the pool, `keep` is one minus the fee, and `units` below zero are sold.
    """
    left = base - units if units > 0.0 else base - units * keep
    return best * base / left if left > 0.0 else math.inf


@inlined
def units_to_price(base, cash, price, keep):
    """Units to buy until the marginal price after fee is `price`; below zero to sell.

    Zero inside the fee's band.
    """
    spot = cash / base
    if price > spot / keep:
        return base - math.sqrt(base * cash / (keep * price))
    if price < spot * keep:
        return -(math.sqrt(keep * base * cash / price) - base) / keep
    return 0.0
