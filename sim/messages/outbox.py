"""The outbox: where populations put the orders they send."""

from __future__ import annotations

import math

import numpy as np

from sim.kernels.messages.outbox import Out
from sim.records import (
    ABSOLUTE,
    CANCEL,
    CANCEL_ALL,
    GTC,
    LIMIT,
    MARKET,
    ORDER,
    QUOTE,
    REQUEST,
    SEIZE,
    STP_NONE,
    SWAP,
    TRADE,
    orders,
)

BLANK: dict[str, float] = dict(zip(ORDER.names or (), orders(1)[0].tolist(), strict=True))


class Outbox:
    """A growing array of ORDER rows; the first `count` are waiting to arrive.

    Kernels write into `out`, after `reserve`. Plain Python calls `limit`, `market`, … one order at a
    time, or `extend` with an array of rows.

    Attributes
    ----------
    out : Out
        The rows and how many are written, as kernels take them; a new one when the rows have grown.
    rows : ndarray of ORDER
    count : int
    now : float
        Decision time of orders sent by the one-at-a-time calls, s.
    """

    def __init__(self, capacity: int = 1024) -> None:
        self._count = np.zeros(1, np.int64)
        self._show(orders(capacity))
        self.now = 0.0

    def _show(self, rows: np.ndarray) -> None:
        self.rows, self.out = rows, Out(rows, self._count)

    @property
    def count(self) -> int:
        """How many rows are written."""
        return self._count.item()

    @count.setter
    def count(self, count: int) -> None:
        self._count[0] = count

    def reserve(self, more: int) -> None:
        """Make sure `more` rows fit after `count`."""
        count = self.count
        if count + more > self.rows.size:
            larger = orders(max(count + more, 2 * self.rows.size))
            larger[:count] = self.rows[:count]
            self._show(larger)

    def extend(self, rows: np.ndarray) -> None:
        """Send an array of ORDER rows."""
        self.reserve(rows.size)
        count = self.count
        self.rows[count : count + rows.size] = rows
        self.count = count + rows.size

    def send(
        self, account: int, venue: int, kind: int, qty: int, latency: float = 0.0, **fields: float
    ) -> None:
        """Send one order; `fields` are further fields of the ORDER row."""
        if not math.isfinite(latency) or latency < 0:
            raise ValueError(f"latency is {latency:g} s; it must be at least 0")
        unknown = fields.keys() - BLANK.keys()
        if unknown:
            raise ValueError(f"an order has no field {sorted(unknown)[0]!r}; it has {', '.join(BLANK)}")
        said = {
            "time": self.now,
            "latency": latency,
            "account": account,
            "venue": venue,
            "kind": kind,
            "qty": qty,
        }
        self.reserve(1)
        count = self.count
        self.rows[count] = tuple(
            (BLANK | said | fields).values()
        )  # field by field would take four times as long
        self.count = count + 1

    def limit(
        self,
        account: int,
        venue: int,
        qty: int,
        price: int,
        *,
        latency: float = 0.0,
        price_ref: int = ABSOLUTE,
        tif: int = GTC,
        good_till: float = np.inf,
        tag: int = -1,
        flags: int = 0,
        stp: int = STP_NONE,
        reason: int = TRADE,
    ) -> None:
        """Send a limit order: `qty` lots (> 0 buys) at `price` ticks, or that far from `price_ref`."""
        self.send(
            account,
            venue,
            LIMIT,
            qty,
            latency,
            price=price,
            price_ref=price_ref,
            tif=tif,
            good_till=good_till,
            target=tag,
            flags=flags,
            stp=stp,
            reason=reason,
        )

    def quote(
        self, account: int, venue: int, qty: int, price: int, tag: int, *, latency: float = 0.0
    ) -> None:
        """Set the resting order under `tag` to this size and price; zero withdraws it."""
        self.send(account, venue, QUOTE, qty, latency, price=price, target=tag)

    def market(
        self, account: int, venue: int, qty: int, *, latency: float = 0.0, flags: int = 0, reason: int = TRADE
    ) -> None:
        """Send a market order for `qty` lots (> 0 buys)."""
        self.send(account, venue, MARKET, qty, latency, flags=flags, reason=reason)

    def swap(
        self,
        account: int,
        venue: int,
        qty: int,
        worst: float = 0.0,
        *,
        latency: float = 0.0,
        reason: int = TRADE,
    ) -> None:
        """Swap `qty` lots with a pool at an average price no worse than `worst` (0 is any)."""
        self.send(account, venue, SWAP, qty, latency, value=worst, reason=reason)

    def cancel(self, account: int, venue: int, tag: int, *, latency: float = 0.0) -> None:
        """Cancel the resting order under `tag`."""
        self.send(account, venue, CANCEL, 0, latency, target=tag)

    def cancel_all(self, account: int, venue: int, *, latency: float = 0.0) -> None:
        """Cancel every resting order of the account at this venue."""
        self.send(account, venue, CANCEL_ALL, 0, latency)

    def request(
        self,
        account: int,
        venue: int,
        instrument: int,
        qty: int,
        *,
        latency: float = 0.0,
        reason: int = TRADE,
    ) -> None:
        """Trade `qty` lots of an instrument with a desk at its quote."""
        self.send(account, venue, REQUEST, qty, latency, instrument=instrument, reason=reason)

    def seize(self, account: int, venue: int, target: int, *, latency: float = 0.0) -> None:
        """Ask the liquidation venue to liquidate the account `target`."""
        self.send(account, venue, SEIZE, 0, latency, target=target)
