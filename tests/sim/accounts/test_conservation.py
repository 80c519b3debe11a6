"""A whole small market under random flow: nothing is created, lost, crossed or given away."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from places import TWO_ASSETS

from scenarios import market
from sim.kernels.pools.swaps import LOCKED
from sim.records import EXPIRY, FILLS, OPTIONS, PERPETUAL, SPOT, TAKEOVER
from sim.venues.books.order_book import OrderBook
from sim.venues.pools.amm import ConstantProduct


def lots_by_instrument(ledger):
    """Every instrument's sum over accounts, added up here and not by the ledger."""
    dense = ledger.position.sum(axis=1)
    contracts = ledger.wide.sum(axis=0)
    held = ledger.contract >= 0
    np.add.at(contracts, ledger.contract[held], ledger.qty[held])
    return dense, contracts


class Auditor:
    """Looks at a market between steps and compares it with what it was."""

    def __init__(self, model):
        self.model, self.ledger = model, model.ledger
        self.dense, _ = lots_by_instrument(self.ledger)
        self.cash = sum(self.ledger.issued.values())
        self.books = [v for v in model.venues if isinstance(v, OrderBook)]
        self.pools = [v for v in model.venues if isinstance(v, ConstantProduct)]
        self.roots = [0.0] * len(self.pools)

    def audit(self):
        dense, contracts = lots_by_instrument(self.ledger)
        assert dense.tolist() == self.dense.tolist()
        assert not contracts.any()
        cash = self.ledger.cash
        assert np.isfinite(cash).all()
        assert abs(cash.sum() - self.cash) <= 1e-9 * np.abs(cash).sum()
        for book in self.books:
            self.audit_book(book)
        for i, pool in enumerate(self.pools):
            self.roots[i] = self.audit_pool(pool, self.roots[i])
        self.audit_totals()
        spot = self.ledger.terms["kind"] == SPOT
        assert self.ledger.position[spot][:, self.model.margin.is_checked].min() >= 0

    def audit_book(self, book):
        bids, asks = book.levels(1), book.levels(-1)
        assert not (len(bids) and len(asks)) or bids[0, 0] < asks[0, 0]

    def audit_pool(self, pool, before):
        state, ledger = pool.state[0], self.ledger
        assert state["base"] == ledger.position[pool.instrument, pool.account]
        assert state["cash"] == pytest.approx(ledger.cash[pool.account], rel=1e-9)
        held = np.delete(ledger.position[pool.share_instrument], pool.account)
        assert held.sum() + LOCKED == state["supply"]
        root = np.sqrt(float(state["base"]) * state["cash"]) / state["supply"]
        assert root >= before * (1 - 1e-15)
        return root

    def audit_totals(self):
        ledger, codes = self.ledger, self.ledger.population_of
        scale = np.abs(ledger.cash).sum()
        totals = np.bincount(codes, ledger.cash, minlength=ledger.cash_total.size)
        assert ledger.cash_total == pytest.approx(totals, abs=1e-9 * scale)
        for i, lots in enumerate(ledger.position):
            expected = np.bincount(codes, lots, minlength=ledger.cash_total.size)
            assert ledger.position_total[:, i].tolist() == expected.tolist()
        assert not ledger.contract_total.sum(axis=0).any()


