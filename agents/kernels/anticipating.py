"""Anticipating: quotes around the market by makers who price the surprise in the order flow."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from agents.kernels.quoting import lots_at, set_quote
from agents.kernels.sending import next_tick
from sim.base.jit import inlined, kernel

BPS = 1e-4


class Flow(NamedTuple):
    """What all makers see in the flow; what has shape (K,) is of its averages.

    Attributes
    ----------
    memory : ndarray of float64, shape (K,)
        Time constants, s.
    average : ndarray of float64, shape (K,)
        Exponential averages of the units that takers bought less those they sold a second.
    square : ndarray of float64, shape (K,)
        Averages of their squares over the time that was learned from.
    weight : ndarray of float64, shape (K,)
        Basis points of the price that a unit a second foretells.
    past, past_mid : ndarray of float64, shape (H, K) and (H,)
        Averages and mids of the last H looks.
    seen : ndarray of float64, shape (4,)
        Net flow (lots), time, forecast (basis points) and number of looks taken in so far.
    bend : float
        Units a second at which an average stops to count in full.
    rate : float
        Of learning, a look.
    """

    memory: Any
    average: Any
    square: Any
    weight: Any
    past: Any
    past_mid: Any
    seen: Any
    bend: float
    rate: float


class Ladders(NamedTuple):
    """Who the makers are and what they quote; a column has an element a row, shape (N,).

    Attributes
    ----------
    first_tag, most_levels : int
    second_share : float
        What times a volatility per year is that of one second.
    levels : ndarray of int64
    spread, volatility_factor, spacing, skew : ndarray of float64
        Half spread, and what of a second's standard deviation is added to it; distance between levels; shift
        of the quotes at the inventory limit; fractions of the price.
    size, growth, limit : ndarray of float64
        Units at the first level, ratio of each to the one before, and inventory limit, units.
    baseline : ndarray of int64
        Lots of the instrument that are not inventory.
    response : ndarray of float64
        Share of news that is taken over.
    calm, thinning, withdrawal : ndarray of float64
        Sizes fall as (calm / volatility) ** thinning above calm, to nothing above withdrawal, a year.
    strength : ndarray of float64
        Share of sizes and limit that a row's capital is good for; 0 quotes nothing.
    seen_value, forecast, price : ndarray of float64
        Exogenous value, forecast (basis points), and what a row took for the price, at its last look.
        Updated.
    peak : ndarray of float64
        Largest share of the limit that was ever used. Updated.
    """

    first_tag: int
    most_levels: int
    second_share: float
    levels: Any
    spread: Any
    volatility_factor: Any
    spacing: Any
    skew: Any
    size: Any
    growth: Any
    limit: Any
    baseline: Any
    response: Any
    calm: Any
    thinning: Any
    withdrawal: Any
    strength: Any
    seen_value: Any
    forecast: Any
    price: Any
    peak: Any


@kernel
def watch(now, net_flow, lot, mid, flow):
    """Take the flow since the last look into the averages, and what the price did into the weights.

    Notes
    -----
    Stochastic gradient of least squares: each weight moves by `rate` x (average then) / (mean of its
    square) x (change of the mid since then, basis points, less what was foretold of it).
    """
    elapsed = now - flow.seen[1]
    if elapsed > 0.0:
        taken = (net_flow - flow.seen[0]) * lot / elapsed
        number, held = np.int64(flow.seen[3]), flow.past_mid.size
        slot = number % held
        ripe = number >= held
        change = math.log(mid / flow.past_mid[slot]) / BPS if ripe else 0.0
        for k in range(flow.average.size):
            if ripe:
                change -= flow.weight[k] * flow.past[slot, k]
        total = 0.0
        for k in range(flow.average.size):
            then = flow.past[slot, k]
            if ripe and flow.rate > 0.0:
                flow.square[k] += (then * then - flow.square[k]) / (number - held + 1.0)
                if flow.square[k] > 0.0:
                    flow.weight[k] += flow.rate * then / flow.square[k] * change
            keep = math.exp(-elapsed / flow.memory[k])
            flow.average[k] = keep * flow.average[k] + (1.0 - keep) * taken
            flow.past[slot, k] = flow.average[k]
            total += flow.weight[k] * flow.bend * math.tanh(flow.average[k] / flow.bend)
        flow.past_mid[slot] = mid
        flow.seen[0], flow.seen[1], flow.seen[2], flow.seen[3] = net_flow, now, total, number + 1.0
    return flow.seen[2]


@kernel
def anticipate(now, forecast, quotes, assets, position, place, senders, looks, who, out):
    """Requote every row whose clock ticks around the price, shifted by the surprise in flow and by news.

    The side that the quotes move away from goes first, lest a row trade with itself.

    Parameters
    ----------
    forecast : float
        Of the flow, basis points; only its change since a row's last look moves its quotes.
    quotes, assets : ndarray of VENUE_STATE and of ASSET
        Of them the best prices and the mid, and value and realised volatility of the asset.
    position : ndarray of int64, shape (I, A)
    place : Place
    senders : Senders
    looks : Looks
    who : Ladders
    out : Out
        With room for two orders a row and level.
    """
    quote, asset = quotes[place.venue], assets[place.asset]
    value, volatility = asset["value"], asset["volatility"]
    for row in range(who.limit.size):
        if looks.next_at[row] > now:
            continue
        looks.next_at[row] = next_tick(now, looks.interval[row], looks.offset[row])
        news = who.response[row] * math.log(value / who.seen_value[row])
        surprise = BPS * (forecast - who.forecast[row])
        who.seen_value[row], who.forecast[row] = value, forecast
        inventory = (position[place.instrument, senders.account[row]] - who.baseline[row]) * place.lot
        who.peak[row] = max(who.peak[row], abs(inventory) / who.limit[row])
        limit = who.limit[row] * who.strength[row]
        lean = min(max(inventory / max(limit, 1e-12), -1.0), 1.0)
        shift = news + surprise - who.skew[row] * lean
        half = who.spread[row] + who.volatility_factor[row] * volatility * who.second_share
        calm = min(1.0, who.calm[row] / max(volatility, 1e-9))
        thin = who.strength[row] * math.pow(calm, who.thinning[row])
        if volatility > who.withdrawal[row]:
            thin = 0.0
        price = price_of(quote, half + who.levels[row] * who.spacing[row], who.price[row])
        who.price[row] = price * math.exp(news)
        centre = price * math.exp(shift)
        for side in (-1, 1) if shift > 0.0 else (1, -1):
            left = limit - side * inventory
            quote_side(now, centre, half, thin, side, left, news, place, senders, who, row, out)


@inlined
def price_of(quote, reach, before):
    """What a row takes for the price: the mid, unless the book is wider than the row's own ladder.

    Then the mid says little, and the row stays where it was, inside the best prices by the ladder's reach.
    """
    low = quote["bid"] * (1.0 + reach) if quote["bid_tick"] >= 0 else 0.0
    high = quote["ask"] * (1.0 - reach) if quote["ask_tick"] >= 0 else np.inf
    return quote["mid"] if low >= high else min(max(before, low), high)


@inlined
def quote_side(now, centre, half, thin, side, left, news, place, senders, who, row, out):
    """Send one side of a row's ladder, as far as `left` units go."""
    account, latency = senders.account[row], senders.latency[row]
    for level in range(who.levels[row]):
        price = centre * (1.0 - side * (half + level * who.spacing[row])) / place.tick
        tick = np.int64(math.floor(price) if side > 0 else math.ceil(price))
        lots = lots_at(level, thin * who.size[row], who.growth[row], place.lot, left)
        tag = who.first_tag + 2 * (row * who.most_levels + level) + (side < 0)
        set_quote(out, now, latency, account, place.venue, tag, side * lots, tick, news)
        left -= lots * place.lot
