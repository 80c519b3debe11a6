"""The tape: every fill, move and refusal of a run, in the order they happened."""

from __future__ import annotations

import numpy as np

from sim.base.lazy_zeros import lazy_zeros
from sim.base.typed_call import TypedCall
from sim.kernels.messages.tape import Deal, Origin, Party, TapeRows, append_fill, append_refusal
from sim.records import FILL, FILLS, GROUP, MOVE, MOVES, REJECT, REJECTS


class Tape:
    """Three growing columns of records and their counts.

    Venues append; the ledger posts what is new; the recorder reads it all.

    Attributes
    ----------
    rows : TapeRows
        Fills, moves and rejects with room for more than are used, and their counts, as kernels take
        them; new ones when one has grown.
    fills, moves, rejects : ndarray of FILL, MOVE, REJECT
        These columns by themselves; as many rows are written as `counts` says.
    counts : ndarray of int64, shape (6,)
        Slots FILLS, MOVES, REJECTS, SEQ, GROUP and STEP of `sim.records`.
    posted : int
        How many fills the ledger has posted.
    """

    fills: np.ndarray
    moves: np.ndarray
    rejects: np.ndarray

    def __init__(self, capacity: int = 1 << 18) -> None:
        self.counts = np.zeros(6, np.int64)
        fills, moves, rejects = (lazy_zeros(capacity, dtype) for dtype in (FILL, MOVE, REJECT))
        self._show(TapeRows(fills, moves, rejects, self.counts))
        self._room = [capacity] * 3
        self.posted = 0
        self._append_fill, self._append_refusal = TypedCall(append_fill), TypedCall(append_refusal)

    def _show(self, rows: TapeRows) -> None:
        self.rows = rows
        self.fills, self.moves, self.rejects, _ = rows

    def reserve(self, fills: int, moves: int, rejects: int) -> None:
        """Make sure this many more rows of each kind fit before a kernel is called."""
        used, room = self.counts.tolist(), self._room
        if used[FILLS] + fills > room[FILLS]:
            self._grow(FILLS, used[FILLS] + fills)
        if used[MOVES] + moves > room[MOVES]:
            self._grow(MOVES, used[MOVES] + moves)
        if used[REJECTS] + rejects > room[REJECTS]:
            self._grow(REJECTS, used[REJECTS] + rejects)

    def _grow(self, slot: int, needed: int) -> None:
        grown = _grown(self.rows[slot], needed)
        self._show(self.rows._replace(**{TapeRows._fields[slot]: grown}))
        self._room[slot] = grown.size

    def open_group(self) -> int:
        """Number of a new group, for fills in plain Python that are atomic."""
        self.counts[GROUP] += 1
        return int(self.counts[GROUP])

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
        """Append the fill of an order, for venues written in plain Python.

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
        given = {name: order[name] for name in ("cause", "phase", "reason")}
        given |= {"taker": order["account"], "fee": 0.0, "maker_fee": 0.0, **fields}
        maker_party, taker = (_party(account, population_of) for account in (maker, given["taker"]))
        group = int(fields["group"]) if "group" in fields else self.open_group()
        time = float(order["time"] + order["latency"])
        origin = Origin(time, *(int(given[name]) for name in ("cause", "phase", "reason")))
        deal = Deal(int(instrument), int(lots), float(price), float(given["fee"]), float(given["maker_fee"]))
        self._append_fill.call(self.rows, int(venue), group, deal, maker_party, taker, origin)

    def refuse(self, order: np.void, venue: int, refusal: int) -> None:
        """Append the refusal of an order, by its number in `sim.records`, for venues in plain Python."""
        self.reserve(0, 0, 1)
        self._append_refusal.call(self.rows, int(venue), order, int(refusal))


def _party(account: int, population_of: np.ndarray) -> Party:
    return Party(int(account), int(population_of[account]))


def _grown(rows: np.ndarray, needed: int) -> np.ndarray:
    larger = lazy_zeros(max(needed, 2 * rows.size), rows.dtype)
    larger[: rows.size] = rows
    return larger