@settings(deadline=None, max_examples=25, derandomize=True)
@given(
    seed=st.integers(0, 10**6),
    volatility=st.sampled_from([2.0, 12.0, 40.0]),
    step=st.sampled_from([0.5, 1.0, 3.0]),
    rate=st.sampled_from([0.1, 1.0, 4.0]),
    fund=st.sampled_from([0.0, 1e3, 1e7]),
    leverage=st.sampled_from([6.0, 30.0]),
    capital=st.sampled_from([0.001, 0.1]),
)
def test_whatever_is_sent_the_market_stays_whole(seed, volatility, step, rate, fund, leverage, capital):
    model = market(
        TWO_ASSETS,
        rng=seed,
        **{
            "time.steps": 25,
            "time.step_seconds": step,
            "assets.BTC.driver.volatility": volatility,
            "assets.ETH.driver.volatility": volatility,
            "populations.strangers.rate": rate,
            "populations.longs.leverage": leverage,
            "populations.dealers.capital": capital,
            "venues.liquidation.insurance_fund": fund,
        },
    )
    auditor = Auditor(model)
    auditor.audit()
    while model.running:
        model.step()
        auditor.audit()
    fills = model.tape.fills[: model.tape.counts[FILLS]]
    assert (np.diff(fills["seq"]) > 0).all()
    assert (fills["qty"] != 0).all()
    recording = model.recording()
    debts, table = model.waterfall.debts, recording.liquidations
    assert table["bad_debt"].sum() == pytest.approx(sum(d.amount for d in debts))
    paid = table[["insurance_paid", "socialised", "creditors_loss"]].sum().sum()
    assert paid == pytest.approx(table["bad_debt"].sum())


def test_two_correlated_assets_with_accounts_margined_across_them():
    model = market(TWO_ASSETS, rng=5, **{"populations.strangers.count": 1, "time.steps": 90})
    auditor, values = Auditor(model), []
    while model.running:
        model.step()
        auditor.audit()
        values.append(model.view.assets["value"].copy())
    returns = np.diff(np.log(values), axis=0)
    returns = returns[returns[:, 0] > -0.05]  # the scheduled shock hits one asset alone
    correlation = np.corrcoef(returns.T)[0, 1]
    assert abs(np.arctanh(correlation) - np.arctanh(0.7)) < 3 / np.sqrt(len(returns) - 3)

    pairs = next(p for p in model.populations if p.name == "pairs")
    perpetuals = np.flatnonzero(model.ledger.terms["kind"] == PERPETUAL)
    taken = [row for row in model.liquidations if row.account in pairs.accounts and row.is_takeover]
    legs = {account: [row for row in taken if row.account == account] for account in pairs.accounts}
    assert any({row.instrument for row in rows} == set(perpetuals) for rows in legs.values())
    for account, rows in legs.items():
        if rows:  # both legs stand for one debt, and go together
            assert len({(row.time, row.equity, row.maintenance) for row in rows}) == 1
            assert not model.ledger.position[perpetuals, account].any()

    fills = model.tape.fills[: model.tape.counts[FILLS]]
    assert (fills["reason"] == TAKEOVER).sum() >= len(taken)
    assert (fills["reason"] == EXPIRY).any()
    expired = fills["instrument"][fills["reason"] == EXPIRY] - OPTIONS
    assert set(model.ledger.universe.contracts["asset"][expired]) == {0, 1}
    assert model.residuals()["cash"] < 1e-12


def cross(model):
    book = next(v for v in model.venues if isinstance(v, OrderBook))
    book._header["bid"] = book._header["ask"]


def rob(model):
    pool = next(v for v in model.venues if isinstance(v, ConstantProduct))
    pool.state["cash"] *= 0.999


def mint(model):
    model.ledger.position[0, 7] += 1


@pytest.mark.parametrize(
    ("breakage", "complaint"), [(cross, "is crossed"), (rob, "invariant of .* fell"), (mint, "1 lots of")]
)
def test_a_step_that_breaks_what_always_holds_stops_the_run(breakage, complaint):
    model = market(TWO_ASSETS, rng=3)
    for _ in range(5):
        model.step()
    breakage(model)
    with pytest.raises(ArithmeticError, match=f"step 5: .*{complaint}"):
        model._settle(model.time)


def test_every_instrument_there_is_has_its_residual():
    model = market(TWO_ASSETS, rng=3)
    model.step()
    residuals = model.residuals()
    universe = model.ledger.universe
    assert list(residuals) == ["cash", *universe.names, *universe.contract_names]
    assert len(universe.contract_names) > 0
    assert all(isinstance(lots, int) and lots == 0 for name, lots in residuals.items() if name != "cash")
