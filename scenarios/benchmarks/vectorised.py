"""The peer for whole markets: hedgers in NumPy, the book by bourse.

It gets the background for nothing (orders made beforehand) and counts a hedge as filled
when sent, because reading trades back would cost bourse more than matching them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from scipy.special import ndtr

from scenarios.benchmarks.background import NO_SLOT, Step
from scenarios.benchmarks.book import HIGHEST, NEW, OLD
from sim.accounts.margin.requirement import Requirement
from sim.kernels.options.greeks import INV_SQRT_2PI, YEAR

RULE = Requirement()
Totals = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]
ROOM = 1_000_000  # of bourse's clock between steps, far more than messages in one


@dataclass(frozen=True)
class Books:
    """What hedgers hold: contracts and how many units of each.

    Parameters
    ----------
    strike, expiry, volatility, is_call : ndarray, shape (M,)
        Of every contract; expiry in seconds since the start.
    contract : ndarray of int64, shape (S, N)
        Contract in each slot of each hedger.
    units : ndarray of float64, shape (S, N)
        Units held, 0 in an empty slot.
    band : ndarray of float64, shape (N,)
        Half width, units.
    account : ndarray of int64, shape (N,)
    cash : ndarray of float64, shape (N,)
    """

    strike: np.ndarray
    expiry: np.ndarray
    volatility: np.ndarray
    is_call: np.ndarray
    contract: np.ndarray
    units: np.ndarray
    band: np.ndarray
    account: np.ndarray
    cash: np.ndarray


def books_of(model: Any, name: str) -> Books:
    """The books of a population of option dealers as they stand."""
    dealers = next(p for p in model.populations if p.name == name)
    ledger = model.ledger
    rows = ledger.holder_of[dealers.accounts]
    contracts = ledger.universe.contracts
    held = np.maximum(ledger.contract[:, rows], 0).astype(np.int64)
    return Books(
        contracts["strike"].copy(),
        contracts["expiry"].copy(),
        contracts["volatility"].copy(),
        contracts["is_call"] != 0,
        held,
        ledger.qty[:, rows] * contracts["lot"][held],
        dealers.hedger.policy.width * dealers.gross,
        dealers.accounts,
        ledger.cash[dealers.accounts],
    )


def valued(
    spot: float, strike: np.ndarray, years: np.ndarray, volatility: np.ndarray, put: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Price, delta and gamma at rates zero."""
    total = volatility * np.sqrt(years)
    d1 = np.log(spot / strike) / total + 0.5 * total
    asset, cash = ndtr(d1), ndtr(d1 - total)
    price = spot * asset - strike * cash - put * (spot - strike)
    return price, asset - put, INV_SQRT_2PI * np.exp(-0.5 * d1 * d1) / (spot * total)


