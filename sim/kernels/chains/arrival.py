"""Arrival: which orders are due, in what order, and in which batches venues get them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sim.base.jit import inlined, kernel
from sim.kernels.base.draws import GOLDEN, hashed, mix
from sim.kernels.messages.fields import is_supported
from sim.kernels.messages.pending import is_pending

VENUE, FIRST, LAST = range(3)  # columns of the batches
GONE = -1  # venue of an order that was delivered


class Senders(NamedTuple):
    """Who may send: whose each account is (Owners), and a hash of the name of each population."""

    seed_key: Any
    owners: Any
    keys: Any


class Lanes(NamedTuple):
    """Of each venue: where its rows begin among those due, how far they were taken, whether it comes last."""

    bounds: Any
    reached: Any
    comes_last: Any


class Work(NamedTuple):
    """Rows that are due, what sorting them takes, and the batches they make, as long as the outbox.

    `ends` says up to when the venue of each batch may go: when its last order arrives, s.
    """

    rows: Any
    scratch: Any
    heads: Any
    merged: Any
    arrival: Any
    ties: Any
    batches: Any
    ends: Any


@inlined
def is_later(arrival, ties, a, b):
    """Whether order a comes after order b: by arrival, then by tie."""
    if arrival[a] != arrival[b]:
        return arrival[a] > arrival[b]
    return ties[a] > ties[b]


@inlined
def merge(work, source, target, left, middle, right):
    """Merge two sorted runs of groups from `source` into `target`; equal ones keep their places."""
    arrival, ties, rows = work.arrival, work.ties, work.rows
    i, j = left, middle
    for k in range(left, right):
        if i < middle and (j >= right or not is_later(arrival, ties, rows[source[i]], rows[source[j]])):
            target[k] = source[i]
            i += 1
        else:
            target[k] = source[j]
            j += 1


@inlined
def group(work, first, last):
    """List where each group of equal neighbours in rows[first:last] begins.

    Returns
    -------
    groups : int
    is_sorted : bool
        Whether they are in order already, as when one population sent them in order.
    """
    arrival, ties, rows = work.arrival, work.ties, work.rows
    groups, is_sorted = 0, True
    for k in range(first, last):
        before = rows[max(k - 1, first)]
        is_other = arrival[rows[k]] != arrival[before] or ties[rows[k]] != ties[before]
        if k == first or is_other:
            work.heads[groups] = k
            groups += 1
        is_sorted = is_sorted and not is_later(arrival, ties, before, rows[k])
    return groups, is_sorted


@inlined
def sort(work, first, last):
    """Sort rows[first:last] by arrival and tie, keeping equal ones in place (merge sort of groups).

    The quotes of one maker arrive together: many orders are few groups.
    """
    groups, is_sorted = group(work, first, last)
    if is_sorted:
        return
    arrival, ties, rows, scratch = work.arrival, work.ties, work.rows, work.scratch
    width, forward = 1, True
    while width < groups:
        left = 0
        while left < groups:
            middle, right = min(left + width, groups), min(left + 2 * width, groups)
            if forward:
                merge(work, work.heads, work.merged, left, middle, right)
            else:
                merge(work, work.merged, work.heads, left, middle, right)
            left = right
        forward = not forward
        width *= 2
    for k in range(first, last):
        scratch[k] = rows[k]
    found = first
    for g in range(groups):
        head = work.heads[g] if forward else work.merged[g]
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
def stamp(out, first, phase, step, now, senders, meaning, traded, pending, unsupported):
    """Write phase, population and tie into the orders that were just sent, those from `first` on.

    A tie is a hash of the run, the step, the sender's population by name, and its row.

    Parameters
    ----------
    out : Out
    senders : Senders
    meaning, traded
        What orders may say to each venue (`fields.is_supported`).
    pending : ndarray of int64, shape (P,)
        Pending orders of each population; these are added.
    unsupported : ndarray of int64, as long as the outbox
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
    orders, owners, venues = out.rows, senders.owners, meaning.shape[0]
    earliest, found = np.inf, 0
    step_key = mix(np.uint64(senders.seed_key) + np.uint64(step) * GOLDEN)
    sender, tie = np.int64(-1), np.uint64(0)
    for i in range(first, out.count[0]):
        account = np.int64(orders[i]["account"])
        at = orders[i]["time"] + orders[i]["latency"]
        is_somewhere = 0 <= orders[i]["venue"] < venues and 0 <= account < owners.population_of.size
        is_timely = orders[i]["time"] >= now and orders[i]["latency"] >= 0.0 and at < np.inf
        if not (is_somewhere and is_timely):
            return earliest, i, found
        orders[i]["phase"] = phase
        population = owners.population_of[account]
        if account != sender:
            sender = account
            tie = mix(hashed(senders.keys[population], 0, owners.row_of[account], 0) ^ step_key)
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
def first_to_arrive(work, lanes, but):
    """The venue whose next order arrives first, of equal ones the first venue; -1 if none has any left."""
    found, at = np.int64(-1), np.inf
    for v in range(lanes.reached.size):
        if v == but or lanes.comes_last[v] or lanes.reached[v] == lanes.bounds[v + 1]:
            continue
        own = work.arrival[work.rows[lanes.reached[v]]]
        if found < 0 or own < at:
            found, at = np.int64(v), own
    return found, at


