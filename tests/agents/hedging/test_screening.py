"""Looking only at hedgers who can have left their edges gives what looking at all gives."""

from __future__ import annotations

from typing import Any

import numpy as np
from random_contracts import contracts_of

from agents.hedging.columns import COLUMNS, DECISION, Clock, Holding, Sight, Watch, unknown_rows
from agents.hedging.kernels.filling import Held, fill_book
from agents.hedging.kernels.screening import (
    BEND,
    GROSS,
    NET,
    SCREEN_ROWS,
    UNTIL,
    describe_all,
    look,
    remember_deltas,
    rescreen,
)
from sim.kernels.accounts.changes import ROOM, no_changes
from sim.kernels.base.flags import BLOCK, flag_columns
from sim.kernels.messages.owners import Owners
from sim.kernels.options.greeks import DELTA, GAMMA, WORK_ROWS
from sim.messages.view import CONTRACT, TERMS

NOTHING = Sight(np.zeros(0, CONTRACT), 0, np.zeros((2, 0)))


def holding_of(position: np.ndarray, pending: np.ndarray, terms: np.ndarray, first: int = 0) -> Holding:
    """Rows from account `first` on, with one instrument and no treasury."""
    rows = pending.shape[1]
    account = np.arange(first, first + rows)[None, :]
    return Holding(account, np.zeros(1, np.int64), np.zeros((1, rows), np.int64), pending, position, terms)


def clock_of(rows: int) -> Clock:
    """Everybody looks at once, every second."""
    return Clock(np.ones(rows), *np.zeros((2, rows)), np.full(rows, -np.inf), np.zeros(rows))


def seen(
    screen: np.ndarray,
    holding: Holding,
    sight: Sight = NOTHING,
    log: Any = None,
    since: int = 0,
    move: float = 0.0,
    now: float = 1.0,
) -> tuple[list[int], int, int]:
    """Rows that are looked at, how many a renewal may spare, and how much of the log has been read."""
    rows = screen.shape[1]
    changes = no_changes() if log is None else log
    accounts = holding.position.shape[1]
    first = accounts - rows
    numbers = np.arange(accounts, dtype=np.int32) - first
    owners = Owners((numbers >= 0).astype(np.int16), numbers)
    watch = Watch(
        screen, changes, owners, np.ones(rows, np.bool_), *flag_columns(rows), np.zeros(rows, np.int32)
    )
    columns = unknown_rows(rows, COLUMNS)
    count, near, read = look(now, now - 1.0, 1.0, move, since, sight, watch, clock_of(rows), holding, columns)
    return columns["row"][:count].tolist(), near, read


def changed(accounts: list[int], before: int = 0) -> np.ndarray:
    """A log of so many changes nobody asks about, and then these."""
    log = no_changes()
    log[0] = before + len(accounts)
    for number, account in enumerate(accounts, before):
        log[1 + number % ROOM] = account
    return log


def calm(rows: int) -> np.ndarray:
    """Everybody well within edges that hold for good."""
    screen = np.full((SCREEN_ROWS, rows), 0.1, np.float32)
    screen[UNTIL:] = np.array([[np.inf], [-np.inf], [np.inf]])
    return screen


def listed(screen: np.ndarray, log: np.ndarray, since: int, first: int = 0) -> list[int]:
    """Rows that would be looked at if no price had moved."""
    rows = screen.shape[1]
    nobody = np.zeros((1, rows + first), np.int64)
    found, _, read = seen(
        screen, holding_of(nobody, nobody[:, first:].copy(), np.zeros(1, TERMS), first), log=log, since=since
    )
    assert read == log[0]
    return found


def test_those_who_changed_since_are_looked_at_and_all_if_too_many_did() -> None:
    rows = BLOCK + 20
    assert listed(calm(rows), changed([]), 0) == []
    assert listed(calm(rows), changed([12, BLOCK + 13, 5, 9]), 0, first=10) == [2, BLOCK + 3]
    assert listed(calm(rows), changed([7, 3], before=ROOM - 1), ROOM - 1) == [3, 7]
    assert listed(calm(rows), changed([7, 3], before=ROOM - 1), ROOM) == [3]
    assert listed(calm(rows), changed([4] * ROOM), 0) == [4]
    assert len(listed(calm(rows), changed([4] * (ROOM + 1)), 0)) == rows


def test_who_is_to_be_looked_at_stays_so_until_it_is() -> None:
    screen = calm(30)
    log = changed([4])
    assert listed(screen, log, 0) == [4]
    assert listed(screen, log, 1) == [4]
    assert np.isinf(screen[NET, 4])


