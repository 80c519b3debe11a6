"""Banding: which hedgers can have left their band since they were last looked at, and which cannot.

The net delta of a row moves with the price by its gamma, and beyond that by no more than the
units its options are on times the largest change of any option's delta that gamma does not
explain (the drift). Both are measured from a reference that is renewed now and then. Every
row that may be out of its band, or has traded since, is looked at exactly; the orders are
those of looking at all.
"""

from __future__ import annotations

import math

import numpy as np

from sim.base.jit import inlined, kernel
from sim.kernels.accounts.changes import has_missed, noted
from sim.kernels.accounts.screening import ROUNDING, SINGLE
from sim.kernels.base.flags import CHANGED, NEAR, listed

DELTA_THEN, GAMMA_THEN = range(2)  # rows of a reference of deltas
NET, BEND, GROSS = range(3)  # rows of a screen
SCREEN_ROWS = 3


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
def note_distance(screen, row, net, gamma, gross, half):
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
def mark_changed(screen, first_account, changes, since):
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
    mark_changed(screen, first_account, changes, since)
    drift = delta_drift(contracts, asset, then, move)
    bound, shift, loss = np.float32(drift + ROUNDING), np.float32(move), np.float32(SINGLE)
    looks_always, one = np.float32(math.inf), np.float32(1.0 - SINGLE)
    count = near = 0
    for first in range(0, screen.shape[1], flags.size):
        size = min(flags.size, screen.shape[1] - first)
        net, bend, gross = screen[NET, first:], screen[BEND, first:], screen[GROSS, first:]
        active = is_active[first:]
        for i in range(size):
            moved = bend[i] * shift
            reach = abs(net[i] + moved) + gross[i] * bound + loss * (abs(net[i]) + abs(moved))
            is_always = net[i] == looks_always
            is_near = (not reach < one) & (not is_always)
            flags[i] = (NEAR * is_near + CHANGED * is_always) * active[i]
        count, near = listed(flags, words, first, size, found, count, near)
    return count, near if drift > 0.0 else 0, changes[0]
