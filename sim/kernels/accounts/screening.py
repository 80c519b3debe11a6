"""Screening: which accounts can have crossed their line since they were last looked at, and which cannot.

Prices move a little from step to step, and most accounts are far from their line. What an
account is worth changes by no more than what it holds times the largest relative change
of any price (the drift); so an account looked at when the drift was d, with a distance of
s drifts to its line, cannot have crossed it before the drift is s - d away again. The
drift is measured from a reference that is renewed now and then; by the triangle
inequality the distance that is safe to assume is s - d. Everybody nearer, and everybody who
traded or was paid since, is looked at exactly; the result is that of looking at all.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sim.base.jit import inlined, kernel
from sim.kernels.accounts.changes import has_missed, noted
from sim.kernels.accounts.margining import DUST, NO_RULE
from sim.kernels.accounts.valuation import standing
from sim.kernels.base.flags import CHANGED, NEAR, listed

SINGLE = 1e-6  # of what is added up in single precision, well above its rounding
ROUNDING = 1e-12  # of a drift, so that what is screened out is out however sums are rounded


class Market(NamedTuple):
    """Prices as they are.

    Attributes
    ----------
    contracts : ndarray of CONTRACT, shape (M,)
    live : ndarray of int64, shape (R, 2)
        Contracts that have not expired, as runs of numbers (`Universe.live`).
    assets : ndarray of ASSET, shape (K,)
    terms : ndarray of TERMS, shape (I,)
    rates : ndarray of float64, shape (K, 3)
        Of the margin of written options; the last is maintenance.
    """

    contracts: np.ndarray
    live: np.ndarray
    assets: np.ndarray
    terms: np.ndarray
    rates: np.ndarray


class Reference(NamedTuple):
    """Prices that drift is measured from.

    A contract listed since they were taken is measured from its first price: where prices stood
    together does not matter, only that nobody moves them.

    Attributes
    ----------
    then : ndarray of float64, shape (M or more,)
        Prices of contracts.
    marks, indices : ndarray of float64, shape (K,)
    prices : ndarray of float64, shape (I,)
        Of dense instruments.
    """

    then: np.ndarray
    marks: np.ndarray
    indices: np.ndarray
    prices: np.ndarray


@kernel
def remember(market, reference):
    """Make the present prices the reference."""
    remember_contracts(market.contracts, market.live, reference.then)
    for k in range(market.assets.size):
        reference.marks[k] = market.assets[k]["mark"]
        reference.indices[k] = market.assets[k]["index"]
    for i in range(market.terms.size):
        reference.prices[i] = market.terms[i]["price"]


@inlined
def remember_contracts(contracts, runs, then):
    """Make the present prices of these runs of contracts their reference."""
    for r in range(runs.shape[0]):
        for c in range(runs[r, 0], runs[r, 1]):
            then[c] = contracts[c]["price"]


@inlined
def value_drift(market, reference):
    """Most that equity less maintenance can have changed since, per unit of exposure (see `exposure`)."""
    drift, terms, contracts = 0.0, market.terms, market.contracts
    for i in range(terms.size):
        weight, before = terms[i]["collateral"] + terms[i]["maintenance"], reference.prices[i]
        if weight > 0.0 and before > 0.0:
            drift = max(drift, weight * abs(terms[i]["price"] - before) / before)
    for r in range(market.live.shape[0]):
        own = contracts[market.live[r, 0] : market.live[r, 1]]
        then = reference.then[market.live[r, 0] : market.live[r, 1]]
        for c in range(own.size):
            k = own[c]["asset"]
            moved = abs(own[c]["price"] - then[c])
            index = abs(market.assets[k]["index"] - reference.indices[k])
            margin = market.rates[k, 2] * max(moved, index)
            drift = max(drift, (moved + margin) / reference.marks[k])
    return drift


@inlined
def exposure(a, holdings, prices, reference):
    """What the drift of prices applies to in an account: the gross value of its holdings then.

    Options count as the units of the underlying they are on.
    """
    total = 0.0
    for i in range(prices.terms.size):
        total += abs(holdings.position[i, a] * prices.terms[i]["lot"]) * reference.prices[i]
    holder = holdings.holder_of[a]
    if holder >= 0:
        total += gross_notional(holder, holdings, prices.contracts, reference.marks)
    return total


@inlined
def gross_notional(holder, holdings, contracts, marks):
    """Units of the underlying a holder's options are on, at the reference marks, quote currency."""
    total = 0.0
    for slot in range(holdings.contract.shape[0]):
        number = holdings.contract[slot, holder]
        if number >= 0:
            units = abs(holdings.qty[slot, holder]) * contracts[number]["lot"]
            total += units * marks[contracts[number]["asset"]]
    return total


