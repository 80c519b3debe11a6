"""Populations for tests: traders margined across assets, and strangers who send anything."""

from __future__ import annotations

import numpy as np

from scenarios.file.components import VENUE
from sim.kernels.messages.fields import (
    FLAG_BITS,
    HAS_DEADLINE,
    HAS_INSTRUMENT,
    HAS_PRICE,
    HAS_QTY,
    HAS_REFERENCE,
    HAS_STP,
    HAS_TARGET,
    HAS_TIF,
    HAS_VALUE,
    IS_CALL,
    IS_SIDE_BY_VALUE,
)
from sim.messages.outbox import Outbox
from sim.messages.view import View
from sim.population import Population
from sim.records import (
    ADD_LIQUIDITY,
    CALL,
    CANCEL,
    CANCEL_ALL,
    CANCEL_RANDOM,
    LIMIT,
    MARKET,
    MODIFY,
    OPENING,
    OPTIONS,
    PERPETUAL,
    POST_ONLY,
    QUOTE,
    REDUCE_ONLY,
    REMOVE_LIQUIDITY,
    REQUEST,
    SEIZE,
    SIDE_BY_VALUE,
    SWAP,
    orders,
)
from sim.setup.parameters import Positive

KINDS = (
    LIMIT,
    LIMIT,
    LIMIT,
    MARKET,
    CANCEL,
    CANCEL_RANDOM,
    CANCEL_ALL,
    MODIFY,
    QUOTE,
    SWAP,
    SWAP,
    ADD_LIQUIDITY,
    REMOVE_LIQUIDITY,
    REQUEST,
    REQUEST,
    REQUEST,
    SEIZE,
)
FLAGS = (0, 0, 0, POST_ONLY, REDUCE_ONLY, SIDE_BY_VALUE, REDUCE_ONLY | SIDE_BY_VALUE, CALL)

BLANKS = {
    HAS_VALUE: ("value", 0.0),
    HAS_DEADLINE: ("good_till", np.inf),
    HAS_QTY: ("qty", 0),
    HAS_PRICE: ("price", 0),
    HAS_TARGET: ("target", -1),
    HAS_INSTRUMENT: ("instrument", -1),
    HAS_REFERENCE: ("price_ref", 0),
    HAS_TIF: ("tif", 0),
    HAS_STP: ("stp", 0),
}
"""What a field is where an order does not say it."""


class Pairs(Population):
    """Each is long the perpetual of every even asset and short every odd one, on one margin."""

    phases = ("open",)

    class Parameters(Population.Parameters):
        notional: Positive = 100_000.0
        leverage: Positive = 10.0

    def prepare(self, listing):
        assets = range(len(listing.universe.assets))
        self.notional, self.leverage = self.column("notional"), self.column("leverage")
        terms = listing.universe.terms()
        self._legs = []
        for asset in assets:
            instrument = listing.universe.find(PERPETUAL, asset)
            lots = self.notional / (listing.spots[asset] * terms[instrument]["lot"])
            desk = listing.desk(asset).index
            self._legs.append((desk, instrument, np.round(lots).astype(int) * (-1) ** asset))

    def endowment(self):
        return self.notional * len(self._legs) / self.leverage, {}

    def decide(self, phase: str, view: View, outbox: Outbox) -> None:
        for desk, instrument, lots in self._legs:
            rows = orders(self.rows)
            rows["account"], rows["venue"], rows["kind"] = self.accounts, desk, REQUEST
            rows["instrument"], rows["qty"], rows["reason"] = instrument, lots, OPENING
            outbox.extend(rows)


class Strangers(Population):
    """They send orders of every kind, sensible or not, to every venue, and each other's seizures."""

    phases = ("quote", "trade", "hedge", "liquidate")
    option_slots = 2

    class Parameters(Population.Parameters):
        rate: Positive = 1.0
        tags: int = 4

    def prepare(self, listing):
        self._venues = list(listing.venues.values())
        self._tags = {v.index: listing.take_tags(v.index, self.parameters.tags) for v in self._venues}
        self._seed = listing.seed

    def decide(self, phase: str, view: View, outbox: Outbox) -> None:
        dice = np.random.default_rng([self._seed, view.step, round(view.time * 1000), len(phase)])
        count = dice.poisson(self.parameters.rate * self.rows)
        rows = orders(count)
        for row in rows:
            self._scribble(row, dice, view)
        outbox.extend(rows)

    def _blank_the_meaningless(self, row, venue):
        """What the venue would refuse as it is sent: most say something else, too."""
        meaning = VENUE.find(venue.type).meaning or {}
        if int(row["kind"]) not in meaning:
            return
        bits = meaning[int(row["kind"])]
        if row["flags"] & SIDE_BY_VALUE and bits & IS_SIDE_BY_VALUE:
            bits |= HAS_VALUE
        if row["kind"] == REQUEST and row["instrument"] >= 0:
            bits &= ~(HAS_VALUE | HAS_TARGET | IS_CALL)
        for bit, (field, blank) in BLANKS.items():
            if not bits & bit:
                row[field] = blank
        row["flags"] &= bits >> FLAG_BITS
        if row["kind"] == CANCEL_RANDOM:
            row["value"] %= 1.0

    def _scribble(self, row, dice, view):
        venue = self._venues[dice.integers(len(self._venues))]
        spot = float(view.assets[max(venue.asset, 0)]["mid"])
        row["account"], row["venue"] = self.accounts[dice.integers(self.rows)], venue.index
        row["kind"], row["flags"] = dice.choice(KINDS), dice.choice(FLAGS)
        row["time"], row["latency"] = view.time, dice.choice([0.0, 0.01, 0.3, 2.5])
        row["qty"] = round(dice.normal() * 10 ** dice.uniform(0, 4))
        row["price_ref"], row["tif"], row["stp"] = dice.integers(4), dice.integers(3), dice.integers(4)
        row["price"] = round(spot / venue.tick) if row["price_ref"] == 0 and venue.tick else 0
        row["price"] += round(dice.normal() * 20)
        row["value"] = spot * (1 + 0.01 * dice.normal()) if dice.random() < 0.9 else dice.random()
        row["good_till"] = view.time + dice.exponential(10) if dice.random() < 0.5 else np.inf
        row["target"] = self._tags[venue.index] + dice.integers(-1, self.parameters.tags)
        row["instrument"] = dice.integers(-1, view.terms.size)
        if row["kind"] == SEIZE:
            row["target"] = dice.integers(-1, view.equity.size)
        if row["kind"] == REQUEST:
            row["target"] = dice.integers(-1, view.assets.size)
            if view.contracts.size and dice.random() < 0.4:
                row["instrument"] = OPTIONS + dice.integers(view.contracts.size)
        if dice.random() < 0.9:
            self._blank_the_meaningless(row, venue)
