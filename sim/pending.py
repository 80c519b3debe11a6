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

from sim.kernels.pending import REDEEMED, TRADED, gather
from sim.outbox import Outbox
from sim.prepared import Prepared

NOBODY = np.zeros(0, np.int64)


class Pending:
    """Adds up the orders that accounts have on the way, when somebody asks.

    The orders in flight are the outbox, and nothing else keeps what they come to.

    Parameters
    ----------
    outbox : Outbox
    population_of : ndarray of int16, shape (A,)
    populations : int
    venues : int

    Attributes
    ----------
    counts : ndarray of int64, shape (P,)
        Pending orders of each population among the stamped ones; kept by the router.
    traded : ndarray of int32, shape (2, V)
        What each venue trades and what it redeems, -1 for nothing.
    stamped : int
        How many orders of the outbox are stamped; kept by the router.
    """

    def __init__(self, outbox: Outbox, population_of: np.ndarray, populations: int, venues: int) -> None:
        self.counts = np.zeros(populations, np.int64)
        self.stamped = 0
        self._outbox, self._population_of = outbox, population_of
        self.traded = np.full((2, venues), -1, np.int32)
        self._gather = Prepared(gather)
        self._instrument, self._lots = np.zeros(1, np.int64), np.zeros((1, 1), np.int64)

    def trade(self, venue: int, instruments: Sequence[int]) -> None:
        """Say what is traded at a venue, and after it, if anything, what is redeemed there."""
        for what, instrument in zip((TRADED, REDEEMED), instruments, strict=False):
            self.traded[what, venue] = instrument

    def gather(self, first: int, instruments: np.ndarray, lots: np.ndarray) -> int:
        """Write what consecutive accounts of one population have on the way.

        Parameters
        ----------
        first : int
            The first account.
        instruments : ndarray of int64, shape (J,)
            Dense instruments.
        lots : ndarray of int64, shape (J, N)
            Written: lots that each account buys, below zero sells, of each instrument.

        Returns
        -------
        int
            How many orders they are.
        """
        begin, end = self._begin(first), self._outbox.count
        found: int = self._gather.call(self._outbox.rows, begin, end, first, instruments, self.traded, lots)
        return found

    def may_have(self, account: int) -> bool:
        """Whether the account, or one of its population, may have an order on the way."""
        return self._begin(account) < self._outbox.count

    def _begin(self, account: int) -> int:
        """The first order of the outbox that may be one of the account's population."""
        return 0 if self.counts[self._population_of[account]] else self.stamped

    def of(self, account: int, instrument: int) -> int:
        """Lots of a dense instrument that an account has on the way."""
        self._instrument[0] = instrument
        self.gather(account, self._instrument, self._lots)
        return int(self._lots[0, 0])


class PendingLots:
    """What the rows of one population have on the way, as it sees it at a look.

    Parameters
    ----------
    first_account : int
    instruments : sequence of int
        Dense instruments to count, J of them.
    rows : int

    Attributes
    ----------
    lots : ndarray of int64, shape (J, N)
        As of the last look.
    """

    def __init__(self, first_account: int, instruments: Sequence[int] | np.ndarray, rows: int) -> None:
        self.lots = np.zeros((len(instruments), rows), np.int64)
        self._first, self._instruments = first_account, np.array(instruments, np.int64)
        self._found = 0

    def look(self, pending: Pending) -> np.ndarray:
        """Bring `lots` up to date; returns the rows that have some now, or had some at the last look."""
        before = self._rows()
        if self._found or pending.may_have(self._first):
            self._found = pending.gather(self._first, self._instruments, self.lots)
        now = self._rows()
        return np.union1d(before, now) if before.size or now.size else NOBODY

    def _rows(self) -> np.ndarray:
        """Rows with lots on the way at the last look."""
        return np.flatnonzero(self.lots.any(axis=0)) if self._found else NOBODY
