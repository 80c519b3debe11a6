"""Implied volatility: the volatility at which an option is worth its price.

The price is brought to out-of-the-money form by put-call parity and divided by
sqrt(F K): a function b of x = -|ln(F / K)| and the total volatility s alone, convex
below its inflection s = sqrt(2 |x|) and concave above (Manaster & Koehler 1982). Below
it the equation is solved in ln b, above it in the logarithm of what b lacks to its upper
bound, by Halley steps inside a bracket.
"""

from __future__ import annotations

import math

from sim.base.jit import inlined, kernel
from sim.kernels.options.greeks import (
    FAR,
    FLAT,
    INV_SQRT_2PI,
    TINY,
    is_number,
    log_ratio,
    share,
    told_apart,
    within,
)

WIDE = 80.0  # total volatility at which an option is worth its upper bound
STEPS = 80


@inlined
def time_value(x, total):
    """Out-of-the-money price over sqrt(F K), and what follows from it, for x = -|ln(F / K)|.

    Returns
    -------
    value, lacking, slope : float
        The price, what it lacks to its upper bound exp(x / 2), and its derivative in the
        total volatility.
    """
    d1, d2 = within(x / total + 0.5 * total, FAR), within(x / total - 0.5 * total, FAR)
    low, high = math.exp(0.5 * x), math.exp(-0.5 * x)
    asset, bell = share(d1, True)
    cash, _ = share(d2, True)
    lacking, _ = share(d1, False)
    return low * asset - high * cash, low * lacking + high * cash, low * INV_SQRT_2PI * bell


@inlined
def halley_step(x, total, target, lacking_target, is_steep):
    """Whether `total` is too low, and the step towards the root in the better logarithm.

    Notes
    -----
    Below the inflection sqrt(2 |x|) the logarithm of the price is solved for, above it
    that of the distance to the upper bound; b'' / b' = x^2 / s^3 - s / 4.
    """
    value, lacking, slope = time_value(x, total)
    if is_steep:
        ratio = slope / max(value, TINY)
        newton = (math.log(max(value, TINY)) - math.log(target)) / max(ratio, TINY)
        bend = x * x / (total * total * total) - 0.25 * total - ratio
    else:
        ratio = slope / max(lacking, TINY)
        newton = (math.log(lacking_target) - math.log(max(lacking, TINY))) / max(ratio, TINY)
        bend = x * x / (total * total * total) - 0.25 * total + ratio
    is_low = value < target if is_steep else lacking > lacking_target
    return is_low, newton / max(0.5, 1.0 - 0.5 * newton * bend)


@inlined
def implied_total(x, target, lacking_target):
    """Total volatility at which the normalised price is `target`: bracketed Halley steps."""
    turn = math.sqrt(2.0 * abs(x))
    is_steep = turn > 0.0 and time_value(x, max(turn, FLAT))[0] > target
    low, high = 0.0, WIDE
    if is_steep:
        total = min(turn, abs(x) / math.sqrt(-2.0 * math.log(target)))
    else:
        total = max(turn, target / INV_SQRT_2PI)
    for _ in range(STEPS):
        is_low, step = halley_step(x, total, target, lacking_target, is_steep)
        low, high = (total, high) if is_low else (low, total)
        following = total - step
        if not low <= following <= high:
            following = 0.5 * (low + high)
        if abs(following - total) <= 1e-15 * total:
            break
        total = following
    return total


@kernel
def implied_volatility(price, spot, strike, years, rate, carry, is_call, out):
    """Volatility at which the option is worth `price`.

    Parameters
    ----------
    price, spot, strike, years, rate, carry : ndarray of float64, shape (n,)
        As in `greeks`.
    is_call : ndarray of bool, shape (n,)
    out : ndarray of float64, shape (n,)
        Written: per year. 0 at the intrinsic value (up to rounding), NaN outside the
        no-arbitrage bounds: below the intrinsic value, or at or above the discounted
        forward (call) or strike (put), which no finite volatility reaches; and with no
        time left, unless the price is the intrinsic value; NaN also where anything else is.
    """
    for i in range(out.size):
        time = max(years[i], 0.0)
        held = spot[i] * math.exp(-carry[i] * time)
        owed = strike[i] * math.exp(-rate[i] * time)
        intrinsic = max(held - owed if is_call[i] else owed - held, 0.0)
        left = price[i] - intrinsic
        slack = 1e-15 * max(held, owed) if intrinsic > 0.0 else 0.0
        bound = min(held, owed)
        is_known = is_number(price[i] + spot[i] + strike[i] + years[i] + rate[i] + carry[i])
        if not is_known or left < -slack or not left < bound or (left > slack and time == 0.0):
            out[i] = math.nan
        elif left <= slack:
            out[i] = 0.0
        else:
            scale = math.sqrt(held) * math.sqrt(owed)
            x = -abs(log_ratio(told_apart(held), told_apart(owed)))
            out[i] = implied_total(x, left / scale, (bound - left) / scale) / math.sqrt(time)
