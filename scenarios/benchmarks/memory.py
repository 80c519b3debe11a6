"""Memory: a million levered accounts, an account's columns, a resting order."""

from __future__ import annotations

import gc
import types
from collections.abc import Iterator
from typing import Any

import numpy as np

from scenarios.benchmarks.book import ACCOUNTS, MID, NO_LIMIT, REACH, opened
from scenarios.benchmarks.measurement import measurement
from scenarios.benchmarks.processes import run_process
from scenarios.benchmarks.rows import Goal, Row, Spread
from sim.chains.router import Router
from sim.messages.outbox import Outbox
from sim.messages.tape import Tape
from sim.records import LIMIT, orders

SCENARIO = "short_gamma_crash"
COUNT = "populations.levered.count"
MILLION = 1_000_000
FEW, MANY = 20_000, 120_000
RESTING, BATCH = 130_000, 1_000  # just under a power of two, where the book's columns double
MIB = 2**20
MESSAGES = (Tape, Outbox, Router)
OPAQUE = (type, types.ModuleType, types.FunctionType, types.FrameType)


@measurement("memory", 60)
def held() -> Iterator[Row]:
    """Yield the peak of a process with a million accounts, and bytes an account and an order."""
    _, manifest = run_process("--steps", "10", "--no-figures", "--set", f"{COUNT}={MILLION}")
    peak, goal = manifest["peak_memory_bytes"] / MIB, Goal(2048, 1024, more_is_better=False)
    yield Row("a million levered accounts, peak", Spread.of([peak]), "MiB", goal)
    columns, whole = account_bytes(MESSAGES), account_bytes()
    goal, shown = Goal(160, 64, more_is_better=False), f"{whole:.0f} B with messages"
    yield Row("a levered account, columns", Spread.of([columns]), "B", goal, shown)
    goal = Goal(48, 32, more_is_better=False)
    yield Row("a resting order with an expiry", Spread.of([round(order_bytes())]), "B", goal)


def account_bytes(apart: tuple[type, ...] = ()) -> float:
    """Bytes of arrays that one more levered account adds to a market that has opened.

    Parameters
    ----------
    apart : tuple of type
        Objects whose arrays do not count.
    """
    from scenarios.build.loading import load

    few, many = (array_bytes(load(SCENARIO, {COUNT: count}).market(), apart) for count in (FEW, MANY))
    return (many - few) / (MANY - FEW)


def order_bytes(resting: int = RESTING) -> float:
    """Bytes of arrays that a resting order with an expiry adds to a book."""
    book, tape, room = opened(0), Tape(), np.full((3, ACCOUNTS), NO_LIMIT)
    empty = array_bytes(book)
    rows, due = orders(BATCH), np.arange(BATCH)
    rows["kind"], rows["qty"], rows["good_till"] = LIMIT, 1, 1e9
    rows["price"], rows["account"] = MID - 1 - due % REACH, due % ACCOUNTS
    for _ in range(resting // BATCH):
        book.execute(rows, due, 1.0, tape, room)
    return (array_bytes(book) - empty) / book.resting.size


def array_bytes(root: Any, apart: tuple[type, ...] = ()) -> int:
    """Bytes of all numpy arrays that can be reached from an object, each counted once.

    Parameters
    ----------
    root : object
    apart : tuple of type
        Objects that are not entered.
    """
    found: dict[int, int] = {}
    seen, left = {id(root)}, [root]
    while left:
        for thing in gc.get_referents(left.pop()):
            kind = type(thing)  # isinstance would ask a proxy for what it stands for, which may be gone
            if id(thing) in seen or issubclass(kind, (*OPAQUE, *apart)):
                continue
            seen.add(id(thing))
            if issubclass(kind, np.ndarray):
                owner = _owner(thing)
                found[id(owner)] = owner.nbytes
            else:
                left.append(thing)
    return sum(found.values())


def _owner(array: np.ndarray) -> np.ndarray:
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array
