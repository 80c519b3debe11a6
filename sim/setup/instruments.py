"""Instruments: spot, perpetual, LP share, reserve and European option, and the universe of them.

Dense instruments (all but options) have a column for every account; option contracts are
numbered from `records.OPTIONS` and held sparsely. A reserve is cash that its owner keeps outside the
market: part of what the owner is worth, but of no account's equity, and out of reach of liquidations.
"""

from __future__ import annotations

from bisect import bisect_right

import numpy as np

from sim.messages.view import CONTRACT, TERMS
from sim.records import LP_SHARE, OPTIONS, PERPETUAL, RESERVE, SPOT

__all__ = ["LP_SHARE", "PERPETUAL", "RESERVE", "SPOT", "Universe"]

CENT = 0.01  # quote currency, a lot of a reserve


class Universe:
    """Every instrument of a market.

    Attributes
    ----------
    assets : list of str
    names : list of str
        Of the dense instruments.
    contract_names : list of str
        Of the option contracts.
    contracts : ndarray of CONTRACT
        Every contract ever listed; a new array when one is added.
    live : ndarray of int64, shape (R, 2)
        Those that have not expired, as runs of numbers, each from the first up to but without the
        last; a new array when one is listed or retires.
    retired : list of int
        The others, in the order in which they expired.
    """

    def __init__(self, assets: list[str]) -> None:
        self.assets = assets
        self.names: list[str] = []
        self.contract_names: list[str] = []
        self._terms: list[tuple[float, ...]] = []
        self._contracts = np.zeros(64, CONTRACT)
        self.contracts = self._contracts[:0]
        self._numbers: dict[tuple[int, float, float, bool], int] = {}
        self._runs: list[tuple[int, int]] = []
        self.live = np.zeros((0, 2), np.int64)
        self.retired: list[int] = []

    def add(
        self,
        kind: int,
        asset: int,
        lot: float,
        name: str,
        *,
        initial: float = 0.0,
        maintenance: float = 0.0,
        collateral: float = 1.0,
    ) -> int:
        """List a dense instrument and return its number; without rates it ties up no margin."""
        self.names.append(name)
        price, delta = float(kind == RESERVE), lot if kind <= PERPETUAL else 0.0
        self._terms.append((price, delta, 0.0, lot, initial, maintenance, collateral, kind, asset))
        return len(self.names) - 1

    def reserve(self) -> int:
        """Number of the reserve, in lots of a cent; lists it if it is new."""
        found = self.find(RESERVE, 0)
        return found if found >= 0 else self.add(RESERVE, 0, CENT, "reserve", collateral=0.0)

    def terms(self) -> np.ndarray:
        """A fresh array of TERMS rows, one per dense instrument."""
        return np.array(self._terms, TERMS)

    def find(self, kind: int, asset: int) -> int:
        """Number of the dense instrument of this kind and asset, -1 if none is listed."""
        for number, row in enumerate(self._terms):
            if row[-2] == kind and row[-1] == asset:
                return number
        return -1

    def list_contract(
        self, asset: int, strike: float, expiry: float, is_call: bool, volatility: float, lot: float
    ) -> int:
        """Instrument number of the option with these terms; lists it if it is new.

        Parameters
        ----------
        asset : int
        strike : float
            Quote currency.
        expiry : float
            Seconds since the start of the run.
        is_call : bool
        volatility : float
            Implied, per year; that of a contract listed before stays.
        lot : float
            Units of the underlying a lot.
        """
        key = (asset, float(strike), float(expiry), bool(is_call))
        if key in self._numbers:
            return self._numbers[key]
        number = len(self.contract_names)
        if number == self._contracts.size:
            larger = np.zeros(2 * number, CONTRACT)
            larger[:number] = self._contracts
            self._contracts = larger
        self._contracts[number] = (strike, expiry, volatility, 0, 0, 0, lot, asset, is_call, 1)
        kind = "C" if is_call else "P"
        self.contract_names.append(f"{self.assets[asset]}-{expiry:.0f}s-{strike:g}-{kind}")
        self.contracts = self._contracts[: number + 1]
        self._numbers[key] = OPTIONS + number
        first = self._runs.pop()[0] if self._runs and self._runs[-1][1] == number else number
        self._runs.append((first, number + 1))
        self._show_live()
        return OPTIONS + number

    def retire(self, number: int) -> None:
        """Let a contract that has expired cost nothing from now on; its number stays its own."""
        place = bisect_right(self._runs, number, key=lambda run: run[0]) - 1
        first, last = self._runs[place]
        left = (first, number), (number + 1, last)
        self._runs[place : place + 1] = [run for run in left if run[0] < run[1]]
        self.retired.append(number)
        self._show_live()

    def _show_live(self) -> None:
        self.live = np.array(self._runs, np.int64).reshape(-1, 2)
