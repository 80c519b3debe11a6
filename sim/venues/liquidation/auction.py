"""Auction: who takes the options of an account that is closed out, and at what price."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from pydantic import Field

from sim.kernels.accounts import margining
from sim.kernels.accounts.valuation import contracts_value
from sim.kernels.options.greeks import YEAR, greeks
from sim.kernels.options.portfolio import INITIAL
from sim.records import OPTIONS
from sim.setup.limits import FINEST, HIGHEST_VOLATILITY, MOST_UNITS
from sim.setup.listing import END_USERS
from sim.setup.misfit import Misfit
from sim.setup.parameters import PopulationName
from sim.setup.table import Parameters
from sim.venues.surroundings import Surroundings

ONE = np.ones(1)


class Rules(Parameters):
    """How options that are closed out are priced, and who may take them.

    Half a spread is quoted in volatility, as desks do: `spread` + `stress` x what realised volatility is
    above the contract's implied one + `size` x the units of the book over `daily_units`, `widest` at most;
    in money it is that times vega.

    Parameters
    ----------
    takers : list of str
        Populations that hold options and bid; nobody if empty.
    spread : float
        Of the smallest book in a quiet market, per year: .02 is two volatility points.
    stress : float
        Of what realised volatility is above implied.
    size : float
        Volatility, per year, that a book of a day's units adds.
    daily_units : float
        Units of options that trade in a day.
    widest : float
        Most that half a spread comes to, per year.
    limit : float
        Units of a contract that one taker takes at most in an auction.
    outside : float
        At how many half spreads end users take what no taker has margin for.
    """

    takers: list[PopulationName] = Field(default_factory=list)
    spread: float = Field(default=0.02, ge=0, le=HIGHEST_VOLATILITY)
    stress: float = Field(default=0.25, ge=0, le=1e3)
    size: float = Field(default=0.1, ge=0, le=HIGHEST_VOLATILITY)
    daily_units: float = Field(default=20_000.0, ge=FINEST, le=MOST_UNITS)
    widest: float = Field(default=0.3, ge=0, le=HIGHEST_VOLATILITY)
    limit: float = Field(default=100.0, ge=FINEST, le=MOST_UNITS)
    outside: float = Field(default=2.0, ge=1, le=1e3)


class Sale(NamedTuple):
    """Lots of a contract that an account trades (> 0 buys) with another, at a price a unit."""

    taker: int
    lots: int
    price: float


class Auction:
    """Shares out what is closed among takers in proportion to the margin they have free.

    A taker is asked for the initial margin of what it writes and for the premium of what it buys. It is not
    in breach, and has a slot for the contract. What is left when nobody has margin goes to end users.

    Leaves out: bids of takers that differ, and bids for books as a whole, in which hedges offset.

    Parameters
    ----------
    rules : Rules
    around : Surroundings

    Raises
    ------
    Misfit
        If a population that is to bid holds no options.
    """

    def __init__(self, rules: Rules, around: Surroundings) -> None:
        self._rules, self._view, self._ledger = rules, around.view, around.ledger
        bidders = [_holders_only(n, name, around) for n, name in enumerate(rules.takers)]
        self._accounts = np.concatenate([np.zeros(0, np.int64), *bidders]).astype(np.int32)
        self._holders = around.ledger.holder_of[self._accounts]
        self._free = np.zeros(around.ledger.cash.size)
        self._is_new = np.zeros((0, 0), np.bool_)

    def start(self) -> None:
        """Look at what takers have free; what they take from now on is kept here until it is posted."""
        if self._accounts.size:
            margining.free(self._accounts, self._view.holdings, self._view.prices, self._free)
        self._is_new = np.zeros((self._view.contracts.size, self._accounts.size), np.bool_)

    def half_spreads(self, instruments: np.ndarray, units: float, time: float) -> np.ndarray:
        """Half a spread a unit of each contract, for a book of so many units, quote currency.

        Parameters
        ----------
        instruments : ndarray of int64
        units : float
            Of all contracts that are closed together, bought or sold.
        time : float
            Seconds since the start.
        """
        own, rules = self._view.contracts[instruments - OPTIONS], self._rules
        assets = self._view.assets[own["asset"]]
        excess = np.maximum(assets["volatility"] - own["volatility"], 0.0)
        points = rules.spread + rules.stress * excess + rules.size * units / rules.daily_units
        points = np.minimum(points, rules.widest)
        out, zero = np.zeros((5, own.size)), np.zeros(own.size)
        years = np.maximum(own["expiry"] - time, 0.0) / YEAR
        terms = (
            np.ascontiguousarray(each) for each in (assets["mark"], own["strike"], years, own["volatility"])
        )
        greeks(*terms, zero, zero, own["is_call"] != 0, out)
        _, _, _, vega, _ = out
        halves: np.ndarray = points * vega
        return halves

    def sell(self, instrument: int, lots: int, half: float) -> list[Sale]:
        """Who takes the other side of so many lots (> 0 the account buys), and at what price a unit.

        Parameters
        ----------
        instrument : int
        lots : int
        half : float
            Half a spread, quote currency a unit.
        """
        price, side = float(self._view.contracts[instrument - OPTIONS]["price"]), 1 if lots > 0 else -1
        taken = self._shared(abs(lots), self._room(instrument, side), instrument, side)
        at = np.flatnonzero(taken)
        sales = [
            Sale(int(self._accounts[n]), side * int(taken[n]), max(price + side * half, 0.0)) for n in at
        ]
        left = abs(lots) - int(taken.sum())
        if left:
            sales.append(Sale(END_USERS, side * left, max(price + side * self._rules.outside * half, 0.0)))
        return sales

    def _charge(self, instrument: int, side: int) -> float:
        """Free margin that a lot uses up: of what is written its initial margin, else the premium."""
        number, prices = instrument - OPTIONS, self._view.prices
        if side > 0:
            return float(prices.margins[INITIAL, number + 1])
        return float(contracts_value(ONE, prices.contracts[number : number + 1]))

    def _room(self, instrument: int, side: int) -> np.ndarray:
        """Lots of a contract that each taker can take."""
        number, charge = instrument - OPTIONS, self._charge(instrument, side)
        held = self._ledger.contract[:, self._holders]
        vacant = (held < 0).sum(axis=0) > self._is_new.sum(axis=0)
        can_hold = (held == number).any(axis=0) | self._is_new[number] | vacant
        able = can_hold & ~self._view.is_in_breach[self._accounts]
        most = np.floor(self._rules.limit / float(self._view.contracts[number]["lot"]) + 1e-9)
        free = np.maximum(self._free[self._accounts], 0.0)
        lots = np.minimum(np.floor(free / charge), most) if charge > 0 else np.full(free.size, most)
        room: np.ndarray = np.where(able, lots, 0.0)
        return room

    def _shared(self, lots: int, room: np.ndarray, instrument: int, side: int) -> np.ndarray:
        """Lots that each taker takes: all it can, or in proportion; the largest remainders are rounded up."""
        total = float(room.sum())
        exact = room * min(lots / total, 1.0) if total > 0 else room
        taken = np.floor(exact).astype(np.int64)
        left = int(min(lots, total)) - int(taken.sum())
        taken[np.argsort(taken - exact, kind="stable")[:left]] += 1
        self._free[self._accounts] -= taken * self._charge(instrument, side)
        number = instrument - OPTIONS
        held = (self._ledger.contract[:, self._holders] == number).any(axis=0)
        self._is_new[number] |= (taken > 0) & ~held
        return taken


def _holders_only(place: int, name: str, around: Surroundings) -> np.ndarray:
    """Accounts of a population, which has to be one whose rows hold options."""
    holder_of = around.ledger.holder_of
    able = [each for each, own in around.accounts.items() if (holder_of[own] >= 0).all()]
    if name not in able:
        raise Misfit(f'"{name}" holds no options', ("auction", "takers", place), name, able)
    return around.accounts[name]
