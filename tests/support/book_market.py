"""A book with its tape, driven one order at a time: what the tests of the order book share."""

from __future__ import annotations

from typing import Any

import numpy as np
from naive_book import UNLIMITED

from sim import records as r
from sim.kernels.books.resting import REDUCING
from sim.messages.tape import Tape
from sim.messages.view import VENUE_STATE
from sim.venues.books.order_book import OrderBook

ACCOUNTS = 6
TAGS = 5
MID = 100


class Market:
    """A book, its tape and unlimited room, driven one order at a time; row 2 of it is what accounts hold."""

    def __init__(self, accounts: int = ACCOUNTS, tags: int = TAGS, price: float = MID, **rules: Any) -> None:
        rules = {"tick": 1.0, "lot": 1.0} | rules
        self.book = OrderBook("book", 0, 0, 0, OrderBook.Parameters(**rules))
        self.book.set_reference(price)
        self.book.open(np.arange(accounts, dtype=np.int16) % 3, tags)
        self.tape = Tape(4)
        self.room = np.full((3, accounts), UNLIMITED, np.int64)
        self.room[2] = 0
        self.clock = 0.0

    def send(self, kind: int, qty: int = 0, price: int = 0, **fields: Any) -> None:
        """Send one order now."""
        self.send_all(order(kind, qty, price, **({"time": self.clock} | fields)))

    def send_all(self, rows: np.ndarray, until: float | None = None) -> None:
        """Send rows in the order given."""
        last = float((rows["time"] + rows["latency"]).max()) if rows.size else self.clock
        self.clock = max(self.clock, last if until is None else until)
        self.book.execute(rows, np.arange(rows.size), self.clock, self.tape, self.room)

    def pass_time(self, until: float) -> None:
        """Let time pass with no order arriving."""
        self.send_all(r.orders(0), until)

    @property
    def quote(self) -> Any:
        quotes = np.zeros(1, VENUE_STATE)
        self.book.observe(quotes)
        return quotes[0]

    @property
    def fills(self) -> np.ndarray:
        return self.tape.fills[: self.tape.counts[r.FILLS]]

    @property
    def moves(self) -> np.ndarray:
        return self.tape.moves[: self.tape.counts[r.MOVES]]

    @property
    def rejects(self) -> np.ndarray:
        return self.tape.rejects[: self.tape.counts[r.REJECTS]]

    @property
    def trades(self) -> list[tuple[int, float, int]]:
        """Maker, price and qty of every fill."""
        return [(int(f["maker"]), float(f["price"]), int(f["qty"])) for f in self.fills]

    @property
    def refusals(self) -> list[str]:
        return [r.REFUSALS[code] for code in self.rejects["refusal"]]

    def levels(self, side: int) -> list[list[int]]:
        found: list[list[int]] = self.book.levels(side).tolist()
        return found


def order(kind: int, qty: int = 0, price: int = 0, **fields: Any) -> np.ndarray:
    """One ORDER row."""
    row = r.orders(1)
    for name, value in ({"kind": kind, "qty": qty, "price": price} | fields).items():
        row[name] = value
    return row


def queue(book: OrderBook, tick: int) -> list[tuple[int, int, int]]:
    """Account, qty and tag of the orders at a tick, walked from the head of its queue."""
    there, slot = [], int(book._storage.columns.ladder["head"][tick])
    while slot:
        row = book._storage.columns.pool[slot]
        there.append((int(row["account"]), int(row["qty"]), int(row["tag"]) % REDUCING - 1))
        slot = int(row["next"])
    return there
