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

import numpy as np

from sim.base.jit import inlined, kernel
from sim.kernels.accounts.changes import has_missed, noted
from sim.kernels.accounts.margining import DUST, MARGINED, PERPETUAL
from sim.kernels.base.flags import CHANGED, NEAR, listed
from sim.kernels.options.portfolio import options_of

SINGLE = 1e-6  # of what is added up in single precision, well above its rounding
ROUNDING = 1e-12  # of a drift, so that what is screened out is out however sums are rounded


@kernel
def remember(contracts, assets, terms, then, marks, indices, prices):
    """Make the present prices the reference."""
    for c in range(contracts.size):
        then[c] = contracts[c]["price"]
    for k in range(assets.size):
        marks[k] = assets[k]["mark"]
        indices[k] = assets[k]["index"]
    for i in range(terms.size):
        prices[i] = terms[i]["price"]


@inlined
def value_drift(contracts, assets, terms, rates, then, marks, indices, prices):
    """Most that equity less maintenance can have changed since, per unit of exposure (see `standing`)."""
    drift = 0.0
    for i in range(terms.size):
        weight = terms[i]["collateral"] + (terms[i]["maintenance"] if terms[i]["kind"] == PERPETUAL else 0.0)
        if weight > 0.0 and prices[i] > 0.0:
            drift = max(drift, weight * abs(terms[i]["price"] - prices[i]) / prices[i])
    for c in range(contracts.size):
        k = contracts[c]["asset"]
        moved = abs(contracts[c]["price"] - then[c])
        margin = rates[k, 2] * max(moved, abs(assets[k]["index"] - indices[k]))
        drift = max(drift, (moved + margin) / marks[k])
    return drift


@inlined
def gross_notional(holder, contract, qty, contracts, marks):
    """Units of the underlying a holder's options are on, at the reference marks, quote currency."""
    total = 0.0
    for slot in range(contract.shape[0]):
        number = contract[slot, holder]
        if number >= 0:
            units = abs(qty[slot, holder]) * contracts[number]["lot"]
            total += units * marks[contracts[number]["asset"]]
    return total


@inlined
def standing(a, cash, position, terms, prices, holder, contract, qty, contracts, work, margins, marks):
    """Equity, maintenance and exposure (what the drift applies to) of one account, quote currency."""
    equity, needed, exposure = cash[a], 0.0, 0.0
    for i in range(position.shape[0]):
        units = position[i, a] * terms[i]["lot"]
        equity += units * terms[i]["price"] * terms[i]["collateral"]
        exposure += abs(units) * prices[i]
        if terms[i]["kind"] == PERPETUAL:
            needed += abs(units) * terms[i]["price"] * terms[i]["maintenance"]
    if holder >= 0:
        value, _, _, maintenance = options_of(holder, contract, qty, work, margins)
        equity += value
        needed += maintenance
        exposure += gross_notional(holder, contract, qty, contracts, marks)
    return equity, needed, exposure


@inlined
def room_to_move(distance, exposure, drift):
    """Drift at which a line that is `distance` away can be reached at the earliest, for single precision."""
    if distance < 0.0:
        return -math.inf
    if not exposure > 0.0:
        return math.inf
    room = distance / exposure - drift - ROUNDING
    return room - SINGLE * abs(room)


@inlined
def mark_changed(slack, changes, since):
    """Let the accounts that changed be looked at."""
    if has_missed(changes, since):
        for a in range(slack.size):
            slack[a] = -math.inf
    else:
        for number in range(since, changes[0]):
            slack[noted(changes, number)] = -math.inf


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
def suspects(
    contracts,
    assets,
    terms,
    rates,
    then,
    marks,
    indices,
    prices,
    reach,
    slack,
    changes,
    since,
    flags,
    words,
    found,
):
    """List the accounts that may have crossed their line were prices `reach` further away, or changed.

    Parameters
    ----------
    contracts, assets, terms, rates
        Prices as they are.
    then, marks, indices, prices
        The reference, from `remember`.
    reach : float
        Largest relative change of a price to allow for, times the heaviest weight it has in drift.
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
    int, int
        How many, and how much of the log has been read now.
    """
    mark_changed(slack, changes, since)
    drift = value_drift(contracts, assets, terms, rates, then, marks, indices, prices)
    count, _ = flagged(slack, drift + reach * (1.0 + 2.0 * drift), flags, words, found)
    return count, changes[0]


@inlined
def examine(
    accounts,
    count,
    drift,
    cash,
    position,
    terms,
    prices,
    holder_of,
    contract,
    qty,
    contracts,
    work,
    margins,
    marks,
    rule,
    equity,
    maintenance,
    slack,
):
    """Look at the listed accounts exactly; returns how many are in breach.

    Writes equity, maintenance and slack of those accounts, and over the first of `accounts` those in
    breach.
    """
    breaches = 0
    for j in range(count):
        a = accounts[j]
        if rule[a] != MARGINED:
            slack[a] = math.inf
            continue
        equity[a], maintenance[a], exposure = standing(
            a,
            cash,
            position,
            terms,
            prices,
            holder_of[a],
            contract,
            qty,
            contracts,
            work,
            margins,
            marks,
        )
        slack[a] = room_to_move(equity[a] - maintenance[a] + DUST, exposure, drift)
        if equity[a] < maintenance[a] - DUST:
            accounts[breaches] = a
            breaches += 1
    return breaches


@inlined
def everybody(found):
    """List every account; returns how many there are."""
    for a in range(found.size):
        found[a] = a
    return found.size


@kernel
def watch(
    contracts,
    assets,
    terms,
    rates,
    then,
    marks,
    indices,
    prices,
    most_near,
    slack,
    changes,
    since,
    flags,
    words,
    found,
    cash,
    position,
    holder_of,
    contract,
    qty,
    work,
    margins,
    rule,
    equity,
    maintenance,
):
    """Find the accounts in breach by looking at those that can be.

    Where more than `most_near` are near their line, the reference is taken anew and everybody
    looked at once more.

    Parameters
    ----------
    contracts, assets, terms, rates, then, marks, indices, prices, slack, changes, since, flags, words
        As in `suspects`.
    most_near : float
        How many may be near before the reference is taken anew.
    found : ndarray of int32, shape (A,)
        Gets the accounts in breach, in account order.
    cash, position, holder_of, contract, qty, work, margins, rule
        What accounts hold, and what it is worth and ties up.
    equity, maintenance : ndarray of float64, shape (A,)
        Written for the accounts looked at, with their slack.

    Returns
    -------
    int, int
        How many are in breach, and how much of the log has been read now.
    """
    mark_changed(slack, changes, since)
    drift = value_drift(contracts, assets, terms, rates, then, marks, indices, prices)
    count, near = flagged(slack, drift, flags, words, found)
    if near > most_near and drift > 0.0:
        remember(contracts, assets, terms, then, marks, indices, prices)
        drift, count = 0.0, everybody(found)
    breaches = examine(
        found,
        count,
        drift,
        cash,
        position,
        terms,
        prices,
        holder_of,
        contract,
        qty,
        contracts,
        work,
        margins,
        marks,
        rule,
        equity,
        maintenance,
        slack,
    )
    return breaches, changes[0]
