"""Lineage: which liquidations the moves of a price descend from, in one pass over the tape.

Every event carries a mixture w over the liquidations; what is left of 1 is exogenous. A
forced order carries w = 1 on its liquidation. A hedge answers the move D of the mid since
its account hedged before: with c_l what liquidation l contributed to D and e the exogenous
rest, w_l is proportional to the part of c_l that goes in the direction of D, and so is what
is left to that part of e. The move that an order makes is charged to its mixture. A maker's
repricing answers the flow of the last moments, as far as it is not news: it first undoes what
orders that pushed the other way stand charged with, then is charged to the flow it goes
along with, if that is the heavier, pro rata to size; the rest stays with the maker.

What each liquidation has contributed to the mid is kept in `row`, and in `lines`: copies of
it at every `stride` moves, so that a contribution within a window is a difference of two.
Mixtures that many orders share stand in slots; moves charged to a slot wait in `pending`
until somebody needs the row.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sim.jit import inlined, kernel

# Kinds of events, in the order in which they come at equal sequence numbers.
LIQUIDATED = 0
FORMED = 1  # the first order of a group that shares a mixture
STOCKED = 2  # a liquidator took lots over, or sold some
MOVED = 3

# First-order classes of what moved a mid.
BY_FORCED = 0
BY_HEDGING = 1
BY_OTHERS = 2

# Slots of the counts of a pass.
DONE = 0  # events
FOUND = 1  # liquidations
STEP = 2  # step whose charges are being added up
WEIGHTS = 3  # rows of causes written
CHARGES = 4  # rows of charges written

LEAST = 0.001  # smallest weight that is listed
MOST = 1024  # rows a listing may need: weights sum to 1
FAINT = 1e-12  # share of a stock below which it is rescaled


class Log(NamedTuple):
    """What happened, in order: kind of event and row in the columns of that kind."""

    kind: Any
    row: Any


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


class Stocks(NamedTuple):
    """Changes of liquidators' stocks: lots taken over from a liquidation, or sold (-1)."""

    stock: Any
    lots: Any
    liquidation: Any


class Losses(NamedTuple):
    """Of each liquidation and asset: window's start in moves, loss per half tick up; and a uniform."""

    start: Any
    money: Any
    draw: Any


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


class Out(NamedTuple):
    """What the pass writes: listed weights, charges, and the verdict on each liquidation."""

    cause: Any
    liquidation: Any
    weight: Any
    step: Any
    asset: Any
    cell: Any
    half_ticks: Any
    shares: Any  # by class, then on liquidations
    parent: Any
    generation: Any
    root: Any


@kernel
def trace(log, moves, flow, groups, stocks, losses, state, out):
    """Follow the events from where the last call stopped; returns True once all are done.

    It stops early when `out` has little room left; call again with larger columns.
    """
    counts = state.counts
    while counts[DONE] < log.kind.size:
        if counts[WEIGHTS] + MOST > out.cause.size or counts[CHARGES] + state.cells.size > out.step.size:
            return False
        kind, row = log.kind[counts[DONE]], log.row[counts[DONE]]
        if kind == MOVED:
            if moves.step[row] != counts[STEP]:
                close_step(state, out)
                counts[STEP] = moves.step[row]
            follow(row, moves, flow, groups, state)
        elif kind == FORMED:
            form(row, groups, state)
            list_weights(row + 1 + losses.draw.size, state.mix[groups.slot[row]], 1.0, state, out)
        elif kind == STOCKED:
            restock(row, stocks, state)
        else:
            judge(row, row + 1 + losses.draw.size + groups.slot.size, losses, state, out)
            counts[FOUND] += 1
        counts[DONE] += 1
    if counts[CHARGES] + state.cells.size > out.step.size:
        return False
    close_step(state, out)
    return True


