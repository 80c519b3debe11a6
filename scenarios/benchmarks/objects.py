"""The plain peer for whole markets: a Mesa agent per hedger, and a book of Python heaps."""

from __future__ import annotations

import heapq
import math
from typing import Any

import mesa

from scenarios.benchmarks.background import NO_SLOT, Step
from scenarios.benchmarks.vectorised import RULE, Books
from sim.kernels.options.greeks import INV_SQRT_2PI, YEAR

HALF_SQRT = math.sqrt(0.5)


class HeapBook:
    """Price-time priority by two heaps; fills are not recorded.

    Attributes
    ----------
    left : dict of int to int
        Lots left of every resting order, by slot.
    """

    def __init__(self) -> None:
        self.left: dict[int, int] = {}
        self._asks: list[tuple[int, int, int]] = []
        self._bids: list[tuple[int, int, int]] = []
        self._arrivals = 0

    def limit(self, slot: int, is_buy: bool, lots: int, price: int) -> None:
        """Trade what crosses, rest the rest."""
        lots = self._match(is_buy, lots, price)
        if lots:
            self.left[slot] = lots
            self._arrivals += 1
            side, key = (self._bids, -price) if is_buy else (self._asks, price)
            heapq.heappush(side, (key, self._arrivals, slot))

    def market(self, is_buy: bool, lots: int) -> None:
        """Trade at any price."""
        self._match(is_buy, lots, None)

    def cancel(self, slot: int) -> None:
        """Take an order out, if it still rests."""
        self.left.pop(slot, None)

    def best(self, is_bid: bool) -> int | None:
        """Best price of a side, ticks."""
        side, left = (self._bids if is_bid else self._asks), self.left
        while side and side[0][2] not in left:
            heapq.heappop(side)
        return abs(side[0][0]) if side else None

    def _match(self, is_buy: bool, lots: int, limit: int | None) -> int:
        side, left = (self._asks if is_buy else self._bids), self.left
        worst = math.inf if limit is None else limit if is_buy else -limit
        while lots and side and side[0][0] <= worst:
            slot = side[0][2]
            resting = left.get(slot, 0)
            if resting > lots:
                left[slot] = resting - lots
                return 0
            lots -= resting
            left.pop(slot, None)
            heapq.heappop(side)
        return lots


class Hedger(mesa.Agent):  # type: ignore[misc]  # Mesa ships no types
    """One hedger with its options: its delta and the band, and no account.

    Parameters
    ----------
    model : ObjectMarket
    options : list of tuple
        Strike, expiry (s), volatility, whether a call, units.
    band : float
        Half width, units.
    cash : float
        Opening cash, for those that keep an account.
    """

    def __init__(
        self, model: Any, options: list[tuple[float, float, float, bool, float]], band: float, cash: float
    ) -> None:
        super().__init__(model)
        self.options, self.band = options, band
        self.position = -round(self.delta(model.mid, 0.0) / model.lot) * model.lot

    def delta(self, spot: float, now: float) -> float:
        """Delta of the options, units."""
        total = 0.0
        for strike, expiry, volatility, is_call, units in self.options:
            deviation = volatility * math.sqrt((expiry - now) / YEAR)
            d1 = math.log(spot / strike) / deviation + 0.5 * deviation
            below = 0.5 + 0.5 * math.erf(d1 * HALF_SQRT)
            total += units * (below if is_call else below - 1.0)
        return total

    def step(self) -> None:
        """Hedge if the net delta is outside the band."""
        model = self.model
        self.trade(self.delta(model.mid, model.now) + self.position)

    def trade(self, net: float) -> None:
        """Bring a net delta outside the band back to zero."""
        if abs(net) > self.band:
            model = self.model
            lots = round(-net / model.lot)
            model.book.market(lots > 0, abs(lots))
            self.position += lots * model.lot


