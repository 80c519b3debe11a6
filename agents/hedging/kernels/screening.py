"""Screening: which hedgers can have left their edges since they were last looked at, and which cannot.

The net delta of a row moves with the price by its gamma, and beyond that by no more than the
units it is exposed to times the largest change of any delta that gamma does not
explain (the drift). Both are measured from a reference that is renewed now and then. Every
row that may be out of its edges, or has traded since, is looked at exactly; the orders are
those of looking at all.
"""

from __future__ import annotations

import math

import numpy as np

from agents.kernels.sending import next_tick
from sim.base.jit import inlined, kernel
from sim.kernels.accounts.changes import has_missed, noted
from sim.kernels.accounts.screening import ROUNDING, SINGLE
from sim.kernels.base.flags import CHANGED, listed
from sim.kernels.messages.owners import NO_ROW, row_in

DELTA_THEN, GAMMA_THEN = range(2)  # rows of a reference of deltas
NET, BEND, GROSS, UNTIL, LOWEST, HIGHEST = range(6)  # rows of a screen
SCREEN_ROWS = 6


@kernel
def remember_deltas(things, then):
    """Make the present deltas and gammas the reference; `then` has shape (2, M)."""
    for c in range(things.size):
        then[DELTA_THEN, c] = things[c]["delta"]
        then[GAMMA_THEN, c] = things[c]["gamma"]


@inlined
def delta_drift(things, asset, then, move):
    """Most that a delta has changed beyond gamma times the move, per unit of the underlying.

    Parameters
    ----------
    move : float
        Change of the asset's mid since the reference.
    """
    drift = 0.0
    for c in range(things.size):
        if things[c]["asset"] == asset:
            expected = then[DELTA_THEN, c] + then[GAMMA_THEN, c] * move
            drift = max(drift, abs(things[c]["delta"] - expected))
    return drift


@inlined
def note_distance(screen, look, bound, move):
    """Note in the screen how far a row is from the edges between which it does nothing, in half widths.

    Edges without a width between them, or a drift that nothing bounds, let the row be looked at always.
    """
    row, low, high = look["row"], bound["low"], bound["high"]
    half = 0.5 * (high - low)
    if not (half > 0.0 and look["gross"] < math.inf):
        screen[NET, row] = math.inf
        return
    centre, span = 0.5 * (high + low), bound["span"]
    loss = SINGLE * (abs(move) + span)
    screen[NET, row] = (look["held"] + look["then_delta"] - centre) / half
    screen[BEND, row] = look["then_gamma"] / half
    screen[GROSS, row] = (look["gross"] + abs(centre)) / half
    screen[UNTIL, row] = bound["until"] * (1.0 - SINGLE)
    screen[LOWEST, row] = move - span + loss
    screen[HIGHEST, row] = move + span - loss


@inlined
def mark_changed(watch, account, since):
    """Let the rows of which an account changed be looked at."""
    screen, changes, owners = watch.screen, watch.changes, watch.owners
    population = owners.population_of[account[0, 0]]
    if has_missed(changes, since):
        for row in range(screen.shape[1]):
            screen[NET, row] = math.inf
    else:
        for number in range(since, changes[0]):
            row = row_in(population, noted(changes, number), owners)
            if row != NO_ROW:
                screen[NET, row] = math.inf


@inlined
def suspects(now, move, drift, watch):
    """List the rows that may be out of their edges; returns how many, and how many only for the drift."""
    screen, flags = watch.screen, watch.flags
    bound, shift, time = np.float32(drift + ROUNDING), np.float32(move), np.float32(now)
    count = 0
    for first in range(0, screen.shape[1], flags.size):
        size = min(flags.size, screen.shape[1] - first)
        net, bend, gross = screen[NET, first:], screen[BEND, first:], screen[GROSS, first:]
        until, lowest, highest = screen[UNTIL, first:], screen[LOWEST, first:], screen[HIGHEST, first:]
        active = watch.is_active[first:]
        for i in range(size):
            holds = is_inside(net[i], bend[i] * shift, gross[i] * bound)
            holds &= not is_stale(time, shift, until[i], lowest[i], highest[i])
            flags[i] = CHANGED * (not holds) * active[i]
        count, _ = listed(flags, watch.words, first, size, watch.found, count, 0)
    return count, spared(time, shift, watch.found[:count], screen)


