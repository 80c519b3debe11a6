"""The desk: options for end users and trades off the market, at a model price."""

from __future__ import annotations

import numpy as np
import pytest
from bench import LOT
from desk_market import ANN, BOB, MONTH, PERP, SPOT, Dealing

from scenarios import load
from sim.records import (
    CALL,
    LP_SHARE,
    NO_MARGIN,
    NO_QUANTITY,
    NOT_TRADED,
    NOTHING_TO_REDUCE,
    OPTIONS,
    REDUCE_ONLY,
)
from sim.setup.listing import END_USERS, OUTSIDE, SECONDS_PER_YEAR, Smile
from sim.venues.options.rfq import Desk


def test_spot_and_perpetuals_trade_at_the_mark_and_half_a_spread():
    dealing = Dealing(spread_bps=10.0)
    assert dealing.ask(BOB, 100, PERP) == (PERP, 100, pytest.approx(100.1), OUTSIDE)
    assert dealing.ask(BOB, -100, PERP) == (PERP, -100, pytest.approx(99.9), OUTSIDE)
    assert dealing.ask(BOB, 5, SPOT) == (SPOT, 5, pytest.approx(100.1), OUTSIDE)
    assert dealing.bench.ledger.check(0) < 1e-15


def test_a_bespoke_option_is_listed_at_the_smile_and_sold_by_end_users():
    dealing = Dealing(option_spread_bps=5.0)
    terms = {"value": 100.0, "good_till": 0.25 * SECONDS_PER_YEAR}
    instrument, lots, price, maker = dealing.ask(ANN, 300, flags=CALL, **terms)
    # Black-76, at the money: F (2 N(s / 2) - 1) with s = 0.5 sqrt(0.25)
    assert price == pytest.approx(100 * 0.0994764496 + 0.05, rel=1e-8)
    assert (instrument, lots, maker) == (OPTIONS, 300, END_USERS)
    assert dealing.bench.universe.contracts["lot"].tolist() == [LOT]
    sold = dealing.ask(ANN, -300, instrument)
    assert sold == (OPTIONS, -300, pytest.approx(price - 0.1), END_USERS)
    assert dealing.ask(ANN, 1, flags=CALL, **terms)[0] == OPTIONS  # listed once
    assert dealing.ask(ANN, 1, **terms)[0] == OPTIONS + 1  # the put is another contract
    assert [dealing.bench.option_lots(ANN, OPTIONS + i) for i in range(2)] == [1, 1]


def test_options_are_shared_by_weight_among_the_buyers_that_are_not_in_breach():
    dealing = Dealing(buyers=(2.0, 1.0, 0.0))
    big, small, nobody = BOB + 1, BOB + 2, BOB + 3
    instrument = dealing.bench.list_option(100.0, 50.0)
    dealing.ask(ANN, -10, instrument)
    assert dealing.parts == [(big, -7), (small, -3)], "two thirds and one; of no weight, nothing"
    for account, parts in ((big, [(small, -10)]), (small, [(END_USERS, -10)])):
        dealing.bench.view.is_in_breach[account] = True
        dealing.ask(ANN, -10, instrument)
        assert dealing.parts == parts
    assert [dealing.bench.option_lots(a, instrument) for a in (big, small, nobody)] == [7, 13, 0]
    assert dealing.bench.ledger.check(0) < 1e-15


def test_a_worthless_option_is_bought_back_for_nothing_never_for_less():
    dealing = Dealing(option_spread_bps=50.0)
    instrument, _, _, _ = dealing.ask(ANN, -10, value=1.0, good_till=60.0)
    assert dealing.ask(ANN, -10, instrument)[2] == 0.0


