"""The order book: stories of single rules, and every rule at once against a naive book."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim import records as r
from sim.jit import kernel
from sim.kernels.expiries import SPARE
from sim.kernels.ladder import BLOCK, occupied_above, occupied_below, occupy, vacate, words
from sim.tape import Tape
from sim.venues.order_book import OrderBook
from sim.view import QUOTE
from tests.naive_book import UNLIMITED, NaiveBook

ACCOUNTS = 6
TAGS = 5
FIELDS = set(r.ORDER.names or ())
MID = 100


class Market:
    """A book, its tape and unlimited room, driven one order at a time."""

    def __init__(self, accounts: int = ACCOUNTS, tags: int = TAGS, price: float = MID, **rules: Any) -> None:
        rules = {"tick": 1.0, "lot": 1.0} | rules
        self.book = OrderBook("book", 0, 0, 0, OrderBook.Parameters(**rules))
        self.book.set_reference(price)
        self.book.open(np.arange(accounts, dtype=np.int16) % 3, tags)
        self.tape = Tape(4)
        self.room = np.full((2, accounts), UNLIMITED, np.int64)
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
        quotes = np.zeros(1, QUOTE)
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
    there, slot = [], int(book._ladder["head"][tick])
    while slot:
        row = book._pool[slot]
        there.append((int(row["account"]), int(row["qty"]), int(row["tag"]) - 1))
        slot = int(row["next"])
    return there


# Matching


def test_the_better_price_trades_first_then_the_earlier_order() -> None:
    m = Market()
    for account, price in ((0, 102), (1, 101), (2, 101)):
        m.send(r.LIMIT, -5, price, account=account)
    m.send(r.MARKET, 12, account=3)
    assert m.trades == [(1, 101.0, 5), (2, 101.0, 5), (0, 102.0, 2)]
    assert m.levels(-1) == [[102, 3]]
    assert np.unique(m.fills["group"]).size == 1
    assert m.fills["seq"].tolist() == sorted(set(m.fills["seq"]))


def test_a_limit_order_trades_what_it_can_and_rests_with_the_rest() -> None:
    m = Market()
    m.send(r.LIMIT, -5, 101)
    m.send(r.LIMIT, 8, 103, account=1)
    assert m.trades == [(0, 101.0, 5)]
    assert m.levels(1) == [[103, 3]]


def test_fills_say_who_traded_for_whom_at_what_fee() -> None:
    m = Market(price=50.0, tick=0.5, lot=0.1, maker_fee_bps=-1.0, taker_fee_bps=5.0)
    m.send(r.LIMIT, -7, 101, account=4)
    m.send(r.MARKET, 4, account=5, cause=9, phase=r.HEDGING, reason=r.HEDGE, time=2.0, latency=0.5)
    (fill,) = m.fills
    assert (fill["price"], fill["qty"], fill["time"]) == (50.5, 4, 2.5)
    assert fill["fee"] == pytest.approx(5e-4 * 0.4 * 50.5)
    assert fill["maker_fee"] == pytest.approx(-1e-4 * 0.4 * 50.5)
    m.send(r.LIMIT, 3, 99, account=4)
    m.send(r.MARKET, -3, account=5)
    assert m.fills["fee"][1] == pytest.approx(5e-4 * 0.3 * 49.5)
    assert (fill["maker_population"], fill["taker_population"]) == (1, 2)
    assert (fill["cause"], fill["phase"], fill["reason"]) == (9, r.HEDGING, r.HEDGE)


def test_an_order_on_an_empty_side_has_no_reference() -> None:
    m = Market()
    m.send(r.MARKET, 5)
    m.send(r.LIMIT, 5, 0, price_ref=r.OPPOSITE_BEST)
    m.send(r.LIMIT, 5, 0, price_ref=r.OWN_BEST)
    assert m.refusals == ["no_reference"] * 3


def test_prices_are_offsets_towards_the_passive_side() -> None:
    m = Market(tags=8)
    m.send(r.LIMIT, 1, 3, price_ref=r.MID)
    m.send(r.LIMIT, -1, 4, price_ref=r.MID)
    assert (m.levels(1), m.levels(-1)) == ([[97, 1]], [[104, 1]])  # the mid is now 100.5
    m.send(r.LIMIT, 1, 0, price_ref=r.MID)
    m.send(r.LIMIT, -1, 1, price_ref=r.OWN_BEST)
    m.send(r.LIMIT, 1, 2, price_ref=r.OPPOSITE_BEST)
    assert (m.levels(1), m.levels(-1)) == ([[102, 1], [100, 1], [97, 1]], [[104, 1], [105, 1]])
    m.send(r.LIMIT, -1, 0, price_ref=r.OPPOSITE_BEST)
    assert m.trades[-1][1] == 102.0


def test_a_half_tick_is_rounded_to_the_passive_side() -> None:
    m = Market()
    for qty, price in ((1, 97), (-1, 104)):
        m.send(r.LIMIT, qty, price)
    for side, tick in ((1, 100), (-1, 101)):
        m.send(r.LIMIT, side, 0, price_ref=r.MID, target=0)
        assert m.levels(side)[0] == [tick, 1]
        m.send(r.CANCEL, target=0)


def test_the_side_follows_the_valuation_at_arrival() -> None:
    m = Market()
    m.send(r.LIMIT, 5, 99)
    m.send(r.LIMIT, -5, 101)
    for value in (100.5, 99.5, 100.0):
        m.send(r.MARKET, 2, value=value, flags=r.SIDE_BY_VALUE, account=1)
    assert m.fills["qty"].tolist() == [2, -2]
    assert m.refusals == []


@pytest.mark.parametrize(
    ("stp", "trades", "bids", "asks"),
    [
        (r.STP_NONE, [(0, 101.0, 2), (1, 101.0, 3), (0, 102.0, 1)], [], [[102, 4]]),
        (r.EXPIRE_TAKER, [(0, 101.0, 2)], [], [[101, 3], [102, 5]]),
        (r.EXPIRE_MAKER, [(0, 101.0, 2), (0, 102.0, 4)], [], [[102, 1]]),
        (r.EXPIRE_BOTH, [(0, 101.0, 2)], [], [[102, 5]]),
    ],
)
def test_self_trades_are_prevented_as_the_taker_says(
    stp: int, trades: list[Any], bids: list[Any], asks: list[Any]
) -> None:
    m = Market()
    m.send(r.LIMIT, -2, 101, account=0)
    m.send(r.LIMIT, -3, 101, account=1)
    m.send(r.LIMIT, -5, 102, account=0)
    m.send(r.LIMIT, 6, 103, account=1, stp=stp)
    assert (m.trades, m.levels(1), m.levels(-1)) == (trades, bids, asks)


def test_fill_or_kill_does_not_count_what_self_trade_prevention_would_remove() -> None:
    m = Market()
    m.send(r.LIMIT, -5, 101, account=0)
    m.send(r.LIMIT, -5, 102, account=1)
    m.send(r.LIMIT, 6, 102, account=0, tif=r.FOK, stp=r.EXPIRE_MAKER)
    assert m.refusals == ["not_fillable"]
    m.send(r.LIMIT, 5, 102, account=0, tif=r.FOK, stp=r.EXPIRE_MAKER)
    assert m.trades == [(1, 102.0, 5)]
    for stp in (r.EXPIRE_TAKER, r.EXPIRE_BOTH):
        m.send(r.LIMIT, -5, 101, account=0)
        m.send(r.LIMIT, -5, 102, account=1)
        m.send(r.LIMIT, 5, 102, account=0, tif=r.FOK, stp=stp)
        m.send(r.CANCEL_ALL, account=0)
    assert m.refusals == ["not_fillable"] * 3


def test_a_market_order_that_only_removes_its_senders_own_order_is_a_cancel() -> None:
    m = Market()
    for qty, price in ((5, 99), (-5, 101), (-5, 103)):
        m.send(r.LIMIT, qty, price, account=0)
    m.send(r.MARKET, 5, account=0, stp=r.EXPIRE_BOTH)
    assert m.fills.size == 0
    assert [(x["half_ticks"], x["mover"]) for x in m.moves] == [(2, r.BY_CANCEL)]


# Tags


def test_a_smaller_size_keeps_its_place_and_a_larger_one_loses_it() -> None:
    m = Market()
    m.send(r.LIMIT, 5, 99, account=0, target=0)
    m.send(r.LIMIT, 5, 99, account=1, target=1)
    m.send(r.MODIFY, 3, 99, account=0, target=0)
    assert queue(m.book, 99) == [(0, 3, 0), (1, 5, 1)]
    m.send(r.MODIFY, 4, 99, account=0, target=0)
    assert queue(m.book, 99) == [(1, 5, 1), (0, 4, 0)]


def test_a_modified_order_may_trade() -> None:
    m = Market()
    m.send(r.LIMIT, 5, 99, account=0, target=0)
    m.send(r.LIMIT, -3, 101, account=1)
    m.send(r.MODIFY, 5, 101, account=0, target=0)
    assert m.trades == [(1, 101.0, 3)]
    assert m.levels(1) == [[101, 2]]


def test_a_quote_places_moves_and_withdraws() -> None:
    m = Market()
    for qty, price in ((5, 98), (4, 98), (7, 97), (0, 0), (0, 0)):
        m.send(r.QUOTE, qty, price, target=2)
    assert (m.levels(1), m.refusals) == ([], [])
    m.send(r.QUOTE, 5, 98, target=2)
    m.send(r.QUOTE, -5, 102, target=2)
    m.send(r.QUOTE, 3, 102, target=2)
    assert (m.levels(1), m.levels(-1)) == ([[102, 3]], [])


def test_a_refused_replacement_leaves_the_order_as_it_was() -> None:
    m = Market()
    m.send(r.LIMIT, -1, 101, account=1)
    m.send(r.QUOTE, 5, 98, target=0, flags=r.POST_ONLY)
    m.send(r.QUOTE, 5, 101, target=0, flags=r.POST_ONLY)
    m.send(r.MODIFY, 5, -3, target=0)
    assert m.refusals == ["would_cross", "off_ladder"]
    assert m.levels(1) == [[98, 5]]


def test_tags_belong_to_whoever_has_an_order_under_them() -> None:
    m = Market()
    m.send(r.LIMIT, 5, 99, account=0, target=0)
    m.send(r.CANCEL, account=1, target=0)
    m.send(r.QUOTE, 1, 98, account=1, target=0)
    m.send(r.LIMIT, 1, 98, account=1, target=0)
    m.send(r.LIMIT, 1, 98, account=1, target=TAGS)
    m.send(r.MODIFY, 1, 98, account=1, target=3)
    m.send(r.CANCEL, account=1)
    assert m.refusals == ["unknown_tag"] * 2 + ["tag_in_use"] + ["unknown_tag"] * 3
    assert m.levels(1) == [[99, 5]]
    m.send(r.MARKET, -5, account=1)
    m.send(r.LIMIT, 1, 98, account=1, target=0)
    assert m.levels(1) == [[98, 1]]


def test_cancel_all_takes_off_the_senders_orders_only() -> None:
    m = Market()
    for account, price in ((0, 99), (1, 99), (0, 98), (0, 97)):
        m.send(r.LIMIT, 5, price, account=account)
    m.send(r.CANCEL_ALL, account=0)
    assert (m.levels(1), m.refusals) == ([[99, 5]], [])
    assert m.book.has_open_orders(1)
    assert not m.book.has_open_orders(0)


@pytest.mark.parametrize("others", [0, 30, 900], ids=["alone", "among", "rare"])
def test_a_random_cancel_takes_each_of_the_senders_orders_equally_often(others: int) -> None:
    """Four orders, 400 uniforms: each is expected 100 times, standard deviation 8.7."""
    m = Market(accounts=2)
    rows = np.concatenate([order(r.LIMIT, 1, 50 + k % 40, account=0) for k in range(others)] or [r.orders(0)])
    m.send_all(rows)
    taken = np.zeros(4)
    for u in np.random.default_rng(0).permutation((np.arange(400) + 0.5) / 400):
        m.send_all(np.concatenate([order(r.LIMIT, 1, 91 + k, account=1) for k in range(4)]))
        m.send(r.CANCEL_RANDOM, account=1, value=u)
        left = {tick for tick, _ in m.levels(1)} & {91, 92, 93, 94}
        taken += [91 + k not in left for k in range(4)]
        m.send(r.CANCEL_ALL, account=1)
    assert taken.sum() == 400
    assert (abs(taken - 100) < 44).all()
    assert m.book.resting.size == others


def test_a_random_cancel_of_nothing_is_refused() -> None:
    m = Market()
    m.send(r.LIMIT, 5, 99, account=0)
    m.send(r.CANCEL_RANDOM, account=1, value=0.5)
    assert m.refusals == ["unknown_tag"]
    assert m.levels(1) == [[99, 5]]


# Expiry


def test_orders_expire_at_their_time_and_whoever_sent_them_is_charged() -> None:
    m = Market()
    m.send(r.LIMIT, 5, 97, account=0)
    m.send(r.LIMIT, -5, 103, account=0)
    m.send(r.LIMIT, 5, 99, account=1, good_till=2.0)
    m.send(r.LIMIT, 5, 98, account=2, good_till=1.0)
    m.send(r.LIMIT, -1, 104, account=3, time=3.0, phase=r.HEDGING)
    moves = [(x["time"], x["half_ticks"], x["account"], x["mover"], x["phase"]) for x in m.moves]
    assert moves == [(0.0, 2, 1, r.BY_QUOTE, 0), (2.0, -2, 1, r.BY_CANCEL, r.HEDGING)]
    assert m.levels(1) == [[97, 5]]


def test_orders_expire_without_an_arrival_and_not_before() -> None:
    m = Market()
    m.send(r.LIMIT, 5, 99, good_till=2.0)
    m.pass_time(math.nextafter(2.0, 0.0))
    assert m.levels(1) == [[99, 5]]
    m.pass_time(2.0)
    assert m.levels(1) == []


def test_an_order_that_arrives_after_its_time_is_refused() -> None:
    m = Market()
    m.send(r.LIMIT, 5, 99, time=1.0, latency=0.5, good_till=1.5)
    assert (m.refusals, m.levels(1)) == (["too_late"], [])


def test_a_quote_renews_its_expiry_and_keeps_its_place() -> None:
    m = Market()
    m.send(r.QUOTE, 5, 99, account=0, target=0, good_till=1.0)
    m.send(r.LIMIT, 5, 99, account=1)
    m.send(r.QUOTE, 5, 99, account=0, target=0, good_till=3.0)
    m.pass_time(2.0)
    assert queue(m.book, 99) == [(0, 5, 0), (1, 5, -1)]
    m.pass_time(3.0)
    assert queue(m.book, 99) == [(1, 5, -1)]


def test_equal_expiries_go_in_the_order_they_were_set() -> None:
    m = Market()
    m.send(r.LIMIT, 5, 97, account=3)
    m.send(r.LIMIT, -5, 103, account=3)
    for account in (2, 0, 1):
        m.send(r.LIMIT, 5, 99, account=account, good_till=1.0)
    m.pass_time(1.0)
    assert m.moves["account"].tolist() == [2, 1]


def test_no_expiry_is_lost_or_early_however_often_it_is_renewed() -> None:
    rng = np.random.default_rng(5)
    m = Market(tags=200)
    ends = np.zeros(200)
    for clock in range(30):
        for tag in rng.choice(200, 60, replace=False):
            ends[tag] = clock + rng.integers(1, 25)
            m.send(r.QUOTE, 5, 99, target=tag, good_till=ends[tag], time=float(clock))
        m.pass_time(clock + 0.5)
        assert sorted(m.book.resting["tag"] - 1) == np.flatnonzero(ends > clock + 0.5).tolist()
        entries = m.book._expiries[: m.book._header["expiring"][0]]
        stale = entries["ticket"] != m.book._pool["ticket"][entries["slot"]]
        assert stale.sum() == m.book._header["stale"][0]


def test_the_heap_of_expiries_does_not_grow_with_the_number_of_quotes() -> None:
    m = Market()
    for k in range(2000):
        m.send(r.QUOTE, 5, 90 + k % 5, target=0, time=0.001 * k, good_till=1e6)
    assert m.book._header["expiring"][0] <= 2 + 2 * SPARE


# Margin


def test_room_counts_resting_orders_and_follows_fills() -> None:
    m = Market()
    m.room[:, 0] = (10, 4)
    m.send(r.LIMIT, 6, 99, account=0, target=0)
    m.send(r.LIMIT, 5, 98, account=0)
    m.send(r.MODIFY, 10, 99, account=0, target=0)
    assert (m.refusals, m.levels(1)) == (["no_margin"], [[99, 10]])
    m.send(r.MARKET, -7, account=1)
    assert m.room[:, 0].tolist() == [3, 11]
    m.send(r.LIMIT, 1, 98, account=0)
    m.send(r.LIMIT, -11, 105, account=0)
    assert m.refusals == ["no_margin"] * 2
    assert m.levels(-1) == [[105, 11]]


def test_orders_that_do_not_rest_are_cut_to_the_room() -> None:
    m = Market()
    m.room[:, 0] = (3, 0)
    m.send(r.LIMIT, -9, 101, account=1)
    m.send(r.LIMIT, 5, 101, account=0, tif=r.FOK)
    m.send(r.MARKET, 5, account=0)
    m.send(r.MARKET, 5, account=0)
    assert m.fills["qty"].tolist() == [3]
    assert m.refusals == ["no_margin", "no_margin"]


def test_reduce_only_orders_are_cut_to_what_reduces() -> None:
    m = Market()
    m.room[:, 0] = (0, 3)
    m.send(r.LIMIT, -5, 101, account=0, flags=r.REDUCE_ONLY)
    m.send(r.LIMIT, 5, 99, account=0, flags=r.REDUCE_ONLY)
    assert m.levels(-1) == [[101, 3]]
    assert m.refusals == ["nothing_to_reduce"]


# The ladder


def test_prices_off_the_ladder_are_refused_and_its_ends_are_not() -> None:
    m = Market()
    width = int(m.book._header["width"][0])
    for qty, price in ((1, 0), (1, -1), (-1, width), (1, 2**62), (-1, -(2**62)), (1, 1), (-1, width - 1)):
        m.send(r.LIMIT, qty, price)
    m.send(r.LIMIT, 1, 2**62, price_ref=r.MID)
    assert m.refusals == ["off_ladder"] * 6
    assert (m.levels(1), m.levels(-1)) == ([[1, 1]], [[width - 1, 1]])
    m.send(r.MARKET, 1)
    m.send(r.MARKET, -1)
    assert [price for _, price, _ in m.trades] == [width - 1.0, 1.0]
    assert (m.quote["bid_tick"], m.quote["ask_tick"]) == (r.NO_TICK, r.NO_TICK)


def test_the_ladder_is_at_least_four_times_the_opening_price() -> None:
    m = Market(price=200_000.0)
    assert m.book._header["width"][0] == 4 * BLOCK
    m.send(r.LIMIT, -1, 799_999)
    m.send(r.LIMIT, 1, 3)
    m.send(r.LIMIT, 1, 500_000)
    m.send(r.MARKET, -2)
    assert [price for _, price, _ in m.trades] == [500_000.0, 3.0]


@pytest.mark.parametrize("price", [0.5, 2e9, -1.0, math.nan])
def test_an_opening_price_that_does_not_fit_is_an_error(price: float) -> None:
    book = OrderBook("perp", 0, 0, 0, OrderBook.Parameters(tick=1.0, lot=1.0))
    with pytest.raises(ValueError, match="choose `tick`"):
        book.set_reference(price)
    with pytest.raises(RuntimeError, match="set_reference"):
        book.open(np.zeros(1, np.int16), 0)


@kernel
def search(bitmap: np.ndarray, width: int, ticks: np.ndarray, fill: bool, tick: int, out: np.ndarray) -> None:
    for k in range(ticks.size):
        if fill:
            occupy(bitmap, width, ticks[k])
        else:
            vacate(bitmap, width, ticks[k])
    out[0] = occupied_below(bitmap, width, tick)
    out[1] = occupied_above(bitmap, width, tick)


EDGES = [0, 63, 64, 4095, 4096, BLOCK - 1, BLOCK, BLOCK + 64, 2 * BLOCK - 1, 2 * BLOCK, 3 * BLOCK - 1]


@settings(deadline=None, max_examples=300, derandomize=True)
@given(st.sets(st.integers(0, 3 * BLOCK - 1) | st.sampled_from(EDGES), max_size=8), st.data())
def test_the_bitmap_finds_the_next_occupied_price(occupied: set[int], data: st.DataObject) -> None:
    width, out = 3 * BLOCK, np.zeros(2, np.int64)
    bitmap = np.zeros(words(width), np.uint64)
    gone = data.draw(st.sets(st.sampled_from(sorted(occupied)))) if occupied else set()
    tick = data.draw(st.integers(0, width - 1) | st.sampled_from(EDGES))
    search(bitmap, width, np.array(sorted(occupied), np.int64), True, tick, out)
    search(bitmap, width, np.array(sorted(gone), np.int64), False, tick, out)
    left = occupied - gone
    assert out[0] == max((t for t in left if t <= tick), default=-1)
    assert out[1] == min((t for t in left if t >= tick), default=width)
    search(bitmap, width, np.array(sorted(left), np.int64), False, tick, out)
    assert not bitmap.any()


# The mid, and what is observed


def test_an_empty_side_keeps_the_mid_and_the_quote_that_restores_it_is_charged() -> None:
    m = Market()
    m.send(r.LIMIT, 5, 99, account=0)
    m.send(r.LIMIT, -5, 102, account=1)
    m.send(r.MARKET, 5, account=2)
    assert m.quote["mid_half_ticks"] == 201
    assert math.isnan(m.quote["ask"])
    m.send(r.LIMIT, -5, 110, account=3, cause=7)
    assert [(x["half_ticks"], x["account"], x["mover"]) for x in m.moves] == [
        (1, 1, r.BY_QUOTE),
        (8, 3, r.BY_QUOTE),
    ]
    assert m.moves["cause"][1] == 7


def test_a_trade_that_empties_a_level_moves_the_mid_once() -> None:
    m = Market()
    m.send(r.LIMIT, 5, 99)
    for price in (101, 102, 103):
        m.send(r.LIMIT, -5, price)
    m.send(r.MARKET, 11, account=2, reason=r.FORCED)
    assert [(x["half_ticks"], x["reason"], x["mover"]) for x in m.moves] == [(2, r.FORCED, r.BY_TRADE)]


def test_the_quote_shows_depth_near_the_mid_and_flow_since_the_step_began() -> None:
    m = Market(price=1000.0, lot=0.5, depth_bps=20.0)  # two ticks each way
    for qty, price in ((4, 999), (6, 998), (9, 997), (-2, 1001), (-8, 1002), (-1, 1003)):
        m.send(r.LIMIT, qty, price)
    assert (m.quote["depth_bid"], m.quote["depth_ask"], m.quote["depth_span"]) == (5.0, 5.0, 2.0)
    m.send(r.MARKET, 1)
    m.book.start_step(m.tape)
    m.send(r.MARKET, 1)
    m.send(r.MARKET, -3)
    assert (m.quote["flow"], m.quote["volume"], m.quote["net_flow"]) == (-2, 4, -1)


# Bands and halts


def test_a_trade_beyond_the_band_is_not_made_and_trading_halts() -> None:
    """Two per cent of 100: asks at 101 and 102 trade, 103 does not."""
    m = Market(band_bps=200.0, band_window_seconds=1e9, halt_seconds=10.0)
    m.send(r.LIMIT, 5, 99, account=1, target=0)
    for price in (101, 102, 103):
        m.send(r.LIMIT, -5, price, account=1)
    m.send(r.LIMIT, 20, 110, account=0, time=1.0)
    assert [price for _, price, _ in m.trades] == [101.0, 102.0]
    assert (m.refusals, m.rejects["qty"].tolist()) == (["outside_band"], [10])
    assert m.quote["is_halted"] == 1
    m.send(r.LIMIT, 1, 98, time=2.0)
    m.send(r.QUOTE, 1, 98, account=1, target=0, time=2.0)
    m.send(r.QUOTE, 0, 0, account=1, target=0, time=3.0)
    assert m.refusals == ["outside_band", "halted", "halted"]
    assert m.levels(1) == []
    m.pass_time(11.0)
    assert m.quote["is_halted"] == 0
    m.send(r.LIMIT, 1, 102, account=2)
    m.send(r.MARKET, 1, account=0)
    assert m.trades[-1] == (1, 103.0, 1)  # the band restarted at the mid, 101


def test_without_a_halt_only_the_rest_of_the_order_is_lost() -> None:
    m = Market(band_bps=200.0, band_window_seconds=1e9)
    m.send(r.LIMIT, -5, 103)
    m.send(r.MARKET, 5, account=1)
    m.send(r.LIMIT, 5, 103, account=1, tif=r.FOK)
    m.send(r.LIMIT, 1, 101, account=1)
    assert (m.refusals, m.trades) == (["outside_band", "not_fillable"], [])
    assert m.levels(1) == [[101, 1]]


def test_the_band_follows_the_mid_with_its_time_constant() -> None:
    """The mid jumps from 100 to 110; after t the reference is 110 - 10 exp(-t / 5)."""
    m = Market(band_bps=100.0, band_window_seconds=5.0)
    m.send(r.LIMIT, 9, 109)
    m.send(r.LIMIT, -9, 111)
    m.send(r.MARKET, 1, account=1, time=1.0)
    assert m.refusals == ["outside_band"]
    late = -5.0 * math.log((110.0 - 111.0 / 1.01) / 10.0)
    m.send(r.MARKET, 1, account=1, time=0.999 * late)
    m.send(r.MARKET, 1, account=1, time=1.001 * late)
    assert len(m.refusals) == 2
    assert m.trades == [(0, 111.0, 1)]


# Everything at once, against a book that shares no code

KINDS = [r.LIMIT] * 8 + [r.MARKET] * 2 + [r.CANCEL] * 2 + [r.QUOTE] * 4 + [r.MODIFY] * 2
KINDS += [r.CANCEL_RANDOM, r.CANCEL_ALL, r.SWAP]


@st.composite
def messages(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(KINDS))
    reference = draw(st.sampled_from([r.ABSOLUTE] * 3 + [r.MID, r.OWN_BEST, r.OPPOSITE_BEST]))
    near = st.integers(92, 108) if reference == r.ABSOLUTE else st.integers(-3, 6)
    return {
        "kind": kind,
        "gap": draw(st.sampled_from([0.0, 0.0, 0.25, 1.0])),
        "life": draw(st.sampled_from([math.inf, math.inf, 0.0, 0.5, 1.0, 3.0])),
        "account": draw(st.integers(0, ACCOUNTS - 1)),
        "qty": draw(st.integers(-9, 9)),
        "price": draw(
            near if draw(st.integers(0, 15)) else st.sampled_from([0, -5, BLOCK - 1, BLOCK, 10**12])
        ),
        "price_ref": reference,
        "target": draw(st.integers(-1 if kind == r.LIMIT else 0, TAGS)),
        "value": draw(st.sampled_from([98.0, 100.0, 100.5, 103.0])),
        "tif": draw(st.sampled_from([r.GTC] * 3 + [r.IOC, r.FOK])),
        "stp": draw(st.integers(0, 3)),
        "flags": draw(st.sampled_from([0] * 4 + [r.POST_ONLY, r.REDUCE_ONLY, r.SIDE_BY_VALUE])),
        "phase": draw(st.integers(1, 4)),
        "reason": draw(st.integers(0, 2)),
        "cause": draw(st.integers(0, 3)),
    }


def agree(m: Market, naive: NaiveBook) -> None:
    """Assert that both books hold the same and did the same."""
    fills = ["time", "price", "qty", "maker", "taker", "group", "cause", "phase", "reason"]
    assert m.fills[fills].tolist() == naive.fills
    moves = ["time", "half_ticks", "account", "cause", "phase", "reason", "mover"]
    assert m.moves[moves].tolist() == naive.moves
    assert m.rejects[["time", "account", "kind", "refusal", "qty", "phase"]].tolist() == naive.rejects
    assert m.room.tolist() == naive.room
    for side in (1, -1):
        ticks = sorted({o.tick for o in naive.side(side)}, reverse=side > 0)
        lots = [sum(abs(qty) for _, qty, _ in naive.queue(tick)) for tick in ticks]
        assert m.levels(side) == [[tick, n] for tick, n in zip(ticks, lots, strict=True)]
        for tick in ticks:
            assert queue(m.book, tick) == naive.queue(tick)
        column = m.book._accounts["buying" if side > 0 else "selling"]
        assert column.tolist() == [
            sum(o.lots for o in naive.of(a) if o.side == side) for a in range(ACCOUNTS)
        ]
    assert m.book._accounts["resting"].tolist() == [len(naive.of(a)) for a in range(ACCOUNTS)]
    assert m.book._header["resting"][0] == len(naive.orders)
    assert m.book._tags.astype(bool).tolist() == [naive.tagged(t) is not None for t in range(TAGS)]
    quote = m.quote
    best = [r.NO_TICK if naive.best(s) is None else naive.best(s) for s in (1, -1)]
    assert [quote["bid_tick"], quote["ask_tick"]] == best
    assert quote["mid_half_ticks"] == naive.mid


@settings(deadline=None, max_examples=300, derandomize=True)
@given(
    st.lists(st.lists(messages(), max_size=12), min_size=1, max_size=8),
    st.sampled_from([{}, {}, {"band_bps": 200.0, "band_window_seconds": 2.0, "halt_seconds": 1.0}]),
    st.lists(st.sampled_from([UNLIMITED, UNLIMITED, 12, 0]), min_size=2 * ACCOUNTS, max_size=2 * ACCOUNTS),
)
def test_the_book_does_what_the_naive_book_does(
    batches: list[list[dict[str, Any]]], rules: dict[str, Any], room: list[int]
) -> None:
    m = Market(**rules)
    m.room[:] = np.array(room).reshape(2, ACCOUNTS)
    naive = NaiveBook(
        2 * MID,
        BLOCK,
        TAGS,
        m.room.tolist(),
        band=1e-4 * rules.get("band_bps", 0.0),
        window=rules.get("band_window_seconds", 1.0),
        halt=rules.get("halt_seconds", 0.0),
    )
    clock, opening = 0.0, m.quote["mid_half_ticks"]
    for batch in batches:
        rows = r.orders(len(batch))
        for row, message in zip(rows, batch, strict=True):
            clock += message["gap"]
            row["time"], row["latency"] = clock - 0.25, 0.25
            row["good_till"] = clock + message["life"]
            for name in message.keys() & FIELDS:
                row[name] = message[name]
            naive.advance(clock, message["phase"])
            if row["kind"] == r.CANCEL_RANDOM and len(naive.of(row["account"])) > 1:
                row["kind"] = r.CANCEL  # which one it takes is tested above
            naive.execute(row)
        clock += 0.25
        naive.advance(clock, r.TRADING)
        m.send_all(rows, clock)
        agree(m, naive)
    bid, ask = m.quote["bid_tick"], m.quote["ask_tick"]
    assert bid < ask or r.NO_TICK in (bid, ask)
    assert opening + m.moves["half_ticks"].sum() == m.quote["mid_half_ticks"]
    seq = np.concatenate([m.fills["seq"], m.moves["seq"]])
    assert sorted(seq) == list(range(seq.size))
