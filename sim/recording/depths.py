"""Depths: once a minute, what rests within some distances of the mid of each asset's listed venue."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sim.venues.venue import Venue

DISTANCES_BPS = (10.0, 50.0, 100.0, 500.0)
EVERY = 60.0
"""Seconds between one look and the next; a step where that is longer."""

FIELDS = ("step", "asset", "distance_bps", "bid", "ask")


class Depths:
    """The looks of a run.

    Parameters
    ----------
    listed : sequence of Venue
        That of each asset.
    quotes : ndarray of VENUE_STATE
        What the View shows.
    step_seconds : float
    """

    def __init__(self, listed: Sequence[Venue], quotes: np.ndarray, step_seconds: float) -> None:
        self._listed, self._quotes = listed, quotes
        self._every = max(1, round(EVERY / step_seconds))
        self._rows: list[tuple[float, ...]] = []

    def look(self, step: int) -> None:
        """Look at the end of a step, if it ends a minute."""
        if (step + 1) % self._every:
            return
        for asset, venue in enumerate(self._listed):
            for distance in DISTANCES_BPS:
                bid, ask = venue.depth_within(1e-4 * distance, self._quotes[venue.index])
                self._rows.append((step, asset, distance, bid, ask))

    def columns(self) -> dict[str, np.ndarray]:
        """Columns of the depths table."""
        rows = np.array(self._rows, float).reshape(-1, len(FIELDS))
        columns = dict(zip(FIELDS, rows.T, strict=True))
        return columns | {name: columns[name].astype(np.int32) for name in ("step", "asset")}
