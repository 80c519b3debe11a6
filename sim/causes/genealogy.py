"""Genealogy: what moved prices through makers, and which liquidation brought about which.

Worked out once from the tape of a run, so that stepping costs nothing. Every change of a
listed mid is charged to the flow it descends from (`sim.kernels.causes.charging`): forced orders are
their liquidation's, a hedge passes on the causes of the move it answers, a maker who reprices
after flow charges that flow. A refill after a hedger's sale is thus part of that sale's
impact: what is left is its lasting impact.

An account's loss is explained by the charges within its window: from the last end of a step
at which its equity was above 1.5 times maintenance, at the mark and at the mid (the mark
lags), to its breach (`sim.causes.losses`). What liquidations and the rest made of -exposure x charge,
each as far as it is a loss, are its shares; the liquidations' is shared over those that added
to the loss, in proportion. The branching ratio n is the mean of `share_liquidations`.

Parents are drawn in proportion to the same weights, as listed. This is stochastic declustering
(Zhuang, Ogata & Vere-Jones 2002): on average a share 1 - n of the liquidations are roots,
whatever the windows, and trees have a mean size of 1 / (1 - n). Taking the largest weight
would call every liquidation a root, or none, once windows are wide enough to hold many causes.

The table of causes lists weights from half a percent on; smaller ones of neighbours are
listed together, under one of them, so that the remainder to 1 is exogenous but for less
than that.

Leaves out: moves of venues that are not listed (what arbitrageurs carry to the book from a
pool is theirs, and exogenous), changes of an option's delta within a window, funding and
volatility (exogenous), and shares of a pool but for their delta at the breach.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.causes.descent import Descent, descent
from sim.causes.losses import Setting, losses
from sim.kernels.causes import charging, lineage
from sim.records import CLOSE_OUT, FORCED, HEDGE, QUOTING, REASONS, TAKEOVER
from sim.venues.liquidation.liquidation import Liquidation

MEMORY_BYTES = 48 << 20
"""Room for what each liquidation had contributed to the mids at different moments."""

ROWS_AT_ONCE = 1 << 16
LISTED = ("cause", "liquidation", "weight")
CHARGED = ("step", "asset", "cell", "half_ticks")
EXACT = float(1 << 40)  # shares are whole multiples of 1 / EXACT, so that they sum to 1
CLASSES = {FORCED: charging.BY_FORCED, CLOSE_OUT: charging.BY_FORCED, TAKEOVER: charging.BY_FORCED}
CLASSES |= {HEDGE: charging.BY_HEDGING}

Columns = dict[str, np.ndarray]


class Genealogy(NamedTuple):
    """Columns of causes, charges and liquidations, and the cause of every fill and move."""

    causes: Columns
    charges: Columns
    liquidations: Columns
    fill_causes: np.ndarray
    move_causes: np.ndarray


def genealogy(
    fills: np.ndarray, moves: np.ndarray, liquidations: list[Liquidation], setting: Setting
) -> Genealogy:
    """Work out who moved what and who brought about whom.

    Parameters
    ----------
    fills, moves : ndarray of FILL and MOVE
        The tape of a run, or of the part of it that there is.
    liquidations : list of Liquidation
    setting : Setting
    """
    rows, asset = listed_moves(moves, setting.listed)
    own = moves[rows]
    seqs = [own["seq"][asset == k] for k in range(setting.listed.size)]
    first_seq = liquidations[0].seq if liquidations else 0
    found = descent(
        fills, moves, first_seq, len(liquidations), seqs, setting.assets, setting.lots, setting.clock
    )
    cells, move_cells, fill_cells = _cells(own, fills)
    class_of = np.array(
        [CLASSES.get(int(reason), charging.BY_OTHERS) for reason in _unpacked(cells)[1]], np.int64
    )
    columns = charging.Moves(
        asset,
        own["half_ticks"].astype(np.int64),
        found.move_keys[rows],
        move_cells,
        own["answers"].copy(),
        own["time"].copy(),
        own["seq"].copy(),
        own["step"].copy(),
    )
    flow = _flow(fills, found.fill_keys, fill_cells, setting.listed)
    lost = losses(fills, own, asset, liquidations, setting)
    state = _state(seqs, first_seq, len(liquidations), class_of, found, setting.clock.window)
    out = _traced(_log(own, liquidations, found), columns, flow, found, lost, state)
    return _told(out, state.counts, cells, found, len(liquidations))


def listed_moves(moves: np.ndarray, listed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the moves of listed mids, and the asset of each."""
    asset_of = np.full(int(max(moves["venue"].max(initial=0), listed.max(initial=0))) + 1, -1)
    asset_of[listed] = np.arange(listed.size)
    asset = asset_of[moves["venue"]]
    rows = np.flatnonzero(asset >= 0)
    return rows, asset[rows]


