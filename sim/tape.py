"""The tape: every fill, move and refusal of a run, in the order they happened."""

from __future__ import annotations

import numpy as np

from sim.blank import blank
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

    def __init__(self, capacity: int = 1 << 18) -> None:
        self.fills = blank(capacity, FILL)
        self.moves = blank(capacity, MOVE)
        self.rejects = blank(capacity, REJECT)
        self.counts = np.zeros(6, np.int64)
        self.posted = 0

    def reserve(self, fills: int, moves: int, rejects: int) -> None:
        """Make sure this many more rows of each kind fit before a kernel is called."""
        used = self.counts.tolist()
        if used[FILLS] + fills > self.fills.size:
            self.fills = _grown(self.fills, used[FILLS] + fills)
        if used[MOVES] + moves > self.moves.size:
            self.moves = _grown(self.moves, used[MOVES] + moves)
        if used[REJECTS] + rejects > self.rejects.size:
            self.rejects = _grown(self.rejects, used[REJECTS] + rejects)


def _grown(rows: np.ndarray, needed: int) -> np.ndarray:
    larger = blank(max(needed, 2 * rows.size), rows.dtype)
    larger[: rows.size] = rows
    return larger
