"""Looking only at those who can have crossed a line gives what looking at everybody gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from places import TWO_ASSETS
from random_contracts import contracts_of

from agents.hedging.policies.band import Band
from scenarios import load
from sim.accounts.margin.margin import Margin
from sim.kernels.accounts import margining, screening
from sim.kernels.accounts.changes import ROOM, no_changes
from sim.kernels.accounts.screening import Market, Reference
from sim.kernels.accounts.valuation import Holdings, Prices
from sim.kernels.base.flags import flag_columns
from sim.kernels.options import portfolio
from sim.kernels.options.greeks import WORK_ROWS
from sim.messages.view import ASSET, TERMS

ROLLING: dict[str, Any] = {
    "populations.vaults.hedging": {"type": "band", "width": 0.05, "interval_seconds": 2.0},
    "populations.vaults.epoch_seconds": 7.3,
    "populations.vaults.first_epoch_seconds": {"dist": "uniform", "low": 3.0, "high": 20.0},
    "populations.dealers.hedging": {"type": "band", "width": 0.05, "interval_seconds": 0.5},
}
CRASHES: dict[str, Any] = {"time.steps": 240, "shocks.0.at": 60.0}
CASES: dict[str, tuple[str | Path, dict[str, Any]]] = {
    "a crash": ("linear_crash", CRASHES),
    "a rally": ("short_call_rally", CRASHES),
    "two assets, vaults that roll": (TWO_ASSETS, ROLLING),
}


def outcome(case: str) -> dict[str, np.ndarray]:
    name, changes = CASES[case]
    recording = load(name, changes).market().run()
    fills = {name: recording.column("fills", name) for name in ("seq", "price", "qty", "taker", "maker")}
    series = {name: recording.column("series", name) for name in recording.table("series").column_names}
    return {**fills, **series, "seized": recording.column("liquidations", "account")}


@pytest.mark.parametrize("case", CASES)
def test_screened_and_unscreened_runs_are_the_same(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    screened = outcome(case)
    monkeypatch.setattr(Margin, "watch", Margin.run)
    monkeypatch.setattr(Band, "reach", None)
    unscreened = outcome(case)
    assert len(screened["seq"]) > 500
    for column, values in screened.items():
        np.testing.assert_array_equal(values, unscreened[column], err_msg=column)


def test_a_row_whose_treasury_moves_is_looked_at() -> None:
    """Its net delta has changed without a trade."""
    model = load("short_call_rally").market()
    for _ in range(30):
        model.step()
    dealers = next(population for population in model.populations if population.name == "dealers")
    own = dealers.first + np.arange(10)
    before = int(model.ledger.changes[0])
    for row in range(10):
        dealers.hedger.move_treasury(row, int(dealers.hedger.instruments[0]), 10_000)
    for _ in range(10):
        model.step()
    kept = model.ledger.changes[1 + np.arange(before, int(model.ledger.changes[0])) % ROOM]
    assert np.isin(own, kept).all()


class Crowd:
    """Random accounts on spot, perpetuals and options of two assets, all near their line."""

    def __init__(self, rng: np.random.Generator) -> None:
        assets, accounts, count = 2, int(rng.integers(1, 60)), int(rng.integers(1, 6))
        prices = 10.0 ** rng.uniform(-4, 5, assets)
        self.rng, self.accounts = rng, accounts
        self.assets, self.terms = np.zeros(assets, ASSET), np.zeros(2 * assets, TERMS)
        for field in ("mid", "mark", "index", "value"):
            self.assets[field] = prices
        for k in range(assets):
            lot = 10.0 ** rng.integers(-4, 2)
            self.terms[2 * k] = (prices[k], 1, 0, lot, 0, 0, 0.9, 0, k)
            self.terms[2 * k + 1] = (prices[k], 1, 0, lot, 0.02, 0.01, 1, 1, k)
        self.contracts = contracts_of(rng, count, 1.0)
        self.contracts["asset"] = rng.integers(0, assets, count)
        self.contracts["strike"] = prices[self.contracts["asset"]] * rng.uniform(0.5, 1.5, count)
        self.contracts["expiry"], self.contracts["volatility"] = 86400.0 * 9, 0.8
        self.contracts["is_live"] = 1
        rates, live = np.tile([0.15, 0.1, 0.075], (assets, 1)), np.array([[0, count]])
        self.market = Market(self.contracts, live, self.assets, self.terms, rates)
        worth, margins = np.zeros((WORK_ROWS, count + 1)), np.zeros((2, count + 1))
        self.prices = Prices(self.terms, self.contracts, worth, margins)
        self.price(0.0)
        self.reference = Reference(np.zeros(count), np.ones(assets), np.ones(assets), np.zeros(2 * assets))
        screening.remember(self.market, self.reference)
        position = rng.integers(-1000, 1000, (2 * assets, accounts))
        position[::2] = np.abs(position[::2])
        held = rng.integers(-1, count, (2, accounts)).astype(np.int32)
        qty = np.where(held >= 0, rng.integers(-50, 50, (2, accounts)), 0)
        own = position, np.arange(accounts, dtype=np.int32), held, qty
        self.everybody, self.rule_of = np.arange(accounts, dtype=np.int32), np.zeros(accounts, np.int16)
        self.holdings = Holdings(np.zeros(accounts), *own)
        equity, needed = self.examined(self.everybody)
        gross = np.abs(position * self.terms["lot"][:, None] * self.terms["price"][:, None]).sum(axis=0)
        self.holdings.cash[:] = needed - equity + gross * 10.0 ** rng.uniform(-9, 0, accounts)
        self.slack = np.full(accounts, -np.inf, np.float32)

    def price(self, now: float) -> None:
        portfolio.price(self.market, now, self.prices.worth, self.prices.margins)

    def examined(self, accounts: np.ndarray) -> np.ndarray:
        """Equity and maintenance of these accounts, zeros for others."""
        worth = np.zeros((2, self.accounts))
        margining.assess(accounts, self.holdings, self.prices, *worth)
        return worth

    def breaches(self, accounts: np.ndarray, worth: np.ndarray) -> list[int]:
        found = np.zeros(self.accounts, np.int32)
        return [int(a) for a in found[: margining.breaches(accounts, *worth, found)]]

    def screened(self) -> list[int]:
        """Accounts in breach, looking at suspects only; many that are near renew the reference."""
        found = np.zeros(self.accounts, np.int32)
        log = self.rule_of, self.slack, no_changes(), 0, *flag_columns(self.accounts), found
        count, near, drift, _ = screening.suspects(self.market, self.reference, 0.0, *log)
        own = found[:count]
        if near > 0.02 * self.accounts + 1 and drift > 0.0:
            screening.remember(self.market, self.reference)
            own, drift = self.everybody, 0.0
        worth, now = np.zeros((2, self.accounts)), (self.holdings, self.prices)
        screening.assess_and_screen(own, *now, self.reference, drift, *worth, self.slack)
        return self.breaches(own, worth)

    def exactly(self) -> list[int]:
        return self.breaches(self.everybody, self.examined(self.everybody))

    def move(self, now: float) -> None:
        factor = 1 + self.rng.normal(size=self.assets.size) * 10.0 ** self.rng.uniform(-8, -1)
        for field in ("mid", "mark", "index"):
            self.assets[field] *= factor
        self.terms["price"] = self.assets["mark"][self.terms["asset"]]
        self.price(now)


def test_nobody_in_breach_is_screened_out() -> None:
    """Whatever prices do, and through renewals of the reference."""
    rng, breaches = np.random.default_rng(2), 0
    for _ in range(150):
        crowd = Crowd(rng)
        for step in range(6):
            found = crowd.screened()
            assert found == crowd.exactly()
            breaches += len(found)
            crowd.move(600.0 * step)
    assert breaches > 1000
