"""The ledger: what a fill does to two accounts, and that nothing comes from nowhere."""

from __future__ import annotations

import numpy as np
import pytest
from bench import FIRST, LOT, Bench
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.accounts.ledger import Ledger
from sim.kernels.messages.owners import Owners
from sim.records import LP_SHARE
from sim.setup.instruments import Universe
from sim.setup.listing import CLEARING, END_USERS, FEES, OUTSIDE

ANN, BOB, EVE = FIRST, FIRST + 1, FIRST + 2
SPOT, PERP = 0, 1


def test_a_trade_moves_cash_lots_and_average_entry_of_both_sides():
    bench = Bench(2)
    ledger = bench.ledger
    bench.trade(ANN, BOB, PERP, 300, 100.0)
    assert ledger.cash[[ANN, BOB]].tolist() == [-300.0, 300.0]
    assert ledger.position[PERP, [ANN, BOB]].tolist() == [300, -300]
    assert ledger.cost[PERP, [ANN, BOB]].tolist() == [300.0, -300.0]

    bench.trade(ANN, BOB, PERP, 100, 120.0)  # adding averages the entry in
    assert ledger.cost[PERP, ANN] == 420.0
    bench.trade(ANN, BOB, PERP, -200, 90.0)  # reducing keeps it
    assert ledger.cost[PERP, ANN] == 210.0
    bench.trade(ANN, BOB, PERP, -500, 80.0)  # turning round starts anew
    assert ledger.position[PERP, ANN] == -300
    assert ledger.cost[PERP, ANN] == pytest.approx(-240.0)
    bench.trade(ANN, BOB, PERP, 300, 70.0)
    assert ledger.cost[PERP, [ANN, BOB]].tolist() == [0.0, 0.0]
    # 3 at 100 and 1 at 120 bought, 2 sold at 90 and 5 at 80, 3 bought back at 70
    assert ledger.cash[ANN] == pytest.approx(-300 - 120 + 180 + 400 - 210)
    assert ledger.cash[ANN] == -ledger.cash[BOB]


def test_fees_and_rebates_end_with_the_fee_desk():
    bench = Bench(2)
    bench.trade(ANN, BOB, SPOT, 100, 50.0, fee=0.3, maker_fee=-0.1)
    assert bench.ledger.cash[[ANN, BOB, FEES]] == pytest.approx([-50.3, 50.1, 0.2])
    assert bench.ledger.check(0) < 1e-15


def test_options_live_in_slots_that_free_themselves_and_grow():
    bench = Bench(2, holders=2)
    calls = [bench.list_option(strike, 1e6) for strike in (90, 100, 110)]
    for number in calls:  # two slots at first; the third call needs a third
        bench.trade(ANN, END_USERS, number, -50, 1.0)
    assert [bench.option_lots(ANN, n) for n in calls] == [-50, -50, -50]
    assert [bench.option_lots(END_USERS, n) for n in calls] == [50, 50, 50]
    assert bench.ledger.contract.shape[0] >= 3

    bench.trade(ANN, END_USERS, calls[1], 50, 1.0)
    assert np.count_nonzero(bench.ledger.contract[:, 0] >= 0) == 2
    bench.trade(ANN, BOB, calls[1], 10, 1.0)  # holders trade with each other as well
    assert [bench.option_lots(a, calls[1]) for a in (ANN, BOB)] == [10, -10]
    assert bench.ledger.check(0) < 1e-15


def test_an_account_that_declared_no_options_cannot_be_given_one():
    bench = Bench(3, holders=2)
    call = bench.list_option(100, 1e6)
    with pytest.raises(ValueError, match=f"account {EVE} trades an option but never declared"):
        bench.trade(EVE, END_USERS, call, 1, 1.0)
    assert not bench.ledger.qty.any()  # nobody else got it


