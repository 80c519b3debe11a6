"""Descent: what each fill and move descends from, as far as the tape alone says it.

A key stands for it: 0 is exogenous, l + 1 liquidation l, and numbers beyond the liquidations
are groups of orders that share one mixture of liquidations: the hedges of a population in
one round, or a liquidator's sales in one round of what it had taken over. What the
mixtures are is worked out by `sim.kernels.causes.lineage`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sim.kernels.causes.charging import Groups
from sim.kernels.causes.lineage import Stocks
from sim.records import BY_TRADE, FORCED, HEDGE, OPTIONS, TAKEOVER


class Descent(NamedTuple):
    """Keys of fills and moves, and the groups and stocks behind them.

    Attributes
    ----------
    fill_keys, move_keys : ndarray of int32
    groups : Groups
        In the order of their first orders.
    group_seq : ndarray of int64, shape (G,)
        Sequence number of these.
    slots : int
        Mixtures in use at any one time.
    stocks : Stocks
    stock_seq : ndarray of int64
    stock_count : int
    """

    fill_keys: np.ndarray
    move_keys: np.ndarray
    groups: Groups
    group_seq: np.ndarray
    slots: int
    stocks: Stocks
    stock_seq: np.ndarray
    stock_count: int


class Clock(NamedTuple):
    """Lengths of a step and of a liquidation round, s."""

    step_seconds: float
    round_seconds: float

    @property
    def window(self) -> float:
        """How long makers' repricing is taken to answer flow, s: a step, at least a second."""
        return max(self.step_seconds, 1.0)

    def rounds(self, step: np.ndarray, time: np.ndarray) -> np.ndarray:
        """Number of the round in which each event falls; rounds never reach beyond their step."""
        length = min(self.step_seconds, self.round_seconds)
        most = math.ceil(self.step_seconds / length - 1e-9)
        within = np.floor((time - step * self.step_seconds) / length + 1e-9).astype(np.int64)
        rounds: np.ndarray = step.astype(np.int64) * most + np.clip(within, 0, most - 1)
        return rounds


class Grouping(NamedTuple):
    """Fills that share mixtures: their rows on the tape, their groups, and each group's first row."""

    rows: np.ndarray
    group: np.ndarray
    leader: np.ndarray
    is_hedge: np.ndarray


def descent(
    fills: np.ndarray,
    moves: np.ndarray,
    first_seq: int,
    count: int,
    move_seqs: list[np.ndarray],
    assets: np.ndarray,
    lots: np.ndarray,
    clock: Clock,
) -> Descent:
    """Keys, groups and stocks of a tape.

    Parameters
    ----------
    fills, moves : ndarray of FILL and MOVE
    first_seq, count : int
        Sequence number of the first liquidation, and how many there are.
    move_seqs : list of ndarray of int64
        Sequence numbers of the moves of each asset's listed mid.
    assets, lots : ndarray, shape (I,)
        Asset of each dense instrument, and units a lot.
    clock : Clock
    """
    stock_of, stock_count = _stocks_of(fills)
    found = _grouping(fills, stock_of, assets, clock)
    seq = fills["seq"][found.leader]
    late = int(np.searchsorted(seq, first_seq))  # groups before it descend from nothing
    keys = _own_causes(fills, count)
    keys[found.rows] = np.where(found.group >= late, count + 1 + found.group - late, 0)
    first, start, units = _windows(fills, found, late, move_seqs, assets, lots)
    leader = found.leader[late:]
    slot, slots = _slots(fills["step"][leader], clock)
    stock = np.where(fills["reason"][leader] == FORCED, stock_of[leader], -1)
    groups = Groups(stock, assets[fills["instrument"][leader]], slot, first, start, units)
    stocks, stock_seq = _changes(fills, stock_of, count)
    return Descent(
        keys,
        _move_keys(moves, fills, keys, count),
        groups,
        seq[late:],
        slots,
        stocks,
        stock_seq,
        stock_count,
    )


def _stocks_of(fills: np.ndarray) -> tuple[np.ndarray, int]:
    """Number of the stock that a takeover or a liquidator's sale changes, else -1; and how many there are."""
    is_takeover = (fills["reason"] == TAKEOVER) & (fills["cause"] > 0)
    holder = np.where(is_takeover, fills["maker"], fills["taker"]).astype(np.int64)
    code = holder * (np.int64(1) << 32) + fills["instrument"]
    known = np.unique(code[is_takeover])
    stock = np.full(fills.size, -1)
    if known.size:
        rows = np.flatnonzero(is_takeover | (fills["reason"] == FORCED) & (fills["cause"] == 0))
        place = np.minimum(np.searchsorted(known, code[rows]), known.size - 1)
        stock[rows] = np.where(known[place] == code[rows], place, -1)
    return stock, known.size


