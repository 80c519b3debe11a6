"""Customers: option trades that end users bring to dealers."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from agents.kernels.sending import rounded, send_request
from sim.base.jit import kernel
from sim.kernels.base.draws import uniform
from sim.records import ISSUE, OPTIONS


class Customers(NamedTuple):
    """Who calls dealers, and what about.

    Attributes
    ----------
    account : ndarray of int64, shape (N,)
        Of each dealer, on the desk's chain.
    rate, units : ndarray of float64, shape (N,)
        Calls a second, and the size of a trade.
    instruments, lots : ndarray of int64
        Of the positions that the dealers opened with, all together.
    desk : int
        The venue.
    """

    account: Any
    rate: Any
    units: Any
    instruments: Any
    lots: Any
    desk: Any


@kernel
def serve(key, step, now, step_seconds, is_in_breach, contracts, customers, out):
    """Send a request for each row that a customer calls in this step.

    The contract is one of those the population opened with, drawn evenly; a row trades on
    the side it opened on. At most one customer a row and step.
    """
    rate, instruments = customers.rate, customers.instruments
    for row in range(rate.size):
        if uniform(key, step, row, 0) >= 1.0 - math.exp(-rate[row] * step_seconds):
            continue
        account = customers.account[row]
        chosen = int(uniform(key, step, row, 1) * instruments.size)
        number = instruments[chosen] - OPTIONS
        if is_in_breach[account] or contracts[number]["is_live"] == 0:
            continue
        side = 1 if customers.lots[chosen] > 0 else -1
        lots = side * rounded(customers.units[row], contracts[number]["lot"])
        if lots != 0:
            send_request(out, now, account, customers.desk, instruments[chosen], lots, ISSUE)
