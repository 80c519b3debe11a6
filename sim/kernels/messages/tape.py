"""Pages of the tape: how a kernel writes down fills, moves and refusals."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sim.base.jit import inlined
from sim.records import FILLS, MOVES, REJECTS, SEQ, STEP


class Pages(NamedTuple):
    """The columns of a tape, gathered inside an entry kernel."""

    fills: Any
    moves: Any
    rejects: Any
    counts: Any


@inlined
def write_fill(pages, head, accounts, order, now, group, tick, qty, maker):
    """Write that `qty` lots (> 0 the taker buys) changed hands at `tick`."""
    counts = pages.counts
    taker = order["account"]
    row = pages.fills[np.uint64(counts[FILLS])]
    counts[FILLS] += 1
    price = tick * head["tick"]
    notional = abs(qty) * head["lot"] * price
    row["time"] = now
    row["price"] = price
    row["fee"] = notional * head["taker_fee"]
    row["maker_fee"] = notional * head["maker_fee"]
    row["seq"] = counts[SEQ]
    counts[SEQ] += 1
    row["group"] = group
    row["qty"] = qty
    row["step"] = counts[STEP]
    row["instrument"] = head["instrument"]
    row["maker"] = maker
    row["taker"] = taker
    row["cause"] = order["cause"]
    row["maker_population"] = accounts[np.uint32(maker)]["population"]
    row["taker_population"] = accounts[np.uint32(taker)]["population"]
    row["venue"] = head["venue"]
    row["phase"] = order["phase"]
    row["reason"] = order["reason"]


@inlined
def write_move(pages, head, accounts, now, half_ticks, account, cause, phase, reason, mover, answers):
    """Write that the reference mid changed by `half_ticks`, who is charged, and what share answers flow."""
    counts = pages.counts
    row = pages.moves[np.uint64(counts[MOVES])]
    counts[MOVES] += 1
    row["time"] = now
    row["seq"] = counts[SEQ]
    counts[SEQ] += 1
    row["half_ticks"] = half_ticks
    row["step"] = counts[STEP]
    row["cause"] = cause
    row["account"] = account
    row["population"] = accounts[np.uint32(account)]["population"]
    row["venue"] = head["venue"]
    row["phase"] = phase
    row["reason"] = reason
    row["mover"] = mover
    row["answers"] = answers


@inlined
def write_reject(pages, head, accounts, order, now, qty, refusal):
    """Write that an order, or the `qty` left of it, was refused."""
    counts = pages.counts
    row = pages.rejects[np.uint64(counts[REJECTS])]
    counts[REJECTS] += 1
    row["time"] = now
    row["qty"] = qty
    row["step"] = counts[STEP]
    row["account"] = order["account"]
    row["population"] = accounts[order["account"]]["population"]
    row["venue"] = head["venue"]
    row["kind"] = order["kind"]
    row["refusal"] = refusal
    row["phase"] = order["phase"]
