"""Auctions of what is closed out: the price, who takes how much, and that nothing is lost on the way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from bench import FIRST, LOT, Bench
from dealers_crash import crash
from hypothesis import given
from hypothesis import strategies as st
from small_market import small_market

from scenarios.file.errors import ScenarioError
from sim.messages.outbox import Outbox
from sim.records import CLOSE_OUT, FILLS
from sim.setup.listing import END_USERS
from sim.venues.liquidation.liquidation import Exchange
from sim.venues.surroundings import Surroundings

ANN, BOB, EVE, LIQUIDATOR = range(FIRST, FIRST + 4)
MONTH = 30 * 86400.0
VEGA = 100.0 * np.sqrt(30 / 365) * np.exp(-0.5 * (0.25 * np.sqrt(30 / 365)) ** 2) / np.sqrt(2 * np.pi)
RULES = {"spread": 0.02, "stress": 0.25, "size": 0.1, "daily_units": 1000.0, "limit": 1e6}


class Room:
    """Ann has written calls at the money, implied volatility .5, with little cash; Bob and Eve may bid."""

    def __init__(self, *, units: float = 100.0, bob: float = 1e5, eve: float = 1e5, **rules: Any):
        self.bench = Bench(4, prices=(100.0,), holders=3, cash=0.0, unchecked=(LIQUIDATOR,))
        cash = np.array([100.0, bob, eve])
        self.bench.ledger.issue("capital", np.array([ANN, BOB, EVE]), cash, {})
        self.call = self.bench.list_option(100.0, MONTH)
        self.lots = round(units / LOT)
        self.premium = float(self.bench.universe.contracts[0]["price"])
        self.bench.trade(ANN, END_USERS, self.call, -self.lots, self.premium)
        self.bench.assess()
        takers = {"takers": ["dealers"]} | RULES | rules
        self.exchange = Exchange("liquidation", 0, -1, -1, Exchange.Parameters(auction=takers))
        around = self.bench.around()
        accounts = {"dealers": np.array([BOB, EVE])}
        desk = type("Desk", (), {"index": 1, "takes": (12,), "instruments": ()})()
        self.exchange.attach(Surroundings(around.view, around.ledger, around.listing, [desk], accounts))
        self.exchange._venues = ()
        self.exchange.open(self.bench.population_of, 0)

    def seize(self) -> np.ndarray:
        """The fills of Ann's close-out, posted."""
        box, tape, first = Outbox(), self.bench.tape, int(self.bench.tape.counts[FILLS])
        box.seize(LIQUIDATOR, 0, ANN)
        self.exchange.execute(box.rows, np.arange(1), 0.0, tape, self.bench.margin.room)
        self.bench.ledger.post(tape)
        fills: np.ndarray = tape.fills[first : tape.counts[FILLS]].copy()
        return fills

    def free(self, account: int) -> float:
        return float(self.bench.ledger.cash[account])


def test_a_fifth_of_the_book_is_taken_at_half_a_spread_of_vega() -> None:
    """20 units of 100 at .02 + .1 x 20 / 1,000: 2.2 points; realised volatility is below implied."""
    room = Room()
    fills = room.seize()
    assert fills["qty"].sum() == 2000
    assert set(fills["maker"]) == {BOB, EVE}
    assert set(fills["taker"]) == {ANN}
    assert set(fills["reason"]) == {CLOSE_OUT}
    assert fills["price"] == pytest.approx(room.premium + 0.022 * VEGA, rel=1e-6)
    assert np.unique(fills["group"]).size == 1
    assert room.bench.option_lots(ANN, room.call) == -8000


def test_realised_volatility_above_implied_widens_the_spread() -> None:
    room = Room()
    room.bench.assets["volatility"] = 0.9
    assert room.seize()["price"] == pytest.approx(room.premium + (0.022 + 0.25 * 0.4) * VEGA, rel=1e-6)


def test_no_spread_is_wider_than_the_widest() -> None:
    room = Room(widest=0.01)
    assert room.seize()["price"] == pytest.approx(room.premium + 0.01 * VEGA, rel=1e-6)


