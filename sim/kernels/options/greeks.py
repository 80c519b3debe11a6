"""European options: price and Greeks, over columns of contracts.

With forward F = S exp((r - q) T), total volatility s = vol sqrt(T) and w = +1 for a
call, -1 for a put,

    d1 = ln(F / K) / s + s / 2,   d2 = d1 - s,
    price = w exp(-r T) (F N(w d1) - K N(w d2))

(Black & Scholes 1973; Merton 1973). Black (1976) on a future is the case q = r, S = F.
The compiler does not vectorise the C library's `log`, `exp` and `erfc`, so the three are
written here without branches, good to some 1e-15 relative; their coefficients are
Chebyshev and Lawson fits made for this module with 40 to 60 digits.

Limits are taken: at zero time or volatility the price is the intrinsic value, the delta is 0,
exp(-q T) or half of it at the money, gamma and the decay in theta are 0. What is worked out from
a NaN is NaN.
"""

from __future__ import annotations

import math

import numpy as np

from sim.base.jit import inlined, kernel
from sim.kernels.base.fused import fused

YEAR = 365.0 * 86400.0  # s
TINY = 1e-150  # least and greatest price or strike that is told apart
HUGE = 1e150
FLAT = 1e-18  # total volatility below which an option is worth its intrinsic value
FAR = 37.5  # |d| beyond which a normal tail is no normal float
LOG2_E = 1.4426950408889634
LN2_HIGH = 0.6931471803691238  # 32 bits, so that multiples by small integers are exact
LN2_LOW = 1.9082149292705877e-10
ROUNDER = 6755399441055744.0  # 1.5 * 2 ** 52: adding it rounds to an integer
ONE_BITS = np.int64(0x3FF0000000000000)
EXPONENT = np.int64(52)
HALF = np.int64(1 << 51)  # of a step of the exponent
INV_SQRT_2PI = 0.3989422804014327

# Rows of the work array of `revalue`.
MARK, MID, STRIKE, YEARS, VOLATILITY, IS_CALL, PRICE, DELTA, GAMMA = range(9)
WORK_ROWS = 9


@inlined
def fast_exp(x):
    """Exponential of x for -708 <= x <= 708."""
    shifted = fused(x, LOG2_E, ROUNDER)
    k = shifted - ROUNDER
    r = fused(k, -LN2_LOW, fused(k, -LN2_HIGH, x))
    z = r * r
    p = fused(fused(2.7620075879983367e-07, z, 2.4801521322368692e-05), z, 1.3888888917196719e-03)
    q = fused(fused(2.5100375832561234e-08, z, 2.7557268480310024e-06), z, 1.9841269863040545e-04)
    p = fused(fused(p, z, 4.1666666666624164e-02), z, 5.000000000000001e-01)
    q = fused(fused(q, z, 8.333333333330065e-03), z, 1.6666666666666669e-01)
    scale = np.float64(shifted).view(np.int64) << EXPONENT
    return (1.0 + fused(z, fused(r, q, p), r)) * np.int64(scale + ONE_BITS).view(np.float64)


@inlined
def log_ratio(x, y):
    """Natural logarithm of x / y for normal positive floats, without rounding x / y.

    Notes
    -----
    x is scaled by a power of two to m with m / y in [2/3, 3/2], found by subtracting the
    bits; ln(m / y) = 2 atanh((m - y) / (m + y)), and m - y is exact.
    """
    bits = np.float64(x).view(np.int64)
    k = (bits - np.float64(y).view(np.int64) + HALF) >> EXPONENT
    m = np.int64(bits - (k << EXPONENT)).view(np.float64)
    f = (m - y) / (m + y)
    z = f * f
    p = fused(fused(7.559243554362285e-02, z, 7.641851876201573e-02), z, 9.092305123147032e-02)
    p = fused(fused(p, z, 1.1111091388337241e-01), z, 1.4285714418022774e-01)
    p = fused(fused(p, z, 1.9999999999667778e-01), z, 3.333333333333347e-01)
    twice = 2.0 * f
    return fused(float(k), LN2_HIGH, twice + fused(twice, p * z, float(k) * LN2_LOW))


