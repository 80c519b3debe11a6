"""Exchange-style liquidation: partial closes, takeovers at the bankruptcy price, defaults."""

from __future__ import annotations

import json

import numpy as np
import pytest
from bench import FIRST, LOT, Bench

from sim.accounts.margin.requirement import Requirement
from sim.messages.outbox import Outbox
from sim.records import (
    CANCEL_ALL,
    CLOSE_OUT,
    COOLING_DOWN,
    FILLS,
    FORCED,
    IOC,
    LIMIT,
    LP_SHARE,
    MARKET,
    MID,
    NOT_IN_BREACH,
    REDUCE_ONLY,
    REJECTS,
    REMOVE_LIQUIDITY,
    REQUEST,
    TAKEOVER,
)
from sim.setup.listing import END_USERS, OUTSIDE
from sim.venues.liquidation.liquidation import Exchange

ANN, BOB, LIQUIDATOR = FIRST, FIRST + 1, FIRST + 2
SPOT, PERP, SPOT_B, PERP_B = range(4)
BOOK, POOL, DESK = 1, 2, 3
RULES = [Requirement(initial=0.10, maintenance=0.05), Requirement(initial=0.10, maintenance=0.10)]


class Place:
    """Stands for a venue where some instruments can be sold."""

    def __init__(self, index, *instruments, takes=(), is_full=False):
        self.index, self.instruments, self.takes = index, instruments, takes
        self.is_full = is_full

    def has_open_orders(self, account):
        return self.is_full


class Floor:
    """An exchange beside a bench: perpetuals are sold at a book, spot at a pool, options at a desk."""

    def __init__(self, *, prices=(100.0, 10.0), cash=1000.0, rules=RULES, is_full=False, **parameters):
        self.bench = Bench(
            3, prices=prices, requirements=rules, cash=cash, holders=1, venues=4, unchecked=(LIQUIDATOR,)
        )
        self.bench.ledger.issue("float", [LIQUIDATOR], np.array([-cash]), {})
        self.exchange = Exchange("liquidation", 0, -1, -1, Exchange.Parameters(**parameters))
        self.attach(is_full)
        quotes = self.bench.quotes
        quotes["mid"], quotes["tick"][BOOK], quotes["base"][POOL] = 100.0, 0.5, 1000.0

    def attach(self, is_full=False, shares=()):
        book, pool = Place(BOOK, PERP, PERP_B, is_full=is_full), Place(POOL, SPOT, SPOT_B, *shares)
        around = self.bench.around(book, pool, Place(DESK, takes=(REQUEST,)))
        self.exchange.attach(around)
        self.exchange.open(self.bench.population_of, 0)

    def seize(self, *targets, latency=0.0):
        """Let the liquidator ask for these accounts in one batch; the orders the exchange sends."""
        box, tape, bench = Outbox(), self.bench.tape, self.bench
        box.now = bench.view.time
        for target in targets:
            box.seize(LIQUIDATOR, 0, target, latency=latency)
        self.exchange.execute(box.rows, np.arange(box.count), 0.0, tape, bench.margin.room)
        bench.ledger.post(tape)
        sent = self.exchange.children.rows[: self.exchange.children.count].copy()
        self.exchange.children.count = 0
        return sent

    @property
    def refusals(self):
        tape = self.bench.tape
        return tape.rejects["refusal"][: tape.counts[REJECTS]].tolist()


