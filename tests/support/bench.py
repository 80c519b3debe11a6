"""A market by hand for tests: a ledger, a view and margin, and fills that the test writes itself.

Every asset has a spot (instrument 2k) and a perpetual (2k + 1) in lots of 0.01.
"""

from __future__ import annotations

import numpy as np

from sim.accounts.ledger import Ledger
from sim.accounts.margin.margin import Margin
from sim.accounts.margin.none import Unchecked
from sim.accounts.margin.requirement import Requirement
from sim.accounts.margin.standard import Standard
from sim.kernels.messages.owners import Owners
from sim.messages.outbox import Outbox
from sim.messages.pending import Pending
from sim.messages.tape import Tape
from sim.messages.view import ASSET, VENUE_STATE, View, frozen
from sim.records import FILLS, GROUP, OPTIONS, PERPETUAL, SEQ, SPOT
from sim.setup.instruments import Universe
from sim.setup.listing import CLEARING, END_USERS, FEES, SYSTEM, Listing, Smile, VenueTerms
from sim.venues.surroundings import Surroundings

FIRST = len(SYSTEM)  # the first account that is nobody's in particular
LOT = 0.01


class Bench:
    def __init__(
        self,
        accounts,
        *,
        prices=(100.0,),
        holders=0,
        requirements=None,
        cash=0.0,
        venues=1,
        rule=Standard,
        unchecked=(),
    ):
        self.requirements = requirements or [Requirement() for _ in prices]
        self.universe = Universe([f"A{k}" for k in range(len(prices))])
        for k, rules in enumerate(self.requirements):
            for kind, name in ((SPOT, "spot"), (PERPETUAL, "perp")):
                self.universe.add(kind, k, LOT, f"A{k}-{name}", **rules.of(kind))
        size = FIRST + accounts
        self.population_of = np.minimum(np.arange(size), FIRST).astype(np.int16)
        rows = np.maximum(np.arange(size) - FIRST, 0).astype(np.int32)
        self.owners = Owners(self.population_of, rows)
        declared = [(np.arange(FIRST, FIRST + holders), 2)] if holders else []
        self.ledger = Ledger(self.universe, self.owners, FIRST + 1, FEES, declared, (END_USERS, CLEARING))
        self.ledger.issue("endowment", np.arange(FIRST, size), np.full(accounts, float(cash)), {})
        checked = np.setdiff1d(np.arange(FIRST, size), unchecked)
        rules = [rule(checked), Unchecked(np.setdiff1d(np.arange(size), checked))]
        self.margin = Margin(self.ledger, self.requirements, rules)
        self.tape = Tape(16)
        self.assets, self.quotes = np.zeros(len(prices), ASSET), np.zeros(venues, VENUE_STATE)
        self.view = self._view()
        for k, price in enumerate(prices):
            self.mark(price, k)

    def _view(self):
        view, ledger, margin = View(), self.ledger, self.margin
        view.time, view.step, view.step_seconds = 0.0, 0, 1.0
        view.quotes, view.assets, view.terms = frozen(self.quotes), frozen(self.assets), frozen(ledger.terms)
        view.cash, view.position, view.holder_of = ledger.cash, ledger.position, ledger.holder_of
        view.is_in_breach, view.changes = margin.is_in_breach, ledger.changes
        view.in_breach, view.shortfall = frozen(margin.in_breach), np.zeros(0)
        self.outbox = Outbox()
        view.owners = self.owners
        view.pending = Pending(self.outbox, self.owners, FIRST + 1, self.quotes.size)
        view.show(margin)
        return view

    def around(self, *venues, smiles=None):
        """The bench as a venue is told of it; the venues given stand beside it."""
        spots = [float(asset["mark"]) for asset in self.assets]
        listing = Listing(1, 1.0, self.universe, spots, smiles or SMILES * len(spots))
        for k in range(len(spots)):
            listing.venues[f"book{k}"] = VenueTerms(k, f"book{k}", "", k, -1, 0.0, LOT)
        return Surroundings(self.view, self.ledger, listing, venues)

    def mark(self, price, asset=0):
        """Put every price of an asset, then look at everybody's margin."""
        for field in ("mid", "mark", "index", "value"):
            self.assets[asset][field] = price
        terms = self.ledger.terms
        terms["price"][terms["asset"] == asset] = price
        self.assess()

    def assess(self):
        self.margin.value_options(self.view.time, self.view)
        self.margin.run(self.view)

    def list_option(self, strike, expiry, is_call=True, volatility=0.5, asset=0):
        number = self.universe.list_contract(asset, strike, expiry, is_call, volatility, LOT)
        self.ledger.fit_contracts()
        self.view.contracts = frozen(self.universe.contracts)
        self.assess()
        return number

    def trade(self, taker, maker, instrument, lots, price, fee=0.0, maker_fee=0.0):
        """Post one fill; `lots` > 0 the taker buys."""
        self.tape.reserve(1, 0, 0)
        counts = self.tape.counts
        row = self.tape.fills[counts[FILLS]]
        row["taker"], row["maker"], row["instrument"] = taker, maker, instrument
        row["qty"], row["price"], row["fee"], row["maker_fee"] = lots, price, fee, maker_fee
        row["seq"], row["group"] = counts[SEQ], counts[GROUP] + 1
        counts[[FILLS, SEQ, GROUP]] += 1
        self.ledger.post(self.tape)

    def option_lots(self, account, number):
        """Lots of a contract an account holds, by looking through its slots."""
        ledger, holder = self.ledger, self.ledger.holder_of[account]
        if holder < -1:
            return int(ledger.wide[-2 - holder, number - OPTIONS])
        return int(ledger.qty[:, holder][ledger.contract[:, holder] == number - OPTIONS].sum())


SMILES = [Smile(atm=0.5, skew=0.0, curvature=0.0)]