class Account(Hedger):
    """A hedger with an account: what it is worth, its margin, and whether it may trade.

    The work of `vectorised.VectorisedMarket`, by the same formulas.
    """

    def __init__(
        self, model: Any, options: list[tuple[float, float, float, bool, float]], band: float, cash: float
    ) -> None:
        super().__init__(model, options, band, cash)
        self.cash = cash - self.position * model.mid

    def step(self) -> None:
        """Look at the account, and hedge if the net delta is outside the band."""
        model = self.model
        spot = model.mid
        value, delta, gamma, initial, maintenance = self.valued(spot, model.now)
        notional = abs(self.position) * spot
        equity = self.cash + value + self.position * spot
        if equity < maintenance + RULE.maintenance * notional:
            model.breaches += 1
        if equity > initial + RULE.initial * notional:
            before = self.position
            self.trade(delta + self.position)
            self.cash -= (self.position - before) * spot
        model.delta += delta
        model.gamma += gamma
        model.cash += self.cash
        model.position += self.position

    def valued(self, spot: float, now: float) -> tuple[float, float, float, float, float]:
        """Value, delta, gamma, initial and maintenance margin of the options."""
        value = delta = gamma = initial = maintenance = 0.0
        for strike, expiry, volatility, is_call, units in self.options:
            deviation = volatility * math.sqrt((expiry - now) / YEAR)
            d1 = math.log(spot / strike) / deviation + 0.5 * deviation
            asset = 0.5 + 0.5 * math.erf(d1 * HALF_SQRT)
            cash = 0.5 + 0.5 * math.erf((d1 - deviation) * HALF_SQRT)
            put = 0.0 if is_call else 1.0
            value += units * (spot * asset - strike * cash - put * (spot - strike))
            delta += units * (asset - put)
            gamma += units * INV_SQRT_2PI * math.exp(-0.5 * d1 * d1) / (spot * deviation)
            if units < 0.0:
                away = max(strike - spot if is_call else spot - strike, 0.0)
                initial -= units * max(RULE.option_initial * spot - away, RULE.option_floor * spot)
                maintenance -= units * RULE.option_maintenance * spot
        return value, delta, gamma, initial, maintenance


class ObjectMarket(mesa.Model):  # type: ignore[misc]  # Mesa ships no types
    """Background, hedgers and book, a step at a time.

    Parameters
    ----------
    background : list of Step
    books : Books
    spot, tick, lot, step_seconds : float
    hedger : Hedger or Account
        What each is.
    """

    def __init__(
        self,
        background: list[Step],
        books: Books,
        spot: float,
        tick: float,
        lot: float,
        step_seconds: float,
        hedger: type[Hedger],
    ) -> None:
        super().__init__(rng=1)
        self.book, self.mid, self.now, self.lot = HeapBook(), spot, 0.0, lot
        self._tick, self._step_seconds, self._taken = tick, step_seconds, 0
        self._background = [_plain(step) for step in background]
        columns = (books.strike, books.expiry, books.volatility, books.is_call)
        strike, expiry, volatility, is_call = (column.tolist() for column in columns)
        self.delta = self.gamma = self.cash = self.position = self.breaches = 0.0
        self.series: list[tuple[float, ...]] = []
        rows = books.contract.T.tolist(), books.units.T.tolist(), books.band.tolist(), books.cash.tolist()
        for held, units, band, cash in zip(*rows, strict=True):
            options = [
                (strike[c], expiry[c], volatility[c], is_call[c], u)
                for c, u in zip(held, units, strict=True)
                if u
            ]
            hedger(self, options, band, cash)

    def step(self) -> None:
        """Run one step."""
        cancelled, sent = self._background[self._taken]
        for slot in cancelled:
            self.book.cancel(slot)
        for slot, is_buy, lots, price in sent:
            if slot == NO_SLOT:
                self.book.market(is_buy, lots)
            else:
                self.book.limit(slot, is_buy, lots, price)
        self.delta = self.gamma = self.cash = self.position = self.breaches = 0.0
        self.agents.do("step")
        bid, ask = self.book.best(True), self.book.best(False)
        if bid is not None and ask is not None:
            self.mid = 0.5 * self._tick * (bid + ask)
        self.series.append((self.mid, self.cash, self.position, self.delta, self.gamma, self.breaches))
        self._taken += 1
        self.now = self._taken * self._step_seconds


def _plain(step: Step) -> tuple[list[int], list[tuple[int, bool, int, int]]]:
    columns = (step.slot, step.is_buy, step.lots, step.price)
    return step.cancelled.tolist(), list(zip(*(c.tolist() for c in columns), strict=True))
