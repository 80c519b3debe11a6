"""The oracle: the index and the mark of every asset.

The index is a weighted price of venues and of an external reference (the exogenous
value, refreshed at a heartbeat). The mark is the index plus a clamped moving average of
(mid − index), the rule of Deribit and, with other windows, of Hyperliquid and Binance
(MECHANICS section 3); margin and liquidations read the mark.

Leaves out: outlier rejection among sources, and medians.
"""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from pydantic import Field

from sim.parameters import Parameters

INSTANT = 1e-9  # s; what is due within it is due now


class Index(Parameters):
    """Weights of the index.

    Parameters
    ----------
    external : float
        Weight of the exogenous value.
    venues : dict of str to float
        Weight of each venue's mid. All weights are divided by their sum.
    averaging_seconds : float
        Time constant of the average in which a venue's mid enters, 0 for the mid itself. Pools
        are read through an average so that one swap does not move the index.
    heartbeat_seconds : float
        How often the external reference is refreshed, at the first look after each multiple;
        between refreshes it is stale.
    """

    external: float = Field(default=1.0, ge=0)
    venues: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    averaging_seconds: float = Field(default=0.0, ge=0)
    heartbeat_seconds: float = Field(default=1.0, gt=0)


class Mark(Parameters):
    """The mark: index + clamped exponential average of (mid − index).

    Parameters
    ----------
    window_seconds : float
        Time constant of the average; Deribit's is 30 s.
    band : float
        Largest distance of the mark from the index, as a fraction of it; Deribit's is 1.5%.
    """

    window_seconds: float = Field(default=30.0, gt=0)
    band: float = Field(default=0.015, gt=0)


class Oracle:
    """Keeps one asset's index and mark.

    Parameters
    ----------
    index : Index
    mark : Mark
    venues : dict of str to int
        Row in the quotes of each venue that the index weighs.
    """

    def __init__(self, index: Index, mark: Mark, venues: dict[str, int]) -> None:
        weights = {name: index.venues[name] for name in venues}
        total = index.external + sum(weights.values())
        if total <= 0:
            raise ValueError("the weights of the index sum to 0")
        self._external_weight = index.external / total
        self._weights = [(venues[name], weight / total) for name, weight in weights.items()]
        self._averaging = index.averaging_seconds
        self._averages: dict[int, float] = {}
        self._heartbeat = index.heartbeat_seconds
        self._window = mark.window_seconds
        self._band = mark.band
        self._external = math.nan
        self._refresh_at = 0.0
        self._average = 0.0
        self._time = 0.0

    def update(self, time: float, asset: np.void, quotes: np.ndarray) -> None:
        """Write index and mark into an ASSET row; a venue that never had a price weighs nothing."""
        if time >= self._refresh_at - INSTANT:
            self._external = float(asset["value"])
            self._refresh_at = self._heartbeat * (math.floor((time + INSTANT) / self._heartbeat) + 1.0)
        total, weights = self._external_weight * self._external, self._external_weight
        for row, weight in self._weights:
            price = self._price(row, time, float(quotes[row]["mid"]))
            if price > 0.0:
                total += weight * price
                weights += weight
        index = total / weights if weights > 0.0 else self._external
        keep = math.exp(-(time - self._time) / self._window)
        premium = float(asset["mid"]) - index
        self._average = keep * self._average + (1.0 - keep) * premium
        self._time = time
        band = self._band * index
        asset["index"] = index
        asset["mark"] = index + min(max(self._average, -band), band)

    def _price(self, row: int, time: float, mid: float) -> float:
        """A venue's mid, averaged; what it was last if it has none now, 0 if it never had one."""
        last = self._averages.get(row, mid)
        keep = math.exp(-(time - self._time) / self._averaging) if self._averaging > 0.0 else 0.0
        if mid > 0.0:
            self._averages[row] = keep * last + (1.0 - keep) * mid
        return self._averages.get(row, 0.0)