def test_edges_that_hold_for_a_time_or_within_a_span_are_looked_at_beyond() -> None:
    """Four rows in the middle of their edges: for good, until 10 s, within 2 of the price, both."""
    columns, reaches = unknown_rows(4, COLUMNS), unknown_rows(4, DECISION)
    columns["row"], columns["gross"] = np.arange(4), 0.0
    reaches["low"], reaches["high"] = -1.0, 1.0
    reaches["until"][[1, 3]], reaches["span"][[2, 3]] = 10.0, 2.0
    screen = np.zeros((SCREEN_ROWS, 4), np.float32)
    rescreen(columns, reaches, 0.0, screen)
    nobody = np.zeros((1, 4), np.int64)
    holding = holding_of(nobody, nobody.copy(), np.zeros(1, TERMS))
    assert seen(screen, holding, now=9.0, move=1.9)[0] == []
    assert seen(screen, holding, now=10.0, move=-1.9)[0] == [1, 3]
    assert seen(screen, holding, now=9.0, move=-2.1)[0] == [2, 3]
    assert seen(screen, holding, now=11.0, move=2.1)[0] == [1, 2, 3]


def test_a_renewal_is_asked_for_only_by_those_it_may_spare() -> None:
    """A row well inside its edges, one that only the drift may have let out, and one that is out of them."""
    contracts, then = contracts_of(np.random.default_rng(1), 1, 1.0), np.zeros((2, 1))
    remember_deltas(contracts, then)
    contracts["delta"] += 0.25
    screen = calm(3)
    screen[NET], screen[BEND], screen[GROSS] = [0.1, 0.9, -1.1], 0.0, 1.0
    nobody = np.zeros((1, 3), np.int64)
    holding = holding_of(nobody, nobody.copy(), np.zeros(1, TERMS))
    found, near, _ = seen(screen, holding, Sight(contracts, 0, then))
    assert (found, near) == ([1, 2], 1)


def test_nobody_out_of_band_is_screened_out() -> None:
    """Random books, bands down to nothing and to one side, gammas up to the absurd, moves of every size."""
    rng, outside = np.random.default_rng(1), 0
    for trial in range(300):
        count, rows, slots = (int(rng.integers(1, most)) for most in (8, 70, 5))
        contracts = contracts_of(rng, count, 10.0 ** rng.uniform(-12, 12))
        then = np.zeros((2, count))
        remember_deltas(contracts, then)
        work = np.zeros((WORK_ROWS, count + 1))
        work[DELTA, 1:], work[GAMMA, 1:] = (contracts["lot"] * contracts[f] for f in ("delta", "gamma"))
        held = rng.integers(-1, count, (slots, rows)).astype(np.int32)
        qty = np.where(held >= 0, rng.integers(-1000, 1000, (slots, rows)), 0)
        units = np.where(held >= 0, qty * contracts["lot"][held], 0.0)
        terms = np.zeros(1, TERMS)
        terms["lot"] = 10.0 ** rng.integers(-6, 2)
        position = np.round(-(units * then[0, held]).sum(axis=0) / terms["lot"]).astype(np.int64)[None, :]
        pending = rng.integers(-1000, 1000, (1, rows)) * (trial % 2)
        holding = holding_of(position - pending, pending, terms)
        half = 10.0 ** rng.uniform(-40 if trial % 3 else -5, 1, rows) * np.abs(units).sum(axis=0)
        columns, reaches = unknown_rows(rows, COLUMNS), unknown_rows(rows, DECISION)
        describe_all(0.0, 1.0, clock_of(rows), holding, columns)
        own = Held(np.arange(rows, dtype=np.int32)[None, :], held, qty)
        fill_book(own, contracts, work, then, np.zeros(rows), columns)
        skew = half * (rng.uniform(-1, 1) if trial % 5 == 0 else 0.0)
        reaches["low"], reaches["high"] = skew - half, skew + half
        screen = np.zeros((SCREEN_ROWS, rows), np.float32)
        rescreen(columns, reaches, 0.0, screen)
        move = rng.normal() * 10.0 ** rng.uniform(-14, 6)
        surprise = rng.normal(size=count) * 10.0 ** rng.uniform(-15, 0)
        contracts["delta"] = then[0] + (then[1] * move if trial % 2 else 0.0) + surprise
        found, *_ = seen(screen, holding, Sight(contracts, 0, then), move=move)
        net = position[0] * terms["lot"] + (units * contracts["delta"][held]).sum(axis=0)
        is_out = ~((net >= reaches["low"]) & (net <= reaches["high"]))
        outside += int(is_out.sum())
        assert set(np.flatnonzero(is_out)) <= set(found)
    assert outside > 1000
