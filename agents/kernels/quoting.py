"""Quoting: an inventory-averse ladder around a reservation price that learns from flow."""

from __future__ import annotations

import math

import numpy as np

from agents.kernels.sending import blank, next_tick
from sim.base.jit import inlined, kernel
from sim.records import QUOTE

BPS = 1e-4

# Columns of a maker's parameters.
(
    SPREAD,
    VOLATILITY_FACTOR,
    SPACING,
    SIZE,
    GROWTH,
    LEARNING,
    NEWS_RESPONSE,
    ANCHOR,
    SKEW,
    LIMIT,
    CALM,
    THINNING,
    WITHDRAWAL,
    LEVELS,
) = range(14)


@inlined
def learn(fair, flow_units, learning_bps, value, news, anchor, elapsed):
    """Reservation price after signed flow, news and time, and the logarithm of what the latter two did."""
    learnt = learning_bps * BPS * flow_units
    moved = fair * math.exp(learnt) * news
    after = moved + (value - moved) * (1.0 - math.exp(-anchor * elapsed))
    return after, math.log(after / fair) - learnt


@inlined
def set_quote(out, n, now, latency, account, venue, tag, lots, tick_price, told):
    """Write the quote under a tag and what news made of its price; zero lots withdraws it."""
    blank(out, n, now, latency, account, venue, QUOTE, lots)
    out[n]["value"] = told
    out[n]["price"] = tick_price
    out[n]["target"] = tag
    return n + 1


@inlined
def lots_at(level, size, growth, lot, room_units):
    """Size of a level in lots, within what the inventory limit leaves."""
    units = size * math.pow(growth, float(level))
    return np.int64(min(units, max(room_units, 0.0)) / lot + 1e-9)


@kernel
def quote(
    now,
    account,
    first_tag,
    most_levels,
    venue,
    instrument,
    tick,
    lot,
    net_flow,
    value,
    volatility,
    second_share,
    position,
    baseline,
    is_in_breach,
    fair,
    seen_flow,
    seen_value,
    updated,
    interval,
    offset,
    next_look,
    latency,
    columns,
    out,
    count,
):
    """Requote every row whose clock ticks: as many bids and asks each as it has levels.

    Parameters
    ----------
    most_levels : int
        Levels of the largest ladder: every row has the tags for so many.
    net_flow : int
        Lots takers bought less those they sold at the venue since the start.
    volatility : float
        Realised, per year; `second_share` times it is that of one second.
    baseline : ndarray of int64, shape (N,)
        Lots of the instrument that are not inventory.
    fair, seen_flow, seen_value, updated : ndarray, shape (N,)
        Reservation price before inventory; flow, value and time already taken into it. Updated.
    columns : ndarray of float64, shape (14, N)
        Parameters of each row, by the numbers above: of the ladder (basis points, units), LEARNING basis
        points of the reservation price a unit of signed flow, NEWS_RESPONSE the share of a change of the
        exogenous value that it takes over at once, ANCHOR the rate a second at which it returns to that,
        SKEW basis points of the quotes at the inventory LIMIT; sizes fall as (CALM / volatility) **
        THINNING above CALM, to nothing above WITHDRAWAL.
    """
    for row in range(fair.size):
        if next_look[row] > now:
            continue
        next_look[row] = next_tick(now, interval[row], offset[row])
        flow = (net_flow - seen_flow[row]) * lot
        news = math.pow(value / seen_value[row], columns[NEWS_RESPONSE, row])
        elapsed = now - updated[row]
        learning, anchor = columns[LEARNING, row], columns[ANCHOR, row]
        fair[row], told = learn(fair[row], flow, learning, value, news, anchor, elapsed)
        seen_flow[row], seen_value[row], updated[row] = net_flow, value, now
        inventory = (position[instrument, account[row]] - baseline[row]) * lot
        is_out = volatility > columns[WITHDRAWAL, row] or is_in_breach[account[row]]
        calm = min(1.0, columns[CALM, row] / max(volatility, 1e-9))
        thin = 0.0 if is_out else math.pow(calm, columns[THINNING, row])
        centre = fair[row] * (1.0 - columns[SKEW, row] * BPS * inventory / columns[LIMIT, row])
        half = columns[SPREAD, row] * BPS + columns[VOLATILITY_FACTOR, row] * volatility * second_share
        left_bid, left_ask = columns[LIMIT, row] - inventory, columns[LIMIT, row] + inventory
        for level in range(np.int64(columns[LEVELS, row])):
            distance = half + level * columns[SPACING, row] * BPS
            bid = np.int64(math.floor(centre * (1.0 - distance) / tick))
            ask = np.int64(math.ceil(centre * (1.0 + distance) / tick))
            bids = lots_at(level, thin * columns[SIZE, row], columns[GROWTH, row], lot, left_bid)
            asks = lots_at(level, thin * columns[SIZE, row], columns[GROWTH, row], lot, left_ask)
            tag = first_tag + 2 * (row * most_levels + level)
            count = set_quote(out, count, now, latency[row], account[row], venue, tag, bids, bid, told)
            count = set_quote(out, count, now, latency[row], account[row], venue, tag + 1, -asks, ask, told)
            left_bid -= bids * lot
            left_ask -= asks * lot
    return count
