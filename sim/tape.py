"""The tape: every fill, move and refusal of a run, in the order they happened."""

from __future__ import annotations

import numpy as np

from sim.records import FILL, FILLS, MOVE, MOVES, REJECT, REJECTS


class Tape:
    """Three growing columns of records and their counts.

    Venues append; the ledger posts what is new; the recorder reads it all.

    Attributes
    ----------
    fills, moves, rejects : ndarray of FILL, MOVE, REJECT
        Room for more rows than are used; `counts` says how many are.
    counts : ndarray of int64, shape (6,)
        Slots FILLS, MOVES, REJECTS, SEQ, GROUP and STEP of `sim.records`.
    posted : int
        How many fills the ledger has posted.
    """

    def __init__(self, capacity: int = 1 << 12) -> None:
        self.fills = np.zeros(capacity, FILL)
        self.moves = np.zeros(capacity, MOVE)
        self.rejects = np.zeros(capacity, REJECT)
        self.counts = np.zeros(6, np.int64)
        self.posted = 0

    def reserve(self, fills: int, moves: int, rejects: int) -> None:
        """Make sure this many more rows of each kind fit before a kernel is called."""
        if self.counts[FILLS] + fills > self.fills.size:
            self.fills = _grown(self.fills, int(self.counts[FILLS]) + fills)
        if self.counts[MOVES] + moves > self.moves.size:
            self.moves = _grown(self.moves, int(self.counts[MOVES]) + moves)
        if self.counts[REJECTS] + rejects > self.rejects.size:
            self.rejects = _grown(self.rejects, int(self.counts[REJECTS]) + rejects)


def _grown(rows: np.ndarray, needed: int) -> np.ndarray:
    larger = np.zeros(max(needed, 2 * rows.size), rows.dtype)
    larger[: rows.size] = rows
    return larger
