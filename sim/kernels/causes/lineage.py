"""Lineage: which liquidations the moves of a price descend from, in one pass over the tape.

Every event carries a mixture w over the liquidations; what is left of 1 is exogenous. A
forced order carries w = 1 on its liquidation. A hedge answers the move D of the mid since
its account hedged before, c of which the liquidations contributed and e the rest: its w sums
to c / (c + e), each counted as far as it goes in the direction of D, shared over the
liquidations that pushed that way in proportion. What each move is charged to is worked out
in `sim.kernels.causes.charging`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sim.base.jit import inlined, kernel
from sim.kernels.causes.charging import (
    BY_FORCED,
    BY_HEDGING,
    BY_OTHERS,
    CHARGES,
    CLASS_COUNT,
    DONE,
    FOUND,
    STEP,
    WEIGHTS,
    change,
    follow,
    look_back,
    settle,
    show_now,
)

# Kinds of events, in the order in which they come at equal sequence numbers.
EVENTS = 4
(
    LIQUIDATED,
    FORMED,  # the first order of a group that shares a mixture
    STOCKED,  # a liquidator took lots over, or sold some
    MOVED,
) = range(EVENTS)

LEAST = 0.005  # smallest weight that is listed
MOST = 512  # rows a listing may need: weights sum to 1, and so do pools of small ones
FAINT = 1e-12  # share of a stock below which it is rescaled


class Log(NamedTuple):
    """What happened, in order: kind of event and row in the columns of that kind."""

    kind: Any
    row: Any


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
    for kind in range(CLASS_COUNT):
        blank = 1.0 if kind == BY_OTHERS else 0.0
        out.shares[n, kind] = max(parts[kind], 0.0) / classes if classes > 0.0 else blank
    out.parent[n], out.generation[n], out.root[n] = -1, 0, n
    if net <= 0.0:
        return
    pushed = 0.0
    for i in range(n):
        pushed += max(state.loss[i], 0.0)
    total = pushed * (net + max(rest, 0.0)) / net
    out.shares[n, CLASS_COUNT] = pushed / total
    first = state.counts[WEIGHTS]
    list_weights(cause, state.loss[:n], total, state, out)
    parent = drawn(losses.draw[n], first, out, state.counts[WEIGHTS])
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
def drawn(u, first, out, last):
    """Liquidation at which the listed weights add up to more than a uniform; -1 if they never do."""
    total = 0.0
    for n in range(first, last):
        total += out.weight[n]
        if total > u:
            return out.liquidation[n]
    return -1


@inlined
def list_weights(cause, weights, total, state, out):
    """Write the weights of a cause; small ones together, under the last of them.

    So the sum is right but for less than `LEAST`, and the list is short.
    """
    pooled = 0.0
    for i in range(state.counts[FOUND]):
        weight = max(weights[i], 0.0) / total
        pooled += 0.0 if weight >= LEAST else weight
        if weight >= LEAST or pooled >= LEAST:
            n = state.counts[WEIGHTS]
            out.cause[n], out.liquidation[n] = cause, i
            out.weight[n] = weight if weight >= LEAST else pooled
            pooled = pooled if weight >= LEAST else 0.0
            state.counts[WEIGHTS] += 1
