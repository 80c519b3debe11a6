"""The router: hands each venue the orders that are due, in arrival order.

An order arrives at its decision time plus its latency. Arrival decides, across venues too: they get
batches of consecutive arrivals. Equal arrivals at one venue are ordered by a keyed draw per sender and
step, and a sender's own orders keep the order in which it sent them; equal arrivals at several
come venue by venue. At a venue on a chain an order arrives with the next block. Venues outside the
market, which move nothing in it, get theirs after all others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from sim.base.typed_call import TypedCall
from sim.chains.blocks import Blocks
from sim.kernels.chains import arrival
from sim.kernels.messages import fields
from sim.kernels.messages.owners import Owners
from sim.messages.outbox import Outbox
from sim.messages.pending import Pending
from sim.records import OPEN, ORDER
from sim.setup.draws import key

NO_ORDERS = np.zeros(0, ORDER)


class Router:
    """Keeps orders in flight and delivers them.

    Parameters
    ----------
    venues : int
        Number of venues.
    seed : int
    owners : Owners
    keys : ndarray of uint64, shape (P,)
        A hash of the name of each population.

    Attributes
    ----------
    outbox : Outbox
    earliest : float
        When the first order in flight arrives, s; for orders that wait for a block, a lower bound.
    pending : Pending
        What accounts have on the way.
    blocks : dict of int to Blocks
        Clocks of the venues that have one, by index.
    refused : ndarray of ORDER
        Orders of the last `stamp` that say something without meaning, and were not sent on.
    """

    def __init__(self, venues: int, seed: int, owners: Owners, keys: np.ndarray) -> None:
        self.outbox = Outbox()
        self.earliest = np.inf
        self.blocks: dict[int, Blocks] = {}
        self.pending = Pending(self.outbox, owners, keys.size, venues)
        self.refused = NO_ORDERS
        self._meaning = np.full((venues, fields.KIND_COUNT), fields.ANYTHING, np.int32)
        self._found = self._batched = self._delivered = 0
        self._senders = arrival.Senders(key(seed, "router", "ties"), owners, keys)
        bounds, reached = np.zeros(venues + 1, np.int64), np.zeros(venues, np.int64)
        self._lanes = arrival.Lanes(bounds, reached, np.zeros(venues, np.bool_))
        self._stamp, self._due, self._keep = map(TypedCall, (arrival.stamp, arrival.due, arrival.keep))
        self._resize(self.outbox.rows.size)

    def _fit(self) -> None:
        """Let the work space be as long as the outbox."""
        if self._work.rows.size < self.outbox.rows.size:
            self._resize(self.outbox.rows.size)

    def _resize(self, size: int) -> None:
        rows, heads, merged = np.zeros((3, size), np.int64)
        scratch = np.zeros(max(size, self._lanes.bounds.size), np.int64)
        arrivals, ends = np.zeros((2, size))
        ties, batches = np.zeros(size, np.uint64), np.zeros((size, 3), np.int64)
        self._work = arrival.Work(rows, scratch, heads, merged, arrivals, ties, batches, ends)

    def put_last(self, venue: int) -> None:
        """Deliver what is due at a venue after all that is due elsewhere, from now on."""
        self._lanes.comes_last[venue] = True

    def expect(self, venue: int, meaning: Mapping[int, int] | None) -> None:
        """Refuse what has no meaning at a venue from now on; None takes every order as it is.

        Parameters
        ----------
        venue : int
        meaning : mapping of int to int, optional
            By kind of order, the fields that mean something, as bits of `sim.kernels.messages.fields`. Kinds
            that are not named are for the venue to refuse.
        """
        for kind, bits in (meaning or {}).items():
            self._meaning[venue, kind] = bits

    def stamp(self, phase: int, step: int, now: float = 0.0) -> None:
        """Mark the orders sent since the last call with their phase, population and tie.

        Raises
        ------
        ValueError
            If an order names no venue or account there is, is dated before now, or never arrives.
        """
        outbox, pending = self.outbox, self.pending
        self.refused = NO_ORDERS
        if outbox.count > pending.stamped:
            self._fit()
            first, refused, unsupported = self._stamp.call(
                outbox.out,
                pending.stamped,
                phase,
                step,
                now,
                self._senders,
                self._meaning,
                pending.traded,
                pending.counts,
                self._work.scratch,
            )
            if refused >= 0:
                raise ValueError(self._complaint(outbox.rows[refused], now))
            if unsupported:
                self._take_back(self._work.scratch[:unsupported])
            if self.blocks and phase != OPEN:
                self._await_blocks(outbox.rows[pending.stamped : outbox.count])
            pending.stamped = outbox.count
            self.earliest = min(self.earliest, first)

    def _take_back(self, unsupported: np.ndarray) -> None:
        """Take rows out of the outbox, into `refused`; those after them move up."""
        outbox, first = self.outbox, int(unsupported[0])
        self.refused = outbox.rows[unsupported].copy()
        kept = np.delete(outbox.rows[first : outbox.count], unsupported - first)
        outbox.count = first + kept.size
        outbox.rows[first : outbox.count] = kept

    def _await_blocks(self, orders: np.ndarray) -> None:
        """Let each order to a venue on a chain arrive with the first block after it would."""
        for venue, blocks in self.blocks.items():
            rows = np.flatnonzero(orders["venue"] == venue)
            sent = orders["time"][rows]
            orders["latency"][rows] = blocks.next_at(sent + orders["latency"][rows]) - sent

    def _complaint(self, order: np.void, now: float) -> str:
        """What is wrong with an order that cannot be delivered."""
        found = ", ".join(f"{name} {order[name]}" for name in ("account", "venue", "time", "latency"))
        accounts = self._senders.owners.population_of.size
        return (
            f"an order cannot be delivered: {found}; accounts go from 0 to {accounts - 1}, "
            f"venues from 0 to {self._lanes.bounds.size - 2}, times from {now:g} (now) on, latencies from 0"
        )

    def due(self, until: float) -> Iterator[tuple[int, np.ndarray, np.ndarray, float]]:
        """Deliver the orders that arrive by `until`, in batches of consecutive arrivals at one venue.

        Yields
        ------
        venue : int
        orders : ndarray of ORDER
        rows : ndarray of int64
            Rows of `orders` that are the venue's next, in arrival order.
        at : float
            Up to when the venue may go: when the last of them arrives or, with the last batch, `until`, s.
        """
        outbox = self.outbox
        self._fit()
        work, self._delivered = self._work, 0
        self._found, self._batched = self._due.call(outbox.out, until, work, self._lanes)
        batches, ends = work.batches[: self._batched].tolist(), work.ends[: self._batched].tolist()
        for (venue, first, last), at in zip(batches, ends, strict=True):
            self._delivered += 1
            yield venue, outbox.rows, work.rows[first:last], at

    def forget(self) -> None:
        """Drop the orders that were delivered; they are executed."""
        outbox, pending = self.outbox, self.pending
        if self._found == outbox.count and self._delivered == self._batched:
            outbox.count, self.earliest = 0, np.inf
            pending.counts.fill(0)
        else:
            self.earliest = self._keep.call(outbox.out, self._work, self._delivered, pending.counts)
        pending.stamped = outbox.count
        self._found = self._batched = self._delivered = 0