def test_a_breach_is_met_with_a_fifth_of_each_position_sold_in_the_account_s_name():
    floor = Floor(is_full=True, small_notional=100.0, max_slippage=0.05)
    floor.bench.trade(ANN, OUTSIDE, PERP, 10000, 100.0)  # 100 units, 500 of maintenance
    floor.bench.trade(ANN, OUTSIDE, PERP_B, -500, 10.0)  # 5 units: too small for parts
    floor.bench.mark(94.5)
    equity, needed = 1000 - 550, 0.05 * 9450 + 0.1 * 50
    cancel, sale, purchase = floor.seize(ANN)
    assert (cancel["kind"], cancel["account"], cancel["venue"]) == (CANCEL_ALL, ANN, BOOK)
    assert (sale["kind"], sale["qty"], sale["tif"], sale["flags"]) == (LIMIT, -2000, IOC, REDUCE_ONLY)
    assert (sale["price_ref"], sale["price"]) == (MID, -10)  # 5 of slippage in ticks of 0.5
    assert (sale["reason"], sale["cause"], purchase["cause"]) == (FORCED, 1, 2)
    assert purchase["qty"] == 500

    first, second = floor.exchange.liquidations
    assert (first.account, first.instrument, first.qty, first.is_takeover) == (ANN, PERP, -2000, False)
    assert (first.equity, first.maintenance) == pytest.approx((equity, needed))
    assert first.bankruptcy_price == pytest.approx(94.5 - equity * (0.05 * 9450 / needed) / 100)
    assert second.instrument == PERP_B
    assert floor.exchange.seized == {ANN: 0.0}


def test_an_account_that_owes_cash_and_holds_nothing_is_recorded_for_its_debt():
    floor = Floor()
    floor.bench.trade(ANN, OUTSIDE, PERP, 10000, 100.0)
    floor.bench.trade(ANN, OUTSIDE, PERP, -10000, 85.0)  # loses 1,500 of its 1,000
    floor.bench.assess()
    assert floor.seize(ANN).size == 0
    (only,) = floor.exchange.liquidations
    assert (only.account, only.qty, only.equity) == (ANN, 0, pytest.approx(-500))


def test_seizures_of_one_account_are_a_cool_down_apart_by_their_arrival():
    floor = Floor(cooldown_seconds=5.0)
    floor.bench.trade(ANN, OUTSIDE, PERP, 10000, 100.0)
    floor.bench.mark(94.5)
    assert floor.seize(ANN, latency=0.5).size == 1
    assert floor.seize(ANN, latency=5.4).size == 0
    assert floor.refusals == [COOLING_DOWN]
    assert floor.seize(ANN, latency=5.6).size == 1


def test_below_two_thirds_of_maintenance_positions_are_taken_over_and_the_account_ends_at_zero():
    floor = Floor()
    floor.bench.trade(ANN, OUTSIDE, PERP, 10000, 100.0)
    floor.bench.trade(ANN, OUTSIDE, PERP_B, -5000, 10.0)
    floor.bench.mark(92.5)  # 250 left, 512.5 needed
    assert floor.seize(ANN).size == 0
    ledger, tape = floor.bench.ledger, floor.bench.tape
    assert ledger.position[:, ANN].tolist() == [0, 0, 0, 0]
    assert ledger.position[[PERP, PERP_B], LIQUIDATOR].tolist() == [10000, -5000]
    assert ledger.cash[ANN] == pytest.approx(0.0, abs=1e-9)
    fills = tape.fills[tape.counts[FILLS] - 2 : tape.counts[FILLS]]
    assert set(fills["reason"]) == {TAKEOVER}
    assert np.unique(fills["group"]).size == 1
    assert fills["cause"].tolist() == [1, 2]
    assert [row.is_takeover for row in floor.exchange.liquidations] == [True, True]
    assert [row.bankruptcy_price for row in floor.exchange.liquidations] == fills["price"].tolist()
    worth = ledger.cash[LIQUIDATOR] + 100 * 92.5 - 50 * 10
    assert worth == pytest.approx(250.0)  # the equity that was left is the liquidator's margin
    floor.bench.assess()
    assert ANN not in floor.bench.view.in_breach


def test_an_account_under_water_leaves_its_loss_with_the_liquidator():
    floor = Floor()
    floor.bench.trade(ANN, OUTSIDE, PERP, -10000, 100.0)
    floor.bench.mark(112.0)  # short 100 units, 200 under water
    floor.seize(ANN)
    assert floor.exchange.liquidations[0].bankruptcy_price == pytest.approx(110.0)
    ledger = floor.bench.ledger
    assert ledger.cash[ANN] == pytest.approx(0.0, abs=1e-9)
    assert ledger.cash[LIQUIDATOR] - 100 * 112.0 == pytest.approx(-200.0)


