"""A reference order book: one plain list of orders, searched from end to end every time.

Slow and obvious. It shares no code with the book of `sim`, keeps no ladder, queue, pool
or heap, and is what the differential test compares with.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Any

from sim import records as r

UNLIMITED = 2**62


@dataclass
class Order:
    """One resting order; `place` orders the queue, `ticket` orders equal expiries."""

    side: int
    tick: int
    lots: int
    account: int
    tag: int
    place: int
    good_till: float
    ticket: int
    is_reduce_only: bool = False

    @property
    def qty(self) -> int:
        return self.side * self.lots


class NaiveBook:
    """The rules of `sim.venues.books.order_book.OrderBook`, written the long way.

    `room` is what each account may still buy and sell, and what it holds. Whether an order would fill, or
    trade at all, is found by letting a copy of the whole book try.
    """

    def __init__(
        self,
        half_ticks: int,
        width: int,
        tags: int,
        room: list[list[int]],
        tick: float = 1.0,
        band: float = 0.0,
        window: float = 1.0,
        halt: float = 0.0,
    ) -> None:
        self.orders: list[Order] = []
        self.fills: list[tuple[Any, ...]] = []
        self.moves: list[tuple[Any, ...]] = []
        self.rejects: list[tuple[Any, ...]] = []
        self.mid, self.width, self.tags, self.room = half_ticks, width, tags, room
        self.tick, self.band, self.window, self.halt = tick, band, window, halt
        self.reference, self.reference_time = float(half_ticks), 0.0
        self.halted_until: float | None = None
        self.places = self.tickets = self.groups = 0

    # What rests

    def side(self, side: int) -> list[Order]:
        """Orders of a side, the first to trade first."""
        return sorted((o for o in self.orders if o.side == side), key=lambda o: (-side * o.tick, o.place))

    def best(self, side: int) -> int | None:
        ticks = [o.tick for o in self.orders if o.side == side]
        return (max(ticks) if side > 0 else min(ticks)) if ticks else None

    def of(self, account: int) -> list[Order]:
        return [o for o in self.orders if o.account == account]

    def tagged(self, tag: int) -> Order | None:
        return next((o for o in self.orders if o.tag == tag), None)

    def queue(self, tick: int) -> list[tuple[int, int, int]]:
        """Account, qty and tag of the orders at a tick, first in line first."""
        there = sorted((o for o in self.orders if o.tick == tick), key=lambda o: o.place)
        return [(o.account, o.qty, o.tag) for o in there]

    # Time

    def advance(self, now: float, phase: int) -> None:
        """Let halts end, the band move and orders expire."""
        if self.band:
            if self.halted_until is not None and now >= self.halted_until:
                self.halted_until, self.reference = None, float(self.mid)
            elif now > self.reference_time:
                weight = 1.0 - math.exp(-(now - self.reference_time) / self.window)
                self.reference += (self.mid - self.reference) * weight
            self.reference_time = now
        expired = [o for o in self.orders if o.good_till <= now]
        for order in sorted(expired, key=lambda o: (o.good_till, o.ticket)):
            self.orders.remove(order)
            self.charge(order.good_till, order.account, 0, phase, r.TRADE, r.BY_CANCEL)

    def charge(self, now: float, account: int, cause: int, phase: int, reason: int, mover: int) -> None:
        bid, ask = self.best(1), self.best(-1)
        mid = self.mid
        if bid is not None and ask is not None:
            mid = bid + ask
        elif bid is not None:
            mid = max(mid, 2 * bid)
        elif ask is not None:
            mid = min(mid, 2 * ask)
        if mid != self.mid:
            self.moves.append((now, mid - self.mid, account, cause, phase, reason, mover))
            self.mid = mid

    # Orders

    def execute(self, row: Any) -> None:
        """Carry out one ORDER row at its arrival."""
        now = float(row["time"] + row["latency"])
        self.advance(now, int(row["phase"]))
        fills = len(self.fills)
        kind = int(row["kind"])
        enters = kind in (r.LIMIT, r.MARKET, r.MODIFY) or (kind == r.QUOTE and row["qty"] != 0)
        refusal, qty = self.enter(row, now) if enters else (self.cancel(row), int(row["qty"]))
        if refusal:
            self.rejects.append((now, int(row["account"]), kind, refusal, qty, int(row["phase"])))
        mover = r.BY_QUOTE if enters and kind != r.MARKET else r.BY_CANCEL
        mover = r.BY_TRADE if len(self.fills) > fills else mover
        account, cause, phase, reason = (int(row[f]) for f in ("account", "cause", "phase", "reason"))
        self.charge(now, account, cause, phase, reason, mover)

    def cancel(self, row: Any) -> int:
        own = self.of(int(row["account"]))
        if row["kind"] == r.CANCEL_ALL:
            self.orders = [o for o in self.orders if o not in own]
            return 0
        if row["kind"] == r.CANCEL_RANDOM:
            assert len(own) < 2, "which one is for another test"
            meant = own[0] if own else None
        elif row["kind"] in (r.CANCEL, r.QUOTE):
            meant = next((o for o in own if o.tag == row["target"] and o.tag >= 0), None)
        else:
            return r.NOT_TRADED
        if meant is not None:
            self.orders.remove(meant)
            return 0
        is_free = 0 <= row["target"] < self.tags and self.tagged(int(row["target"])) is None
        return 0 if row["kind"] == r.QUOTE and is_free else r.UNKNOWN_TAG

    def enter(self, row: Any, now: float) -> tuple[int, int]:
        kind, flags = int(row["kind"]), int(row["flags"])
        account, tag, asked = int(row["account"]), int(row["target"]), int(row["qty"])
        is_resting = kind != r.MARKET and row["tif"] == r.GTC
        is_fok = row["tif"] == r.FOK
        if self.halted_until is not None and now < self.halted_until:
            return r.HALTED, asked
        if row["good_till"] <= now:
            return r.TOO_LATE, asked
        meant = self.tagged(tag) if kind == r.MODIFY and 0 <= tag < self.tags else None
        wanted = meant.qty if asked == 0 and meant and meant.account == account else asked
        if wanted == 0:
            return r.NO_QUANTITY, asked
        side = 1 if wanted > 0 else -1
        if flags & r.SIDE_BY_VALUE and kind in (r.LIMIT, r.MARKET):
            mid = 0.5 * self.mid * self.tick
            if not (row["value"] > mid or row["value"] < mid):
                return 0, asked
            side = 1 if row["value"] > mid else -1
        limit = self.limit(row, side)
        if limit < 0:
            return -limit, asked
        old = None
        if kind in (r.QUOTE, r.MODIFY) or (kind == r.LIMIT and tag >= 0):
            old = self.tagged(tag) if 0 <= tag < self.tags else None
            if not 0 <= tag < self.tags:
                return r.UNKNOWN_TAG, asked
            if kind == r.LIMIT and old is not None:
                return r.TAG_IN_USE, asked
            if (old is not None and old.account != account) or (old is None and kind == r.MODIFY):
                return r.UNKNOWN_TAG, asked
        lots = abs(wanted)
        others = [o for o in self.of(account) if o is not old and o.side == side]
        allowed = self.room[0 if side > 0 else 1][account]
        if flags & r.REDUCE_ONLY:
            allowed = self.left_to_reduce(account, side)
        allowed -= sum(o.lots for o in others)
        if flags & r.REDUCE_ONLY:
            if allowed <= 0:
                return r.NOTHING_TO_REDUCE, asked
            lots = min(lots, allowed)
        elif lots > allowed:
            if allowed <= 0 or is_resting or is_fok:
                return r.NO_MARGIN, asked
            lots = allowed
        facing = self.best(-side)
        if flags & r.POST_ONLY:
            if facing is not None and side * (limit - facing) >= 0:
                return r.WOULD_CROSS, asked
            if not is_resting:
                return r.UNSUPPORTED, asked
        left, stop = self.trial(row, now, side, lots, limit, old) if is_fok or old else (0, "")
        if is_fok and left > 0:
            return r.NOT_FILLABLE, asked
        if old is not None and stop == "band" and left == lots:
            self.halted_until = now + self.halt if self.halt else self.halted_until
            return r.OUTSIDE_BAND, asked
        is_reduce_only = bool(flags & r.REDUCE_ONLY)
        stays = old is not None and old.side == side and old.tick == limit and lots <= old.lots
        if is_resting and stays:
            old.lots, old.is_reduce_only = lots, is_reduce_only
            self.date(old, float(row["good_till"]))
            return 0, asked
        if old is not None:
            self.orders.remove(old)
        left, stop = self.match(row, now, side, lots, limit)
        if stop == "band":
            self.halted_until = now + self.halt if self.halt else self.halted_until
            return r.OUTSIDE_BAND, side * left
        if left and is_resting and stop == "":
            self.places += 1
            new = Order(side, limit, left, account, tag, self.places, math.inf, 0, is_reduce_only)
            self.orders.append(new)
            self.date(new, float(row["good_till"]))
        return 0, asked

    def date(self, order: Order, good_till: float) -> None:
        order.good_till = good_till
        if good_till < math.inf:
            self.tickets += 1
            order.ticket = self.tickets

    def limit(self, row: Any, side: int) -> int:
        """Worst tick accepted, or minus the refusal."""
        offset = int(row["price"])
        if row["kind"] == r.MARKET:
            if self.best(-side) is None:
                return -r.NO_REFERENCE
            return self.width - 1 if side > 0 else 1
        if row["price_ref"] == r.ABSOLUTE:
            tick = offset
        else:
            if row["price_ref"] == r.MID:
                base = math.floor(self.mid / 2) if side > 0 else math.ceil(self.mid / 2)
            else:
                found = self.best(side if row["price_ref"] == r.OWN_BEST else -side)
                if found is None:
                    return -r.NO_REFERENCE
                base = found
            tick = base - side * offset
        return tick if 1 <= tick < self.width else -r.OFF_LADDER

    def is_outside(self, tick: int) -> bool:
        low = math.ceil(0.5 * self.reference * (1.0 - self.band))
        high = math.floor(0.5 * self.reference * (1.0 + self.band))
        return self.band > 0 and not low <= tick <= high

    def trial(
        self, row: Any, now: float, side: int, lots: int, limit: int, old: Order | None
    ) -> tuple[int, str]:
        """What matching would leave, and why it would stop, without the order that is replaced."""
        other = copy.deepcopy(self)
        other.orders = [o for o in other.orders if old is None or o.place != old.place]
        return other.match(row, now, side, lots, limit)

    def left_to_reduce(self, account: int, side: int) -> int:
        return max(-side * self.room[2][account], 0)

    def match(self, row: Any, now: float, side: int, left: int, limit: int) -> tuple[int, str]:
        group = None
        for maker in self.side(-side):
            if left == 0 or side * (limit - maker.tick) < 0:
                break
            if self.is_outside(maker.tick):
                return left, "band"
            if maker.is_reduce_only:
                maker.lots = min(maker.lots, self.left_to_reduce(maker.account, maker.side))
                if maker.lots == 0:
                    self.orders.remove(maker)
                    continue
            if row["stp"] != r.STP_NONE and maker.account == row["account"]:
                if row["stp"] in (r.EXPIRE_MAKER, r.EXPIRE_BOTH):
                    self.orders.remove(maker)
                if row["stp"] in (r.EXPIRE_TAKER, r.EXPIRE_BOTH):
                    return left, "self"
                continue
            lots = min(left, maker.lots)
            if group is None:
                group = self.groups = self.groups + 1
            taker = int(row["account"])
            stamps = (int(row[field]) for field in ("cause", "phase", "reason"))
            price, qty = maker.tick * self.tick, side * lots
            self.fills.append((now, price, qty, maker.account, taker, group, *stamps))
            for account, sign in ((taker, side), (maker.account, -side)):
                self.room[0][account] -= sign * lots
                self.room[1][account] += sign * lots
                self.room[2][account] += sign * lots
            left -= lots
            maker.lots -= lots
            if maker.lots == 0:
                self.orders.remove(maker)
        return left, ""
