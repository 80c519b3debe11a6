"""Slicing: meta-orders, worked off in market orders of one side."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from agents.kernels.sending import market, rounded
from sim.base.jit import inlined, kernel
from sim.kernels.base.draws import exponential, normal, uniform
from sim.records import TRADE

# What a row draws at the start of a meta-order, and for its slices.
SIDE, LENGTH, PAUSE, GAP, SIZE = range(5)


class Slicers(NamedTuple):
    """Who works off meta-orders; a column has an element a row, shape (N,).

    Attributes
    ----------
    venue, most : int
        Orders a row may send in a step.
    lot : float
    key : int
        Of the draws.
    account : ndarray of int64
    size, spread : ndarray of float64
        Median units of a slice, and standard deviation of the logarithm.
    tail, longest : ndarray of float64
        Of the number of slices: P(n > x) = x ** -tail, cut off at the longest.
    gap, pause : ndarray of float64
        Mean seconds between slices, and between meta-orders.
    latency : ndarray of float64
    side, left, started, next_time : ndarray
        Sign of the meta-order, slices left, meta-orders started, time of the next slice, s. Updated.
    """

    venue: int
    most: int
    lot: float
    key: Any
    account: Any
    size: Any
    spread: Any
    tail: Any
    longest: Any
    gap: Any
    pause: Any
    latency: Any
    side: Any
    left: Any
    started: Any
    next_time: Any


@kernel
def work_off(now, end, who, out, count):
    """Send every slice that falls before `end`, late ones now; returns the outbox's count.

    Parameters
    ----------
    now, end : float
        s.
    who : Slicers
        Updated.
    out, count
        Rows of the outbox, with room for `most` a row, and how many are taken.
    """
    for row in range(who.account.size):
        sent = 0
        while who.next_time[row] < end and sent < who.most:
            if who.left[row] == 0:
                begin(who, row)
            number, left = who.started[row], who.left[row]
            wide = math.exp(who.spread[row] * normal(who.key, number, row, SIZE + 4 * left))
            lots = max(rounded(who.size[row] * wide, who.lot), np.int64(1)) * who.side[row]
            at = max(who.next_time[row], now)
            count = market(out, count, at, who.latency[row], who.account[row], who.venue, lots, TRADE)
            sent += 1
            who.left[row] = left - 1
            mean, use = (who.gap[row], GAP + 4 * left) if left > 1 else (who.pause[row], PAUSE)
            who.next_time[row] += exponential(mean, who.key, number, row, use)
    return count


@inlined
def begin(who, row):
    """Draw side and number of slices of a row's next meta-order."""
    who.started[row] += 1
    number = who.started[row]
    who.side[row] = 1 if uniform(who.key, number, row, SIDE) < 0.5 else -1
    length = math.pow(uniform(who.key, number, row, LENGTH), -1.0 / who.tail[row])
    who.left[row] = np.int64(min(length, who.longest[row]))