def test_takers_share_in_proportion_to_the_margin_they_have() -> None:
    """An initial margin of 15 a unit: 600 of free margin take 40 units, 200 take 13.33."""
    room = Room(bob=600.0, eve=200.0)
    fills = room.seize()
    assert dict(zip(fills["maker"], fills["qty"], strict=True)) == {BOB: 1500, EVE: 500}


def test_what_nobody_has_margin_for_goes_to_end_users_at_the_wider_price() -> None:
    room = Room(bob=150.0, eve=75.0, outside=3.0)
    fills = room.seize()
    assert fills["maker"].tolist() == [BOB, EVE, END_USERS]
    assert fills["qty"].tolist() == [1000, 500, 500]
    half = 0.022 * VEGA
    assert fills["price"] == pytest.approx(room.premium + half * np.array([1.0, 1.0, 3.0]), rel=1e-6)


def test_no_taker_takes_more_than_the_limit() -> None:
    fills = Room(limit=4.0).seize()
    assert dict(zip(fills["maker"], fills["qty"], strict=True)) == {BOB: 400, EVE: 400, END_USERS: 1200}


def test_a_taker_in_breach_or_without_a_slot_takes_nothing() -> None:
    room = Room()
    room.bench.margin.is_in_breach[BOB] = True
    assert room.seize()["maker"].tolist() == [EVE]
    full = Room()
    for strike in np.arange(1.0, 1.0 + full.bench.ledger.contract.shape[0]):
        full.bench.trade(BOB, END_USERS, full.bench.list_option(strike, MONTH), 1, 0.0)
    full.bench.assess()
    assert full.seize()["maker"].tolist() == [EVE]


@given(
    lots=st.integers(1, 10**6),
    rooms=st.lists(st.integers(0, 10**5), min_size=2, max_size=2),
)
def test_shares_add_up_and_stay_within_room(lots: int, rooms: list[int]) -> None:
    auction = AUCTION.exchange._auction
    assert auction is not None
    auction.start()
    taken = auction._shared(lots, np.array(rooms, float), AUCTION.call, 1)
    assert taken.sum() == min(lots, sum(rooms))
    assert (taken >= 0).all()
    assert (taken <= rooms).all()
    if sum(rooms) > lots:
        assert np.abs(taken - lots * np.array(rooms) / sum(rooms)).max() <= 1.0


AUCTION = Room()


def test_without_takers_end_users_take_all_and_who_holds_no_options_cannot_be_one() -> None:
    fills = Room(takers=[], outside=1.0).seize()
    assert fills["maker"].tolist() == [END_USERS]
    assert fills["price"] == pytest.approx([AUCTION.premium + 0.022 * VEGA], rel=1e-6)
    engine = {"name": "engine", "type": "liquidators.ExchangeLiquidators"}
    settings = {"liquidation": {"auction": {"takers": ["engine"]}}}
    with pytest.raises(
        ScenarioError, match=r'venues\.liquidation\.auction\.takers.*"engine" holds no options'
    ):
        small_market(engine, venues=("linear", "desk", "liquidation"), settings=settings)


def test_in_a_crash_dealers_take_from_dealers_and_nothing_is_lost() -> None:
    first, again = (crash(auction={"takers": ["dealers"], "limit": 1e4}) for _ in range(2))
    fills = first.run().fills
    assert fills.equals(again.run().fills)
    closed = fills[fills["reason"] == "close_out"]
    assert (closed["maker_population"] == "dealers").sum() > 5
    assert (closed["venue"] == "liquidation").all()
    assert all(residual < 1e-12 for residual in first.residuals().values())


def owed(auction: dict[str, Any] | None) -> float:
    """What dealers could not pay."""
    model = crash(auction=auction)
    model.run()
    return sum(debt.amount for debt in model.waterfall.debts)


def test_without_a_spread_it_comes_to_what_the_desk_pays_and_the_wider_the_more_is_owed() -> None:
    flat = {"stress": 0.0, "size": 0.0, "outside": 1.0}
    none, wide = (owed(flat | {"spread": spread}) for spread in (0.0, 0.2))
    assert none == pytest.approx(owed(None), rel=1e-9)
    assert wide > 1.1 * none > 0.0
