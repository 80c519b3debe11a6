"""Background flow: Poisson arrivals of limit and market orders, and trades towards a value."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from agents.kernels.sending import next_tick, rounded
from sim.base.jit import inlined, kernel
from sim.kernels.base.draws import exponential, poisson, uniform
from sim.kernels.messages.outbox import send
from sim.records import IOC, LIMIT, MARKET, MID, SIDE_BY_VALUE

# Draws of one order: this many uses apart.
USES = 8


@inlined
def arrival(key, step, row, use, now, step_seconds):
    """Decision time drawn evenly over the step."""
    return now + step_seconds * uniform(key, step, row, use)


@inlined
def drawn_lots(mean_units, lot, key, step, row, use):
    """Exponential size, at least one lot, with a random sign."""
    lots = max(np.int64(1), rounded(exponential(mean_units, key, step, row, use), lot))
    return lots if uniform(key, step, row, use + 1) < 0.5 else -lots


class Streams(NamedTuple):
    """Orders that come by themselves.

    Attributes
    ----------
    limit_rate, market_rate : ndarray of float64, shape (N,)
        Orders a second.
    size : ndarray of float64, shape (N,)
        Mean of an exponential size, units.
    offset_bps : ndarray of float64, shape (N,)
        Mean distance of limit orders from the mid, basis points (exponential).
    lifetime : ndarray of float64, shape (N,)
        Mean seconds until a resting order is cancelled.
    most : int
        Orders a row may send in one step.
    """

    limit_rate: Any
    market_rate: Any
    size: Any
    offset_bps: Any
    lifetime: Any
    most: Any


class Beliefs(NamedTuple):
    """What rows believe, and how much they trade on it, shape (N,) each.

    Attributes
    ----------
    rate : ndarray of float64
        Looks a second.
    bias : ndarray of float64
        A row believes value x (1 + bias).
    threshold : ndarray of float64
        Mispricing below which a row does nothing, fraction.
    strength : ndarray of float64
        Units traded per 1% of mispricing beyond the threshold.
    most : ndarray of float64
        Largest order, units.
    """

    rate: Any
    bias: Any
    threshold: Any
    strength: Any
    most: Any


class Trends(NamedTuple):
    """What trend followers see, and how much they hold for it, shape (N,) each.

    Attributes
    ----------
    average : ndarray of float64
        Moving average of the mid. Updated.
    pending : ndarray of int64, shape (1, N)
        Lots on the way, which count as held.
    lookback : ndarray of float64
        Time constant of the average, s.
    threshold, full : ndarray of float64
        Trend (mid over average, less one) from which, and at which in full, a row follows it.
    most : ndarray of float64
        Largest position, units.
    """

    average: Any
    pending: Any
    lookback: Any
    threshold: Any
    full: Any
    most: Any


@kernel
def scatter(key, step, now, step_seconds, assets, place, senders, streams, out):
    """Send each row's limit and market orders of this step; cancels are lifetimes drawn at birth.

    Parameters
    ----------
    assets : ndarray of ASSET
    place : Place
    senders : Senders
    streams : Streams
    out : Out
    """
    mid, size, most = assets[place.asset]["mid"], streams.size, streams.most
    for row in range(size.size):
        account, latency = senders.account[row], senders.latency[row]
        limits = min(poisson(streams.limit_rate[row] * step_seconds, uniform(key, step, row, 0)), most)
        expected = streams.market_rate[row] * step_seconds
        markets = min(poisson(expected, uniform(key, step, row, 1)), most - limits)
        for j in range(limits + markets):
            use = USES * (j + 1)
            at = arrival(key, step, row, use, now, step_seconds)
            lots = drawn_lots(size[row], place.lot, key, step, row, use + 1)
            order = send(out, at, latency, account, place.venue, LIMIT if j < limits else MARKET, lots)
            if j < limits:
                distance = exponential(streams.offset_bps[row] * 1e-4 * mid, key, step, row, use + 3)
                order["price_ref"] = MID
                order["price"] = 1 + int(distance / place.tick)
                life = exponential(streams.lifetime[row], key, step, row, use + 4)
                order["good_till"] = at + latency + life


@kernel
def correct(key, step, now, step_seconds, assets, place, senders, beliefs, out):
    """Send immediate-or-cancel orders towards each row's own valuation.

    Parameters
    ----------
    assets : ndarray of ASSET
        Mid and exogenous value of the one traded.
    place : Place
    senders : Senders
    beliefs : Beliefs
    out : Out
    """
    mid, value = assets[place.asset]["mid"], assets[place.asset]["value"]
    for row in range(beliefs.rate.size):
        if uniform(key, step, row, 0) >= 1.0 - math.exp(-beliefs.rate[row] * step_seconds):
            continue
        own = value * (1.0 + beliefs.bias[row])
        gap = abs(own / mid - 1.0) - beliefs.threshold[row]
        if gap <= 0.0:
            continue
        lots = rounded(min(100.0 * gap * beliefs.strength[row], beliefs.most[row]), place.lot)
        if lots > 0:
            at = arrival(key, step, row, 1, now, step_seconds)
            order = send(out, at, senders.latency[row], senders.account[row], place.venue, LIMIT, lots)
            order["tif"] = IOC
            order["flags"] = SIDE_BY_VALUE
            order["value"] = own
            order["price"] = int(own / place.tick)


@kernel
def chase(now, last_update, assets, position, place, senders, looks, trends, out):
    """Move each row towards a position in the direction of the trend it sees.

    Parameters
    ----------
    last_update : float
        Time at which the averages were updated last, s.
    assets : ndarray of ASSET
    position : ndarray of int64, shape (I, A)
    place : Place
    senders : Senders
    looks : Looks
    trends : Trends
    out : Out
    """
    mid, lot, average = assets[place.asset]["mid"], place.lot, trends.average
    for row in range(average.size):
        keep = math.exp(-max(now - last_update, 0.0) / trends.lookback[row])
        average[row] = keep * average[row] + (1.0 - keep) * mid
        if looks.next_at[row] > now:
            continue
        account, latency = senders.account[row], senders.latency[row]
        looks.next_at[row] = max(next_tick(now, looks.interval[row], looks.offset[row]), now + latency)
        trend = mid / average[row] - 1.0
        excess = max(abs(trend) - trends.threshold[row], 0.0)
        wanted = math.copysign(min(excess / trends.full[row], 1.0) * trends.most[row], trend)
        held = position[place.instrument, account] + trends.pending[0, row]
        lots = rounded(wanted - held * lot, lot)
        if abs(lots) * lot >= 0.1 * trends.most[row]:
            send(out, now, latency, account, place.venue, MARKET, lots)
