"""Routing: send what is to be traded to the venue where it costs least."""

from __future__ import annotations

import math

import numpy as np

from agents.kernels.sending import marketable, rounded
from sim.base.jit import inlined, kernel
from sim.kernels.accounts.valuation import free_cash
from sim.kernels.messages.costs import cost_a_unit
from sim.kernels.options.portfolio import options_of
from sim.records import HEDGE, SPOT


@inlined
def is_affordable(account, venue, units, reserved, quotes, owed, option_margin, accounts):
    """Whether the account has the spot to sell, or the cash to buy it; the venue checks perpetuals.

    A venue counts what cash buys in whole lots at the mark, so a lot to spare is asked for.
    """
    instrument = quotes[venue]["instrument"]
    terms = accounts.terms[instrument]
    if terms["kind"] != SPOT:
        return True
    if units < 0.0:
        return (accounts.position[instrument, account] - reserved) * terms["lot"] >= -units
    needed = (units + quotes[venue]["lot"]) * cost_a_unit(quotes[venue], units)
    return needed <= free_cash(account, owed, option_margin, accounts.cash, accounts.position, accounts.terms)


@inlined
def cheapest(account, units, worst, reserved, venues, quotes, owed, option_margin, accounts):
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
            account, venue, whole, reserved, quotes, owed, option_margin, accounts
        ):
            best, least = venue, cost
    return best


@inlined
def owed_and_needed(account, options):
    """What an account's options owe, and the maintenance margin of those it has written."""
    holder = options.holder_of[account]
    if holder < 0:
        return 0.0, 0.0
    value, _, _, needed = options_of(holder, options.contract, options.qty, options.worth, options.margins)
    return min(value, 0.0), needed


@kernel
def send_to_cheapest(now, mid, wanted, options, accounts, venues, quotes, out, count):
    """Send an order for each row that wants to trade; one that can trade nowhere waits for its next look.

    Parameters
    ----------
    mid : float
        Reference mid of the asset, from which slippage is measured.
    wanted : ndarray of WANTED
    options : Options
    accounts : Accounts
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
        value, needed = owed_and_needed(account, options)
        owed = wanted[n]["spent"] - value
        worst = mid * (slippage + 1.0 if units > 0.0 else slippage - 1.0)
        venue = cheapest(account, units, worst, wanted[n]["reserved"], venues, quotes, owed, needed, accounts)
        if venue >= 0:
            lots = rounded(units, quotes[venue]["lot"])
            count = marketable(
                out, count, now, wanted[n]["latency"], account, quotes, venue, lots, mid, slippage, HEDGE
            )
    return count