def test_lots_and_cash_from_nowhere_are_named():
    bench = Bench(2, holders=1, cash=100.0)
    assert bench.ledger.check(3) == 0.0
    bench.ledger.position[PERP, ANN] += 1
    with pytest.raises(ArithmeticError, match="step 3: 1 lots of A0-perp came from nowhere"):
        bench.ledger.check(3)
    bench.ledger.position[PERP, ANN] -= 1
    call = bench.list_option(100, 1e6)
    bench.trade(ANN, END_USERS, call, 4, 1.0)
    bench.ledger.qty[0, 0] = 3
    with pytest.raises(ArithmeticError, match="-1 lots of A0-1000000s-100-C"):
        bench.ledger.check(4)
    bench.ledger.qty[0, 0] = 4
    for wrong in (1e-3, np.nan):
        bench.ledger.cash[BOB] += wrong
        with pytest.raises(ArithmeticError, match="step 5: cash is off"):
            bench.ledger.check(5)


def test_issued_spot_and_cash_count_as_there_from_the_start():
    bench = Bench(2)
    bench.ledger.issue("loan", [ANN, BOB], np.array([10.0, 20.0]), {SPOT: np.array([5, 7])})
    assert bench.ledger.position[SPOT, [ANN, BOB]].tolist() == [5, 7]
    assert bench.ledger.cost[SPOT, ANN] == 0.0
    assert bench.ledger.issued == {"endowment": 0.0, "loan": 30.0}
    assert bench.ledger.check(0) == 0.0


def test_a_transfer_reaches_accounts_and_population_totals():
    bench = Bench(3)
    amounts = np.zeros(bench.ledger.cash.size)
    amounts[[ANN, EVE, FEES]] = -5.0, 2.0, 3.0
    bench.ledger.transfer(amounts)
    assert bench.ledger.cash[[ANN, EVE, FEES]].tolist() == [-5.0, 2.0, 3.0]
    assert bench.ledger.cash_total[[FEES, FIRST]].tolist() == [3.0, -3.0]


def test_a_market_of_nobody_conserves_nothing_at_all():
    universe = Universe(["A"])
    universe.add(LP_SHARE, 0, 1.0, "share")
    system = Owners(np.arange(5, dtype=np.int16), np.zeros(5, np.int32))
    ledger = Ledger(universe, system, 5, FEES, [], (END_USERS, CLEARING))
    assert ledger.check(0) == 0.0


FILLS = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.integers(0, 3),
        st.integers(0, 4),  # spot, perpetual, three contracts
        st.integers(-1000, 1000).filter(bool),
        st.floats(0.01, 1e4),
        st.floats(0, 10),
        st.floats(-1, 10),
    ),
    max_size=60,
)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(FILLS)
def test_whatever_is_traded_every_instrument_sums_to_what_was_issued(fills):
    bench = Bench(3, holders=3)
    contracts = [bench.list_option(90 + 10 * i, 1e6) for i in range(3)]
    entry = {}
    for taker, maker, choice, lots, price, fee, maker_fee in fills:
        if taker == maker:
            continue
        parties = [FIRST + taker if taker < 3 else END_USERS, FIRST + maker if maker < 3 else END_USERS]
        if choice < 2:
            for account, side in zip(parties, (1, -1), strict=True):
                position, cost = entry.get((account, choice), (0, 0.0))
                after = position + side * lots
                if position * side * lots >= 0:
                    cost += side * lots * LOT * price
                elif position * after > 0:
                    cost *= after / position
                else:
                    cost = after * LOT * price
                entry[account, choice] = after, cost
        bench.trade(*parties, choice if choice < 2 else contracts[choice - 2], lots, price, fee, maker_fee)
    ledger = bench.ledger
    assert ledger.check(0) <= 1e-12
    for (account, instrument), (lots, cost) in entry.items():
        assert ledger.position[instrument, account] == lots
        assert ledger.cost[instrument, account] == pytest.approx(cost, rel=1e-9, abs=1e-6)
    codes = bench.population_of
    assert ledger.cash_total == pytest.approx(np.bincount(codes, ledger.cash), abs=1e-6)
    for i in range(2):
        assert ledger.position_total[:, i].tolist() == np.bincount(codes, ledger.position[i]).tolist()
    held = [[bench.option_lots(FIRST + a, n) for n in contracts] for a in range(3)]
    assert ledger.contract_total[FIRST].tolist() == np.sum(held, axis=0).tolist()
    assert ledger.contract_total[END_USERS].tolist() == (-np.sum(held, axis=0)).tolist()
    assert not ledger.position[:, OUTSIDE].any()
