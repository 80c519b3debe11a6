"""Constant-product curves: what swaps and shares of liquidity are worth.

Reserves x of the asset and y of quote currency keep x y from falling; the spot price is
y / x. A fee stays in the pool: of an input only the share `kept` / `whole` counts
(997 / 1000 in Uniswap v2).

Formulas are ratios of products, written once as plain functions that return numerator
and denominator. Python integers divided with `//` give the protocol's integers exactly;
the compiled copies divide floats.
"""

from __future__ import annotations

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
