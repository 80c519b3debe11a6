"""Expiries: a binary heap of (time, row, ticket), earliest first.

An order that is filled or cancelled leaves its entry behind; the entry's ticket no
longer matches the row's, so it is skipped when its time comes. Once such entries are
the majority they are swept out, so the heap is never much longer than twice the
resting orders that expire.
"""

from __future__ import annotations

import numpy as np

from sim.base.jit import inlined

EXPIRY = np.dtype([("time", "f8"), ("slot", "u4"), ("ticket", "u4")])

SPARE = 64  # stale entries that are not worth a sweep
TICKETS = 0xFFFFFFFF


@inlined
def place(heap, i, time, slot, ticket):
    """Write one entry."""
    heap[i]["time"] = time
    heap[i]["slot"] = slot
    heap[i]["ticket"] = ticket


@inlined
def copy(heap, source, target):
    """Copy one entry over another."""
    place(heap, target, heap[source]["time"], heap[source]["slot"], heap[source]["ticket"])


@inlined
def is_after(heap, i, time, ticket):
    """True if entry `i` is due after (time, ticket); equal times go by ticket."""
    then = heap[i]["time"]
    return then > time or (then == time and heap[i]["ticket"] > ticket)


@inlined
def schedule(heap, head, time, slot):
    """Add an entry; returns its ticket."""
    ticket = np.uint32(head["ticket"] % TICKETS + 1)
    head["ticket"] = ticket
    i = head["expiring"]
    head["expiring"] = i + 1
    while i > 0 and is_after(heap, (i - 1) >> 1, time, ticket):
        copy(heap, (i - 1) >> 1, i)
        i = (i - 1) >> 1
    place(heap, i, time, np.uint32(slot), ticket)
    return ticket


@inlined
def sink(heap, size, i, time, slot, ticket):
    """Put an entry at `i` or below, where it is no later than what is under it."""
    child = 2 * i + 1
    while child < size:
        right = child + 1
        if right < size and is_after(heap, child, heap[right]["time"], heap[right]["ticket"]):
            child = right
        if is_after(heap, child, time, ticket):
            break
        copy(heap, child, i)
        i = child
        child = 2 * i + 1
    place(heap, i, time, slot, ticket)


@inlined
def drop_first(heap, head):
    """Remove the earliest entry."""
    size = head["expiring"] - 1
    head["expiring"] = size
    if size > 0:
        last = heap[size]
        sink(heap, size, np.int64(0), last["time"], last["slot"], last["ticket"])


@inlined
def sweep(heap, head, pool):
    """Drop the stale entries and restore the heap, once they are the majority."""
    if 2 * head["stale"] <= head["expiring"] + SPARE:
        return
    kept = np.int64(0)
    for i in range(head["expiring"]):
        if pool[heap[i]["slot"]]["ticket"] == heap[i]["ticket"]:
            copy(heap, i, kept)
            kept += 1
    head["expiring"] = kept
    head["stale"] = 0
    for i in range(kept // 2 - 1, -1, -1):
        sink(heap, kept, i, heap[i]["time"], heap[i]["slot"], heap[i]["ticket"])


@inlined
def first_due(heap, head, pool, now):
    """Row and time of the earliest order that expires by `now`, row 0 if none; drops its entry."""
    while head["expiring"] > 0 and heap[0]["time"] <= now:
        slot = np.int64(heap[0]["slot"])
        time = heap[0]["time"]
        is_current = pool[slot]["ticket"] == heap[0]["ticket"]
        drop_first(heap, head)
        if is_current:
            pool[slot]["ticket"] = 0
            return slot, time
        head["stale"] -= 1
    return np.int64(0), now
