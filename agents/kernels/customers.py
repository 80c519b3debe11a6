"""Customers: option trades that end users bring to dealers."""

from __future__ import annotations

import math

from agents.kernels.sending import request, rounded
from sim.base.jit import kernel
from sim.kernels.base.draws import uniform
from sim.records import ISSUE, OPTIONS


@kernel
def serve(
    key,
    step,
    now,
    step_seconds,
    account,
    rate,
    units,
    is_in_breach,
    instruments,
    lots_held,
    contracts,
    desk,
    out,
    count,
):
    """Send a request for each row that a customer calls in this step.

    The contract is one of those the population opened with, drawn evenly; a row trades on
    the side it opened on. At most one customer a row and step.
    """
    for row in range(rate.size):
        if uniform(key, step, row, 0) >= 1.0 - math.exp(-rate[row] * step_seconds):
            continue
        chosen = int(uniform(key, step, row, 1) * instruments.size)
        number = instruments[chosen] - OPTIONS
        if is_in_breach[account[row]] or contracts[number]["is_live"] == 0:
            continue
        side = 1 if lots_held[chosen] > 0 else -1
        lots = side * rounded(units[row], contracts[number]["lot"])
        if lots != 0:
            count = request(out, count, now, account[row], desk, instruments[chosen], lots, ISSUE)
    return count
