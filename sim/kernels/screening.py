"""Screening: who can have crossed a line since they were last looked at, and who cannot.

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

from sim.jit import inlined, kernel
from sim.kernels.margining import DUST, MARGINED, PERPETUAL
from sim.kernels.portfolio import options_of

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


@kernel
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


@kernel
def remember_deltas(contracts, then):
    """Make the present deltas the reference."""
    for c in range(contracts.size):
        then[c] = contracts[c]["delta"]


@kernel
def delta_drift(contracts, then):
    """Most that an option delta has changed since, per unit of the underlying."""
    drift = 0.0
    for c in range(contracts.size):
        drift = max(drift, abs(contracts[c]["delta"] - then[c]))
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
    """Drift at which a line that is `distance` away can be reached at the earliest."""
    if distance < 0.0:
        return -math.inf
    return distance / exposure - drift - ROUNDING if exposure > 0.0 else math.inf


@kernel
def suspects(slack, drift, revision, seen, found):
    """List the accounts that may have crossed their line, or changed since they were looked at."""
    count = 0
    for a in range(slack.size):
        if slack[a] <= drift or revision[a] != seen[a]:
            found[count] = a
            count += 1
    return count


@kernel
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
    revision,
    equity,
    maintenance,
    slack,
    seen,
    in_breach,
):
    """Look at the listed accounts exactly; returns how many are in breach and lists them.

    Writes equity, maintenance and slack of those accounts.
    """
    breaches = 0
    for j in range(count):
        a = accounts[j]
        seen[a] = revision[a]
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
            in_breach[breaches] = a
            breaches += 1
    return breaches


@kernel
def unsettled(first_account, slack, drift, revision, seen, is_active, found):
    """List the rows of a population that may have left their band, or traded since they were looked at."""
    count = 0
    for row in range(slack.size):
        if (slack[row] <= drift or revision[first_account + row] != seen[row]) and is_active[row]:
            found[count] = row
            count += 1
    return count
