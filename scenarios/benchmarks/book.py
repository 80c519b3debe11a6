"""The order book against bourse's batched book, on the same stream of orders.

The stream is made once, by running our own book to know what rests, and both books replay
it from arrays made beforehand. bourse shuffles each batch before it executes it, which
cannot be switched off, so the two see the same messages in another order within a batch;
cancels therefore name orders of earlier batches only. Ours writes fills, moves and
refusals to the tape and charges fees. Each finds a batch in the cache, as it is when populations
have just written it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from scenarios.benchmarks.measurement import measurement
from scenarios.benchmarks.rows import Goal, Row, alternate, peer
from sim.messages.tape import Tape
from sim.records import CANCEL, FILLS, LIMIT, MARKET, orders
from sim.venues.books.order_book import OrderBook

MID = 10_000
BATCH = 2_000
RESTING = 5_000
MESSAGES = 400_000
REPEATS = 9
ACCOUNTS = 1_000
REACH = 100  # ticks from the mid that limit orders lie within
NO_LIMIT = 2**62
HIGHEST = np.uint32(2**32 - 1)  # bourse's price of a market order to buy; 0 is one to sell
NEW, OLD = 1, 2  # bourse's instructions: a new order, a cancel
FILLS_APART = 0.05
BOURSE = 3.3e6  # messages a second, of a prototype on such a machine


@dataclass(frozen=True)
class Stream:
    """Batches of orders; the first fills the book and is not timed.

    Parameters
    ----------
    batches : list of ndarray of ORDER
    tags : int
        Tags used, 0 to `tags` − 1.
    """

    batches: list[np.ndarray]
    tags: int

    @property
    def messages(self) -> int:
        """Number of messages timed."""
        return sum(batch.size for batch in self.batches[1:])


class Writer:
    """Writes batches: a tenth markets, the rest limits and cancels that keep the book's size.

    Parameters
    ----------
    tags : int
        Names for resting orders; those that rest no more are used again, as populations do.
    seed : int
    """

    def __init__(self, tags: int, seed: int = 1) -> None:
        self._rng = np.random.default_rng(seed)
        self._owner = np.zeros(tags, np.int32)

    def write(self, size: int, markets: int, cancels: int, live: np.ndarray, clock: float) -> np.ndarray:
        """A batch in which `cancels` of the live tags are cancelled."""
        rng, rows = self._rng, orders(size)
        limits = size - markets - cancels
        rows["kind"] = rng.permutation(np.repeat([LIMIT, MARKET, CANCEL], [limits, markets, cancels]))
        side = rng.choice([-1, 1], size)
        rows["qty"] = side * rng.integers(1, 20, size)
        rows["price"] = MID - side * rng.integers(1 if live.size == 0 else -2, REACH, size)
        rows["account"] = rng.integers(0, ACCOUNTS, size)
        rows["time"] = clock + np.arange(size) / size
        is_limit, is_cancel = rows["kind"] == LIMIT, rows["kind"] == CANCEL
        free = np.setdiff1d(np.arange(self._owner.size), live)
        rows["target"][is_limit] = rng.choice(free, limits, replace=False)
        self._owner[rows["target"][is_limit]] = rows["account"][is_limit]
        rows["target"][is_cancel] = rng.choice(live, cancels, replace=False)
        rows["account"][is_cancel] = self._owner[rows["target"][is_cancel]]
        return rows


def stream(messages: int = MESSAGES, resting: int = RESTING, batch: int = BATCH) -> Stream:
    """Make a stream that keeps about so many orders resting."""
    tags = 2 * (resting + batch)
    writer, book, tape = Writer(tags), opened(tags), Tape(messages)
    batches = [writer.write(resting, 0, 0, np.zeros(0, np.int64), 0.0)]
    _execute(book, batches[0], tape, 1.0)
    for clock in range(1, messages // batch + 1):
        live = book.resting["tag"].astype(np.int64) - 1
        markets = batch // 10
        limits = (batch - markets + resting - live.size) // 2 + markets // 2
        cancels = min(batch - markets - min(max(limits, 0), batch - markets), live.size)
        batches.append(writer.write(batch, markets, cancels, live, float(clock)))
        _execute(book, batches[-1], tape, clock + 1.0)
    return Stream(batches, tags)


def opened(tags: int) -> OrderBook:
    """An empty book with fees, a maker's rebate among them."""
    rules = OrderBook.Parameters(tick=1.0, lot=1.0, maker_fee_bps=-1.0, taker_fee_bps=5.0)
    book = OrderBook("book", 0, 0, 0, rules)
    book.set_reference(float(MID))
    book.open(np.zeros(ACCOUNTS, np.int16), tags)
    return book