def short_margin(spot: float, strike: np.ndarray, put: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Margin of one option sold: the rule of `sim.accounts.margin.standard`, but for puts worth much."""
    away = np.maximum(np.where(put > 0.0, spot - strike, strike - spot), 0.0)
    initial = np.maximum(RULE.option_initial * spot - away, RULE.option_floor * spot)
    return initial, np.full_like(initial, RULE.option_maintenance * spot)


class OwnOptions:
    """Every hedger values each option it holds."""

    def __init__(self, books: Books) -> None:
        held = books.contract
        self._strike, self._expiry, self._volatility = (
            column[held] for column in (books.strike, books.expiry, books.volatility)
        )
        self._put = np.where(books.is_call, 0.0, 1.0)[held]
        self._units, self._sold = books.units, np.maximum(-books.units, 0.0)

    def totals(self, spot: float, now: float) -> Totals:
        """Value, delta, gamma, initial and maintenance margin of every hedger's options."""
        years = (self._expiry - now) / YEAR
        held = valued(spot, self._strike, years, self._volatility, self._put)
        sold = short_margin(spot, self._strike, self._put)
        value, delta, gamma = (np.einsum("ij,ij->j", self._units, column) for column in held)
        initial, maintenance = (np.einsum("ij,ij->j", self._sold, column) for column in sold)
        return value, delta, gamma, initial, maintenance


class SharedContracts:
    """Every contract is valued once; the books are a sparse matrix over contracts."""

    def __init__(self, books: Books) -> None:
        self._books, self._put = books, np.where(books.is_call, 0.0, 1.0)
        slots, rows = books.units.shape
        shape, ends = (rows, books.strike.size), np.arange(0, slots * rows + 1, slots)
        units, contract = books.units.T.ravel(), books.contract.T.ravel()
        self._held = csr_array((units, contract, ends), shape)
        self._sold = csr_array((np.maximum(-units, 0.0), contract, ends), shape)

    def totals(self, spot: float, now: float) -> Totals:
        """Value, delta, gamma, initial and maintenance margin of every hedger's options."""
        books = self._books
        held = valued(spot, books.strike, (books.expiry - now) / YEAR, books.volatility, self._put)
        sold = short_margin(spot, books.strike, self._put)
        value, delta, gamma = (self._held @ column for column in held)
        initial, maintenance = (self._sold @ column for column in sold)
        return value, delta, gamma, initial, maintenance


class VectorisedMarket:
    """Background, hedgers and book, a step at a time.

    Each step values the books, works out equity and margin and who is in breach or may not
    trade, hedges the rows outside their bands by market orders, and sums cash, positions,
    delta and gamma for a series.

    Parameters
    ----------
    bourse : module
    background : list of Step
    slots : int
    books : Books
    valuation : OwnOptions or SharedContracts
    spot : float
        At the start; the hedgers start delta neutral.
    tick, lot, step_seconds : float
    """

    def __init__(
        self,
        bourse: Any,
        background: list[Step],
        slots: int,
        books: Books,
        valuation: OwnOptions | SharedContracts,
        spot: float,
        tick: float,
        lot: float,
        step_seconds: float,
    ) -> None:
        self._market = bourse.core.StepEnvNumpy(7, 0, 1, ROOM)
        self._steps = [_instructions(step) for step in background]
        self._number = np.zeros(slots + 1, np.uint64)  # bourse's number of each slot; the last is scrap
        self._submitted = 0
        self._books, self._valuation = books, valuation
        self._account = books.account.astype(np.uint32)
        self._tick, self._lot, self._step_seconds = tick, lot, step_seconds
        self._mid, self.steps_taken = spot, 0
        delta = valuation.totals(spot, 0.0)[1]
        self.position = np.round(-delta / lot)
        self.cash = books.cash - self.position * lot * spot
        self.orders, self.breaches = 0, np.zeros(0, np.int64)
        self.series: list[tuple[float, ...]] = []

    def step(self) -> None:
        """Run one step."""
        self._send_background()
        totals = self._valuation.totals(self._mid, self.steps_taken * self._step_seconds)
        self._hedge(totals)
        self._market.step()
        self._look()
        sums = (self.cash.sum(), self.position.sum(), totals[1].sum(), totals[2].sum())
        self.series.append((self._mid, *sums, float(self.breaches.size)))
        self.steps_taken += 1

    def _send_background(self) -> None:
        columns, cancelled, slot = self._steps[self.steps_taken]
        columns[5][: cancelled.size] = self._number[cancelled]
        self._market.submit_instructions(columns)
        self._number[slot] = np.arange(self._submitted, self._submitted + slot.size)
        self._submitted += slot.size

    def _hedge(self, totals: Totals) -> None:
        value, delta, _, initial, maintenance = totals
        held = self.position * self._lot
        equity, notional = self.cash + value + held * self._mid, np.abs(held) * self._mid
        self.breaches = np.flatnonzero(equity < maintenance + RULE.maintenance * notional)
        net = delta + held
        is_due = np.abs(net) > self._books.band
        is_due &= equity > initial + RULE.initial * notional
        self._send(np.flatnonzero(is_due), net)

    def _send(self, rows: np.ndarray, net: np.ndarray) -> None:
        lots = np.round(-net[rows] / self._lot)
        is_buy = lots > 0
        size, price = np.abs(lots).astype(np.uint32), np.where(is_buy, HIGHEST, 0).astype(np.uint32)
        self._market.submit_limit_orders((is_buy, size, self._account[rows], price))
        self.position[rows] += lots
        self.cash[rows] -= lots * self._lot * self._mid
        self._submitted += rows.size
        self.orders += rows.size

    def _look(self) -> None:
        _, bid, ask, *_ = self._market.level_1_data()
        if 0 < bid < ask < HIGHEST:
            self._mid = 0.5 * self._tick * (float(bid) + float(ask))


def _instructions(step: Step) -> tuple[tuple[np.ndarray, ...], np.ndarray, np.ndarray]:
    """A step as bourse takes it, with room in front for the cancels; slots cancelled and new."""
    cancels, news = step.cancelled.size, step.slot.size
    price = np.where(step.slot == NO_SLOT, np.where(step.is_buy, HIGHEST, 0), step.price)
    kind = np.repeat([OLD, NEW], [cancels, news]).astype(np.uint32)
    padded = [np.pad(column, (cancels, 0)) for column in (step.is_buy, step.lots, step.account, price)]
    small = [column.astype(np.uint32) for column in padded[1:]]
    return (kind, padded[0], *small, np.zeros(cancels + news, np.uint64)), step.cancelled, step.slot
