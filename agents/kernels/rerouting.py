"""Rerouting: send orders of a given size where the route would send them now."""

from __future__ import annotations

import numpy as np

from agents.kernels.hedge import RESERVED, SLIPPAGE, cheapest
from agents.kernels.sending import rounded
from sim.jit import kernel
from sim.kernels.portfolio import options_of
from sim.records import MARKET, SWAP


@kernel
def reroute(
    orders,
    first_account,
    first_holder,
    contract,
    qty,
    work,
    margins,
    cash,
    position,
    terms,
    venues,
    quotes,
    mid,
    policy,
):
    """Choose the cheapest venue of the route for each order; its size stays, to the nearest lot there.

    Parameters
    ----------
    orders : ndarray of ORDER
        Of one population, sized in lots of the venue they name. `venue`, `qty` and `kind` are
        written; an order that can be traded at none of the venues stays as it is.
    first_account, first_holder, contract, qty, work, margins, cash, position, terms, venues, quotes, mid
        As in `agents.kernels.hedge.hedge`.
    policy : ndarray of float64, shape (POLICY_ROWS, N)
        Slippage and reserved lots are read.
    """
    for n in range(orders.size):
        account = orders[n]["account"]
        row = account - first_account
        value, needed = 0.0, 0.0
        if first_holder >= 0:
            value, _, _, needed = options_of(first_holder + row, contract, qty, work, margins)
        units = orders[n]["qty"] * quotes[orders[n]["venue"]]["lot"]
        worst = mid * (policy[SLIPPAGE, row] + 1.0 if units > 0.0 else policy[SLIPPAGE, row] - 1.0)
        venue = cheapest(
            account,
            units,
            worst,
            policy[RESERVED, row],
            venues,
            quotes,
            value,
            needed,
            cash,
            position,
            terms,
        )
        if venue >= 0:
            orders[n]["qty"] = rounded(units, quotes[venue]["lot"])
            orders[n]["venue"] = venue
            orders[n]["kind"] = np.int8(SWAP if quotes[venue]["base"] > 0.0 else MARKET)