def _execute(book: OrderBook, batch: np.ndarray, tape: Tape, until: float) -> None:
    book.execute(batch, np.arange(batch.size), until, tape, np.full((3, ACCOUNTS), NO_LIMIT))


def instructions(batches: list[np.ndarray], tags: int) -> list[tuple[np.ndarray, ...]]:
    """The same batches as bourse takes them: kind, side, size, trader, price, order.

    bourse numbers new orders in the order in which they are submitted, markets included.
    """
    numbers, submitted, columns = np.zeros(tags, np.uint64), 0, []
    for rows in batches:
        is_new, is_limit, buys = rows["kind"] != CANCEL, rows["kind"] == LIMIT, rows["qty"] > 0
        number = submitted + np.cumsum(is_new) - 1
        submitted += int(is_new.sum())
        target = np.where(is_new, 0, numbers[rows["target"]])
        numbers[rows["target"][is_limit]] = number[is_limit]
        price = np.where(is_limit, rows["price"], np.where(buys, HIGHEST, 0))
        kind, size = np.where(is_new, NEW, OLD), np.abs(rows["qty"])
        small = [c.astype(np.uint32) for c in (kind, size, rows["account"], price)]
        columns.append((small[0], buys, *small[1:], target.astype(np.uint64)))
    return columns


def run_ours(stream: Stream, tape: Tape) -> tuple[float, int]:
    """Replay with our book: messages a second, fills.

    The tape is written over. One that was used before takes no new memory from the system, nor does
    bourse, whose allocator keeps what an earlier market of the process has let go.
    """
    tape.counts[:] = tape.posted = 0
    book, room = opened(stream.tags), np.full((3, ACCOUNTS), NO_LIMIT)
    first, *rest = stream.batches
    book.execute(first, np.arange(first.size), 1.0, tape, room)
    elapsed, outbox, due = 0.0, np.empty_like(rest[0]), np.arange(rest[0].size)
    for k, batch in enumerate(rest):
        outbox[:] = batch
        started = time.perf_counter()
        book.execute(outbox, due, k + 2.0, tape, room)
        elapsed += time.perf_counter() - started
    return stream.messages / elapsed, int(tape.counts[FILLS])


def run_bourse(bourse: Any, columns: list[tuple[np.ndarray, ...]]) -> tuple[float, int]:
    """Replay with bourse: messages a second, fills."""
    room = 10 * max(batch[0].size for batch in columns)
    market = bourse.core.StepEnvNumpy(7, 0, 1, room)
    first, *rest = columns
    market.submit_instructions(first)
    market.step()
    elapsed, outbox = 0.0, tuple(np.empty_like(column) for column in rest[0])
    for batch in rest:
        for own, column in zip(outbox, batch, strict=True):
            own[:] = column
        started = time.perf_counter()
        market.submit_instructions(outbox)
        market.step()
        elapsed += time.perf_counter() - started
    return sum(batch[0].size for batch in rest) / elapsed, len(market.get_trades())


@measurement("book", 10)
def against_bourse(messages: int = MESSAGES, repeats: int = REPEATS) -> Iterator[Row]:
    """Yield the row that compares messages a second."""
    bourse = peer("bourse")
    orders_sent = stream(messages)
    columns = instructions(orders_sent.batches, orders_sent.tags)
    tape = Tape(messages)
    fills = run_ours(orders_sent, tape)[1], run_bourse(bourse, columns)[1]
    if abs(fills[0] / fills[1] - 1.0) > FILLS_APART:
        raise ArithmeticError(f"the books did not do the same work: {fills[0]} and {fills[1]} fills")
    compared = alternate(
        lambda: run_ours(orders_sent, tape)[0], lambda: run_bourse(bourse, columns)[0], repeats
    )
    yield compared.row("order book, bourse in batches", Goal(6, 10), "messages/s", BOURSE)
