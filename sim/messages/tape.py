"""The tape: every fill, move and refusal of a run, in the order they happened."""

from __future__ import annotations

import numpy as np

from sim.base.lazy_zeros import lazy_zeros
from sim.records import FILL, FILLS, GROUP, MOVE, MOVES, REJECT, REJECTS, SEQ, STEP


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
        self.fills = lazy_zeros(capacity, FILL)
        self.moves = lazy_zeros(capacity, MOVE)
        self.rejects = lazy_zeros(capacity, REJECT)
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

    def fill(
        self,
        order: np.void,
        venue: int,
        instrument: int,
        lots: int,
        price: float,
        maker: int,
        population_of: np.ndarray,
        **fields: float,
    ) -> None:
        """Append the fill of an order, for venues written in plain Python; kernels write rows themselves.

        Parameters
        ----------
        order : ORDER
            Its sender is the taker, and it gives cause and reason.
        venue, instrument, maker : int
            Row of the venue in the quotes, what changes hands, and the account of the other side.
        lots : int
            > 0 the taker buys.
        price : float
            Quote currency per unit.
        population_of : ndarray of int16, shape (A,)
        **fields
            Other fields of the FILL row: fees, which are 0 if not given, `group`, which is a new one if not
            given, or others than the order's `taker`, `cause` and `reason`.
        """
        self.reserve(1, 0, 0)
        counts, row = self.counts, self.fills[self.counts[FILLS]]
        if "group" not in fields:
            counts[GROUP] += 1
        given = {name: order[name] for name in ("cause", "phase", "reason")}
        given |= {"taker": order["account"], "fee": 0.0, "maker_fee": 0.0, "group": counts[GROUP], **fields}
        given |= {"venue": venue, "instrument": instrument, "qty": lots, "price": price, "maker": maker}
        given |= {"time": order["time"] + order["latency"], "seq": counts[SEQ], "step": counts[STEP]}
        for side in ("maker", "taker"):
            given[f"{side}_population"] = population_of[given[side]]
        for name, value in given.items():
            row[name] = value
        counts[FILLS] += 1
        counts[SEQ] += 1

    def refuse(self, order: np.void, venue: int, refusal: int) -> None:
        """Append the refusal of an order, by its number in `sim.records`, for venues in plain Python."""
        self.reserve(0, 0, 1)
        row = self.rejects[self.counts[REJECTS]]
        row["time"] = order["time"] + order["latency"]
        for name in ("qty", "account", "population", "kind", "phase"):
            row[name] = order[name]
        row["step"], row["venue"], row["refusal"] = self.counts[STEP], venue, refusal
        self.counts[REJECTS] += 1


def _grown(rows: np.ndarray, needed: int) -> np.ndarray:
    larger = lazy_zeros(max(needed, 2 * rows.size), rows.dtype)
    larger[: rows.size] = rows
    return larger
