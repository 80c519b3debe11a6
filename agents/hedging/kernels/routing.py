"""Routing: send what is to be traded to the venue where it costs least."""

from __future__ import annotations

import math

import numpy as np

from agents.kernels.sending import marketable, rounded
from sim.base.jit import inlined, kernel
from sim.kernels.accounts.valuation import free_cash, options_held
from sim.kernels.costs import cost_a_unit
from sim.records import HEDGE, SPOT


@inlined
def is_affordable(account, venue, units, reserved, quotes, owed, option_margin, holdings, terms):
    """Whether the account has the spot to sell, or the cash to buy it; the venue checks perpetuals.

    A venue counts what cash buys in whole lots at the mark, so a lot to spare is asked for.
    """
    instrument = quotes[venue]["instrument"]
    if terms[instrument]["kind"] != SPOT:
        return True
    if units < 0.0:
        return (holdings.position[instrument, account] - reserved) * terms[instrument]["lot"] >= -units
    needed = (units + quotes[venue]["lot"]) * cost_a_unit(quotes[venue], units)
    return needed <= free_cash(account, owed, option_margin, holdings.cash, holdings.position, terms)


@inlined
def cheapest(account, units, worst, reserved, venues, quotes, owed, option_margin, holdings, terms):
    """Venue with the lowest expected cost, in whole lots, that the account can afford; -1 if none.

    Where an order is filled whole or not at all, one that would cost more than `worst` is passed over.
    """
    best, least = np.int64(-1), math.inf
    for j in range(venues.size):
        venue = venues[j]
        whole = rounded(units, quotes[venue]["lot"]) * quotes[venue]["lot"]
        cost = cost_a_unit(quotes[venue], whole)
        if whole == 0.0 or (quotes[venue]["is_whole"] != 0 and cost > worst):
            continue
        if cost < least and is_affordable(
            account, venue, whole, reserved, quotes, owed, option_margin, holdings, terms
        ):
            best, least = venue, cost
    return best


@kernel
def send_to_cheapest(now, mid, wanted, holdings, prices, venues, quotes, out, count):
    """Send an order for each row that wants to trade; one that can trade nowhere waits for its next look.

    Parameters
    ----------
    mid : float
        Reference mid of the asset, from which slippage is measured.
    wanted : ndarray of WANTED
    holdings : Holdings
    prices : Prices
        `sim.kernels.accounts.valuation`.
    venues : ndarray of int64
        Venues to choose from.
    quotes : ndarray of VENUE_STATE, shape (V,)
    out, count
        Rows of the outbox, and how many it has.

    Returns
    -------
    int
        Orders in the outbox afterwards.
    """
    for n in range(wanted.size):
        account, units, slippage = wanted[n]["account"], wanted[n]["units"], wanted[n]["slippage"]
        value, _, needed = options_held(account, holdings, prices)
        owed, reserved = wanted[n]["spent"] - min(value, 0.0), wanted[n]["reserved"]
        worst = mid * (slippage + 1.0 if units > 0.0 else slippage - 1.0)
        venue = cheapest(
            account, units, worst, reserved, venues, quotes, owed, needed, holdings, prices.terms
        )
        if venue >= 0:
            lots = rounded(units, quotes[venue]["lot"])
            count = marketable(
                out, count, now, wanted[n]["latency"], account, quotes, venue, lots, mid, slippage, HEDGE
            )
    return count