@inlined
def is_stale(time, shift, until, lowest, highest):
    """Whether the edges of a row hold no more, as it said: after a time, or beyond some moves."""
    return (time >= until) | (shift < lowest) | (shift > highest)


@inlined
def is_inside(net, moved, drift):
    """Whether a row is within its edges, whichever way prices have drifted; in half widths, all float32."""
    loss = np.float32(SINGLE) * (abs(net) + abs(moved))
    return abs(net + moved) + drift + loss < np.float32(1.0 - SINGLE)


@inlined
def spared(time, shift, rows, screen):
    """How many of these rows are listed only for the drift, so that a reference of now would spare them."""
    least, count = np.float32(ROUNDING), 0
    for row in rows:
        moved, drift = screen[BEND, row] * shift, screen[GROSS, row] * least
        has_ended = is_stale(time, shift, screen[UNTIL, row], screen[LOWEST, row], screen[HIGHEST, row])
        count += is_inside(screen[NET, row], moved, drift) and not has_ended
    return count


@inlined
def is_look(now, before, clock, row):
    """Whether a row's clock ticked since the population decided last.

    A row whose last order has only arrived since then looks if its clock ticked meanwhile.
    """
    ready_at = clock.ready_at[row]
    if ready_at > now:
        return False
    since = ready_at - clock.latency[row] if ready_at > before else before
    return next_tick(since, clock.interval[row], clock.offset[row]) <= now


@inlined
def held_units(row, holding):
    """Units of the asset the row holds in its hedging instruments or has on the way, beyond its treasury."""
    total, account = 0.0, holding.account
    for j in range(holding.instruments.size):
        i, lots = holding.instruments[j], holding.pending[j, row] - holding.baseline[j, row]
        for chain in range(account.shape[0]):
            lots += holding.position[i, account[chain, row]]
        total += lots * holding.terms[i]["lot"]
    return total


@inlined
def describe(look, row, now, price, clock, holding):
    """Write what is known of a row whatever it is exposed to."""
    look["row"] = row
    look["time"] = now
    look["price"] = price
    look["held"] = held_units(row, holding)
    look["elapsed"] = now - clock.looked_at[row]


@kernel
def look(now, before, price, move, since, sight, watch, clock, holding, columns):
    """Describe the rows whose clock ticked, and which may have left their edges or have traded since.

    Parameters
    ----------
    now, before : float
        The time, and when the population decided last, s.
    price, move : float
        The asset's mid, and its change since the reference.
    since : int
        How many of the changes the ledger has noted were read before.
    sight : Sight
    watch : Watch
        Its screen, of float32, has by row the net delta and gamma at the reference, from the middle of the
        edges, and the units that drift counts for, all over half the distance of the edges; an infinite net
        delta looks always. So does a row after its time, or beyond its moves of the price.
    clock : Clock
    holding : Holding
    columns : ndarray of COLUMNS, shape (N,)
        Written, from the first row on.

    Returns
    -------
    int, int, int
        How many rows, how many are near their edges but for the reference being old (clocks aside),
        and how many changes have been read now.

    Notes
    -----
    With positions q unchanged, the net delta is net + gamma move + sum q (delta - delta' - gamma' move),
    and the last sum is at most gross x drift (`delta_drift`). What single precision may have lost of
    that is added, so that nobody out of band is screened out.
    """
    mark_changed(watch, holding.account, since)
    drift = delta_drift(sight.things, sight.asset, sight.then, move)
    listed_rows, near = suspects(now, move, drift, watch)
    count = 0
    for n in range(listed_rows):
        row = watch.found[n]
        if is_look(now, before, clock, row):
            describe(columns[count], row, now, price, clock, holding)
            count += 1
    return count, near if drift > 0.0 else 0, watch.changes[0]


@kernel
def describe_all(now, price, clock, holding, columns):
    """Describe every row, whatever its clock says."""
    for row in range(columns.size):
        describe(columns[row], row, now, price, clock, holding)


@kernel
def rescreen(columns, reaches, move, screen):
    """Note how far every row is from the edges of its reach, by the present reference."""
    for i in range(columns.size):
        note_distance(screen, columns[i], reaches[i], move)
