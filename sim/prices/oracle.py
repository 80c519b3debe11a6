"""The oracle: the index and the mark of every asset.

The index is a weighted price of venues and of an external reference (the exogenous
value, refreshed at a heartbeat). The mark is the index plus a clamped moving average of
(mid − index), the rule of Deribit and, with other windows, of Hyperliquid and Binance
(their published mark-price specifications); margin and liquidations read the mark.

Leaves out: outlier rejection among sources, and medians.
"""

from __future__ import annotations

from typing import Annotated, Self

import numpy as np
from pydantic import Field, model_validator

from sim.base.typed_call import TypedCall
from sim.kernels.prices.indexing import ORACLE, SOURCE, index_and_mark
from sim.setup.limits import LONGEST, MOST, SHORTEST
from sim.setup.parameters import VenueName
from sim.setup.table import Parameters


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
    stale_seconds : float
        How long a venue that has no price counts with its last one. It has none where one side is empty, or
        where not a lot can be traded within the depth it shows: a pool that its providers left.
    """

    external: float = Field(default=1.0, ge=0, le=MOST)
    venues: dict[VenueName, Annotated[float, Field(ge=0, le=MOST)]] = Field(default_factory=dict)
    averaging_seconds: float = Field(default=0.0, ge=0, le=LONGEST)
    heartbeat_seconds: float = Field(default=1.0, ge=SHORTEST, le=LONGEST)
    stale_seconds: float = Field(default=30.0, ge=0, le=LONGEST)

    @model_validator(mode="after")
    def _weighs_something(self) -> Self:
        if self.external + sum(self.venues.values()) <= 0:
            raise ValueError("the weights of the index sum to 0")
        return self


class Mark(Parameters):
    """The mark: index + clamped exponential average of (mid − index).

    Parameters
    ----------
    window_seconds : float
        Time constant of the average; Deribit's is 30 s.
    band : float
        Largest distance of the mark from the index, as a fraction of it; Deribit's is 1.5%.
    """

    window_seconds: float = Field(default=30.0, ge=SHORTEST, le=LONGEST)
    band: float = Field(default=0.015, gt=0, le=1e6)


class Oracle:
    """Keeps one asset's index and mark.

    A venue without a price counts with its last one for `stale_seconds`, then not at all until it has one
    again; a venue that never had one does not count, and where nothing does the index stays as it is.

    Parameters
    ----------
    index : Index
    mark : Mark
    venues : dict of str to int
        Row in the quotes of each venue that the index weighs.
    asset : int
        Row of the asset.
    """

    def __init__(self, index: Index, mark: Mark, venues: dict[str, int], asset: int = 0) -> None:
        total = index.external + sum(index.venues[name] for name in venues)
        self._asset = asset
        self._sources = np.zeros(max(venues.values(), default=-1) + 1, SOURCE)
        for name, row in venues.items():
            self._sources[row]["weight"] += index.venues[name] / total
        self._state = np.zeros(1, ORACLE)
        self._state["external_weight"] = index.external / total
        self._state["averaging"], self._state["heartbeat"] = index.averaging_seconds, index.heartbeat_seconds
        self._state["stale"] = index.stale_seconds
        self._state["window"], self._state["band"] = mark.window_seconds, mark.band
        self._look = TypedCall(index_and_mark)

    def update(self, time: float, assets: np.ndarray, quotes: np.ndarray) -> None:
        """Write index and mark into the asset's row of `assets` (ASSET)."""
        self._look.call(time, self._state, self._sources, assets, self._asset, quotes)