@inlined
def mills(a):
    """N(-a) exp(a^2 / 2) for 0 <= a <= 37.5, relative error below 4e-15.

    Notes
    -----
    One rational function covers the half-line because the scaled tail falls only as
    1 / a; all its coefficients are positive, so nothing cancels.
    """
    p = fused(fused(8.001584685495801e-06, a, 1.8359864722151676e-04), a, 2.0538756551776844e-03)
    q = fused(fused(2.0056998413608735e-05, a, 4.6021356047212445e-04), a, 5.168359775310676e-03)
    p = fused(fused(p, a, 1.4386301064965658e-02), a, 6.847434935657361e-02)
    q = fused(fused(q, a, 3.652132318898066e-02), a, 1.7674790962680725e-01)
    p = fused(fused(p, a, 2.2627999066867693e-01), a, 5.085568412923608e-01)
    q = fused(fused(q, a, 6.023409427226648e-01), a, 1.4362992339845255e00)
    p = fused(fused(p, a, 7.17955747901559e-01), a, 0.5)
    q = fused(fused(q, a, 2.29942506812418e00), a, 2.233796056606252e00)
    return p / fused(q, a, 1.0)


@inlined
def within(x, bound):
    """x, or the nearer of -bound and bound."""
    return max(-bound, min(x, bound))


@inlined
def told_apart(price):
    """A price or strike within `TINY` and `HUGE`."""
    return min(max(price, TINY), HUGE)


@inlined
def share(d, is_call):
    """N(d) for a call, N(-d) for a put, and exp(-d^2 / 2), for |d| <= 37.5."""
    bell = fast_exp(-0.5 * d * d)
    tail = bell * mills(abs(d))
    return (1.0 - tail if (d > 0.0) == is_call else tail), bell


@inlined
def total_volatility(years, vol):
    """Total volatility vol sqrt(T), not below `FLAT`, and whether it is above it."""
    total = max(vol, 0.0) * math.sqrt(max(years, 0.0))
    return max(total, FLAT), total > FLAT


@inlined
def moneyness(forward, strike, total, inverse):
    """d1 and d2, clipped to where tails are normal floats; `inverse` is 1 / total."""
    centre = log_ratio(forward, strike) * inverse
    return within(centre + 0.5 * total, FAR), within(centre - 0.5 * total, FAR)


@inlined
def is_number(x):
    """Whether x is a number; a sum is none if one of its terms is none."""
    return x == x


@inlined
def forward_price(forward, strike, years, vol, is_call):
    """Price of one option on a forward, undiscounted."""
    total, _ = total_volatility(years, vol)
    d1, d2 = moneyness(told_apart(forward), told_apart(strike), total, 1.0 / total)
    asset, _ = share(d1, is_call)
    cash, _ = share(d2, is_call)
    price = forward * asset - strike * cash
    price = max(price if is_call else -price, 0.0)
    return price if is_number(forward + strike + years + vol) else math.nan


@inlined
def forward_delta_gamma(forward, strike, years, vol, is_call):
    """Delta and gamma of one option on a forward, undiscounted."""
    is_known = is_number(forward + strike + years + vol)
    forward = told_apart(forward)
    total, is_spread = total_volatility(years, vol)
    inverse = 1.0 / (forward * total)
    d1, _ = moneyness(forward, told_apart(strike), total, inverse * forward)
    asset, bell = share(d1, is_call)
    gamma = INV_SQRT_2PI * bell * inverse if is_spread else 0.0
    return (asset if is_call else -asset) if is_known else math.nan, gamma if is_known else math.nan


@kernel
def delta_gamma(forward, strike, years, vol, is_call, delta, gamma):
    """Delta and gamma of options on forwards, rates zero: the inner loop of hedging.

    Parameters
    ----------
    forward, strike : ndarray of float64, shape (n,)
        Quote currency.
    years : ndarray of float64, shape (n,)
    vol : ndarray of float64, shape (n,)
        Per year.
    is_call : ndarray of bool, shape (n,)
    delta, gamma : ndarray of float64, shape (n,)
        Written; gamma per unit of the forward.
    """
    for i in range(delta.size):
        delta[i], gamma[i] = forward_delta_gamma(forward[i], strike[i], years[i], vol[i], is_call[i])