def test_two_seizures_in_one_batch_take_an_account_over_once():
    floor = Floor()
    floor.bench.trade(ANN, OUTSIDE, PERP, 10000, 100.0)
    floor.bench.mark(92.0)
    floor.seize(ANN, ANN)
    assert floor.bench.ledger.position[PERP, [ANN, LIQUIDATOR]].tolist() == [0, 10000]
    assert floor.refusals == [COOLING_DOWN]
    floor.seize(ANN)  # and nothing is left for the next batch, though margin was not run again
    assert len(floor.exchange.liquidations) == 1


def test_an_account_that_recovered_before_the_seizure_arrives_is_left_alone():
    floor = Floor()
    floor.bench.trade(ANN, OUTSIDE, PERP, 10000, 100.0)
    floor.bench.mark(92.0)
    floor.bench.ledger.terms["price"][PERP] = 97.0  # the market rose since the margin run
    assert floor.seize(ANN).size == 0
    assert floor.refusals == [NOT_IN_BREACH]
    floor.bench.ledger.terms["price"][PERP] = 94.0  # or less: then it is judged as it now is
    assert floor.seize(ANN).size == 1
    assert floor.exchange.liquidations[0].equity == pytest.approx(400.0)
    floor.bench.mark(100.0)
    floor.seize()
    assert floor.exchange.seized == {}


@pytest.mark.parametrize("target", [-1, BOB, 10**6])
def test_nobody_else_can_be_seized(target):
    floor = Floor()
    assert floor.seize(target).size == 0
    assert floor.refusals == [NOT_IN_BREACH]


def test_a_seller_in_an_unlimited_market_is_sent_a_market_order():
    floor = Floor()
    floor.bench.quotes["tick"][BOOK] = 0.0
    floor.bench.trade(ANN, OUTSIDE, PERP, 10000, 100.0)
    floor.bench.mark(94.5)
    [sale] = floor.seize(ANN)
    assert (sale["kind"], sale["qty"]) == (MARKET, -10000)  # 9,450 counts as small


def test_collateral_goes_last_and_only_for_what_is_owed():
    floor = Floor(prices=(100.0, 10.0))
    share = floor.bench.universe.add(LP_SHARE, 0, 1.0, "share", collateral=0.0)
    assert share == 4
    rules = [Requirement(initial=0.10, maintenance=0.05, collateral=0.9), RULES[1]]
    floor = Floor(rules=rules)
    floor.bench.trade(ANN, OUTSIDE, SPOT, 500, 100.0)
    floor.bench.trade(ANN, OUTSIDE, PERP, 20000, 100.0)
    floor.bench.mark(93.0)  # 500 - 1400 + 0.9 x 465: under water
    floor.seize(ANN)
    ledger = floor.bench.ledger
    assert ledger.position[[SPOT, PERP], ANN].tolist() == [500, 0]
    assert ledger.cash[ANN] == pytest.approx(-0.9 * 465)  # the fund paid the rest
    floor.bench.mark(92.0)
    [sale] = floor.seize(ANN)
    assert (sale["kind"], sale["venue"], sale["qty"], sale["reason"]) == (MARKET, POOL, -500, FORCED)
    assert floor.exchange.liquidations[-1].instrument == SPOT


def test_collateral_that_waits_for_a_block_is_sold_once():
    """Sold at a pool whose block comes after the next seizure: neither sent nor recorded again."""
    floor = Floor(rules=[Requirement(initial=0.10, maintenance=0.05, collateral=0.9), RULES[1]])
    floor.bench.trade(ANN, OUTSIDE, SPOT, 500, 100.0)
    floor.bench.ledger.cash[ANN] = -480.0
    floor.bench.mark(100.0)
    floor.bench.view.pending.trade(POOL, [SPOT])
    [sale] = sold = floor.seize(ANN)
    assert sale["qty"] == -500
    floor.bench.outbox.extend(sold)  # it is on its way
    assert floor.seize(ANN, latency=6.0).size == 0
    assert len(floor.exchange.liquidations) == 1
    floor.bench.outbox.count = 0  # refused by the pool
    assert floor.seize(ANN, latency=12.0)["qty"].tolist() == [-500]


