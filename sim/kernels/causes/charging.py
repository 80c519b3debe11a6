"""Charging: each move of a mid is charged to the flow it descends from.

The move that a taker's order makes is charged to its mixture of liquidations. A maker's
repricing answers the flow of the last moments, as far as it is not news: it first undoes what
orders that pushed the other way stand charged with, then is charged to the flow it goes
along with, if that is the heavier, pro rata to size; the rest stays with the maker.

What each liquidation has contributed to a mid is kept in `row`, and in `lines`: copies of it
at every `stride` moves, so that a contribution within a window is a difference of two.
Mixtures that many orders share stand in slots; moves charged to a slot wait in `pending`
until somebody needs the row.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sim.base.jit import inlined

# First-order classes of what moved a mid.
CLASS_COUNT = 3
BY_FORCED, BY_HEDGING, BY_OTHERS = range(CLASS_COUNT)

# Slots of the counts of a pass: events, liquidations, the step whose charges are being added up, and
# rows of causes and of charges written.
COUNTS = 5
DONE, FOUND, STEP, WEIGHTS, CHARGES = range(COUNTS)


class Moves(NamedTuple):
    """Moves of the listed mids: who made them, and what share answers flow."""

    asset: Any
    half_ticks: Any
    key: Any  # 0 exogenous, l + 1 liquidation l, then groups
    cell: Any
    answers: Any
    time: Any
    seq: Any
    step: Any


class Flow(NamedTuple):
    """Orders of takers at the listed venues, asset by asset from `first` on."""

    first: Any
    time: Any
    seq: Any
    lots: Any
    key: Any
    cell: Any
    standing: Any  # half ticks charged so far, less what was undone


class Groups(NamedTuple):
    """Orders that share a mixture: sales of a stock (else -1), or hedges with windows from `first` on."""

    stock: Any
    asset: Any
    slot: Any
    first: Any
    start: Any  # of each window, in moves of the asset
    units: Any


class State(NamedTuple):
    """What the pass keeps; of each asset unless said otherwise."""

    counts: Any
    window: Any  # s that flow is remembered
    stride: Any  # moves between lines
    class_of: Any  # of each cell
    since: Any  # moves before the first liquidation
    first_move: Any  # column of `sums`
    first_line: Any
    place: Any  # moves so far
    kept: Any  # lines kept
    head: Any  # window of the flow
    tail: Any
    row: Any
    lines: Any
    sums: Any  # half ticks so far, by class
    mix: Any  # of each slot
    pending: Any  # of each slot, by asset
    now: Any  # scratch, of each liquidation
    loss: Any
    cells: Any  # charges of the present step
    inventory: Any  # of each stock, by liquidation, to be scaled
    scale: Any
    held: Any


@inlined
def follow(m, moves, flow, groups, state):
    """Charge a move: what answers flow to that flow, the rest to who made it."""
    asset, amount = moves.asset[m], float(moves.half_ticks[m])
    keep_line(asset, state)
    at = state.first_move[asset] + state.place[asset]
    for kind in range(CLASS_COUNT):
        state.sums[kind, at + 1] = state.sums[kind, at]
    slide(m, asset, moves, flow, state)
    answering = amount * min(max(float(moves.answers[m]), 0.0), 1.0)
    if answering != 0.0:
        amount -= undo(asset, answering, flow, groups, state)
        left = answering - (float(moves.half_ticks[m]) - amount)
        amount -= learn(asset, left, flow, groups, state)
    else:
        last = state.head[asset] - 1
        if last >= state.tail[asset] and flow.seq[last] == moves.seq[m] - 1:
            flow.standing[last] += amount
    charge(asset, moves.key[m], moves.cell[m], amount, groups, state)
    state.place[asset] += 1


@inlined
def charge(asset, key, cell, amount, groups, state):
    """Charge half ticks of the present move to a cause, a cell and its class."""
    found = state.loss.size
    state.cells[asset, cell] += amount
    state.sums[state.class_of[cell], state.first_move[asset] + state.place[asset] + 1] += amount
    if key > found:
        state.pending[groups.slot[key - found - 1], asset] += amount
    elif key > 0:
        state.row[asset, key - 1] += amount


@inlined
def slide(m, asset, moves, flow, state):
    """Let the window of the flow end at a move."""
    head, tail, last = state.head[asset], state.tail[asset], flow.first[asset + 1]
    while head < last and flow.seq[head] < moves.seq[m]:
        head += 1
    while tail < head and flow.time[tail] < moves.time[m] - state.window[0]:
        tail += 1
    state.head[asset], state.tail[asset] = head, tail


@inlined
def undo(asset, amount, flow, groups, state):
    """Let a repricing undo what the flow on its other side stands charged with; returns how much.

    Notes
    -----
    With S what that side stands charged with and f the fraction undone, an order that stood
    charged with s, and is a part q of that side by size, keeps (1 - f) ((1 - f) s + f q S): the
    more is undone, the more of what is left is lasting impact, which goes by size.
    """
    side = 1 if amount < 0.0 else -1
    total, lots = 0.0, 0
    for i in range(state.tail[asset], state.head[asset]):
        if flow.lots[i] * side > 0:
            total += flow.standing[i]
            lots += flow.lots[i]
    if total * side <= 0.0:
        return 0.0
    undone = min(abs(amount) / abs(total), 1.0)
    for i in range(state.tail[asset], state.head[asset]):
        if flow.lots[i] * side > 0:
            by_size = total * (flow.lots[i] / lots)
            left = (1.0 - undone) * ((1.0 - undone) * flow.standing[i] + undone * by_size)
            charge(asset, flow.key[i], flow.cell[i], left - flow.standing[i], groups, state)
            flow.standing[i] = left
    return -undone * total


@inlined
def learn(asset, amount, flow, groups, state):
    """Charge a repricing to the flow it goes along with, if that is the heavier; returns how much."""
    net, lots, side = 0, 0, 1 if amount > 0.0 else -1
    for i in range(state.tail[asset], state.head[asset]):
        net += flow.lots[i]
        lots += flow.lots[i] if flow.lots[i] * side > 0 else 0
    if net * side <= 0 or amount == 0.0:
        return 0.0
    for i in range(state.tail[asset], state.head[asset]):
        if flow.lots[i] * side > 0:
            part = amount * (flow.lots[i] / lots)
            charge(asset, flow.key[i], flow.cell[i], part, groups, state)
            flow.standing[i] += part
    return amount


@inlined
def settle(asset, state):
    """Bring the row of an asset up to date with what was charged to slots."""
    found = state.counts[FOUND]
    for slot in range(state.mix.shape[0]):
        amount = state.pending[slot, asset]
        if amount != 0.0:
            for i in range(found):
                state.row[asset, i] += amount * state.mix[slot, i]
            state.pending[slot, asset] = 0.0


@inlined
def keep_line(asset, state):
    """Copy the row of an asset if a line is due before its next move."""
    found, offset = state.counts[FOUND], state.place[asset] - state.since[asset]
    if found > 0 and offset >= 0 and offset % state.stride[0] == 0:
        settle(asset, state)
        line = state.first_line[asset] + state.kept[asset]
        for i in range(found):
            state.lines[line, i] = state.row[asset, i]
        state.kept[asset] += 1


@inlined
def look_back(asset, start, state):
    """Line nearest to a move, and the move it was kept at; nothing was contributed before line 0."""
    offset = start - state.since[asset]
    if offset <= 0:
        return state.first_line[asset], start
    stride = state.stride[0]
    line = min((offset + stride // 2) // stride, state.kept[asset] - 1)
    return state.first_line[asset] + line, state.since[asset] + line * stride


@inlined
def show_now(asset, state):
    """Put the row of an asset, as a line would hold it, into `now`."""
    settle(asset, state)
    for i in range(state.counts[FOUND]):
        state.now[i] = state.row[asset, i]


@inlined
def change(asset, kind, at, state):
    """Half ticks of a class since the move `at`."""
    first = state.first_move[asset]
    return state.sums[kind, first + state.place[asset]] - state.sums[kind, first + at]