@inlined
def write_batch(work, count, venue, first, last):
    """Write that the rows from `first` to before `last` are the venue's next; returns how many there are."""
    work.batches[count, VENUE], work.batches[count, FIRST], work.batches[count, LAST] = venue, first, last
    work.ends[count] = work.arrival[work.rows[last - 1]]
    return count + 1


@inlined
def interleave(work, lanes):
    """Cut the rows of every venue into batches, in the order in which their orders arrive.

    Returns how many batches there are.
    """
    count, bounds, reached = 0, lanes.bounds, lanes.reached
    for v in range(reached.size):
        reached[v] = bounds[v]
    venue, _ = first_to_arrive(work, lanes, -1)
    while venue >= 0:
        other, at = first_to_arrive(work, lanes, venue)
        first, last, end = reached[venue], reached[venue] + 1, bounds[venue + 1]
        while last < end:
            own = work.arrival[work.rows[last]]
            if other >= 0 and not (own < at or (own == at and venue < other)):
                break
            last += 1
        count = write_batch(work, count, venue, first, last)
        reached[venue] = last
        venue = other
    for v in range(reached.size):
        if lanes.comes_last[v] and bounds[v] < bounds[v + 1]:
            count = write_batch(work, count, v, bounds[v], bounds[v + 1])
    return count


@kernel
def due(out, until, work, lanes):
    """Find the orders that arrive by `until`, in batches of consecutive arrivals at one venue.

    Orders that arrive at once at several venues come venue by venue.

    Parameters
    ----------
    out : Out
        The orders waiting.
    until : float
    work : Work
        Its `rows` get the due rows, venue v rows[bounds[v]:bounds[v + 1]]; its `batches` the venue of each
        batch, and its first row and the one after its last in `rows`; its `ends` up to when that one may
        go, the last up to `until`.
    lanes : Lanes
        Written, but for `comes_last`: venues whose orders come after those of all others, in one batch.

    Returns
    -------
    found, batches : int
        How many are due, in how many batches.
    """
    orders, count = out.rows, out.count[0]
    rows, scratch, bounds = work.rows, work.scratch, lanes.bounds
    bounds[:] = 0
    found = 0
    for i in range(count):
        at = orders[i]["time"] + orders[i]["latency"]
        work.arrival[i] = at
        work.ties[i] = orders[i]["tie"]
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
        if work.arrival[i] <= until:
            venue = orders[i]["venue"]
            rows[scratch[venue]] = i
            scratch[venue] += 1
    for v in range(venues):
        sort(work, bounds[v], bounds[v + 1])
    batches = interleave(work, lanes)
    work.ends[batches - 1] = until
    return found, batches


@kernel
def keep(out, work, delivered, pending):
    """Drop the orders of the first so many batches, which were delivered.

    Writes how many of those that stay are `pending`, by population; returns when the first of them arrives.
    """
    orders = out.rows
    for b in range(delivered):
        for k in range(work.batches[b, FIRST], work.batches[b, LAST]):
            orders[work.rows[k]]["venue"] = GONE
    pending[:] = 0
    kept = 0
    earliest = np.inf
    for i in range(out.count[0]):
        if orders[i]["venue"] != GONE:
            earliest = min(earliest, orders[i]["time"] + orders[i]["latency"])
            pending[orders[i]["population"]] += is_pending(orders[i])
            if kept != i:
                orders[kept] = orders[i]
            kept += 1
    out.count[0] = kept
    return earliest
