"""Option books: who holds which options at the end of a run, and what they are worth.

A recording keeps every fill but no book of options, so positions are added up from fills.
A contract's terms are in its name; its volatility is the one at which its last fill before
expiry was worth its price at the mark of the step before, and it is valued with that at any
mark and time (Black & Scholes 1973, rates zero). Exact where a contract's volatility stays
what it was and its fills are at model value, as they are without a desk's spread.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from analysis.base.metric import Undefined
from analysis.base.series import series
from sim.kernels.options.greeks import YEAR, greeks
from sim.kernels.options.implied import implied_volatility
from sim.recording.recording import Recording
from sim.records import CLOSE_OUT, EXPIRY, TAKEOVER

UNPRICED = (EXPIRY, CLOSE_OUT, TAKEOVER)
"""Reasons of fills whose price is not a market's or a desk's."""


class Contracts(NamedTuple):
    """Terms of option contracts, as columns.

    Attributes
    ----------
    number : ndarray of int
        Among the recording's instruments.
    asset : ndarray of int
        Code of the underlying.
    strike, expiry, volatility : ndarray of float64
        Quote currency, seconds since the start, per year.
    is_call : ndarray of bool
    lot : ndarray of float64
        Units a lot.
    """

    number: np.ndarray
    asset: np.ndarray
    strike: np.ndarray
    expiry: np.ndarray
    volatility: np.ndarray
    is_call: np.ndarray
    lot: np.ndarray

    def greeks(self, price: np.ndarray, time: np.ndarray | float) -> np.ndarray:
        """Price, delta, gamma, vega and theta of a unit of each at its asset's price, shape (5, n)."""
        out, zero = np.zeros((5, self.number.size)), np.zeros(self.number.size)
        years = np.maximum(self.expiry - time, 0.0) / YEAR
        spot = np.ascontiguousarray(price, float)
        greeks(spot, self.strike, years, self.volatility, zero, zero, self.is_call, out)
        return out


class OptionBooks(NamedTuple):
    """The live options of a run at its end.

    Attributes
    ----------
    contracts : Contracts
        Those that have not expired, n of them.
    units : sparse array, shape (A, n)
        Held by each account, below zero where it wrote them.
    marks : ndarray of float64, shape (n,)
        Last mark of each contract's asset.
    time : float
        End of the run, seconds since the start.
    """

    contracts: Contracts
    units: sparse.csr_array
    marks: np.ndarray
    time: float

    def prices(self, move: float = 0.0) -> np.ndarray:
        """Worth of a unit of each contract, were every mark a fraction `move` higher, shape (n,)."""
        worth: np.ndarray = self.contracts.greeks(self.marks * (1 + move), self.time)[0]
        return worth

    def values(self, move: float = 0.0) -> np.ndarray:
        """Net worth of the options of every account, quote currency, shape (A,)."""
        worth: np.ndarray = self.units @ self.prices(move)
        return worth

    def gammas(self, asset: int) -> np.ndarray:
        """Net gamma of every account in one asset, units per unit of price, shape (A,)."""
        own = self.contracts.greeks(self.marks, self.time)[2] * (self.contracts.asset == asset)
        total: np.ndarray = self.units @ own
        return total

    def owed(self, move: float = 0.0) -> sparse.csr_array:
        """What each account owes each other for options it wrote, quote currency, shape (A, A).

        Notes
        -----
        Contract by contract, writers owe holders in proportion to what these hold; contracts are
        not netted against each other.
        """
        written, held = (-self.units).maximum(0), self.units.maximum(0)
        total = np.asarray(held.sum(axis=0), float).ravel()
        worth = np.divide(self.prices(move), total, out=np.zeros_like(total), where=total > 0)
        return sparse.csr_array(written @ sparse.diags_array(worth) @ held.T)


def option_books(recording: Recording) -> OptionBooks:
    """The live options of a recording at its end; empty where none was traded.

    Raises
    ------
    Undefined
        If no step or no account was recorded, or an opening price is missing.
    """
    time = float(series(recording, "time_s")[-1])
    contracts = _contracts(recording, time)
    last = np.array([series(recording, f"{name}.mark")[-1] for name in recording.names("assets")])
    accounts = recording.table("populations").num_rows
    if accounts == 0:
        raise Undefined("the recording holds no accounts")
    units = np.zeros(0), (np.zeros(0, int), np.zeros(0, int))
    if contracts.number.size:
        units = _positions(recording, contracts)
    held = sparse.csr_array(units, shape=(accounts, contracts.number.size))
    return OptionBooks(contracts, held, last[contracts.asset], time)