@inlined
def close_step(state, out):
    """Write the charges of the step and start again from zero."""
    for asset in range(state.cells.shape[0]):
        for cell in range(state.cells.shape[1]):
            if state.cells[asset, cell] != 0.0:
                n = state.counts[CHARGES]
                out.step[n], out.asset[n], out.cell[n] = state.counts[STEP], asset, cell
                out.half_ticks[n] = state.cells[asset, cell]
                state.counts[CHARGES] += 1
                state.cells[asset, cell] = 0.0


@inlined
def follow(m, moves, flow, groups, state):
    """Charge a move: what answers flow to that flow, the rest to who made it."""
    asset, amount = moves.asset[m], float(moves.half_ticks[m])
    keep_line(asset, state)
    at = state.first_move[asset] + state.place[asset]
    for kind in range(3):
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


@inlined
def form(g, groups, state):
    """Work out the mixture of a group at its first order."""
    slot, asset = groups.slot[g], groups.asset[g]
    for k in range(state.place.size):
        settle(k, state)
    for i in range(state.counts[FOUND]):
        state.mix[slot, i] = 0.0
    if groups.stock[g] >= 0:
        share_out(groups.stock[g], slot, state)
        return
    show_now(asset, state)
    total, units = 0.0, 0.0
    for w in range(groups.first[g], groups.first[g + 1]):
        total += groups.units[w]
    for w in range(groups.first[g], groups.first[g + 1]):
        units += groups.units[w]
        found = look_back(asset, groups.start[w], state)
        if w + 1 < groups.first[g + 1] and look_back(asset, groups.start[w + 1], state) == found:
            continue
        if groups.start[w] < state.place[asset]:
            answer(asset, found[0], found[1], units / total, slot, state)
        units = 0.0


@inlined
def answer(asset, line, at, weight, slot, state):
    """Add `weight` times the mixture of the move since a line to a slot."""
    total = change(asset, BY_FORCED, at, state) + change(asset, BY_HEDGING, at, state)
    total += change(asset, BY_OTHERS, at, state)
    side = 1.0 if total > 0.0 else -1.0
    pushed, net = 0.0, 0.0
    for i in range(state.counts[FOUND]):
        part = side * (state.now[i] - state.lines[line, i])
        net += part
        pushed += max(part, 0.0)
    if net > 0.0 and total != 0.0:
        each = side * weight * net / ((net + max(side * total - net, 0.0)) * pushed)
        for i in range(state.counts[FOUND]):
            state.mix[slot, i] += max(each * (state.now[i] - state.lines[line, i]), 0.0)


@inlined
def share_out(s, slot, state):
    """Mixture of a sale: the takeovers whose lots are in the stock, those of its own side."""
    side, total = 1.0 if state.held[s] > 0.0 else -1.0, 0.0
    for i in range(state.counts[FOUND]):
        total += max(side * state.inventory[s, i], 0.0)
    if total > 0.0:
        for i in range(state.counts[FOUND]):
            state.mix[slot, i] = max(side * state.inventory[s, i], 0.0) / total


@inlined
def restock(e, stocks, state):
    """Take over lots from a liquidation, or sell pro rata over what is there."""
    s, lots, liquidation = stocks.stock[e], float(stocks.lots[e]), stocks.liquidation[e]
    before, after = state.held[s], state.held[s] + lots
    state.held[s] = after
    if liquidation >= 0:
        state.inventory[s, liquidation] += lots / state.scale[s]
    elif after * before > 0.0:
        state.scale[s] *= after / before
    is_empty = after == 0.0 or (liquidation < 0 and after * before <= 0.0)
    if is_empty or state.scale[s] < FAINT:
        factor = 0.0 if is_empty else state.scale[s]
        for i in range(state.counts[FOUND]):
            state.inventory[s, i] *= factor
        state.scale[s] = 1.0


