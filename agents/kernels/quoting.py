"""Quoting: an inventory-averse ladder around a reservation price that learns from flow."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from agents.kernels.sending import next_tick
from sim.base.jit import inlined, kernel
from sim.kernels.messages.outbox import send
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


class Makers(NamedTuple):
    """What makers believe and may quote.

    Attributes
    ----------
    fair, seen_flow, seen_value, updated : ndarray, shape (N,)
        Reservation price before inventory; flow, value and time already taken into it. Updated.
    baseline : ndarray of int64, shape (N,)
        Lots of the instrument that are not inventory.
    columns : ndarray of float64, shape (14, N)
        Parameters of each row, by the numbers above: of the ladder (basis points, units), LEARNING basis
        points of the reservation price a unit of signed flow, NEWS_RESPONSE the share of a change of the
        exogenous value that it takes over at once, ANCHOR the rate a second at which it returns to that,
        SKEW basis points of the quotes at the inventory LIMIT; sizes fall as (CALM / volatility) **
        THINNING above CALM, to nothing above WITHDRAWAL.
    first_tag, most_levels : int
        Every row has the tags for so many levels: those of the largest ladder.
    second_share : float
        What times a volatility per year is that of one second.
    """

    fair: Any
    seen_flow: Any
    seen_value: Any
    updated: Any
    baseline: Any
    columns: Any
    first_tag: Any
    most_levels: Any
    second_share: Any


@inlined
def learn(fair, flow_units, learning_bps, value, news, anchor, elapsed):
    """Reservation price after signed flow, news and time, and the logarithm of what the latter two did."""
    learnt = learning_bps * BPS * flow_units
    moved = fair * math.exp(learnt) * news
    after = moved + (value - moved) * (1.0 - math.exp(-anchor * elapsed))
    return after, math.log(after / fair) - learnt


@inlined
def update(row, now, net_flow, value, lot, makers):
    """Take flow, news and time into a row's reservation price; returns the log of what the latter two did."""
    columns = makers.columns
    flow = (net_flow - makers.seen_flow[row]) * lot
    news = math.pow(value / makers.seen_value[row], columns[NEWS_RESPONSE, row])
    elapsed = now - makers.updated[row]
    learning, anchor = columns[LEARNING, row], columns[ANCHOR, row]
    makers.fair[row], told = learn(makers.fair[row], flow, learning, value, news, anchor, elapsed)
    makers.seen_flow[row], makers.seen_value[row], makers.updated[row] = net_flow, value, now
    return told


@inlined
def set_quote(out, now, latency, account, venue, tag, lots, tick_price, told):
    """Write the quote under a tag and what news made of its price; zero lots withdraws it."""
    order = send(out, now, latency, account, venue, QUOTE, lots)
    order["value"] = told
    order["price"] = tick_price
    order["target"] = tag


@inlined
def lots_at(level, size, growth, lot, room_units):
    """Size of a level in lots, within what the inventory limit leaves."""
    units = size * math.pow(growth, float(level))
    return np.int64(min(units, max(room_units, 0.0)) / lot + 1e-9)


@kernel
def quote(now, quotes, assets, position, is_in_breach, place, senders, looks, makers, out):
    """Requote every row whose clock ticks: as many bids and asks each as it has levels.

    Parameters
    ----------
    quotes, assets : ndarray of VENUE_STATE and of ASSET
        Of them the net flow at the venue, and value and realised volatility of its asset.
    place : Place
    senders : Senders
    looks : Looks
    makers : Makers
    out : Out
    """
    net_flow = quotes[place.venue]["net_flow"]
    value, volatility = assets[place.asset]["value"], assets[place.asset]["volatility"]
    venue, tick, lot, columns = place.venue, place.tick, place.lot, makers.columns
    for row in range(makers.fair.size):
        if looks.next_at[row] > now:
            continue
        looks.next_at[row] = next_tick(now, looks.interval[row], looks.offset[row])
        told = update(row, now, net_flow, value, lot, makers)
        account, latency = senders.account[row], senders.latency[row]
        inventory = (position[place.instrument, account] - makers.baseline[row]) * lot
        is_out = volatility > columns[WITHDRAWAL, row] or is_in_breach[account]
        calm = min(1.0, columns[CALM, row] / max(volatility, 1e-9))
        thin = 0.0 if is_out else math.pow(calm, columns[THINNING, row])
        centre = makers.fair[row] * (1.0 - columns[SKEW, row] * BPS * inventory / columns[LIMIT, row])
        half = columns[SPREAD, row] * BPS + columns[VOLATILITY_FACTOR, row] * volatility * makers.second_share
        left_bid, left_ask = columns[LIMIT, row] - inventory, columns[LIMIT, row] + inventory
        for level in range(np.int64(columns[LEVELS, row])):
            distance = half + level * columns[SPACING, row] * BPS
            bid = np.int64(math.floor(centre * (1.0 - distance) / tick))
            ask = np.int64(math.ceil(centre * (1.0 + distance) / tick))
            bids = lots_at(level, thin * columns[SIZE, row], columns[GROWTH, row], lot, left_bid)
            asks = lots_at(level, thin * columns[SIZE, row], columns[GROWTH, row], lot, left_ask)
            tag = makers.first_tag + 2 * (row * makers.most_levels + level)
            set_quote(out, now, latency, account, venue, tag, bids, bid, told)
            set_quote(out, now, latency, account, venue, tag + 1, -asks, ask, told)
            left_bid -= bids * lot
            left_ask -= asks * lot
