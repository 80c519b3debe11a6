"""A textbook market by itself: orders in, and what they came to."""

from __future__ import annotations

import numpy as np
from bench import FIRST, Bench

from sim.kernels.accounts.margining import NO_LIMIT
from sim.messages.outbox import Outbox
from sim.records import (
    FILLS,
    IOC,
    REJECTS,
)
from sim.venues.books.linear_impact import LinearImpact

ANN = FIRST
PERP = 1


class Textbook:
    """A linear market around a bench, with lots of 0.01 and a tick of 0.5."""

    def __init__(self, impact=2.0, follow=1.0, fee_bps=0.0, price=100.0):
        self.bench = Bench(1, cash=1e6, prices=(price,))
        own = LinearImpact.Parameters(tick=0.5, lot=0.01, impact=impact, follow=follow, taker_fee_bps=fee_bps)
        self.venue = self.made(own)
        self.venue.set_reference(price)
        self.venue.attach(self.bench.around())
        self.venue.open(self.bench.population_of, 0)
        self.outbox = Outbox()
        self.room = np.full((3, FIRST + 1), NO_LIMIT)

    def made(self, parameters):
        return LinearImpact("linear", 0, 0, PERP, parameters)

    def execute(self):
        box, tape = self.outbox, self.bench.tape
        first = int(tape.counts[FILLS])
        self.venue.execute(box.rows, np.arange(box.count), 0.0, tape, self.room)
        box.count = 0
        self.bench.ledger.post(tape)
        return [(int(f["qty"]), float(f["price"])) for f in tape.fills[first : tape.counts[FILLS]]]

    def trade(self, lots, **fields):
        self.outbox.market(ANN, 0, lots, **fields)
        return self.execute()

    def limit(self, lots, price, tif=IOC, **fields):
        self.outbox.limit(ANN, 0, lots, price, tif=tif, **fields)
        return self.execute()

    @property
    def mid(self):
        self.venue.observe(self.bench.quotes)
        return float(self.bench.quotes[0]["mid"])

    @property
    def refusals(self):
        return self.bench.tape.rejects["refusal"][: self.bench.tape.counts[REJECTS]].tolist()