def _positions(
    recording: Recording, contracts: Contracts
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Units that fills gave to takers and took from makers: values, and their account and contract."""
    column = np.full(len(recording.names("instruments")) + 1, -1)
    column[contracts.number] = np.arange(contracts.number.size)
    contract = column[recording.column("fills", "instrument")]
    own = contract >= 0
    contract = contract[own]
    units = recording.column("fills", "qty")[own] * contracts.lot[contract]
    maker, taker = (recording.column("fills", side)[own] for side in ("maker", "taker"))
    accounts = np.concatenate([taker, maker])
    return np.concatenate([units, -units]), (accounts, np.tile(contract, 2))


def _contracts(recording: Recording, time: float) -> Contracts:
    """The contracts that expire after a time and were ever traded, with their volatilities."""
    assets, lots = list(recording.names("assets")), _lots(recording)
    rows = []
    for code, name in enumerate(recording.names("instruments")):
        parts = name.rsplit("-", 3)
        if len(parts) == 4 and parts[0] in assets and parts[1].endswith("s") and parts[3] in "CP":
            own = assets.index(parts[0])
            rows.append((code, own, float(parts[2]), float(parts[1][:-1]), parts[3] == "C", lots[own]))
    table = np.array([row for row in rows if row[3] > time], float).reshape(-1, 6).T
    number, asset = table[0].astype(int), table[1].astype(int)
    strike, expiry, lot = (np.ascontiguousarray(table[row]) for row in (2, 3, 5))
    bare = Contracts(number, asset, strike, expiry, np.zeros(number.size), table[4] == 1, lot)
    return _priced(recording, bare)


def _priced(recording: Recording, contracts: Contracts) -> Contracts:
    """The contracts that have a fill with a price, and their volatility at the last of these."""
    fill = recording.column("fills", "instrument")
    is_priced = ~np.isin(recording.column("fills", "reason"), UNPRICED)
    last = np.full(len(recording.names("instruments")) + 1, -1)
    last[fill[is_priced]] = np.flatnonzero(is_priced)
    at = last[contracts.number]
    kept = Contracts(*(column[at >= 0] for column in contracts))
    at = at[at >= 0]
    price, time, step = (recording.column("fills", name)[at] for name in ("price", "time", "step"))
    spot, zero = _mark_before(recording, kept.asset, step), np.zeros(at.size)
    found = np.zeros(at.size)
    years = (kept.expiry - time) / YEAR
    implied_volatility(price, spot, kept.strike, years, zero, zero, kept.is_call, found)
    return kept._replace(volatility=np.nan_to_num(found))


def _mark_before(recording: Recording, asset: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Mark of each asset at the end of the step before each step; the opening price before the first."""
    paths = np.stack([_marks(recording, entry) for entry in recording.market["assets"]])
    first = recording.column("series", "step")[0]
    before: np.ndarray = paths[asset, np.clip(step - first, 0, paths.shape[1] - 1)]
    return before


def _marks(recording: Recording, entry: dict[str, Any]) -> np.ndarray:
    """Opening price of an asset and its mark at the end of every step."""
    if "spot" not in entry:
        raise Undefined(f"the recording does not say at what price {entry['name']} opened")
    return np.concatenate([[float(entry["spot"])], series(recording, f"{entry['name']}.mark")])


def _lots(recording: Recording) -> list[float]:
    """Units in a lot of every option of each asset: the lot of the asset's first venue, else 1."""
    found = []
    for name in recording.names("assets"):
        own = [v["lot"] for v in recording.market["venues"] if v["asset"] == name and v["lot"] > 0]
        found.append(float(own[0]) if own else 1.0)
    return found


def need_options(books: OptionBooks) -> OptionBooks:
    """The same books.

    Raises
    ------
    Undefined
        If nobody holds any option.
    """
    if books.units.count_nonzero() == 0:
        raise Undefined("nobody holds an option at the end of the run")
    return books
