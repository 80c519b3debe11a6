"""The orders of everyone but the hedgers, taken down from a run so that peers can replay them.

Each step is what a peer without references, expiry times or quotes under a tag has to be
told: cancels first, then new orders with absolute prices. A quote that did not change is
not sent again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.records import HEDGE, LIMIT, MARKET, QUOTE

NO_SLOT = -1


@dataclass(frozen=True)
class Step:
    """Orders of one step.

    Parameters
    ----------
    cancelled : ndarray of int64
        Slots of the orders to cancel.
    slot : ndarray of int64
        Name of each new order, `NO_SLOT` of a market order.
    is_buy : ndarray of bool
    lots, account, price : ndarray of int64
        Price in ticks.
    """

    cancelled: np.ndarray
    slot: np.ndarray
    is_buy: np.ndarray
    lots: np.ndarray
    account: np.ndarray
    price: np.ndarray


class Scribe:
    """Stands between a model and its book and takes down what arrives.

    Parameters
    ----------
    book : OrderBook
        Of a model that has not stepped yet.
    """

    def __init__(self, book: Any) -> None:
        self._book, self._execute = book, book.execute
        self._arrived: list[np.ndarray] = []
        self._quoted: dict[int, tuple[int, int, int]] = {}
        self._ending: list[tuple[float, int]] = []
        self.slots = 0
        book.execute = self._take_down

    def _take_down(self, orders: np.ndarray, due: np.ndarray, *rest: Any) -> None:
        self._arrived.append(orders[due].copy())
        self._execute(orders, due, *rest)

    def step(self, now: float, mid: float, tick: float) -> Step:
        """What arrived in the step that began `now`, when the mid was `mid`."""
        cancelled = [slot for end, slot in self._ending if end <= now]
        self._ending = [entry for entry in self._ending if entry[0] > now]
        sent: list[tuple[int, bool, int, int, int]] = []
        for row in np.concatenate(self._arrived) if self._arrived else ():
            if row["reason"] != HEDGE:
                self._write(row, mid / tick, sent, cancelled)
        self._arrived.clear()
        slot, is_buy, lots, account, price = np.array(sent, np.int64).reshape(-1, 5).T
        return Step(np.array(cancelled, np.int64), slot, is_buy.astype(bool), lots, account, price)

    def _write(
        self, row: Any, mid: float, sent: list[tuple[int, bool, int, int, int]], cancelled: list[int]
    ) -> None:
        qty, account, price = int(row["qty"]), int(row["account"]), int(row["price"])
        if row["kind"] == MARKET:
            sent.append((NO_SLOT, qty > 0, abs(qty), account, price))
        elif row["kind"] == QUOTE:
            self._quote(int(row["target"]), qty, price, account, sent, cancelled)
        elif row["kind"] == LIMIT:
            away = -price if qty > 0 else price
            sent.append((self.slots, qty > 0, abs(qty), account, round(mid + away)))
            self._ending.append((float(row["good_till"]), self.slots))
            self.slots += 1

    def _quote(
        self,
        tag: int,
        qty: int,
        price: int,
        account: int,
        sent: list[tuple[int, bool, int, int, int]],
        cancelled: list[int],
    ) -> None:
        before = self._quoted.pop(tag, None)
        if before is not None and before[:2] == (qty, price):
            self._quoted[tag] = before
            return
        if before is not None:
            cancelled.append(before[2])
        if qty != 0:
            sent.append((self.slots, qty > 0, abs(qty), account, price))
            self._quoted[tag] = qty, price, self.slots
            self.slots += 1


def taken_down(model: Any, venue: str, steps: int) -> tuple[list[Step], int]:
    """Run a model and take down the background of its steps; also the number of slots."""
    book = next(v for v in model.venues if v.name == venue)
    scribe, tick, taken = Scribe(book), book.parameters.tick, []
    for _ in range(steps):
        now, mid = model.time, float(model.view.assets[book.asset]["mid"])
        model.step()
        taken.append(scribe.step(now, mid, tick))
    return taken, scribe.slots