@inlined
def judge(n, cause, losses, state, out):
    """Share out the loss that broke liquidation n, and draw its parent in proportion."""
    net, rest, parts = weigh(n, losses, state)
    classes = max(parts[0], 0.0) + max(parts[1], 0.0) + max(parts[2], 0.0)
    for kind in range(3):
        blank = 1.0 if kind == BY_OTHERS else 0.0
        out.shares[n, kind] = max(parts[kind], 0.0) / classes if classes > 0.0 else blank
    out.parent[n], out.generation[n], out.root[n] = -1, 0, n
    if net <= 0.0:
        return
    pushed = 0.0
    for i in range(n):
        pushed += max(state.loss[i], 0.0)
    total = pushed * (net + max(rest, 0.0)) / net
    out.shares[n, 3] = pushed / total
    list_weights(cause, state.loss[:n], total, state, out)
    parent = drawn(losses.draw[n] * total, n, state.loss)
    if parent >= 0:
        out.parent[n], out.root[n] = parent, out.root[parent]
        out.generation[n] = out.generation[parent] + 1


@inlined
def weigh(n, losses, state):
    """Loss that the liquidations before and the rest brought about, and the loss by class."""
    net, forced, hedging, others = 0.0, 0.0, 0.0, 0.0
    for i in range(n):
        state.loss[i] = 0.0
    for asset in range(state.place.size):
        money, start = losses.money[n, asset], losses.start[n, asset]
        if money == 0.0 or start >= state.place[asset]:
            continue
        show_now(asset, state)
        line, at = look_back(asset, start, state)
        forced += money * change(asset, BY_FORCED, at, state)
        hedging += money * change(asset, BY_HEDGING, at, state)
        others += money * change(asset, BY_OTHERS, at, state)
        for i in range(n):
            state.loss[i] += money * (state.now[i] - state.lines[line, i])
    for i in range(n):
        net += state.loss[i]
    return net, forced + hedging + others - net, (forced, hedging, others)


@inlined
def drawn(target, count, weights):
    """Position at which positive weights add up to more than `target`; -1 if they never do."""
    total = 0.0
    for i in range(count):
        total += max(weights[i], 0.0)
        if total > target:
            return i
    return -1


@inlined
def list_weights(cause, weights, total, state, out):
    """Write the weights of a cause that are worth listing."""
    for i in range(state.counts[FOUND]):
        if weights[i] >= LEAST * total:
            n = state.counts[WEIGHTS]
            out.cause[n], out.liquidation[n], out.weight[n] = cause, i, weights[i] / total
            state.counts[WEIGHTS] += 1


@kernel
def last_safe(prices, marks, exposure, breach, equity, maintenance, step, floor, ratio, out):
    """Last step at whose end an account was safe, and -1 if it never was.

    Parameters
    ----------
    prices : ndarray of float64, shape (K, S, 2)
        Mark and mid at the end of each step; the worse one counts.
    marks : ndarray of float64, shape (K, S)
    exposure, breach : ndarray of float64, shape (L, K)
        Units held, and the mark when the account broke.
    equity, maintenance : ndarray of float64, shape (L,)
    step, floor : ndarray of int64, shape (L,)
        Step of the breach, and the last step that is not looked at.
    ratio : float
        Equity over maintenance that is safe.
    out : ndarray of int64, shape (L,)
    """
    for n in range(step.size):
        s = min(step[n], marks.shape[1]) - 1
        while s > floor[n] and not is_safe(n, s, prices, marks, exposure, breach, equity, maintenance, ratio):
            s -= 1
        out[n] = max(s, floor[n])


@inlined
def is_safe(n, s, prices, marks, exposure, breach, equity, maintenance, ratio):
    """Whether equity was above `ratio` times maintenance, with what the account held at the breach."""
    worth, then, now = equity[n], 0.0, 0.0
    for k in range(marks.shape[0]):
        units = exposure[n, k]
        at_mark, at_mid = units * (prices[k, s, 0] - breach[n, k]), units * (prices[k, s, 1] - breach[n, k])
        worth += min(at_mark, at_mid)
        then += abs(units) * marks[k, s]
        now += abs(units) * breach[n, k]
    return worth > ratio * maintenance[n] * (then / now if now > 0.0 else 1.0)
