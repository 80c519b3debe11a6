"""Profiles: net gamma, and positions that would be liquidated, by price; and how dense these are now."""

from __future__ import annotations

import numpy as np

from sim.accounts.ledger import Ledger
from sim.accounts.margin.margin import Margin
from sim.base.typed_call import TypedCall
from sim.kernels.options.greeks import delta_gamma
from sim.kernels.recording import gain
from sim.messages.view import View
from sim.records import PERPETUAL
from sim.setup.listing import SECONDS_PER_YEAR

REFRESH = 5.0  # s, between counts of liquidation thresholds at most,
ACCOUNTS_PER_SECOND = 100_000  # or a second for so many accounts, if that is longer
GRID = np.linspace(0.7, 1.3, 241)  # prices, as fractions of the mid


def gammas(ledger: Ledger, view: View, asset: int, prices: np.ndarray) -> dict[int, np.ndarray]:
    """Net option gamma of every population that has any, were the asset at each price.

    Returns
    -------
    dict of population to ndarray of float64, shape (G,)
        Units per unit of price.
    """
    contracts = ledger.universe.contracts
    live = np.flatnonzero(
        (contracts["is_live"] == 1) & (contracts["asset"] == asset) & (contracts["expiry"] > view.time)
    )
    held = ledger.contract_total[:, live] * contracts["lot"][live]
    if not held.any():
        return {}
    shape = (prices.size, live.size)
    flat = {
        "price": np.repeat(prices, live.size),
        "strike": np.tile(contracts["strike"][live], prices.size),
        "years": np.tile((contracts["expiry"][live] - view.time) / SECONDS_PER_YEAR, prices.size),
        "volatility": np.tile(contracts["volatility"][live], prices.size),
        "is_call": np.tile(contracts["is_call"][live] == 1, prices.size),
    }
    delta, gamma = np.empty(prices.size * live.size), np.empty(prices.size * live.size)
    delta_gamma(*flat.values(), delta, gamma)
    each = gamma.reshape(shape)
    return {int(p): each @ held[p] for p in np.flatnonzero(held.any(axis=1))}


def distances(margin: Margin, accounts: np.ndarray, asset: int, move: float) -> np.ndarray:
    """Equity less maintenance of checked accounts were the asset's mark so much higher, quote currency."""
    equity, maintenance = np.empty((2, margin.equity.size))
    margin.assess_moved(accounts, asset, move, equity, maintenance)
    found: np.ndarray = equity[accounts] - maintenance[accounts]
    return found


def liquidation_prices(
    ledger: Ledger, margin: Margin, asset: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Price at which each margined account without options would be in breach, other assets unchanged.

    Spot of the asset counts as collateral at the same price.

    Returns
    -------
    accounts : ndarray of int32
    prices : ndarray of float64
        NaN where no price of this asset alone does it.
    units : ndarray of float64
        Perpetual position, > 0 long.

    Notes
    -----
    The distance to the line is taken to be a line in the price through half the mark and the mark, as
    it is by the standard rule.
    """
    own, terms = ledger.universe.find(PERPETUAL, asset), ledger.terms
    if own < 0:
        return np.zeros(0, np.int32), np.zeros(0), np.zeros(0)
    is_exposed = margin.is_checked & (ledger.position[own] != 0) & (ledger.holder_of < 0)
    accounts = np.flatnonzero(is_exposed).astype(np.int32)
    units = ledger.position[own, accounts] * float(terms[own]["lot"])
    half = 0.5 * float(terms[own]["price"])
    at_mark, at_half = (distances(margin, accounts, asset, move) for move in (0.0, -half))
    prices = 2.0 * half - half * at_mark / (at_mark - at_half)
    return accounts, np.where(prices > 0.0, prices, np.nan), units


class Thresholds:
    """Liquidation thresholds around the marks, counted now and then for the loop gain.

    They are counted again every `REFRESH` seconds (longer among many accounts), and in the step after
    a mark moved by a quarter of the distance within which they count. Only accounts that
    `Margin.near` cannot rule out are looked at.

    Leaves out: accounts that are exempt from margin, what is forced in options, and what the price of
    one asset forces in another.

    Parameters
    ----------
    ledger : Ledger
        Read only.
    margin : Margin
    closing : tuple of float
        What a breach closes, as `Venue.closing` says; nothing is counted if it is zero.

    Attributes
    ----------
    is_stale : bool
        Whether to count at the next step, however short a time ago that was done.
    """

    def __init__(self, ledger: Ledger, margin: Margin, closing: tuple[float, float]) -> None:
        self._ledger, self._margin = ledger, margin
        self._share, self._small = closing
        self._interval = max(REFRESH, ledger.cash.size / ACCOUNTS_PER_SECOND)
        self._next = 0.0
        self._worth = np.zeros((2, 2, ledger.cash.size))
        self._count = TypedCall(gain.count_thresholds)
        self.is_stale = True

    def count(self, view: View, time: float, feedback: np.ndarray) -> None:
        """Write the densities into `feedback` (FEEDBACK, a row an asset), if it is time to."""
        if self._share == 0.0 or not (self.is_stale or time >= self._next):
            return
        self._next, ledger = time + self._interval, self._ledger
        near = self._margin.near(gain.DISTANCE)
        for asset in range(view.assets.size):
            mark = float(view.assets[asset]["mark"])
            for move, worth in zip((0.0, -gain.DISTANCE * mark), self._worth, strict=True):
                self._margin.assess_moved(near, asset, move, *worth)
            self._count.call(
                near,
                asset,
                mark,
                self._worth,
                self._share,
                self._small,
                ledger.holdings,
                ledger.terms,
                feedback[asset : asset + 1],
            )


def profile(ledger: Ledger, view: View, margin: Margin, step: int) -> dict[str, np.ndarray]:
    """Rows of the profiles table for this moment: every asset, population and price of the grid."""
    parts: list[tuple[int, int, np.ndarray, np.ndarray, np.ndarray]] = []
    for asset in range(view.assets.size):
        prices = GRID * float(view.assets[asset]["mid"])
        by_gamma = gammas(ledger, view, asset, prices)
        accounts, levels, units = liquidation_prices(ledger, margin, asset)
        codes = ledger.population_of[accounts]
        for code in sorted({*by_gamma, *codes.tolist()}):
            own = codes == code
            edges = np.concatenate([[-np.inf], 0.5 * (prices[1:] + prices[:-1]), [np.inf]])
            is_inside = own & (levels > prices[0]) & (levels < prices[-1])
            at_risk, _ = np.histogram(levels[is_inside], edges, weights=units[is_inside])
            gamma = by_gamma.get(code, np.zeros(prices.size))
            if gamma.any() or at_risk.any():
                parts.append((asset, int(code), prices, gamma, at_risk))
    size = GRID.size
    return {
        "step": np.full(size * len(parts), step, np.int32),
        "asset": np.repeat([p[0] for p in parts], size).astype(np.int16),
        "population": np.repeat([p[1] for p in parts], size).astype(np.int16),
        **{
            name: np.concatenate([np.zeros(0), *(p[i] for p in parts)])
            for i, name in ((2, "price"), (3, "gamma"), (4, "at_risk"))
        },
    }