@inlined
def room_to_move(distance, exposure, drift):
    """Drift at which a line that is `distance` away can be reached at the earliest, for single precision."""
    if distance < 0.0:
        return -math.inf
    if not exposure > 0.0:
        return math.inf
    room = distance / exposure - drift - ROUNDING
    return room - SINGLE * abs(room)


@kernel
def assess_and_screen(accounts, holdings, prices, reference, drift, equity, maintenance, slack):
    """Write equity and maintenance of the listed accounts, and the drift at which each can cross its line.

    Parameters
    ----------
    accounts : ndarray of int32
    holdings, prices : Holdings, Prices
    reference : Reference
    drift : float
        As it is now.
    equity, maintenance : ndarray of float64, shape (A,)
    slack : ndarray of float32, shape (A,)
    """
    for j in range(accounts.size):
        a = accounts[j]
        equity[a], maintenance[a] = standing(a, holdings, prices)
        distance = equity[a] - maintenance[a] + DUST
        slack[a] = room_to_move(distance, exposure(a, holdings, prices, reference), drift)


@inlined
def mark_changed(slack, rule_of, changes, since):
    """Let the accounts that changed be looked at, those that nobody checks aside."""
    if has_missed(changes, since):
        for a in range(slack.size):
            if rule_of[a] != NO_RULE:
                slack[a] = -math.inf
    else:
        for number in range(since, changes[0]):
            a = noted(changes, number)
            if rule_of[a] != NO_RULE:
                slack[a] = -math.inf


@inlined
def flagged(slack, drift, flags, words, found):
    """List the accounts that may have crossed their line, or are to be looked at."""
    count = near = 0
    limit, looks_always = np.float32(drift), np.float32(-math.inf)
    for first in range(0, slack.size, flags.size):
        size = min(flags.size, slack.size - first)
        left = slack[first:]
        for i in range(size):
            is_always = left[i] == looks_always
            is_near = (not left[i] > limit) & (not is_always)
            flags[i] = NEAR * is_near + CHANGED * is_always
        count, near = listed(flags, words, first, size, found, count, near)
    return count, near


@kernel
def suspects(market, reference, reach, rule_of, slack, changes, since, flags, words, found):
    """List the accounts that may have crossed their line were prices `reach` further away, or changed.

    Parameters
    ----------
    market : Market
    reference : Reference
    reach : float
        Largest relative change of a price to allow for, times the heaviest weight it has in drift.
    rule_of : ndarray of int16, shape (A,)
        Number of each account's rule, NO_RULE for those that nobody checks.
    slack : ndarray of float32, shape (A,)
        Drift at which each account can cross its line, -inf for those to be looked at.
    changes, since : ndarray of int64, and int
        The ledger's log (`changes`), and how many of it were read before.
    flags, words : ndarray of uint8 and of uint64
        Work space from `flag_columns`.
    found : ndarray of int32, shape (A,)
        Written.

    Returns
    -------
    int, int, float, int
        How many, how many of them are near their line, the drift, and how much of the log has been
        read now.
    """
    mark_changed(slack, rule_of, changes, since)
    drift = value_drift(market, reference)
    count, near = flagged(slack, drift + reach * (1.0 + 2.0 * drift), flags, words, found)
    return count, near, drift, changes[0]
