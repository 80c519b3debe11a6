"""The waterfall: a loss that an account cannot pay is always paid by somebody, in order."""

from __future__ import annotations

import numpy as np
import pytest
from bench import FIRST, Bench
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.accounts.waterfall import Waterfall
from sim.kernels.accounts.margining import DUST
from sim.setup.listing import END_USERS, FEES, INSURANCE, OUTSIDE

ANN, BOB, EVE, LIQUIDATOR = range(FIRST, FIRST + 4)
SPOT, PERP = 0, 1


class Court:
    """A bench with a fund; the fourth account is a liquidator that the fund backs."""

    def __init__(self, fund=0.0, **cash):
        self.bench = Bench(4, holders=1)
        self.ledger = self.bench.ledger
        self.ledger.issue("fund", [INSURANCE], np.array([float(fund)]), {})
        self.waterfall = Waterfall(self.ledger, np.array([LIQUIDATOR]))
        self.seized = {}

    def owes(self, account, amount, claims=0.0):
        self.ledger.issue("loss", [account], np.array([-float(amount)]), {})
        self.seized[account] = claims

    def run(self):
        before = self.ledger.cash.copy()
        self.waterfall.run(7, self.seized)
        change = self.ledger.cash - before
        assert change.sum() == pytest.approx(0.0, abs=1e-9)
        return change

    @property
    def debt(self):
        [debt] = self.waterfall.debts
        return debt


def test_the_fund_pays_first():
    court = Court(fund=100.0)
    court.owes(ANN, 30.0)
    change = court.run()
    assert change[[ANN, INSURANCE]].tolist() == [30.0, -30.0]
    assert court.debt == (7, ANN, 30.0, 30.0, 0.0, 0.0)
    assert court.seized == {}


def test_when_the_fund_is_empty_winners_pay_in_proportion_to_what_they_have_won():
    court = Court(fund=20.0)
    court.bench.trade(BOB, OUTSIDE, PERP, 300, 90.0)  # 30 won at a mark of 100
    court.bench.trade(EVE, OUTSIDE, PERP, -100, 110.0)  # 10 won; OUTSIDE has lost 20
    court.bench.trade(OUTSIDE, FEES, PERP, -1000, 100.0)  # no profit
    court.owes(ANN, 40.0)
    change = court.run()
    assert change[[ANN, INSURANCE]].tolist() == [40.0, -20.0]
    assert change[[BOB, EVE]] == pytest.approx([-15.0, -5.0])
    assert court.ledger.cash[INSURANCE] == 0.0
    assert court.debt == (7, ANN, 40.0, 20.0, 20.0, 0.0)


def test_winners_pay_up_to_what_they_have_won_and_the_exchange_the_rest():
    court = Court()
    court.bench.trade(BOB, OUTSIDE, PERP, 300, 90.0)
    court.owes(ANN, 100.0)
    change = court.run()
    assert change[[ANN, BOB, FEES]] == pytest.approx([100.0, -30.0, -70.0])
    assert court.debt.socialised == 100.0


def test_with_no_winners_the_exchange_pays():
    court = Court()
    court.owes(ANN, 5.0)
    assert court.run()[[ANN, FEES]].tolist() == [5.0, -5.0]


def test_creditors_of_an_option_writer_lose_what_it_owes_for_options_and_no_more():
    court = Court(fund=100.0)
    court.owes(ANN, 80.0, claims=50.0)  # 30 were lost on its hedge
    change = court.run()
    assert change[[ANN, END_USERS, INSURANCE]].tolist() == [80.0, -50.0, -30.0]
    assert court.debt == (7, ANN, 80.0, 30.0, 0.0, 50.0)
    court = Court(fund=100.0)
    court.owes(ANN, 20.0, claims=50.0)
    assert court.run()[[ANN, END_USERS, INSURANCE]].tolist() == [20.0, -20.0, 0.0]


