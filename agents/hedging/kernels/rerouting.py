"""Rerouting: send orders of a given size where the route would send them now."""

from __future__ import annotations

import numpy as np

from agents.hedging.kernels.hedge import RESERVED, SLIPPAGE, cheapest, claimed
from agents.kernels.sending import rounded
from sim.base.jit import kernel
from sim.kernels.options.portfolio import options_of
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
    instruments,
    pending,
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
        As in `agents.hedging.kernels.hedge.hedge`.
    instruments : ndarray of int64, shape (J,)
        Dense instruments of the route.
    pending : ndarray of int64, shape (J, N)
        Lots of them that rows have on the way; these orders are added as they find their venue.
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
        sold, spent = claimed(row, instruments, pending, terms)
        reserved, owed = policy[RESERVED, row] + sold, spent - min(value, 0.0)
        venue = cheapest(account, units, worst, reserved, venues, quotes, owed, needed, cash, position, terms)
        if venue >= 0:
            orders[n]["qty"] = rounded(units, quotes[venue]["lot"])
            orders[n]["venue"] = venue
            orders[n]["kind"] = np.int8(SWAP if quotes[venue]["base"] > 0.0 else MARKET)
        for j in range(instruments.size):
            if instruments[j] == quotes[orders[n]["venue"]]["instrument"]:
                pending[j, row] += orders[n]["qty"]
