"""Slicing: meta-orders, worked off in market orders of one side."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from agents.kernels.sending import rounded
from sim.base.jit import inlined, kernel
from sim.kernels.base.draws import exponential, normal, uniform
from sim.kernels.messages.outbox import send
from sim.records import MARKET

# What a row draws at the start of a meta-order, and for its slices.
SIDE, LENGTH, PAUSE, GAP, SIZE = range(5)


class Slicers(NamedTuple):
    """Who works off meta-orders; a column has an element a row, shape (N,).

    Attributes
    ----------
    most : int
        Orders a row may send in a step.
    key : int
        Of the draws.
    size, spread : ndarray of float64
        Median units of a slice, and standard deviation of the logarithm.
    tail, longest : ndarray of float64
        Of the number of slices: P(n > x) = x ** -tail, cut off at the longest.
    gap, pause : ndarray of float64
        Mean seconds between slices, and between meta-orders.
    side, left, started, next_time : ndarray
        Sign of the meta-order, slices left, meta-orders started, time of the next slice, s. Updated.
    """

    most: int
    key: Any
    size: Any
    spread: Any
    tail: Any
    longest: Any
    gap: Any
    pause: Any
    side: Any
    left: Any
    started: Any
    next_time: Any


@kernel
def work_off(now, end, place, senders, who, out):
    """Send every slice that falls before `end`, late ones now.

    Parameters
    ----------
    now, end : float
        s.
    place : Place
    senders : Senders
    who : Slicers
        Updated.
    out : Out
        With room for `most` orders a row.
    """
    for row in range(who.size.size):
        sent = 0
        while who.next_time[row] < end and sent < who.most:
            if who.left[row] == 0:
                begin(who, row)
            number, left = who.started[row], who.left[row]
            wide = math.exp(who.spread[row] * normal(who.key, number, row, SIZE + 4 * left))
            lots = max(rounded(who.size[row] * wide, place.lot), np.int64(1)) * who.side[row]
            at = max(who.next_time[row], now)
            send(out, at, senders.latency[row], senders.account[row], place.venue, MARKET, lots)
            sent += 1
            who.left[row] = left - 1
            mean, use = (who.gap[row], GAP + 4 * left) if left > 1 else (who.pause[row], PAUSE)
            who.next_time[row] += exponential(mean, who.key, number, row, use)


@inlined
def begin(who, row):
    """Draw side and number of slices of a row's next meta-order."""
    who.started[row] += 1
    number = who.started[row]
    who.side[row] = 1 if uniform(who.key, number, row, SIDE) < 0.5 else -1
    length = math.pow(uniform(who.key, number, row, LENGTH), -1.0 / who.tail[row])
    who.left[row] = np.int64(min(length, who.longest[row]))