def _cells(moves: np.ndarray, fills: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Codes of (population, reason), and the number of each move's and fill's among them."""
    by_moves = _packed(moves["population"], moves["reason"])
    by_fills = _packed(fills["taker_population"], fills["reason"])
    codes, numbers = np.unique(np.concatenate([by_moves, by_fills]), return_inverse=True)
    return codes, numbers[: moves.size], numbers[moves.size :]


def _packed(population: np.ndarray, reason: np.ndarray) -> np.ndarray:
    codes: np.ndarray = population.astype(np.int64) * len(REASONS) + reason
    return codes


def _unpacked(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Population and reason of each code."""
    return np.divmod(codes, len(REASONS))


def _flow(fills: np.ndarray, keys: np.ndarray, cells: np.ndarray, listed: np.ndarray) -> charging.Flow:
    """What takers traded at the listed venues, an entry an order; makers' own quotes are no flow."""
    parts, first = [], [0]
    for venue in listed:
        rows = np.flatnonzero((fills["venue"] == venue) & (fills["phase"] != QUOTING))
        start = np.flatnonzero(np.diff(fills["group"][rows], prepend=-1))
        last = rows[np.append(start[1:], rows.size) - 1] if rows.size else rows
        lots = np.add.reduceat(fills["qty"][rows], start) if rows.size else rows
        parts.append((fills["time"][last], fills["seq"][last], lots, keys[last], cells[last]))
        first.append(first[-1] + last.size)
    time, seq, lots, key, cell = (np.concatenate(column) for column in zip(*parts, strict=True))
    return charging.Flow(np.array(first), time, seq, lots, key, cell, np.zeros(first[-1]))


def _log(moves: np.ndarray, liquidations: list[Liquidation], found: Descent) -> lineage.Log:
    """Everything that happens, in order."""
    seqs = [
        np.array([r.seq for r in liquidations], np.int64),
        found.group_seq,
        found.stock_seq,
        moves["seq"],
    ]
    kinds = np.repeat(np.arange(lineage.EVENTS, dtype=np.int8), [s.size for s in seqs])
    rows = np.concatenate([np.arange(s.size) for s in seqs])
    order = np.lexsort((kinds, np.concatenate(seqs)))
    return lineage.Log(kinds[order], rows[order])


def _state(
    seqs: list[np.ndarray],
    first_seq: int,
    count: int,
    class_of: np.ndarray,
    found: Descent,
    window: float,
) -> charging.State:
    """Blank columns for a pass."""
    assets, moves = len(seqs), np.array([s.size for s in seqs])
    since = np.array([np.searchsorted(s, first_seq) for s in seqs]) if count else moves
    room = max(MEMORY_BYTES // (4 * max(count, 1)), 2 * assets)
    stride = max(1, -(-int((moves - since).sum()) // (room - assets)))
    lines = (moves - since) // stride + 1
    return charging.State(
        counts=np.zeros(charging.COUNTS, np.int64),
        window=np.array([window]),
        stride=np.array([stride]),
        class_of=class_of,
        since=since,
        first_move=np.cumsum(moves + 1) - moves - 1,
        first_line=np.cumsum(lines) - lines,
        place=np.zeros(assets, np.int64),
        kept=np.zeros(assets, np.int64),
        head=np.zeros(assets, np.int64),
        tail=np.zeros(assets, np.int64),
        row=np.zeros((assets, count)),
        lines=np.zeros((int(lines.sum()), count), np.float32),
        sums=np.zeros((charging.CLASS_COUNT, int(moves.sum()) + assets)),
        mix=np.zeros((found.slots, count), np.float32),
        pending=np.zeros((found.slots, assets)),
        now=np.zeros(count, np.float32),
        loss=np.zeros(count),
        cells=np.zeros((assets, class_of.size)),
        inventory=np.zeros((found.stock_count, count)),
        scale=np.ones(found.stock_count),
        held=np.zeros(found.stock_count),
    )


def _traced(
    log: lineage.Log,
    moves: charging.Moves,
    flow: charging.Flow,
    found: Descent,
    lost: lineage.Losses,
    state: charging.State,
) -> lineage.Out:
    """What a pass over the log writes."""
    count, room = lost.draw.size, ROWS_AT_ONCE + state.cells.size
    state.head[:] = state.tail[:] = flow.first[:-1]
    out = lineage.Out(
        cause=np.zeros(room, np.int32),
        liquidation=np.zeros(room, np.int32),
        weight=np.zeros(room),
        step=np.zeros(room, np.int32),
        asset=np.zeros(room, np.int16),
        cell=np.zeros(room, np.int32),
        half_ticks=np.zeros(room),
        shares=np.zeros((count, charging.CLASS_COUNT + 1)),
        parent=np.zeros(count, np.int32),
        generation=np.zeros(count, np.int32),
        root=np.zeros(count, np.int32),
    )
    while not lineage.trace(log, moves, flow, found.groups, found.stocks, lost, state, out):
        is_listing = state.counts[charging.WEIGHTS] + lineage.MOST > out.cause.size
        names = LISTED if is_listing else CHARGED
        out = out._replace(**{name: _longer(getattr(out, name)) for name in names})
    return out


def _longer(column: np.ndarray) -> np.ndarray:
    return np.concatenate([column, np.zeros_like(column)])


def _told(out: lineage.Out, counts: np.ndarray, cells: np.ndarray, found: Descent, count: int) -> Genealogy:
    """Tables from what a pass wrote; causes that descend from no liquidation become 0."""
    listed = slice(0, int(counts[charging.WEIGHTS]))
    known, cause = np.unique(out.cause[listed], return_inverse=True)
    number = np.zeros(count + 1 + found.group_seq.size + count, np.int32)
    number[: count + 1] = np.arange(count + 1)
    number[known] = count + 1 + np.arange(known.size)
    order = np.argsort(cause, kind="stable")
    ids = np.arange(count, dtype=np.int32)
    causes = {
        "cause_id": np.concatenate([ids + 1, number[out.cause[listed][order]]]),
        "liquidation_id": np.concatenate([ids, out.liquidation[listed][order]]),
        "weight": np.concatenate([np.ones(count), out.weight[listed][order]]),
    }
    return Genealogy(
        causes,
        _charge_columns(out, int(counts[charging.CHARGES]), cells),
        _liquidation_columns(out, number[number.size - count :]),
        number[found.fill_keys],
        number[found.move_keys],
    )


def _charge_columns(out: lineage.Out, count: int, cells: np.ndarray) -> Columns:
    """Columns of the charges table."""
    population, reason = _unpacked(cells[out.cell[:count]])
    return {
        "step": out.step[:count],
        "asset": out.asset[:count],
        "population": population.astype(np.int16),
        "reason": reason.astype(np.int8),
        "half_ticks": out.half_ticks[:count],
    }


def _liquidation_columns(out: lineage.Out, cause: np.ndarray) -> Columns:
    """What genealogy says of each liquidation; the shares by class sum to exactly 1."""
    hedging, forced = (
        np.floor(out.shares[:, kind] * EXACT) / EXACT for kind in (charging.BY_HEDGING, charging.BY_FORCED)
    )
    return {
        "parent": out.parent,
        "generation": out.generation,
        "root": out.root,
        "share_hedging": hedging,
        "share_forced": forced,
        "share_exogenous": 1.0 - hedging - forced,
        "share_liquidations": out.shares[:, charging.CLASS_COUNT],
        "cause": cause,
    }