@kernel
def greeks(spot, strike, years, vol, rate, carry, is_call, out):
    """Price, delta, gamma, vega and theta of options with a rate and a carry.

    Parameters
    ----------
    spot, strike : ndarray of float64, shape (n,)
        Quote currency; `spot` is the future where `carry` equals `rate`.
    years, vol, rate, carry : ndarray of float64, shape (n,)
        Time to expiry in years, volatility, interest and dividend yield per year.
    is_call : ndarray of bool, shape (n,)
    out : ndarray of float64, shape (5, n)
        Written: price, delta, gamma, vega (per 1.00 of volatility), theta (per year).

    Notes
    -----
    theta = -S exp(-qT) n(d1) s / (2 T) - w r K exp(-rT) N(w d2) + w q S exp(-qT) N(w d1)
    (Hull, Options, Futures and Other Derivatives, chapter on the Greek letters).
    """
    for i in range(spot.size):
        total, is_spread = total_volatility(years[i], vol[i])
        time = max(years[i], 0.0)
        yielded = fast_exp(within(-carry[i] * time, 700.0))
        held = spot[i] * yielded
        owed = strike[i] * fast_exp(within(-rate[i] * time, 700.0))
        d1, d2 = moneyness(told_apart(held), told_apart(owed), total, 1.0 / total)
        asset, bell = share(d1, is_call[i])
        cash, _ = share(d2, is_call[i])
        sign = 1.0 if is_call[i] else -1.0
        density = INV_SQRT_2PI * bell
        out[0, i] = max(sign * (held * asset - owed * cash), 0.0)
        out[1, i] = sign * yielded * asset
        out[2, i] = yielded * density / (told_apart(spot[i]) * total) if is_spread else 0.0
        out[3, i] = held * density * math.sqrt(time)
        decay = 0.5 * held * density * total / max(time, TINY) if is_spread else 0.0
        out[4, i] = sign * (carry[i] * held * asset - rate[i] * owed * cash) - decay
        if not is_number(spot[i] + strike[i] + years[i] + vol[i] + rate[i] + carry[i]):
            out[:, i] = math.nan


@inlined
def revalue_run(contracts, assets, now, mark, mid, strike, years, volatility, is_call, price, delta, gamma):
    """Price contracts that are numbered one after the other; columns as in `revalue`, contract i in i."""
    for i in range(contracts.size):
        asset = contracts[i]["asset"]
        mark[i] = assets[asset]["mark"]
        mid[i] = assets[asset]["mid"]
        strike[i] = contracts[i]["strike"]
        years[i] = (contracts[i]["expiry"] - now) / YEAR
        volatility[i] = contracts[i]["volatility"]
        is_call[i] = float(contracts[i]["is_call"])
    for i in range(contracts.size):
        price[i] = forward_price(mark[i], strike[i], years[i], volatility[i], is_call[i] != 0.0)
    for i in range(contracts.size):
        slope, bend = forward_delta_gamma(mid[i], strike[i], years[i], volatility[i], is_call[i] != 0.0)
        delta[i] = slope
        gamma[i] = bend
    for i in range(contracts.size):
        if contracts[i]["is_live"] != 0 and years[i] > 0.0:
            contracts[i]["price"] = price[i]
            contracts[i]["delta"] = delta[i]
            contracts[i]["gamma"] = gamma[i]
        price[i] = contracts[i]["lot"] * contracts[i]["price"]
        delta[i] = contracts[i]["lot"] * contracts[i]["delta"]
        gamma[i] = contracts[i]["lot"] * contracts[i]["gamma"]


@kernel
def revalue(contracts, live, assets, now, work):
    """Price every live contract at its asset's mark, and take its Greeks at the mid.

    Parameters
    ----------
    contracts : ndarray of CONTRACT, shape (M,)
        `price`, `delta` and `gamma` are written where the contract is live and not yet
        expired; other rows are left as they are.
    live : ndarray of int64, shape (R, 2)
        Runs of contracts to price, each from a number up to another; the rest is left as it is.
    assets : ndarray of ASSET, shape (K,)
        `mark` and `mid` are read as forwards, rates zero.
    now : float
        Seconds since the start of the run.
    work : ndarray of float64, shape (WORK_ROWS, M + 1 or more)
        Scratch. Rows PRICE, DELTA and GAMMA come out per *lot*, whether live or not, with
        contract i in column i + 1; column 0 is zero, for the empty slots of portfolios.

    Notes
    -----
    Rows are gathered into columns first: the loops in between then vectorise, which on
    strided records they do not.
    """
    for run in range(live.shape[0]):
        first, last = live[run, 0], live[run, 1]
        revalue_run(
            contracts[first:last],
            assets,
            now,
            work[MARK, first + 1 : last + 1],
            work[MID, first + 1 : last + 1],
            work[STRIKE, first + 1 : last + 1],
            work[YEARS, first + 1 : last + 1],
            work[VOLATILITY, first + 1 : last + 1],
            work[IS_CALL, first + 1 : last + 1],
            work[PRICE, first + 1 : last + 1],
            work[DELTA, first + 1 : last + 1],
            work[GAMMA, first + 1 : last + 1],
        )
    for row in range(PRICE, WORK_ROWS):
        work[row, 0] = 0.0
