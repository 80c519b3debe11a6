"""The outbox: what a kernel has to know to send orders, and how one is written."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from sim.base.jit import inlined
from sim.records import ABSOLUTE, GTC, STP_NONE, TRADE


class Out(NamedTuple):
    """The rows of an outbox, with room for what is to be sent, and how many are written."""

    rows: Any  # ndarray of ORDER
    count: Any  # ndarray of int64, shape (1,)


class Place(NamedTuple):
    """Where orders go: the venue's row in the quotes, what it trades, and in what steps."""

    venue: Any
    instrument: Any
    asset: Any
    tick: Any
    lot: Any


@inlined
def send(out, time, latency, account, venue, kind, qty):
    """Write an order, every other field at rest, and return it: what else it says is to be written there."""
    order = out.rows[np.uint64(out.count[0])]
    out.count[0] += 1
    order["time"] = time
    order["latency"] = latency
    order["value"] = 0.0
    order["good_till"] = math.inf
    order["qty"] = qty
    order["price"] = 0
    order["target"] = -1
    order["account"] = account
    order["instrument"] = -1
    order["cause"] = 0
    order["venue"] = venue
    order["kind"] = kind
    order["price_ref"] = ABSOLUTE
    order["tif"] = GTC
    order["stp"] = STP_NONE
    order["reason"] = TRADE
    order["flags"] = 0
    return order