def test_at_a_desk_of_several_assets_a_bespoke_option_names_its_own():
    smiles = [Smile(atm=0.5, skew=0, curvature=0), Smile(atm=0.9, skew=0, curvature=0)]
    dealing = Dealing(prices=(100.0, 10.0), smiles=smiles)
    terms = {"value": 10.0, "good_till": MONTH}
    assert dealing.ask(ANN, 1, **terms) == NOT_TRADED
    assert dealing.ask(ANN, 1, target=7, **terms) == NOT_TRADED
    assert dealing.ask(ANN, 1, target=1, **terms)[0] == OPTIONS
    assert dealing.bench.universe.contracts["asset"].tolist() == [1]
    assert dealing.bench.universe.contracts["volatility"].tolist() == [0.9]
    own = Dealing(asset=1, prices=(100.0, 10.0), smiles=smiles)
    assert own.ask(ANN, 1, **terms)[0] == OPTIONS
    assert own.bench.universe.contracts["asset"].tolist() == [1]


def test_what_the_desk_does_not_trade_is_refused():
    dealing = Dealing()
    share = dealing.bench.universe.add(LP_SHARE, 0, 1.0, "share")
    dealing.bench.ledger.terms = dealing.bench.universe.terms()
    dealing.bench.view.terms = dealing.bench.ledger.terms
    listed = dealing.bench.list_option(100.0, 50.0)
    dead = dealing.bench.list_option(90.0, 50.0)
    dealing.bench.universe.contracts["is_live"][1] = 0
    cases = {
        "a share of a pool": (ANN, 1, {"instrument": share}),
        "no instrument": (ANN, 1, {"instrument": 99}),
        "a contract that does not exist": (ANN, 1, {"instrument": OPTIONS + 9}),
        "one that is settled": (ANN, 1, {"instrument": dead}),
        "one that has expired when the request arrives": (ANN, 1, {"instrument": listed, "latency": 50.0}),
        "an option for an account that holds none": (BOB, 1, {"instrument": listed}),
        "no strike": (ANN, 1, {"good_till": MONTH}),
        "an endless strike": (ANN, 1, {"value": np.inf, "good_till": MONTH}),
        "no expiry": (ANN, 1, {"value": 100.0}),
        "an expiry that is past": (ANN, 1, {"value": 100.0, "good_till": 0.0}),
        "a market order": (ANN, 1, {"instrument": PERP, "kind": 2}),
    }
    for what, (account, qty, fields) in cases.items():
        assert dealing.ask(account, qty, **fields) == NOT_TRADED, what
    assert dealing.ask(ANN, 0, PERP) == NO_QUANTITY
    assert dealing.ask(ANN, 1, listed, latency=49.0)[0] == listed


def test_a_request_beyond_margin_is_refused_and_reduce_only_is_no_way_round():
    dealing = Dealing(cash=100.0)
    assert dealing.ask(BOB, 6000, PERP) == NO_MARGIN  # 60 units at 2% need 120
    assert dealing.ask(BOB, 6000, PERP, flags=REDUCE_ONLY) == NOTHING_TO_REDUCE
    assert dealing.ask(BOB, -1, SPOT) == NO_MARGIN  # it has none
    assert dealing.ask(BOB, 4000, PERP)[1] == 4000
    assert dealing.ask(BOB, -6000, PERP, flags=REDUCE_ONLY)[1] == -4000
    assert dealing.bench.ledger.position[PERP, BOB] == 0


def test_options_asked_for_in_turn_reach_the_desk_at_once_and_other_instruments_by_themselves(monkeypatch):
    """Of the opening of a market whose dealers sell options and whose vaults buy spot."""
    batches, execute = [], Desk.execute

    def noting(desk, orders, due, *others):
        batches.append(orders["instrument"][due].copy())
        execute(desk, orders, due, *others)

    monkeypatch.setattr(Desk, "execute", noting)
    market = load("linear_crash").market()
    dense = [each for each in batches if (each >= 0).any() and each[0] < OPTIONS]
    options = [each for each in batches if each[0] >= OPTIONS or each[0] < 0]
    assert all(np.unique(each).size == 1 for each in dense)
    assert all(((each >= OPTIONS) | (each < 0)).all() for each in options)
    assert max(np.unique(each).size for each in options) > 10
    assert market.ledger.check(0) < 1e-12