def test_shares_of_a_pool_are_redeemed_at_the_pool():
    floor = Floor(cash=0.0)
    ledger = floor.bench.ledger
    terms = np.append(ledger.terms, ledger.terms[:1])
    terms[-1]["kind"], terms[-1]["collateral"] = LP_SHARE, 0.0
    ledger.terms, share = terms, 4
    ledger.position = np.vstack([ledger.position, np.zeros_like(ledger.position[:1])])
    ledger.position[share, ANN] = 700
    floor.attach(shares=[share])
    floor.bench.view.is_in_breach[ANN] = True
    ledger.cash[ANN] = -50.0
    [order] = floor.seize(ANN)
    assert (order["kind"], order["venue"], order["qty"]) == (REMOVE_LIQUIDITY, POOL, 700)
    assert floor.exchange.liquidations[0].instrument == share


def test_a_dealer_is_closed_out_in_part_then_defaults_on_all_of_its_options():
    floor = Floor()
    bench = floor.bench
    call, put = (bench.list_option(100.0, 30 * 86400.0, is_call) for is_call in (True, False))
    bench.trade(ANN, END_USERS, call, -10000, 5.0)  # wrote 100 calls
    bench.trade(ANN, END_USERS, put, 500, 5.0)
    bench.trade(ANN, OUTSIDE, PERP, 5000, 100.0)  # its hedge
    bench.assess()
    needed = float(bench.margin.maintenance[ANN])
    assert needed == pytest.approx(100 * 0.075 * 100 + 0.05 * 5000)
    bench.ledger.cash[ANN] += 0.8 * needed - float(bench.margin.equity[ANN])
    bench.assess()
    closes = floor.seize(ANN)
    assert closes["qty"].tolist() == [2000, -100, -1000]  # a fifth of everything, the hedge too
    assert closes["kind"].tolist() == [REQUEST, REQUEST, LIMIT]
    assert closes["venue"].tolist() == [DESK, DESK, BOOK]
    assert closes["reason"].tolist() == [CLOSE_OUT, CLOSE_OUT, FORCED]
    assert closes["instrument"][:2].tolist() == [call, put]
    worth = float(bench.universe.contracts["price"][0])
    assert floor.exchange.seized == {ANN: 0.0}, "it pays for them itself"

    bench.ledger.cash[ANN] -= needed
    bench.assess()
    closes = floor.seize(ANN, latency=1.0)  # below the backstop there is no cool-down
    assert closes["qty"].tolist() == [10000, -500, -5000]
    assert floor.exchange.seized == {ANN: pytest.approx(100 * worth)}
    assert [row.instrument for row in floor.exchange.liquidations] == [call, put, PERP] * 2
    assert np.isnan(floor.exchange.liquidations[0].bankruptcy_price)


def dydx_cases(shared):
    data = json.loads((shared / "vectors/dydx_v4_liquidation.json").read_text())
    return [case for case in data["cases"] if case["expected_bankruptcy_quote"] is not None]


def test_the_bankruptcy_price_is_that_of_dydx(shared):
    """The protocol's own cases: quote = -DNNV - TNC |DMMR| / TMMR for the size closed."""
    cases = dydx_cases(shared)
    assert cases
    for case in cases:
        rules = [Requirement(initial=1.0, maintenance=case["mm_fraction"])]
        floor = Floor(prices=(case["oracle"]["BTC"],), rules=rules, cash=0.0, backstop=1.0)
        lots = round(case["positions"]["BTC"] / LOT)
        floor.bench.trade(ANN, OUTSIDE, PERP, lots, 0.0)
        floor.bench.ledger.issue("case", [ANN], np.array([float(case["usdc"])]), {})
        floor.bench.assess()
        floor.seize(ANN)
        quote = -case["delta"] * floor.exchange.liquidations[0].bankruptcy_price
        assert quote == pytest.approx(case["expected_bankruptcy_quote"]), case["src"]
