"""A desk by itself: requests in, and what they came to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from bench import FIRST, SMILES, Bench

from sim.messages.outbox import Outbox
from sim.records import (
    FILLS,
    REJECTS,
    REQUEST,
)
from sim.venues.options.rfq import Desk

ANN, BOB = FIRST, FIRST + 1
SPOT, PERP = 0, 1
MONTH = 30 * 86400.0


class Dealing:
    """A desk beside a bench; Ann may hold options, Bob may not.

    `buyers` are the weights of accounts behind Bob's, who may, and who take what their population asks for.
    """

    def __init__(self, asset=-1, prices=(100.0,), smiles=SMILES, cash=1e6, buyers=(), **spreads):
        count = 2 + len(buyers)
        self.bench = Bench(count, prices=prices, holders=count if buyers else 1, cash=cash)
        self.desk = Desk("desk", 0, asset, -1, Desk.Parameters(**spreads))
        behind = np.arange(BOB + 1, BOB + 1 + len(buyers)), np.array(buyers, float)
        around = self.bench.around(smiles=smiles)
        self.desk.attach(replace(around, buyers={FIRST: behind} if buyers else {}))
        self.desk.open(self.bench.population_of, 0)
        self.outbox = Outbox()

    def ask(self, account, qty, instrument=-1, kind=REQUEST, **fields):
        """Send one request; its first fill as (instrument, lots, price, maker), or the refusal."""
        self.outbox.send(account, 0, kind, qty, instrument=instrument, **fields)
        self.outbox.rows["population"][0] = self.bench.population_of[account]
        bench, tape = self.bench, self.bench.tape
        dense = instrument if 0 <= instrument < len(bench.ledger.position) else SPOT
        room = bench.margin.admit(self.outbox.rows, np.arange(1), dense)
        fills = int(tape.counts[FILLS])
        self.desk.execute(self.outbox.rows, np.arange(1), 0.0, tape, room)
        self.outbox.count = 0
        bench.ledger.fit_contracts()
        bench.ledger.post(tape)
        if tape.counts[FILLS] == fills:
            return int(tape.rejects[tape.counts[REJECTS] - 1]["refusal"])
        self.parts = [(int(row["maker"]), int(row["qty"])) for row in tape.fills[fills : tape.counts[FILLS]]]
        row = tape.fills[fills]
        return int(row["instrument"]), int(row["qty"]), float(row["price"]), int(row["maker"])
