"""Theory: closed forms that the simulator is held against, each with its source.

Every function is pure and takes floats or arrays that broadcast. Volatilities are per
square root of a year and times in years unless a function says that any unit does, as
long as it is one. Where a feedback feeds itself (a gain, or a branching ratio, of 1 and
more) deviations and sizes are infinite; what is not defined there is NaN.

Hedgers hold Phi(S) of an asset whose price they move by lambda a unit. With driving noise
of s.d. sigma,

    dS = sigma dW + lambda dPhi   =>   s.d. of dS = sigma / (1 - gain),   gain = lambda Phi'(S),

and Phi' is minus their option gamma: short gamma amplifies, long gamma damps. Hedgers who
act one step late give the first-order autoregression dS' = sigma e + gain dS instead.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

# Feedback of hedging on the price.


def loop_gain(
    impact: ArrayLike, gamma: ArrayLike, response: ArrayLike = 1.0, forced: ArrayLike = 0.0
) -> np.ndarray:
    """Price move that a price move of one brings about.

    Parameters
    ----------
    impact : array_like
        Permanent move a unit traded, lambda.
    gamma : array_like
        Net option gamma of the hedgers, units per unit of price.
    response : array_like
        Fraction of a change of delta that is hedged at once.
    forced : array_like
        Units sold by force per unit that the price falls, rho.

    Notes
    -----
    lambda (-gamma x response + rho): Frey & Stremme (1997), with forced selling added to the
    demand that depends on price.
    """
    gain: np.ndarray = np.multiply(impact, np.subtract(forced, np.multiply(gamma, response)))
    return gain


def is_stable(gain: ArrayLike, *, lagged: bool = False) -> np.ndarray:
    """Whether moves die out: gain < 1 if hedges are simultaneous, |gain| < 1 if they lag a step."""
    return np.less(np.abs(gain) if lagged else gain, 1.0)


def feedback_volatility(sigma: ArrayLike, gain: ArrayLike) -> np.ndarray:
    """Volatility under continuous hedging with linear impact; infinite from a gain of 1 on.

    Notes
    -----
    sigma / (1 - gain): Frey & Stremme (1997), Schönbucher & Wilmott (2000), Anderegg, Ulmann &
    Sornette (2022), for linear impact. In any unit of sigma.
    """
    return _over(sigma, 1.0 - np.asarray(gain))


def frey_stremme_ratio(rho: ArrayLike, holding: ArrayLike, slope: ArrayLike) -> np.ndarray:
    """Volatility over its value without hedgers, where demand is elastic.

    Parameters
    ----------
    rho : array_like
        Weight of the hedgers in the market.
    holding, slope : array_like
        Their strategy phi(S), and S phi'(S).

    Notes
    -----
    (1 - rho phi) / (1 - rho phi - rho S phi'): Frey & Stremme (1997), volatility in
    equilibrium with hedgers. Infinite where the denominator is not above zero.
    """
    free = 1.0 - np.multiply(rho, holding)
    return _over(free, free - np.multiply(rho, slope))


def one_step_deviation(sigma: ArrayLike, gain: ArrayLike) -> np.ndarray:
    """S.d. of one step's change just before the hedge, hedges lagged a step.

    Notes
    -----
    sigma / sqrt(1 - gain^2), the stationary s.d. of a first-order autoregression (Hamilton
    1994, section 3.4). Infinite for |gain| >= 1, long gamma included.
    """
    return _over(sigma, np.sqrt(np.maximum(1.0 - np.square(gain), 0.0)))


def after_hedge_deviation(sigma: ArrayLike, gain: ArrayLike) -> np.ndarray:
    """S.d. of one step's change at the end of the step, after the hedges.

    Notes
    -----
    sigma sqrt((1 + g)^2 + g^4 / (1 - g^2)): the step's own noise and its hedge, and the hedge of
    what came before. Infinite for |g| >= 1.
    """
    tail = _over(np.power(gain, 4), np.maximum(1.0 - np.square(gain), 0.0))
    deviation: np.ndarray = np.multiply(sigma, np.sqrt(np.square(1.0 + np.asarray(gain)) + tail))
    return deviation


def autocorrelation(gain: ArrayLike, lag: ArrayLike = 1) -> np.ndarray:
    """Autocorrelation gain^lag of the changes just before the hedge; NaN for |gain| >= 1."""
    return np.where(is_stable(gain, lagged=True), np.power(np.asarray(gain, float), lag), np.nan)


def long_run_deviation(sigma: ArrayLike, gain: ArrayLike) -> np.ndarray:
    """S.d. a square root of a step of long changes, hedges lagged: sigma / (1 - gain), |gain| < 1."""
    return np.where(is_stable(gain, lagged=True), feedback_volatility(sigma, gain), np.inf)


def horizon_deviation(sigma: ArrayLike, gain: ArrayLike, steps: ArrayLike) -> np.ndarray:
    """S.d. of the change over so many steps, hedges lagged; infinite for |gain| >= 1.

    Notes
    -----
    The sum of H terms of an autoregression has variance
    g0 (H (1 + g) / (1 - g) - 2 g (1 - g^H) / (1 - g)^2), g0 = sigma^2 / (1 - g^2) (Hamilton 1994,
    section 7.2, summed). Over H it tends to the square of `long_run_deviation`.
    """
    horizon = np.asarray(steps, float)
    g = np.where(is_stable(gain, lagged=True), gain, np.nan)
    wide = horizon * (1.0 + g) / (1.0 - g) - 2.0 * g * (1.0 - g**horizon) / np.square(1.0 - g)
    deviation = np.multiply(sigma, np.sqrt(wide / (1.0 - np.square(g))))
    return np.where(np.isnan(g), np.inf, deviation)


# Feedback where impact is concave: a meta-order of Q moves the price by I = Y sigma sqrt(Q / V), and
# hedgers trade G per unit of return. None of it holds where hedging exceeds a few times the volume
# of its own minutes; there the depth of the book decides.


def square_root_impact(
    prefactor: ArrayLike, sigma: ArrayLike, quantity: ArrayLike, volume: ArrayLike
) -> np.ndarray:
    """Return that a meta-order brings about: Y sigma sqrt(Q / V).

    Parameters
    ----------
    prefactor : array_like
        Y, of order one.
    sigma, volume : array_like
        Volatility and volume over the same time.
    quantity : array_like
        In the unit of the volume.

    Notes
    -----
    Toth et al. (2011, Physical Review X 1, 021006); exponent 0.489 +- 0.002 across the stocks of Tokyo
    (Sato & Kanazawa 2025).
    """
    move: np.ndarray = np.multiply(prefactor, sigma) * np.sqrt(np.divide(quantity, volume))
    return move


def concave_gain(prefactor: ArrayLike, sigma: ArrayLike, hedged: ArrayLike, volume: ArrayLike) -> np.ndarray:
    """Strength k = Y^2 sigma^2 G / V of hedging against impact that is a square root: itself a return.

    Parameters
    ----------
    prefactor, sigma, volume : array_like
        As of `square_root_impact`.
    hedged : array_like
        G, what hedgers trade per unit of return, in the unit of the volume.
    """
    strength: np.ndarray = np.square(np.multiply(prefactor, sigma)) * np.divide(hedged, volume)
    return strength


def news_amplification(strength: ArrayLike, news: ArrayLike) -> np.ndarray:
    """Return over the news that began it, where hedges alone move the price, by a square root.

    Parameters
    ----------
    strength : array_like
        k of `concave_gain`.
    news : array_like
        r0 > 0, the return without hedgers.

    Notes
    -----
    The return r solves r = r0 + sqrt(k r), so that A = s^2 / r0 with s = (sqrt(k) + sqrt(k + 4 r0)) / 2.
    """
    root = (np.sqrt(strength) + np.sqrt(np.add(strength, 4.0 * np.asarray(news)))) / 2.0
    amplified: np.ndarray = np.square(root) / news
    return amplified


def meta_order_amplification(strength: ArrayLike, move: ArrayLike) -> np.ndarray:
    """Return over that of the meta-order alone, where hedges add to it: x + sqrt(1 + x^2), x = k / (2 r0).

    Parameters
    ----------
    strength : array_like
        k of `concave_gain`.
    move : array_like
        r0 > 0, the return without hedgers.

    Notes
    -----
    The return r solves r^2 = r0^2 + k r.
    """
    half = np.divide(strength, 2.0 * np.asarray(move))
    amplified: np.ndarray = half + np.sqrt(1.0 + np.square(half))
    return amplified


def sale_amplification(gain: ArrayLike) -> np.ndarray:
    """Fall over that of the sale alone: (a + sqrt(a^2 + 4)) / 2, a = G F0 / Q.

    Parameters
    ----------
    gain : array_like
        a: what hedgers would sell on the fall F0 of the sale alone, over the sale Q.

    Notes
    -----
    The fall F solves F = F0 sqrt(1 + G F / Q): impact is a square root, of whatever prefactor. Where that
    of `square_root_impact` gives F0, it is `meta_order_amplification` with x = a / 2.
    """
    amplified: np.ndarray = (np.asarray(gain) + np.sqrt(np.square(gain) + 4.0)) / 2.0
    return amplified


# Pinning at a strike.


def pinning_strength(options: ArrayLike, impact: ArrayLike, sigma: ArrayLike, years: ArrayLike) -> np.ndarray:
    """How strongly long-gamma hedgers pin: n E / (sigma sqrt(2 pi T)).

    Parameters
    ----------
    options : array_like
        Options hedged, n.
    impact : array_like
        Return per unit traded, E.
    sigma, years : array_like
        Volatility and time to expiry.
    """
    spread = np.multiply(sigma, np.sqrt(2.0 * np.pi * np.asarray(years)))
    return _over(np.multiply(options, impact), spread)


def pinning_probability(strength: ArrayLike, distance: ArrayLike = 0.0) -> np.ndarray:
    """Probability that the price is pinned at the strike at expiry.

    Parameters
    ----------
    strength : array_like
        See `pinning_strength`.
    distance : array_like
        ln(S / K) / (sigma sqrt(T)), z.

    Notes
    -----
    1 - exp(-B exp(-z^2 / 2)), after the model of Avellaneda & Lipkin (2003).
    """
    pull = np.multiply(strength, np.exp(-0.5 * np.square(distance)))
    probability: np.ndarray = -np.expm1(-pull)
    return probability


# Error and cost of hedging in discrete time.


def hedging_error(vega: ArrayLike, sigma: ArrayLike, hedges: ArrayLike) -> np.ndarray:
    """S.d. of the profit of an at-the-money option hedged so many times to expiry.

    Notes
    -----
    sqrt(pi / 4) vega sigma / sqrt(N): Derman & Kamal (1999, "When you cannot hedge continuously").
    """
    deviation: np.ndarray = np.sqrt(np.pi / 4) * np.multiply(vega, sigma) / np.sqrt(hedges)
    return deviation


def leland_volatility(sigma: ArrayLike, cost: ArrayLike, interval: ArrayLike) -> np.ndarray:
    """Volatility at which a short option pays for hedging it at intervals.

    Parameters
    ----------
    sigma : array_like
    cost : array_like
        Of one trade, as a fraction of its value, k.
    interval : array_like
        Time between hedges.

    Notes
    -----
    sigma sqrt(1 + sqrt(2 / pi) 2 k / (sigma sqrt(dt))): Leland (1985), with the round trip
    cost 2 k. Leaves out the first trade.
    """
    load = np.sqrt(2 / np.pi) * 2 * np.asarray(cost) / np.multiply(sigma, np.sqrt(interval))
    volatility: np.ndarray = np.multiply(sigma, np.sqrt(1.0 + load))
    return volatility


def whalley_wilmott_half_band(
    cost: ArrayLike, price: ArrayLike, gamma: ArrayLike, risk_aversion: ArrayLike
) -> np.ndarray:
    """How far delta may stray before it is worth trading, in units.

    Notes
    -----
    (3/2 k S gamma^2 / a)^(1/3), k the cost as a fraction of the trade's value and a the absolute
    risk aversion per unit of money: Whalley & Wilmott (1997), discount factor left out.
    """
    cube = 1.5 * np.multiply(cost, price) * np.square(gamma) / np.asarray(risk_aversion)
    band: np.ndarray = np.cbrt(cube)
    return band


# Liquidity provision.


def impermanent_loss(ratio: ArrayLike) -> np.ndarray:
    """Worth of a constant-product share over that of its deposit, less 1, after a price ratio r.

    Notes
    -----
    2 sqrt(r) / (1 + r) - 1 (from the invariant x y = k of Uniswap v2).
    """
    loss: np.ndarray = 2.0 * np.sqrt(ratio) / (1.0 + np.asarray(ratio)) - 1.0
    return loss


def loss_versus_rebalancing(sigma: ArrayLike) -> np.ndarray:
    """Rate at which a constant-product pool loses to arbitrage, over its value: sigma^2 / 8.

    Notes
    -----
    Milionis, Moallemi, Roughgarden & Zhang (2022), example of the constant product. Per unit of
    the time that sigma is in.
    """
    rate: np.ndarray = np.square(sigma) / 8.0
    return rate


def pool_delta(liquidity: ArrayLike, price: ArrayLike) -> np.ndarray:
    """Delta L / sqrt(P) of a constant-product position worth 2 L sqrt(P)."""
    delta: np.ndarray = np.asarray(liquidity) / np.sqrt(price)
    return delta


def pool_gamma(liquidity: ArrayLike, price: ArrayLike) -> np.ndarray:
    """Gamma -L / (2 P^(3/2)) of a constant-product position: short, always."""
    gamma: np.ndarray = -np.asarray(liquidity) / (2.0 * np.power(np.asarray(price, float), 1.5))
    return gamma


def trade_probability(fee: ArrayLike, sigma: ArrayLike, block_time: ArrayLike) -> np.ndarray:
    """Probability that an arbitrageur trades in a block, blocks being Poisson.

    Parameters
    ----------
    fee : array_like
        Of the pool, as a log price.
    sigma, block_time : array_like
        Volatility, and mean time between blocks in the same unit of time.

    Notes
    -----
    1 / (1 + sqrt(2) fee / (sigma sqrt(dt))): Milionis, Moallemi & Roughgarden (2023, arXiv
    2305.14604). Not for blocks at fixed times.
    """
    wait = np.sqrt(2) * np.asarray(fee) / np.multiply(sigma, np.sqrt(block_time))
    probability: np.ndarray = 1.0 / (1.0 + wait)
    return probability


def arbitrage_profit(fee: ArrayLike, sigma: ArrayLike, block_time: ArrayLike) -> np.ndarray:
    """Rate of arbitrageurs' profit over pool value: loss versus rebalancing x trade probability."""
    profit: np.ndarray = loss_versus_rebalancing(sigma) * trade_probability(fee, sigma, block_time)
    return profit


def pool_price_ratio(sale: ArrayLike, reserve: ArrayLike) -> np.ndarray:
    """Price after over before a sale of q into a constant-product reserve x: (1 + q / x)^-2, no fee."""
    ratio: np.ndarray = np.power(1.0 + np.divide(sale, reserve), -2.0)
    return ratio


# Impact and contagion.


def flow_move(imbalance: ArrayLike, depth: ArrayLike) -> np.ndarray:
    """Price move of an order-flow imbalance in a book of the same depth at every price.

    Notes
    -----
    OFI / (2 D): Cont, Kukanov & Stoikov (2014), section 2, with D in units per unit of price.
    """
    return np.divide(imbalance, 2.0 * np.asarray(depth))


def branching_ratio(impact: ArrayLike, density: ArrayLike) -> np.ndarray:
    """Liquidations that one brings about: impact of a unit x thresholds per unit of price."""
    return np.multiply(impact, density)


def mean_cascade_size(branching: ArrayLike) -> np.ndarray:
    """Mean number of liquidations in a cascade, the first included: 1 / (1 - n), infinite from 1 on.

    Notes
    -----
    Total progeny of a Galton-Watson tree with mean offspring n (Harris 1963, chapter 1).
    """
    return _over(1.0, 1.0 - np.asarray(branching))


def leverage_trade(leverage: ArrayLike, change: ArrayLike, assets: ArrayLike) -> np.ndarray:
    """Value bought (below zero sold) to be back at a leverage target after a return.

    Notes
    -----
    (L - 1) r A for assets A before the return r: Adrian & Shin (2010).
    """
    return np.multiply(np.subtract(leverage, 1.0), np.multiply(change, assets))


def _over(number: ArrayLike, divisor: ArrayLike) -> np.ndarray:
    """A quotient that is infinite where the divisor is not above zero."""
    below = np.asarray(divisor, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(below > 0, np.divide(number, below), np.inf)
