"""Sending: orders to trade at once, requests, and when those look who send them."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from sim.base.jit import inlined
from sim.kernels.messages.outbox import send
from sim.records import IOC, LIMIT, MARKET, MID, REQUEST, SWAP


class Senders(NamedTuple):
    """The rows that send to one venue: their accounts on its chain, and seconds from decision to arrival."""

    account: Any
    latency: Any


class Looks(NamedTuple):
    """When rows look: every so many seconds, from when on, and when next, which is written; shape (N,)."""

    interval: Any
    offset: Any
    next_at: Any


@inlined
def send_marketable(out, time, latency, account, quotes, venue, qty, mid, slippage, reason):
    """Write an order to trade at once within `slippage` (a fraction) of `mid`.

    Where swaps trade it is one with a worst average price, where ticks are shown an immediate-or-cancel
    limit order measured from the mid at arrival, elsewhere a market order.
    """
    if quotes[venue]["takes"] == SWAP:
        order = send(out, time, latency, account, venue, SWAP, qty)
        order["value"] = mid * (1.0 + slippage if qty > 0 else 1.0 - slippage)
    elif quotes[venue]["bid_tick"] >= 0 or quotes[venue]["ask_tick"] >= 0:
        order = send(out, time, latency, account, venue, LIMIT, qty)
        order["tif"] = IOC
        order["price_ref"] = MID
        order["price"] = -np.int64(slippage * mid / quotes[venue]["tick"])
    else:
        order = send(out, time, latency, account, venue, MARKET, qty)
    order["reason"] = reason


@inlined
def send_request(out, time, account, venue, instrument, qty, reason):
    """Write a request to a desk for `qty` lots of an instrument."""
    order = send(out, time, 0.0, account, venue, REQUEST, qty)
    order["instrument"] = instrument
    order["reason"] = reason


@inlined
def next_tick(now, interval, offset):
    """First tick after `now` of a clock that ticks each `interval`, from the time `offset` on."""
    return offset + interval * (math.floor((now - offset) / interval + 1e-9) + 1.0)


@inlined
def rounded(units, lot):
    """Lots nearest to a number of units."""
    return np.int64(math.floor(units / lot + 0.5))