def test_an_account_is_not_done_while_it_holds_anything():
    court = Court(fund=100.0)
    court.owes(ANN, 30.0)
    court.owes(BOB, 30.0)
    court.bench.trade(BOB, OUTSIDE, SPOT, 1, 100.0)
    call = court.bench.list_option(100.0, 1e6)
    court.bench.trade(ANN, END_USERS, call, -1, 1.0)
    assert not court.run().any()
    assert set(court.seized) == {ANN, BOB}
    court.bench.trade(ANN, END_USERS, call, 1, 1.0)
    assert court.run()[ANN] == pytest.approx(30.0)
    assert set(court.seized) == {BOB}


def test_an_account_that_ends_with_money_keeps_it():
    court = Court(fund=100.0)
    court.owes(ANN, -30.0)
    assert not court.run().any()
    assert court.seized == {}


def test_rounding_is_paid_and_not_called_a_debt():
    court = Court(fund=100.0)
    court.owes(ANN, DUST / 10)
    court.run()
    assert court.ledger.cash[ANN] == 0.0
    assert court.waterfall.debts == []


def test_the_fund_never_pays_for_what_inventory_is_worth_today():
    court = Court(fund=100.0)
    court.bench.trade(LIQUIDATOR, OUTSIDE, PERP, 1000, 100.0)
    court.bench.mark(95.0)  # 50 under its cost
    assert not court.run().any()
    court.bench.trade(LIQUIDATOR, OUTSIDE, PERP, -400, 95.0)
    assert not court.run().any()
    court.bench.trade(LIQUIDATOR, OUTSIDE, PERP, -600, 105.0)
    change = court.run()  # -20 and +30: in the end there was a profit
    assert change[[LIQUIDATOR, INSURANCE]] == pytest.approx([-10.0, 10.0])
    assert court.waterfall.debts == []
    court.bench.trade(LIQUIDATOR, OUTSIDE, PERP, 100, 100.0)
    court.bench.trade(LIQUIDATOR, OUTSIDE, PERP, -100, 88.0)
    change = court.run()
    assert change[[LIQUIDATOR, INSURANCE]] == pytest.approx([12.0, -12.0])
    assert court.debt.account == LIQUIDATOR


def test_a_backed_liquidator_is_no_winner_to_charge():
    court = Court()
    court.bench.trade(LIQUIDATOR, OUTSIDE, PERP, 1000, 90.0)
    court.owes(ANN, 40.0)
    assert court.run()[[ANN, FEES, LIQUIDATOR]].tolist() == [40.0, -40.0, 0.0]


@settings(deadline=None, max_examples=60, derandomize=True)
@given(
    st.floats(0, 200),
    st.lists(st.floats(0.01, 300), min_size=3, max_size=3),
    st.lists(st.floats(0, 100), min_size=3, max_size=3),
    st.integers(-500, 500),
    st.floats(80, 120),
)
def test_no_loss_disappears(fund, owed, claims, lots, mark):
    court = Court(fund=fund)
    court.bench.trade(OUTSIDE, FEES, PERP, lots, 100.0)
    court.bench.mark(mark)
    for account, amount, claim in zip((ANN, BOB, EVE), owed, claims, strict=True):
        court.owes(account, amount, claim)
    court.run()
    assert court.ledger.cash[[ANN, BOB, EVE]] == pytest.approx([0.0] * 3, abs=1e-9)
    assert court.ledger.cash[INSURANCE] >= 0.0
    assert court.ledger.check(7) < 1e-12
    for debt in court.waterfall.debts:
        assert debt.insurance + debt.socialised + debt.creditors == pytest.approx(debt.amount)
        assert min(debt.insurance, debt.socialised, debt.creditors) >= 0.0
    assert sum(d.insurance for d in court.waterfall.debts) == pytest.approx(
        fund - court.ledger.cash[INSURANCE]
    )
    assert [d.creditors for d in court.waterfall.debts] == pytest.approx(
        [min(o, c) for o, c in zip(owed, claims, strict=True)]
    )
