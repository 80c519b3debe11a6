"""A pool by itself: orders in, and what they came to."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace

import numpy as np

from sim.messages.tape import Tape
from sim.messages.view import VENUE_STATE, View
from sim.records import (
    ADD_LIQUIDITY,
    FILLS,
    REJECTS,
    orders,
)
from sim.venues.pools.amm import ConstantProduct
from sim.venues.surroundings import Surroundings

POOL, ALICE, BOB = 0, 1, 2
BASE, SHARE = 0, 1
PLENTY = np.int64(1) << np.int64(62)


class Market:
    """A pool, a tape and double-entry books kept from the fills alone."""

    def __init__(self, **parameters):
        settings = ConstantProduct.Parameters(**{"lot": 0.001, **parameters})
        self.pool = ConstantProduct("pool", 0, 0, BASE, settings)
        self.pool.account, self.pool.share_instrument = POOL, SHARE
        self.position = np.zeros((2, 3), np.int64)
        ledger, listing = SimpleNamespace(position=self.position), SimpleNamespace(seed=1)
        self.pool.attach(Surroundings(View(), ledger, listing, [self.pool]))
        self.pool.open(np.array([5, 6, 7], np.int16), 0)
        self.lots = {BASE: settings.lot, SHARE: settings.share_lot}
        self.tape = Tape()
        self.room = np.full((3, 3), PLENTY)
        self.cash = np.zeros(3)
        self.posted = 0

    def send(self, kind, qty, account=ALICE, at=0.0, **fields):
        """Execute one order; returns its fills, or its refusal."""
        order = orders(1)
        order["kind"], order["qty"], order["account"], order["time"] = kind, qty, account, at
        for name, value in fields.items():
            order[name] = value
        rejected = int(self.tape.counts[REJECTS])
        self.pool.execute(order, np.zeros(1, np.int64), at, self.tape, self.room)
        if self.tape.counts[REJECTS] > rejected:
            return int(self.tape.rejects[rejected]["refusal"])
        fresh = self.tape.fills[self.posted : int(self.tape.counts[FILLS])]
        for fill in fresh:
            value = fill["qty"] * self.lots[int(fill["instrument"])] * fill["price"]
            for account, sign in ((fill["taker"], 1), (fill["maker"], -1)):
                self.cash[account] -= sign * value
                self.position[fill["instrument"], account] += sign * fill["qty"]
        self.posted = int(self.tape.counts[FILLS])
        return fresh

    def quote(self):
        quotes = np.zeros(1, VENUE_STATE)
        self.pool.observe(quotes)
        return quotes[0]

    @property
    def reserves(self):
        state = self.pool.state[0]
        return int(state["base"]), float(state["cash"])

    @property
    def product(self):
        base, cash = self.reserves
        return base * Fraction(cash)

    def balances(self):
        """True if the pool account's books show exactly the reserves."""
        base, cash = self.reserves
        gross = 1.0 + np.abs(self.tape.fills["qty"] * self.tape.fills["price"]).sum()
        return self.position[BASE, POOL] == base and abs(self.cash[POOL] - cash) < 1e-12 * gross


def opened(reference=100.0, lots=1_000_000, **parameters):
    """A pool of 1,000 units at 100 unless told otherwise, provided by Bob."""
    market = Market(**parameters)
    market.pool.set_reference(reference)
    market.send(ADD_LIQUIDITY, lots, account=BOB)
    return market
