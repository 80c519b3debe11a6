"""Storage: the columns of one book, which grow as orders come to rest, and what they hold."""

from __future__ import annotations

import math

import numpy as np

from sim.base.lazy_zeros import lazy_zeros
from sim.kernels.books.decay import WORN, wear_all
from sim.kernels.books.expiries import EXPIRY, SPARE
from sim.kernels.books.ladder import BLOCK, LEVEL, words
from sim.kernels.books.resting import ACCOUNT, REDUCING, RESTING, BookColumns

HEADROOM = 4.0  # the ladder reaches at least this many times the opening price
LARGEST_TICK = 2**31 - BLOCK
OPENING_ROWS = 1024
NO_ROOM = np.zeros((3, 0), np.int64)


def width_at(ticks: float) -> int:
    """Ticks of the ladder of a book that opens at so many."""
    return BLOCK * math.ceil(HEADROOM * ticks / BLOCK)


class Storage:
    """What an empty book keeps.

    Parameters
    ----------
    header : ndarray of HEADER, shape (1,)
    population_of : ndarray of int16, shape (A,)
    tags : int
        Number of order tags handed out.

    Attributes
    ----------
    columns : BookColumns
        As kernels take them; replaced when one grows.
    """

    def __init__(self, header: np.ndarray, population_of: np.ndarray, tags: int) -> None:
        width = int(header["width"][0])
        accounts = np.zeros(population_of.size, ACCOUNT)
        accounts["population"] = population_of
        self.columns = BookColumns(
            header,
            lazy_zeros(OPENING_ROWS, RESTING),
            lazy_zeros(width, LEVEL),
            np.zeros(words(width), np.uint64),
            np.zeros(max(tags, 1), np.uint32),
            np.zeros(OPENING_ROWS, EXPIRY),
            accounts,
            np.zeros(width if header["decay"][0] else 0, WORN),
        )
        self._resting, self._expiring = header["resting"], header["expiring"]

    def reserve(self, arriving: int) -> int:
        """Make room for so many more orders; how many rest already."""
        resting, expiring = self._resting.item(), self._expiring.item()
        if resting + arriving >= self.columns.pool.size:
            self.columns = self.columns._replace(pool=_grown(self.columns.pool, resting + arriving + 1))
        if expiring + arriving + SPARE > self.columns.expiries.size:
            expiries = _grown(self.columns.expiries, expiring + arriving + SPARE)
            self.columns = self.columns._replace(expiries=expiries)
        return int(resting)

    def wear(self) -> None:
        """Bring decaying volumes up to date everywhere."""
        if self.columns.worn.size:
            wear_all(self.columns, NO_ROOM)

    @property
    def live(self) -> np.ndarray:
        """A copy of the rows of the orders that rest, in no order."""
        rows = self._used
        live: np.ndarray = rows[rows["qty"] != 0]
        return live

    @property
    def reduced(self) -> np.ndarray:
        """Owners of the reduce-only orders that rest."""
        rows = self._used
        owners: np.ndarray = rows["account"][(rows["qty"] != 0) & (rows["tag"] >= REDUCING)]
        return owners

    @property
    def _used(self) -> np.ndarray:
        pool: np.ndarray = self.columns.pool
        return pool[1 : int(self.columns.header["used"][0]) + 1]


def _grown(rows: np.ndarray, needed: int) -> np.ndarray:
    """A copy with room for `needed` rows and at least twice as many as before."""
    larger = np.zeros(max(needed, 2 * rows.size), rows.dtype)
    larger[: rows.size] = rows
    return larger
