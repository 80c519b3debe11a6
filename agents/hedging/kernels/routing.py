"""Routing: send what is to be traded to the venue where it costs least."""

from __future__ import annotations

import math

import numpy as np

from agents.kernels.sending import rounded, send_marketable
from sim.base.jit import inlined, kernel
from sim.kernels.accounts.valuation import free_cash, options_held
from sim.kernels.costs import cost_a_unit
from sim.records import HEDGE, SPOT


@inlined
def is_affordable(account, venue, units, each, quotes, holdings, prices):
    """Whether the account has the spot to sell, or the cash to buy it; the venue checks perpetuals.

    A venue counts what cash buys in whole lots at the mark, so a lot to spare is asked for.
    """
    instrument, terms = quotes[venue]["instrument"], prices.terms
    if terms[instrument]["kind"] != SPOT:
        return True
    if units < 0.0:
        for_sale = holdings.position[instrument, account] - each["reserved"]
        return for_sale * terms[instrument]["lot"] >= -units
    needed = (units + quotes[venue]["lot"]) * cost_a_unit(quotes[venue], units)
    value, _, margin = options_held(account, holdings, prices)
    owed = each["spent"] - min(value, 0.0)
    return needed <= free_cash(account, owed, margin, holdings.cash, holdings.position, terms)


@inlined
def cheapest(each, worst, account, venues, quotes, holdings, prices):
    """Venue with the lowest expected cost, in whole lots, that the row can afford; -1 if none.

    Where an order is filled whole or not at all, one that would cost more than `worst` is passed over.
    """
    best, least = np.int64(-1), math.inf
    for j in range(venues.size):
        venue = venues[j]
        whole = rounded(each["units"], quotes[venue]["lot"]) * quotes[venue]["lot"]
        cost = cost_a_unit(quotes[venue], whole)
        if whole == 0.0 or (quotes[venue]["is_whole"] != 0 and cost > worst):
            continue
        own = account[quotes[venue]["chain"], each["row"]]
        if cost < least and is_affordable(own, venue, whole, each, quotes, holdings, prices):
            best, least = venue, cost
    return best


@kernel
def send_to_cheapest(now, mid, wanted, account, holdings, prices, venues, quotes, out):
    """Send an order for each row that wants to trade; one that can trade nowhere waits for its next look.

    Parameters
    ----------
    mid : float
        Reference mid of the asset, from which slippage is measured.
    wanted : ndarray of WANTED
    account : ndarray of int64, shape (chains, N)
        Of each row on each chain.
    holdings : Holdings
    prices : Prices
        `sim.kernels.accounts.valuation`.
    venues : ndarray of int64
        Venues to choose from.
    quotes : ndarray of VENUE_STATE, shape (V,)
    out : Out
    """
    for n in range(wanted.size):
        each = wanted[n]
        units, slippage = each["units"], each["slippage"]
        worst = mid * (slippage + 1.0 if units > 0.0 else slippage - 1.0)
        venue = cheapest(each, worst, account, venues, quotes, holdings, prices)
        if venue >= 0:
            own, lots = account[quotes[venue]["chain"], each["row"]], rounded(units, quotes[venue]["lot"])
            send_marketable(out, now, each["latency"], own, quotes, venue, lots, mid, slippage, HEDGE)
