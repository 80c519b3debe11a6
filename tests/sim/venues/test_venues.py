"""What every venue has from its base, its surroundings and the tape, whatever it trades by."""

from __future__ import annotations

import numpy as np
import pytest
from small_market import MAKERS, small_market

from sim import records as r
from sim.messages.tape import Tape
from sim.venues.books.order_book import OrderBook
from sim.venues.liquidation.liquidation import Exchange
from sim.venues.pools.amm import ConstantProduct
from sim.venues.venue import Venue

NOISE = {"name": "noise", "type": "noise.NoiseTraders", "venue": "perp", "count": 3}


def an_order(**fields: float) -> np.void:
    """An order of account 4, of population 2, that arrives at 1.5 s."""
    row = r.orders(1)
    given = {"time": 1.0, "latency": 0.5, "account": 4, "population": 2, "qty": 7, "kind": r.MARKET, **fields}
    for name, value in given.items():
        row[name] = value
    return row[0]


def test_a_fill_written_by_hand_names_both_sides_and_the_order_s_reason() -> None:
    tape, population_of = Tape(1), np.array([0, 1, 1, 3, 2, 5], np.int16)
    tape.counts[r.STEP] = 9
    tape.fill(an_order(reason=r.HEDGE, cause=11, phase=3), 6, 1, 7, 100.5, 3, population_of)
    tape.fill(an_order(), 6, 1, -2, 99.5, 5, population_of, taker=1, fee=0.25, group=77)
    first, second = tape.fills[: tape.counts[r.FILLS]]
    assert (first["taker"], first["maker"], first["qty"], first["price"]) == (4, 3, 7, 100.5)
    assert (first["taker_population"], first["maker_population"]) == (2, 3)
    assert (first["reason"], first["cause"], first["phase"]) == (r.HEDGE, 11, 3)
    assert (first["time"], first["step"], first["venue"], first["instrument"]) == (1.5, 9, 6, 1)
    assert (first["fee"], first["maker_fee"], first["group"]) == (0.0, 0.0, 1)
    assert (second["taker"], second["taker_population"], second["maker_population"]) == (1, 1, 5)
    assert (second["fee"], second["group"], second["seq"]) == (0.25, 77, first["seq"] + 1)


def test_a_refusal_written_by_hand_names_its_order() -> None:
    tape = Tape(1)
    tape.refuse(an_order(kind=r.LIMIT), 6, r.NOT_TRADED)
    tape.refuse(an_order(qty=-3), 6, r.NO_MARGIN)
    first, second = tape.rejects[: tape.counts[r.REJECTS]]
    assert (first["account"], first["population"], first["venue"], first["time"]) == (4, 2, 6, 1.5)
    assert (first["kind"], first["qty"], first["refusal"]) == (r.LIMIT, 7, r.NOT_TRADED)
    assert (second["kind"], second["qty"], second["refusal"]) == (r.MARKET, -3, r.NO_MARGIN)


class Quiet(Venue):
    """Writes nothing of its own."""


class Appraiser(Venue):
    def appraise(self, assets, terms):
        pass


class Clock(Appraiser):
    def advance(self, until, tape):
        pass


@pytest.mark.parametrize(
    ("venue", "expected"),
    [
        (Quiet, (False, False, False)),
        (Appraiser, (True, False, False)),
        (Clock, (True, False, True)),
        (ConstantProduct, (True, True, False)),
        (OrderBook, (False, True, True)),
        (Exchange, (False, False, False)),
    ],
)
def test_a_venue_can_do_what_its_class_or_a_base_writes_a_method_for(venue, expected) -> None:
    assert (venue.appraises, venue.vouches, venue.has_clock) == expected


def test_of_the_venues_only_a_liquidation_venue_seizes() -> None:
    assert [v.seizes for v in (Venue, OrderBook, ConstantProduct, Exchange)] == [False, False, False, True]


def test_room_is_used_up_by_what_it_is_granted_for_and_given_back_on_the_other_side() -> None:
    room = np.zeros((3, 6), np.int64)
    room[:, 4] = 10, 2, -4
    assert Venue.affords(an_order(), 7, room)
    assert not Venue.affords(an_order(), 4, room)
    assert room[:, 4].tolist() == [3, 9, 3]
    assert Venue.affords(an_order(), -9, room)
    assert not Venue.affords(an_order(), -1, room)
    assert room[:, 4].tolist() == [12, 0, -6]
    reducing = an_order(flags=r.REDUCE_ONLY)
    assert not Venue.affords(reducing, 7, room)
    assert not Venue.affords(reducing, -1, room)
    assert Venue.affords(reducing, 4, room)
    assert room[:, 4].tolist() == [8, 4, -2]


ORDERS = [("perp", "pool", "linear"), ("pool", "linear", "perp"), ("linear", "pool")]


@pytest.mark.parametrize("venues", ORDERS)
def test_a_book_gives_the_reference_mid_before_a_linear_market_and_that_before_a_pool(
    venues: tuple[str, ...],
) -> None:
    model = small_market(venues=venues)
    expected = "perp" if "perp" in venues else "linear"
    assert model.listing.reference(0).name == expected
    assert model.venues[model.listed[0]].name == expected


def test_orders_of_the_populations_that_a_book_names_do_not_decay() -> None:
    settings = {"perp": {"order_decay": 0.001, "durable": ["makers"]}}
    model = small_market(MAKERS, NOISE, venues=["perp"], settings=settings)
    (book,) = model.venues
    is_durable = book.accounts["is_durable"]
    of = {population.name: is_durable[population.accounts] for population in model.populations}
    assert of["makers"].all()
    assert not of["noise"].any()


def test_counts_are_the_nearest_whole_numbers_of_their_draws() -> None:
    levels = {"dist": "uniform", "low": 2.6, "high": 3.4}
    model = small_market(MAKERS | {"count": 50, "levels": levels}, venues=["perp"])
    assert set(model.populations[0].levels.tolist()) == {3}
