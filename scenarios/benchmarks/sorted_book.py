"""A plain Python order book on sortedcontainers, an order a call, on the stream of `book`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from scenarios.benchmarks.book import Stream, run_ours, stream
from scenarios.benchmarks.measurement import measurement
from scenarios.benchmarks.rows import Row, alternate, peer
from sim.messages.tape import Tape
from sim.records import CANCEL, MARKET

MESSAGES = 100_000
REPEATS = 3
Message = tuple[int, int, int, int]
"""Kind, signed lots, price in ticks, tag."""


class SortedBook:
    """Price-time priority: sorted prices, and at each a dict of tag to lots in order of arrival.

    Parameters
    ----------
    sorted_dict : type
        `sortedcontainers.SortedDict`.

    Attributes
    ----------
    fills : int
        How many there were; nothing else of them is kept.
    """

    def __init__(self, sorted_dict: Any) -> None:
        self._bids, self._asks = sorted_dict(), sorted_dict()
        self._where: dict[int, tuple[Any, int]] = {}
        self.fills = 0

    def limit(self, lots: int, price: int, tag: int) -> None:
        """Trade what crosses, rest the rest; `lots` > 0 buys."""
        sign = 1 if lots > 0 else -1
        left = self._match(lots, sign * price)
        if left:
            side, key = (self._bids, -price) if lots > 0 else (self._asks, price)
            queue = side.get(key)
            if queue is None:
                queue = side[key] = {}
            queue[tag] = left
            self._where[tag] = side, key

    def market(self, lots: int) -> None:
        """Trade at any price."""
        self._match(lots, 2**62)

    def cancel(self, tag: int) -> None:
        """Take an order out, if it still rests."""
        if tag in self._where:
            self._remove(tag)

    def _remove(self, tag: int) -> None:
        side, key = self._where.pop(tag)
        queue = side[key]
        del queue[tag]
        if not queue:
            del side[key]

    def _match(self, lots: int, worst: int) -> int:
        side, left = (self._asks if lots > 0 else self._bids), abs(lots)
        while left and side:
            key, queue = side.peekitem(0)
            if key > worst:
                break
            tag = next(iter(queue))
            self.fills += 1
            if queue[tag] > left:
                queue[tag] -= left
                return 0
            left -= queue[tag]
            self._remove(tag)
        return left


@measurement("book", 11)
def against_sorted_containers(messages: int = MESSAGES, repeats: int = REPEATS) -> Iterator[Row]:
    """Yield the row that compares messages a second."""
    sorted_dict = peer("sortedcontainers").SortedDict
    sent, tape = stream(messages), Tape(messages)
    first, *rest = messages_of(sent)
    later = [message for batch in rest for message in batch]

    def theirs() -> float:
        book = SortedBook(sorted_dict)
        replay(book, first)
        started = time.perf_counter()
        replay(book, later)
        return len(later) / (time.perf_counter() - started)

    compared = alternate(lambda: run_ours(sent, tape)[0], theirs, repeats)
    yield compared.row("order book, sortedcontainers, an order a call", None, "messages/s")


def replay(book: SortedBook, messages: list[Message]) -> None:
    """Send messages one by one."""
    for kind, lots, price, tag in messages:
        if kind == CANCEL:
            book.cancel(tag)
        elif kind == MARKET:
            book.market(lots)
        else:
            book.limit(lots, price, tag)


def messages_of(sent: Stream) -> list[list[Message]]:
    """The batches as plain integers."""
    return [batch[["kind", "qty", "price", "target"]].tolist() for batch in sent.batches]
