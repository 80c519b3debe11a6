"""Arrival: which orders are due, in what order, and in which batches venues get them."""

from __future__ import annotations

import numpy as np

from sim.base.jit import inlined, kernel
from sim.kernels.base.draws import GOLDEN, hashed, mix
from sim.kernels.messages.fields import is_supported
from sim.kernels.messages.pending import is_pending

VENUE, FIRST, LAST = range(3)  # columns of the batches
GONE = -1  # venue of an order that was delivered


@inlined
def is_later(arrival, ties, a, b):
    """Whether order a comes after order b: by arrival, then by tie."""
    if arrival[a] != arrival[b]:
        return arrival[a] > arrival[b]
    return ties[a] > ties[b]


@inlined
def merge(arrival, ties, rows, source, target, left, middle, right):
    """Merge two sorted runs of groups from `source` into `target`; equal ones keep their places."""
    i, j = left, middle
    for k in range(left, right):
        if i < middle and (j >= right or not is_later(arrival, ties, rows[source[i]], rows[source[j]])):
            target[k] = source[i]
            i += 1
        else:
            target[k] = source[j]
            j += 1


@inlined
def group(arrival, ties, rows, first, last, heads):
    """List where each group of equal neighbours in rows[first:last] begins.

    Returns
    -------
    groups : int
    is_sorted : bool
        Whether they are in order already, as when one population sent them in order.
    """
    groups, is_sorted = 0, True
    for k in range(first, last):
        before = rows[max(k - 1, first)]
        is_other = arrival[rows[k]] != arrival[before] or ties[rows[k]] != ties[before]
        if k == first or is_other:
            heads[groups] = k
            groups += 1
        is_sorted = is_sorted and not is_later(arrival, ties, before, rows[k])
    return groups, is_sorted


@inlined
def sort(arrival, ties, rows, scratch, heads, spare, first, last):
    """Sort rows[first:last] by arrival and tie, keeping equal ones in place (merge sort of groups).

    The quotes of one maker arrive together: many orders are few groups.
    """
    groups, is_sorted = group(arrival, ties, rows, first, last, heads)
    if is_sorted:
        return
    width, forward = 1, True
    while width < groups:
        left = 0
        while left < groups:
            middle, right = min(left + width, groups), min(left + 2 * width, groups)
            if forward:
                merge(arrival, ties, rows, heads, spare, left, middle, right)
            else:
                merge(arrival, ties, rows, spare, heads, left, middle, right)
            left = right
        forward = not forward
        width *= 2
    for k in range(first, last):
        scratch[k] = rows[k]
    found = first
    for g in range(groups):
        head = heads[g] if forward else spare[g]
        k = head
        while (
            k < last
            and not is_later(arrival, ties, scratch[k], scratch[head])
            and not is_later(arrival, ties, scratch[head], scratch[k])
        ):
            rows[found] = scratch[k]
            found += 1
            k += 1


@kernel
def stamp(
    orders,
    first,
    last,
    phase,
    step,
    seed_key,
    population_of,
    keys,
    firsts,
    venues,
    now,
    meaning,
    traded,
    pending,
    unsupported,
):
    """Write phase, population and tie into orders that were just sent.

    A tie is a hash of the run, the step, the sender's population by name, and its row.

    Parameters
    ----------
    meaning, traded
        What orders may say to each venue (`fields.is_supported`).
    pending : ndarray of int64, shape (P,)
        Pending orders of each population; these are added.
    unsupported : ndarray of int64, shape (last - first or more,)
        Written: rows of orders that say something without meaning.

    Returns
    -------
    earliest : float
        The first arrival.
    refused : int
        The first row that no venue could be handed, -1 if there is none.
    found : int
        How many rows are unsupported.
    """
    earliest, found = np.inf, 0
    step_key = mix(np.uint64(seed_key) + np.uint64(step) * GOLDEN)
    sender, tie = np.int64(-1), np.uint64(0)
    for i in range(first, last):
        account = np.int64(orders[i]["account"])
        at = orders[i]["time"] + orders[i]["latency"]
        is_somewhere = 0 <= orders[i]["venue"] < venues and 0 <= account < population_of.size
        is_timely = orders[i]["time"] >= now and orders[i]["latency"] >= 0.0 and at < np.inf
        if not (is_somewhere and is_timely):
            return earliest, i, found
        orders[i]["phase"] = phase
        population = population_of[account]
        if account != sender:
            sender = account
            tie = mix(hashed(keys[population], 0, account - firsts[population], 0) ^ step_key)
        orders[i]["population"] = population
        orders[i]["tie"] = tie
        if not is_supported(orders[i], meaning, traded):
            unsupported[found] = i
            found += 1
            continue
        pending[population] += is_pending(orders[i])
        earliest = min(earliest, at)
    return earliest, -1, found