def _grouping(fills: np.ndarray, stock_of: np.ndarray, assets: np.ndarray, clock: Clock) -> Grouping:
    """Group hedges by population and asset, sales by stock, both by round; numbered by their first fill."""
    is_hedge = (fills["reason"] == HEDGE) & (fills["instrument"] < OPTIONS)
    rows = np.flatnonzero(is_hedge | (fills["reason"] == FORCED) & (stock_of >= 0))
    own = fills[rows]
    hedges = is_hedge[rows]
    owner = np.where(hedges, own["taker_population"], stock_of[rows]).astype(np.int64)
    label = (owner * (int(assets.max(initial=0)) + 1) + assets[own["instrument"]]) * 2 + hedges
    rounds = clock.rounds(own["step"], own["time"])
    code = label * (int(rounds.max(initial=0)) + 1) + rounds
    _, first, inverse = np.unique(code, return_index=True, return_inverse=True)
    rank = np.empty(first.size, np.int64)
    rank[np.argsort(first)] = np.arange(first.size)
    return Grouping(rows, rank[inverse], rows[np.sort(first)], hedges)


def _windows(
    fills: np.ndarray,
    found: Grouping,
    late: int,
    move_seqs: list[np.ndarray],
    assets: np.ndarray,
    lots: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Windows that the accounts of each group from `late` on answer: bounds by group, starts, units.

    An account's window starts where its last one ended: at the first order of the group in
    which it hedged before. Starts are counted in moves of the asset.
    """
    own, group = fills[found.rows[found.is_hedge]], found.group[found.is_hedge]
    asset = assets[own["instrument"]].astype(np.int64)
    accounts = int(own["taker"].max(initial=0)) + 1
    code = (asset * accounts + own["taker"]) * found.leader.size + group
    known, inverse = np.unique(code, return_inverse=True)
    size = np.abs(own["qty"]) * lots[own["instrument"]]
    units = np.bincount(inverse, size, minlength=known.size).astype(float)
    who, which = np.divmod(known, max(found.leader.size, 1))
    is_first = np.diff(who, prepend=-1) != 0
    before = np.where(is_first, 0, fills["seq"][found.leader[np.roll(which, 1)]])
    start = np.zeros(known.size, np.int64)
    for k, seqs in enumerate(move_seqs):
        start = np.where(who // accounts == k, np.searchsorted(seqs, before), start)
    start[is_first] = 0
    order = np.lexsort((start, which))
    order = order[which[order] >= late]
    bounds = np.searchsorted(which[order], np.arange(late, found.leader.size + 1))
    return bounds, start[order], units[order]


def _slots(step: np.ndarray, clock: Clock) -> tuple[np.ndarray, int]:
    """Slot of each group, and how many: a mixture is needed while flow of its step is remembered."""
    lasting = math.ceil(clock.window / clock.step_seconds - 1e-9) + 1
    number = np.arange(step.size)
    together = number - np.searchsorted(step, step - lasting) + 1
    slots = int(together.max(initial=1))
    return number % slots, slots


def _changes(fills: np.ndarray, stock_of: np.ndarray, count: int) -> tuple[Stocks, np.ndarray]:
    """Changes of stocks, in lots, and their sequence numbers."""
    rows = np.flatnonzero(stock_of >= 0)
    own = fills[rows]
    is_takeover = own["reason"] == TAKEOVER
    lots = np.where(is_takeover, -own["qty"], own["qty"])
    liquidation = np.where(is_takeover, _own_causes(own, count).astype(np.int64) - 1, -1)
    return Stocks(stock_of[rows], lots, liquidation), own["seq"]


def _own_causes(rows: np.ndarray, count: int) -> np.ndarray:
    """Liquidations that the orders behind fills or moves name themselves, as keys."""
    causes: np.ndarray = rows["cause"]
    return np.where((causes > 0) & (causes <= count), causes, 0).astype(np.int32)


def _move_keys(moves: np.ndarray, fills: np.ndarray, keys: np.ndarray, count: int) -> np.ndarray:
    """Key of each move: that of the fill just before it, if its order made it; else its own cause."""
    found = _own_causes(moves, count)
    if not fills.size:
        return found
    before = np.maximum(np.searchsorted(fills["seq"], moves["seq"]) - 1, 0)
    is_own = (fills["seq"][before] == moves["seq"] - 1) & (fills["taker"][before] == moves["account"])
    is_own &= moves["mover"] == BY_TRADE
    found[is_own] = keys[before[is_own]]
    return found
