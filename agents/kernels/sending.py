"""Sending: write ORDER rows from inside a kernel."""

from __future__ import annotations

import math

import numpy as np

from sim.base.jit import inlined
from sim.records import ABSOLUTE, GTC, IOC, LIMIT, MARKET, MID, REQUEST, STP_NONE, SWAP, TRADE


@inlined
def blank(out, n, time, latency, account, venue, kind, qty):
    """Write row n of the outbox with every other field at rest."""
    out[n]["time"] = time
    out[n]["latency"] = latency
    out[n]["value"] = 0.0
    out[n]["good_till"] = math.inf
    out[n]["qty"] = qty
    out[n]["price"] = 0
    out[n]["target"] = -1
    out[n]["account"] = account
    out[n]["instrument"] = -1
    out[n]["cause"] = 0
    out[n]["venue"] = venue
    out[n]["kind"] = kind
    out[n]["price_ref"] = ABSOLUTE
    out[n]["tif"] = GTC
    out[n]["stp"] = STP_NONE
    out[n]["reason"] = TRADE
    out[n]["flags"] = 0


@inlined
def market(out, n, time, latency, account, venue, qty, reason):
    """Write a market order for `qty` lots; returns the next row."""
    blank(out, n, time, latency, account, venue, MARKET, qty)
    out[n]["reason"] = reason
    return n + 1


@inlined
def marketable(out, n, time, latency, account, quotes, venue, qty, mid, slippage, reason):
    """Write an order to trade at once within `slippage` (a fraction) of `mid`; returns the next row.

    Where swaps trade it is one with a worst average price, where ticks are shown an immediate-or-cancel
    limit order measured from the mid at arrival, elsewhere a market order.
    """
    if quotes[venue]["takes"] == SWAP:
        blank(out, n, time, latency, account, venue, SWAP, qty)
        out[n]["value"] = mid * (1.0 + slippage if qty > 0 else 1.0 - slippage)
    elif quotes[venue]["bid_tick"] >= 0 or quotes[venue]["ask_tick"] >= 0:
        blank(out, n, time, latency, account, venue, LIMIT, qty)
        out[n]["tif"] = IOC
        out[n]["price_ref"] = MID
        out[n]["price"] = -np.int64(slippage * mid / quotes[venue]["tick"])
    else:
        blank(out, n, time, latency, account, venue, MARKET, qty)
    out[n]["reason"] = reason
    return n + 1


@inlined
def request(out, n, time, account, venue, instrument, qty, reason):
    """Write a request to a desk for `qty` lots of an instrument; returns the next row."""
    blank(out, n, time, 0.0, account, venue, REQUEST, qty)
    out[n]["instrument"] = instrument
    out[n]["reason"] = reason
    return n + 1


@inlined
def next_tick(now, interval, offset):
    """First tick after `now` of a clock that ticks each `interval`, from the time `offset` on."""
    return offset + interval * (math.floor((now - offset) / interval + 1e-9) + 1.0)


@inlined
def rounded(units, lot):
    """Lots nearest to a number of units."""
    return np.int64(math.floor(units / lot + 0.5))
