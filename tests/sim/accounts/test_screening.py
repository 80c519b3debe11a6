"""Looking only at those who can have crossed a line gives what looking at everybody gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from places import TWO_ASSETS
from unscreened import everybody

import agents.hedging.hedger
from agents.hedging.kernels.banding import NET, SCREEN_ROWS, remember_deltas, unsettled
from agents.hedging.kernels.hedge import rescreen
from scenarios import load
from sim.accounts.margin.margin import Margin
from sim.kernels.accounts import margining, screening
from sim.kernels.accounts.changes import ROOM, no_changes
from sim.kernels.accounts.screening import Market, Reference
from sim.kernels.accounts.valuation import Holdings, Prices
from sim.kernels.base.flags import BLOCK, flag_columns
from sim.kernels.options import portfolio
from sim.kernels.options.greeks import WORK_ROWS
from sim.messages.view import ASSET, CONTRACT, TERMS

ROLLING: dict[str, Any] = {
    "populations.vaults.hedging": {"type": "band", "width": 0.05, "interval_seconds": 2.0},
    "populations.vaults.epoch_seconds": 7.3,
    "populations.vaults.first_epoch_seconds": {"dist": "uniform", "low": 3.0, "high": 20.0},
    "populations.dealers.hedging": {"type": "band", "width": 0.05, "interval_seconds": 0.5},
}
CRASHES: dict[str, Any] = {"time.steps": 240, "shocks.0.at": 60.0}
CASES: dict[str, tuple[str | Path, dict[str, Any]]] = {
    "a crash": ("short_gamma_crash", CRASHES),
    "a squeeze": ("gamma_squeeze", CRASHES),
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
    monkeypatch.setattr(agents.hedging.hedger, "unsettled", everybody)
    unscreened = outcome(case)
    assert len(screened["seq"]) > 500
    for column, values in screened.items():
        np.testing.assert_array_equal(values, unscreened[column], err_msg=column)


def test_a_row_whose_treasury_moves_is_looked_at() -> None:
    """Its net delta has changed without a trade."""
    model = load("gamma_squeeze").market()
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


def changed(accounts: list[int], before: int = 0) -> np.ndarray:
    """A log of so many changes nobody asks about, and then these."""
    log = no_changes()
    log[0] = before + len(accounts)
    for number, account in enumerate(accounts, before):
        log[1 + number % ROOM] = account
    return log


def listed(screen: np.ndarray, log: np.ndarray, since: int, first: int = 0) -> list[int]:
    """Rows that would be looked at if no price had moved."""
    rows = screen.shape[1]
    found, active = np.zeros(rows, np.int32), np.ones(rows, np.bool_)
    nothing = np.zeros(0, CONTRACT), 0, np.zeros((2, 0))
    count, _, read = unsettled(*nothing, screen, 0.0, first, log, since, active, *flag_columns(rows), found)
    assert read == log[0]
    return [int(row) for row in found[:count]]


def test_those_who_changed_since_are_looked_at_and_all_if_too_many_did() -> None:
    calm = np.full((SCREEN_ROWS, BLOCK + 20), 0.1, np.float32)
    assert listed(calm.copy(), changed([]), 0) == []
    assert listed(calm.copy(), changed([12, BLOCK + 13, 5, 9]), 0, first=10) == [2, BLOCK + 3]
    assert listed(calm.copy(), changed([7, 3], before=ROOM - 1), ROOM - 1) == [3, 7]
    assert listed(calm.copy(), changed([7, 3], before=ROOM - 1), ROOM) == [3]
    assert listed(calm.copy(), changed([4] * ROOM), 0) == [4]
    assert len(listed(calm.copy(), changed([4] * (ROOM + 1)), 0)) == BLOCK + 20


def test_who_is_to_be_looked_at_stays_so_until_it_is() -> None:
    screen = np.full((SCREEN_ROWS, 30), 0.1, np.float32)
    log = changed([4])
    assert listed(screen, log, 0) == [4]
    assert listed(screen, log, 1) == [4]
    assert np.isinf(screen[NET, 4])


def contracts_of(rng: np.random.Generator, count: int, scale: float) -> np.ndarray:
    contracts = np.zeros(count, CONTRACT)
    contracts["lot"] = 10.0 ** rng.integers(-4, 3)
    contracts["delta"] = rng.uniform(-1, 1, count)
    contracts["gamma"] = rng.normal(size=count) * scale
    return contracts


def test_nobody_out_of_band_is_screened_out() -> None:
    """Random books, bands down to nothing and gammas up to the absurd, moves of every size."""
    rng, outside = np.random.default_rng(1), 0
    for trial in range(300):
        count, rows, slots = (int(rng.integers(1, most)) for most in (8, 70, 5))
        contracts = contracts_of(rng, count, 10.0 ** rng.uniform(-12, 12))
        then = np.zeros((2, count))
        remember_deltas(contracts, then)
        held = rng.integers(-1, count, (slots, rows)).astype(np.int32)
        qty = np.where(held >= 0, rng.integers(-1000, 1000, (slots, rows)), 0)
        units = np.where(held >= 0, qty * contracts["lot"][held], 0.0)
        terms = np.zeros(1, TERMS)
        terms["lot"] = 10.0 ** rng.integers(-6, 2)
        neutral = -(units * then[0, held]).sum(axis=0) / terms["lot"]
        position = np.round(neutral).astype(np.int64)[None, :]
        band, scale = 10.0 ** rng.uniform(-40 if trial % 3 else -5, 1, rows), np.abs(units).sum(axis=0)
        screen = np.zeros((SCREEN_ROWS, rows), np.float32)
        pending = rng.integers(-1000, 1000, (1, rows)) * (trial % 2)
        own = np.zeros(1, np.int64), np.zeros((1, rows), np.int64), pending, position - pending, terms
        rescreen(0, 0, held, qty, contracts, then, *own, band, scale, screen)
        move = rng.normal() * 10.0 ** rng.uniform(-14, 6)
        surprise = rng.normal(size=count) * 10.0 ** rng.uniform(-15, 0)
        contracts["delta"] = then[0] + (then[1] * move if trial % 2 else 0.0) + surprise
        found, active = np.zeros(rows, np.int32), np.ones(rows, np.bool_)
        log = no_changes()
        counted, _, _ = unsettled(
            contracts, 0, then, screen, move, 0, log, 0, active, *flag_columns(rows), found
        )
        net = position[0] * terms["lot"] + (units * contracts["delta"][held]).sum(axis=0)
        is_out = ~(np.abs(net) <= band * scale)
        outside += int(is_out.sum())
        assert set(np.flatnonzero(is_out)) <= set(found[:counted].tolist())
    assert outside > 1000


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
