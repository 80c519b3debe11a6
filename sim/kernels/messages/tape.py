"""The tape: the one writer of FILL, MOVE and REJECT rows.

Every row gets the step; fills and moves share one sequence of numbers. What is written, kernels
gather in small tuples, which cost nothing once compiled.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sim.base.jit import inlined, kernel
from sim.records import FILLS, GROUP, MOVES, REJECTS, SEQ, STEP


class TapeRows(NamedTuple):
    """The columns of a tape, with room for what is to be written; `counts` says how many are."""

    fills: Any
    moves: Any
    rejects: Any
    counts: Any


class Party(NamedTuple):
    """An account and its population."""

    account: Any
    population: Any


class Origin(NamedTuple):
    """When something happened, s, and what brought it about."""

    time: Any
    cause: Any
    phase: Any
    reason: Any


class Deal(NamedTuple):
    """What changes hands, and at what price and fees; quantities above zero the taker buys."""

    instrument: Any
    qty: Any
    price: Any
    fee: Any
    maker_fee: Any


@inlined
def sender_of(order):
    """Who sent an order, as the router stamped it."""
    return Party(order["account"], order["population"])


@inlined
def origin_of(order):
    """When an order arrived, and what it says brought it about."""
    time = order["time"] + order["latency"]
    return Origin(time, order["cause"], np.int64(order["phase"]), np.int64(order["reason"]))


@inlined
def open_group(tape):
    """Number of a new group, whose fills are atomic."""
    tape.counts[GROUP] += 1
    return tape.counts[GROUP]


@inlined
def write_fill(tape, venue, group, deal, maker, taker, origin):
    """Write that something changed hands between two parties."""
    counts = tape.counts
    row = tape.fills[np.uint64(counts[FILLS])]
    counts[FILLS] += 1
    row["time"] = origin.time
    row["price"] = deal.price
    row["fee"] = deal.fee
    row["maker_fee"] = deal.maker_fee
    row["seq"] = counts[SEQ]
    counts[SEQ] += 1
    row["group"] = group
    row["qty"] = deal.qty
    row["step"] = counts[STEP]
    row["instrument"] = deal.instrument
    row["maker"] = maker.account
    row["taker"] = taker.account
    row["cause"] = origin.cause
    row["maker_population"] = maker.population
    row["taker_population"] = taker.population
    row["venue"] = venue
    row["phase"] = origin.phase
    row["reason"] = origin.reason


@inlined
def pencil_fill(tape, ahead, maker, taker, qty):
    """Note a trade on the row that many places after the last, where the next fill is written over it."""
    row = tape.fills[np.uint64(tape.counts[FILLS] + ahead)]
    row["maker"], row["taker"], row["qty"] = maker, taker, qty


@inlined
def write_move(tape, venue, half_ticks, mover, sender, origin, answers):
    """Write that a reference mid changed, who is charged, and what share of it answers flow."""
    counts = tape.counts
    row = tape.moves[np.uint64(counts[MOVES])]
    counts[MOVES] += 1
    row["time"] = origin.time
    row["seq"] = counts[SEQ]
    counts[SEQ] += 1
    row["half_ticks"] = half_ticks
    row["step"] = counts[STEP]
    row["cause"] = origin.cause
    row["account"] = sender.account
    row["population"] = sender.population
    row["venue"] = venue
    row["phase"] = origin.phase
    row["reason"] = origin.reason
    row["mover"] = mover
    row["answers"] = answers


@inlined
def write_reject(tape, venue, order, sender, qty, refusal):
    """Write that an order, or the `qty` left of it, was refused."""
    counts = tape.counts
    row = tape.rejects[np.uint64(counts[REJECTS])]
    counts[REJECTS] += 1
    row["time"] = order["time"] + order["latency"]
    row["qty"] = qty
    row["step"] = counts[STEP]
    row["account"] = sender.account
    row["population"] = sender.population
    row["venue"] = venue
    row["kind"] = order["kind"]
    row["refusal"] = refusal
    row["phase"] = order["phase"]


@inlined
def refuse(tape, venue, order, refusal):
    """Write that an order was refused whole."""
    write_reject(tape, venue, order, sender_of(order), order["qty"], refusal)


@kernel
def append_fill(tape, venue, group, deal, maker, taker, origin):
    """Write a fill for plain Python."""
    write_fill(tape, venue, group, deal, maker, taker, origin)


@kernel
def append_refusal(tape, venue, order, refusal):
    """Write a refusal for plain Python."""
    refuse(tape, venue, order, refusal)
