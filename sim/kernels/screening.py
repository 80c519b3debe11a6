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

import numpy as np

from sim.jit import inlined, kernel
from sim.kernels.changes import has_missed, noted
from sim.kernels.margining import DUST, MARGINED, PERPETUAL
from sim.kernels.portfolio import options_of

DELTA_THEN, GAMMA_THEN = range(2)  # rows of a reference of deltas
NET, BEND, GROSS = range(3)  # rows of a screen of hedgers
SCREEN_ROWS = 3
SINGLE = 1e-6  # of what is added up in single precision, well above its rounding
CHANGED, NEAR = 1, 2  # why a row is looked at, added together
BLOCK = 1 << 14  # rows that are flagged before they are listed, so that flags stay in a near cache
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


@kernel
def remember_deltas(contracts, then):
    """Make the present deltas and gammas the reference; `then` has shape (2, M)."""
    for c in range(contracts.size):
        then[DELTA_THEN, c] = contracts[c]["delta"]
        then[GAMMA_THEN, c] = contracts[c]["gamma"]


@inlined
def delta_drift(contracts, asset, then, move):
    """Most that an option delta has changed beyond gamma times the move, per unit of the underlying.

    Parameters
    ----------
    move : float
        Change of the asset's mid since the reference.
    """
    drift = 0.0
    for c in range(contracts.size):
        if contracts[c]["asset"] == asset:
            expected = then[DELTA_THEN, c] + then[GAMMA_THEN, c] * move
            drift = max(drift, abs(contracts[c]["delta"] - expected))
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
def listed(flags, words, first, size, found, count, near):
    """List the rows of a block with a flag, eight at a time, after those already found.

    Parameters
    ----------
    flags, words : ndarray of uint8 and of uint64
        Work space from `flag_columns`; flag i is that of row `first` + i.
    size : int
        Rows in the block.
    found : ndarray of int32
        Rows found so far, the first `count`.
    near : int
        How many of them are NEAR.

    Returns
    -------
    int, int
        Count and near, with those of the block.
    """
    for word in range((size + 7) // 8):
        if words[word] != 0:
            for i in range(8 * word, min(8 * word + 8, size)):
                if flags[i] != 0:
                    found[count] = first + i
                    count += 1
                    near += flags[i] >= NEAR
    return count, near


@inlined
def forget(slack, changes, since):
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
    reach, never = np.float32(drift), np.float32(-math.inf)
    for first in range(0, slack.size, flags.size):
        size = min(flags.size, slack.size - first)
        left = slack[first:]
        for i in range(size):
            is_near = (left[i] <= reach) & (left[i] > never)
            flags[i] = NEAR * is_near + CHANGED * (left[i] == never)
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
    forget(slack, changes, since)
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
    forget(slack, changes, since)
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


@inlined
def options_then(holder, contract, qty, contracts, then):
    """Delta and gamma of a holder's options at the reference, and the units they are on."""
    delta, gamma, gross = 0.0, 0.0, 0.0
    for slot in range(contract.shape[0]):
        number = contract[slot, holder]
        if number >= 0:
            units = qty[slot, holder] * contracts[number]["lot"]
            delta += units * then[DELTA_THEN, number]
            gamma += units * then[GAMMA_THEN, number]
            gross += abs(units)
    return delta, gamma, gross


@inlined
def settle(screen, row, net, gamma, gross, half):
    """Note in the screen how far a row is from the edges of its band, in half widths.

    A band without a width lets the row be looked at always.
    """
    if half > 0.0:
        screen[NET, row] = net / half
        screen[BEND, row] = gamma / half
        screen[GROSS, row] = gross / half
    else:
        screen[NET, row] = math.inf


@inlined
def unsettle(screen, first_account, changes, since):
    """Let the rows whose accounts changed be looked at."""
    rows = screen.shape[1]
    if has_missed(changes, since):
        for row in range(rows):
            screen[NET, row] = math.inf
    else:
        for number in range(since, changes[0]):
            row = noted(changes, number) - first_account
            if 0 <= row < rows:
                screen[NET, row] = math.inf


@kernel
def unsettled(
    contracts, asset, then, screen, move, first_account, changes, since, is_active, flags, words, found
):
    """List the rows of a population that may have left their band, or traded since they were looked at.

    Parameters
    ----------
    contracts : ndarray of CONTRACT
    asset : int
        Whose options the rows hold, -1 if they hold none.
    then : ndarray of float64, shape (2, M)
        Deltas and gammas of the reference.
    screen : ndarray of float32, shape (SCREEN_ROWS, N)
        Net delta and gamma of each row with the options at the reference, and the units its options are
        on, all over the half width of its band; an infinite net delta looks always.
    move : float
        Change of the asset's mid since the reference.
    first_account : int
        Account of row 0.
    changes, since : ndarray of int64, and int
        The ledger's log (`changes`), and how many of it were read before.
    flags, words : ndarray of uint8 and of uint64
        Work space from `flag_columns`.

    Returns
    -------
    int, int, int
        How many, how many of them are near the edge of their band but for the reference being old,
        and how much of the log has been read now.

    Notes
    -----
    With positions q unchanged, the net delta is net + gamma move + sum q (delta - delta' - gamma' move),
    and the last sum is at most gross x drift (`delta_drift`). What single precision may have lost of
    that is added, so that nobody out of band is screened out.
    """
    unsettle(screen, first_account, changes, since)
    drift = delta_drift(contracts, asset, then, move)
    bound, shift, loss = np.float32(drift + ROUNDING), np.float32(move), np.float32(SINGLE)
    always, one = np.float32(math.inf), np.float32(1.0 - SINGLE)
    count = near = 0
    for first in range(0, screen.shape[1], flags.size):
        size = min(flags.size, screen.shape[1] - first)
        net, bend, gross = screen[NET, first:], screen[BEND, first:], screen[GROSS, first:]
        active = is_active[first:]
        for i in range(size):
            moved = bend[i] * shift
            reach = abs(net[i] + moved) + gross[i] * bound + loss * (abs(net[i]) + abs(moved))
            is_always = net[i] == always
            is_near = (not reach < one) & (not is_always)
            flags[i] = (NEAR * is_near + CHANGED * is_always) * active[i]
        count, near = listed(flags, words, first, size, found, count, near)
    return count, near if drift > 0.0 else 0, changes[0]


def flag_columns(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Zeroed flags for a block of up to `size` rows, and the same memory as 64-bit words."""
    flags = np.zeros(min(8 * max((size + 7) // 8, 1), BLOCK), np.uint8)
    return flags, flags.view(np.uint64)