@inlined
def first_to_arrive(arrival, rows, bounds, heads, comes_last, but):
    """The venue whose next order arrives first, of equal ones the first venue; -1 if none has any left."""
    found = np.int64(-1)
    for v in range(heads.size):
        if v == but or comes_last[v] or heads[v] == bounds[v + 1]:
            continue
        if found < 0 or arrival[rows[heads[v]]] < arrival[rows[heads[found]]]:
            found = v
    return found


@inlined
def interleave(arrival, rows, bounds, heads, comes_last, batches):
    """Cut the rows of every venue into batches, in the order in which their orders arrive.

    Returns how many batches there are.
    """
    count = 0
    for v in range(heads.size):
        heads[v] = bounds[v]
    venue = first_to_arrive(arrival, rows, bounds, heads, comes_last, -1)
    while venue >= 0:
        other = first_to_arrive(arrival, rows, bounds, heads, comes_last, venue)
        last, end = heads[venue] + 1, bounds[venue + 1]
        if other < 0:
            last = end
        else:
            at = arrival[rows[heads[other]]]
            while last < end and (arrival[rows[last]] < at or (arrival[rows[last]] == at and venue < other)):
                last += 1
        batches[count, VENUE], batches[count, FIRST], batches[count, LAST] = venue, heads[venue], last
        heads[venue] = last
        count += 1
        venue = other
    for v in range(heads.size):
        if comes_last[v] and bounds[v] < bounds[v + 1]:
            batches[count, VENUE], batches[count, FIRST], batches[count, LAST] = v, bounds[v], bounds[v + 1]
            count += 1
    return count


@kernel
def due(
    orders, count, until, rows, scratch, heads, spare, arrival, ties, bounds, reached, comes_last, batches
):
    """Find the orders that arrive by `until`, in batches of consecutive arrivals at one venue.

    Orders that arrive at once at several venues come venue by venue.

    Parameters
    ----------
    orders : ndarray of ORDER
    count : int
        Orders waiting.
    until : float
    rows : ndarray of int64, shape (count or more,)
        Gets the due rows; venue v has rows[bounds[v]:bounds[v + 1]].
    scratch, heads, spare, arrival, ties : ndarray
        Work space as long as `rows`.
    bounds : ndarray of int64, shape (V + 1,)
    reached : ndarray of int64, shape (V,)
        Work space.
    comes_last : ndarray of bool, shape (V,)
        Venues whose orders come after those of all others, in one batch.
    batches : ndarray of int64, shape (count or more, 3)
        Written: the venue of each batch, and its first row and the one after its last in `rows`.

    Returns
    -------
    found, batches : int
        How many are due, in how many batches.
    """
    bounds[:] = 0
    found = 0
    for i in range(count):
        at = orders[i]["time"] + orders[i]["latency"]
        arrival[i] = at
        ties[i] = orders[i]["tie"]
        if at <= until:
            bounds[orders[i]["venue"] + 1] += 1
            found += 1
    if found == 0:
        return 0, 0
    venues = bounds.size - 1
    for v in range(venues):
        bounds[v + 1] += bounds[v]
    for v in range(venues):
        scratch[v] = bounds[v]
    for i in range(count):
        if arrival[i] <= until:
            venue = orders[i]["venue"]
            rows[scratch[venue]] = i
            scratch[venue] += 1
    for v in range(venues):
        sort(arrival, ties, rows, scratch, heads, spare, bounds[v], bounds[v + 1])
    return found, interleave(arrival, rows, bounds, reached, comes_last, batches)


@kernel
def keep(orders, count, rows, batches, delivered, pending):
    """Drop the orders of the first so many batches, which were delivered.

    Writes how many of those that stay are `pending`, by population; returns how many stay, and when the
    first of them arrives.
    """
    for b in range(delivered):
        for k in range(batches[b, FIRST], batches[b, LAST]):
            orders[rows[k]]["venue"] = GONE
    pending[:] = 0
    kept = 0
    earliest = np.inf
    for i in range(count):
        if orders[i]["venue"] != GONE:
            earliest = min(earliest, orders[i]["time"] + orders[i]["latency"])
            pending[orders[i]["population"]] += is_pending(orders[i])
            if kept != i:
                orders[kept] = orders[i]
            kept += 1
    return kept, earliest
