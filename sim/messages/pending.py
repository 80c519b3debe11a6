"""Pending: what accounts have sent that will trade as it arrives, and has not arrived yet.

An order is pending from the moment it is sent until it is filled, refused or expired: while it is
on its way, and while it waits for a block. Whoever trades towards a position counts it as held, or
sends the same trade at every look. It counts whole: what a venue cuts or refuses is open again
once it has arrived. Market orders, swaps, requests, and limit orders that are immediate or cancel
or fill or kill are pending, for whatever reason they were sent; so are shares on their way to be
redeemed. Orders that may rest are not, as they may never trade, nor those whose side follows
the price they will meet, nor deposits into pools and options.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sim.base.typed_call import TypedCall
from sim.kernels.messages.outbox import Out
from sim.kernels.messages.owners import Owners
from sim.kernels.messages.pending import REDEEMED, TRADED, Looked, gather, total
from sim.messages.outbox import Outbox

NOBODY = np.zeros(0, np.int32)


class Pending:
    """Adds up the orders that accounts have on the way, when somebody asks.

    The orders in flight are the outbox, and nothing else keeps what they come to.

    Parameters
    ----------
    outbox : Outbox
    owners : Owners
    populations : int
    venues : int

    Attributes
    ----------
    owners : Owners
    counts : ndarray of int64, shape (P,)
        Pending orders of each population among the stamped ones; kept by the router.
    traded : ndarray of int32, shape (2, V)
        What each venue trades and what it redeems, -1 for nothing.
    stamped : int
        How many orders of the outbox are stamped; kept by the router.
    """

    def __init__(self, outbox: Outbox, owners: Owners, populations: int, venues: int) -> None:
        self.counts = np.zeros(populations, np.int64)
        self.stamped = 0
        self._outbox, self.owners = outbox, owners
        self.traded = np.full((2, venues), -1, np.int32)
        self._total = TypedCall(total)

    def trade(self, venue: int, instruments: Sequence[int]) -> None:
        """Say what is traded at a venue, and after it, if anything, what is redeemed there."""
        for what, instrument in zip((TRADED, REDEEMED), instruments, strict=False):
            self.traded[what, venue] = instrument

    def in_flight(self, account: int) -> tuple[Out, int]:
        """The outbox, and from which of its rows on the population of an account may have orders."""
        return self._outbox.out, self._begin(account)

    def may_have(self, account: int) -> bool:
        """Whether the account, or one of its population, may have an order on the way."""
        return self._begin(account) < self._outbox.count

    def _begin(self, account: int) -> int:
        """The first order of the outbox that may be one of the account's population."""
        return 0 if self.counts[self.owners.population_of[account]] else self.stamped

    def of(self, account: int, instrument: int) -> int:
        """Lots of a dense instrument that an account has on the way."""
        lots: int = self._total.call(*self.in_flight(account), account, instrument, self.traded)
        return lots


class PendingLots:
    """What the rows of one population have on the way, on all chains, as it sees it at a look.

    Parameters
    ----------
    account : ndarray of int64, shape (chains, N)
        Accounts of the population.
    instruments : sequence of int
        Dense instruments to count, J of them.

    Attributes
    ----------
    lots : ndarray of int64, shape (J, N)
        As of the last look.
    """

    def __init__(self, account: np.ndarray, instruments: Sequence[int] | np.ndarray) -> None:
        rows = account.shape[1]
        self.lots = np.zeros((len(instruments), rows), np.int64)
        self._account, self._instruments = int(account[0, 0]), np.array(instruments, np.int64)
        marks, (before, now) = np.zeros(rows, np.int8), np.zeros((2, rows), np.int32)
        self._looked, self._next = Looked(marks, before, now), Looked(marks, now, before)
        self._held = 0
        self._gather = TypedCall(gather)

    def look(self, pending: Pending) -> np.ndarray:
        """Bring `lots` up to date; returns the rows that have some now, or had some at the last look."""
        if not (self._held or pending.may_have(self._account)):
            return NOBODY
        self._held, count = self._gather.call(
            *pending.in_flight(self._account),
            self._account,
            pending.owners,
            self._instruments,
            pending.traded,
            self.lots,
            self._looked,
            self._held,
        )
        self._looked, self._next = self._next, self._looked
        found: np.ndarray = self._looked.rows[:count]
        return found
