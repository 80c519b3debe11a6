"""Background flow: Poisson arrivals of limit and market orders, and trades towards a value."""

from __future__ import annotations

import math

import numpy as np

from agents.kernels.sending import blank, next_tick, rounded
from sim.base.jit import inlined, kernel
from sim.kernels.base.draws import exponential, poisson, uniform
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


@kernel
def scatter(
    key,
    step,
    now,
    step_seconds,
    account,
    venue,
    tick,
    lot,
    mid,
    limit_rate,
    market_rate,
    size,
    offset_bps,
    lifetime,
    latency,
    most,
    out,
    count,
):
    """Send each row's limit and market orders of this step; cancels are lifetimes drawn at birth.

    Parameters
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

    Returns
    -------
    int
        Orders in the outbox afterwards.
    """
    for row in range(size.size):
        limits = min(poisson(limit_rate[row] * step_seconds, uniform(key, step, row, 0)), most)
        markets = min(poisson(market_rate[row] * step_seconds, uniform(key, step, row, 1)), most - limits)
        for j in range(limits + markets):
            use = USES * (j + 1)
            at = arrival(key, step, row, use, now, step_seconds)
            lots = drawn_lots(size[row], lot, key, step, row, use + 1)
            kind = LIMIT if j < limits else MARKET
            blank(out, count, at, latency[row], account[row], venue, kind, lots)
            if kind == LIMIT:
                distance = exponential(offset_bps[row] * 1e-4 * mid, key, step, row, use + 3)
                out[count]["price_ref"] = MID
                out[count]["price"] = 1 + int(distance / tick)
                life = exponential(lifetime[row], key, step, row, use + 4)
                out[count]["good_till"] = at + latency[row] + life
            count += 1
    return count


@kernel
def correct(
    key,
    step,
    now,
    step_seconds,
    account,
    venue,
    tick,
    lot,
    mid,
    value,
    rate,
    bias,
    threshold,
    strength,
    most,
    latency,
    out,
    count,
):
    """Send immediate-or-cancel orders towards each row's own valuation.

    Parameters
    ----------
    value : float
        Exogenous value; row r believes value x (1 + bias[r]).
    rate : ndarray of float64, shape (N,)
        Looks a second.
    threshold : ndarray of float64, shape (N,)
        Mispricing below which a row does nothing, fraction.
    strength : ndarray of float64, shape (N,)
        Units traded per 1% of mispricing beyond the threshold.
    most : ndarray of float64, shape (N,)
        Largest order, units.
    """
    for row in range(rate.size):
        if uniform(key, step, row, 0) >= 1.0 - math.exp(-rate[row] * step_seconds):
            continue
        own = value * (1.0 + bias[row])
        gap = abs(own / mid - 1.0) - threshold[row]
        if gap <= 0.0:
            continue
        lots = rounded(min(100.0 * gap * strength[row], most[row]), lot)
        if lots > 0:
            at = arrival(key, step, row, 1, now, step_seconds)
            blank(out, count, at, latency[row], account[row], venue, LIMIT, lots)
            out[count]["tif"] = IOC
            out[count]["flags"] = SIDE_BY_VALUE
            out[count]["value"] = own
            out[count]["price"] = int(own / tick)
            count += 1
    return count


@kernel
def chase(
    now,
    account,
    venue,
    instrument,
    lot,
    mid,
    position,
    pending,
    average,
    lookback,
    threshold,
    full,
    most,
    interval,
    offset,
    next_look,
    latency,
    last_update,
    out,
    count,
):
    """Move each row towards a position in the direction of the trend it sees.

    Parameters
    ----------
    pending : ndarray of int64, shape (1, N)
        Lots on the way, which count as held.
    average : ndarray of float64, shape (N,)
        Moving average of the mid. Updated.
    lookback : ndarray of float64, shape (N,)
        Its time constant, s.
    threshold, full : ndarray of float64, shape (N,)
        Trend (mid over average, less one) from which, and at which in full, a row follows it.
    most : ndarray of float64, shape (N,)
        Largest position, units.
    last_update : float
        Time at which `average` was updated last, s.
    """
    for row in range(average.size):
        keep = math.exp(-max(now - last_update, 0.0) / lookback[row])
        average[row] = keep * average[row] + (1.0 - keep) * mid
        if next_look[row] > now:
            continue
        next_look[row] = max(next_tick(now, interval[row], offset[row]), now + latency[row])
        trend = mid / average[row] - 1.0
        excess = max(abs(trend) - threshold[row], 0.0)
        wanted = math.copysign(min(excess / full[row], 1.0) * most[row], trend)
        lots = rounded(wanted - (position[instrument, account[row]] + pending[0, row]) * lot, lot)
        if abs(lots) * lot >= 0.1 * most[row]:
            blank(out, count, now, latency[row], account[row], venue, MARKET, lots)
            count += 1
    return count
