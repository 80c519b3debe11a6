"""Stories of the order book: one rule each."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from book_market import TAGS, Market, order, queue

from sim import records as r
from sim.kernels.books.expiries import SPARE

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
        entries = m.book._storage.columns.expiries[: m.book._header["expiring"][0]]
        stale = entries["ticket"] != m.book._storage.columns.pool["ticket"][entries["slot"]]
        assert stale.sum() == m.book._header["stale"][0]


def test_the_heap_of_expiries_does_not_grow_with_the_number_of_quotes() -> None:
    m = Market()
    for k in range(2000):
        m.send(r.QUOTE, 5, 90 + k % 5, target=0, time=0.001 * k, good_till=1e6)
    assert m.book._header["expiring"][0] <= 2 + 2 * SPARE


# Margin


def test_room_counts_resting_orders_and_follows_fills() -> None:
    m = Market()
    m.room[:2, 0] = (10, 4)
    m.send(r.LIMIT, 6, 99, account=0, target=0)
    m.send(r.LIMIT, 5, 98, account=0)
    m.send(r.MODIFY, 10, 99, account=0, target=0)
    assert (m.refusals, m.levels(1)) == (["no_margin"], [[99, 10]])
    m.send(r.MARKET, -7, account=1)
    assert m.room[:, 0].tolist() == [3, 11, 7]
    m.send(r.LIMIT, 1, 98, account=0)
    m.send(r.LIMIT, -11, 105, account=0)
    assert m.refusals == ["no_margin"] * 2
    assert m.levels(-1) == [[105, 11]]


def test_orders_that_do_not_rest_are_cut_to_the_room() -> None:
    m = Market()
    m.room[:2, 0] = (3, 0)
    m.send(r.LIMIT, -9, 101, account=1)
    m.send(r.LIMIT, 5, 101, account=0, tif=r.FOK)
    m.send(r.MARKET, 5, account=0)
    m.send(r.MARKET, 5, account=0)
    assert m.fills["qty"].tolist() == [3]
    assert m.refusals == ["no_margin", "no_margin"]


def test_reduce_only_orders_are_cut_to_what_reduces() -> None:
    m = Market()
    m.room[2, 0] = 3
    m.send(r.LIMIT, -5, 101, account=0, flags=r.REDUCE_ONLY)
    m.send(r.LIMIT, 5, 99, account=0, flags=r.REDUCE_ONLY)
    assert m.levels(-1) == [[101, 3]]
    assert m.refusals == ["nothing_to_reduce"]


# Reduce-only


def test_reduce_only_goes_by_the_position_whatever_margin_allows() -> None:
    """Long 1,000: of 3,000 to sell, 1,000 are sold, though the account might go short."""
    m = Market()
    m.room[2, 0] = 1000
    m.send(r.LIMIT, 9000, 100, account=1)
    m.send(r.LIMIT, -3000, 100, account=0, flags=r.REDUCE_ONLY)
    assert m.trades == [(1, 100.0, -1000)]
    assert m.room[2, 0] == 0
    assert m.levels(-1) == []


@pytest.mark.parametrize("kind", [r.LIMIT, r.MARKET])
def test_two_reduce_only_orders_of_a_batch_do_not_turn_a_position_round(kind: int) -> None:
    m = Market()
    m.room[2, 0] = 7
    m.send(r.LIMIT, 50, 100, account=1)
    m.send_all(np.concatenate([order(kind, -5, 100, account=0, flags=r.REDUCE_ONLY)] * 2))
    assert m.fills["qty"].tolist() == [-5, -2]
    m.send(kind, -5, 100, account=0, flags=r.REDUCE_ONLY)
    assert m.refusals == ["nothing_to_reduce"]


def test_a_resting_reduce_only_order_fills_what_is_left_to_reduce_when_it_is_met() -> None:
    """Rests for 1,000; the position falls to 400 by other means; a buyer of 2,000 gets 400 of it."""
    m = Market()
    m.room[2, 0] = 1000
    m.send(r.LIMIT, -1000, 101, account=0, target=0, flags=r.REDUCE_ONLY)
    m.send(r.LIMIT, -500, 102, account=2)
    m.room[2, 0] = 400
    m.send(r.MARKET, 2000, account=1)
    assert m.trades == [(0, 101.0, 400), (2, 102.0, 500)]
    assert (m.room[2, 0], m.levels(-1), m.refusals) == (0, [], [])
    assert not m.book.has_open_orders(0)


def test_a_resting_reduce_only_order_of_a_flat_account_is_cancelled_when_it_is_met() -> None:
    m = Market()
    m.room[2, 0] = -4
    m.send(r.LIMIT, 4, 99, account=0, flags=r.REDUCE_ONLY)
    m.send(r.LIMIT, 5, 98, account=2)
    m.room[2, 0] = 3  # long now: a purchase would add
    m.send(r.LIMIT, -5, 98, account=1)
    assert m.trades == [(2, 98.0, -5)]
    assert m.levels(1) == []


def test_orders_of_one_owner_that_rest_reduce_together_no_more_than_there_is() -> None:
    m = Market()
    m.room[2, 0] = 10
    m.send(r.LIMIT, -6, 101, account=0, flags=r.REDUCE_ONLY)
    m.send(r.LIMIT, -6, 102, account=0, flags=r.REDUCE_ONLY)
    assert m.levels(-1) == [[101, 6], [102, 4]]
    m.send(r.LIMIT, -3, 101, account=0)  # no longer reduce-only, and first in line with the others
    m.room[2, 0] = 8
    m.send(r.MARKET, 20, account=1)
    assert [qty for _, _, qty in m.trades] == [6, 3]
    assert m.room[2, 0] == -1  # sold short by the order that may


def test_a_modified_order_is_reduce_only_if_the_modification_is() -> None:
    m = Market()
    m.room[2, 0] = 9
    m.send(r.LIMIT, -6, 101, account=0, target=0)
    m.send(r.MODIFY, -5, 101, account=0, target=0, flags=r.REDUCE_ONLY)
    m.room[2, 0] = 2
    m.send(r.MARKET, 3, account=1)
    assert [qty for _, _, qty in m.trades] == [2]
    m.room[2, 0] = 9
    m.send(r.LIMIT, -6, 101, account=0, target=0, flags=r.REDUCE_ONLY)
    m.send(r.QUOTE, -6, 101, account=0, target=0)
    m.room[2, 0] = 0
    m.send(r.MARKET, 3, account=1)
    assert [qty for _, _, qty in m.trades] == [2, 3]
    assert m.book.resting["tag"].tolist() == [1]


# Fill or kill, and what replaces an order


@pytest.mark.parametrize("kind", [r.LIMIT, r.MARKET, r.QUOTE, r.MODIFY])
def test_fill_or_kill_trades_whole_or_not_at_all_whatever_the_kind(kind: int) -> None:
    m = Market()
    m.send(r.LIMIT, -5, 101, account=1)
    m.send(r.LIMIT, 3, 98, account=0, target=0)
    m.send(kind, 12, 101, account=0, target=-1 if kind in (r.LIMIT, r.MARKET) else 0, tif=r.FOK)
    assert (m.trades, m.refusals) == ([], ["not_fillable"])
    assert m.levels(1) == [[98, 3]]
    m.send(kind, 5, 101, account=0, target=-1 if kind in (r.LIMIT, r.MARKET) else 0, tif=r.FOK)
    assert m.trades == [(1, 101.0, 5)]
    assert m.levels(1) == ([[98, 3]] if kind in (r.LIMIT, r.MARKET) else [])


@pytest.mark.parametrize("kind", [r.QUOTE, r.MODIFY])
def test_a_quote_that_is_immediate_does_not_rest(kind: int) -> None:
    m = Market()
    m.send(r.LIMIT, -5, 101, account=1)
    m.send(r.LIMIT, 12, 98, account=0, target=0)
    m.send(kind, 12, 101, account=0, target=0, tif=r.IOC)
    assert (m.trades, m.levels(1), m.refusals) == ([(1, 101.0, 5)], [], [])


def test_fill_or_kill_and_reduce_only_fills_what_is_left_to_reduce_whole() -> None:
    """Asks for 12, holds 8: 8 trade or none; and 8 that rest reduce-only with a flat owner do not count."""
    m = Market()
    m.room[2, :3] = -8, 0, 3
    m.send(r.LIMIT, -5, 101, account=1)
    m.send(r.MARKET, 12, account=0, tif=r.FOK, flags=r.REDUCE_ONLY)
    m.send(r.LIMIT, -3, 102, account=2, flags=r.REDUCE_ONLY)
    m.room[2, 2] = 2
    m.send(r.LIMIT, 12, 102, account=0, tif=r.FOK, flags=r.REDUCE_ONLY)
    assert (m.trades, m.refusals) == ([], ["not_fillable"] * 2)
    assert m.levels(-1) == [[101, 5], [102, 3]]
    m.send(r.LIMIT, -1, 102, account=1)
    m.send(r.LIMIT, 12, 102, account=0, tif=r.FOK, flags=r.REDUCE_ONLY)
    assert [qty for _, _, qty in m.trades] == [5, 2, 1]
    assert m.room[2, :3].tolist() == [0, -6, 0]


def test_post_only_of_what_does_not_rest_is_refused() -> None:
    m = Market()
    for tif in (r.IOC, r.FOK):
        m.send(r.LIMIT, 5, 99, flags=r.POST_ONLY, tif=tif)
    assert m.refusals == ["unsupported"] * 2


def test_a_market_order_has_a_deadline_too() -> None:
    m = Market()
    m.send(r.LIMIT, -5, 101, account=1)
    m.send(r.MARKET, 5, time=1.0, good_till=1.0)
    m.send(r.MARKET, 5, time=1.0, good_till=1.5)
    assert (m.refusals, m.trades) == (["too_late"], [(1, 101.0, 5)])


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "outside the band": ({"qty": 5, "price": 110}, "outside_band"),
    "off the ladder": ({"qty": 5, "price": -3}, "off_ladder"),
    "without margin": ({"qty": 90, "price": 98}, "no_margin"),
    "crossing, post-only": ({"qty": 5, "price": 110, "flags": r.POST_ONLY}, "would_cross"),
    "not fillable": ({"qty": 5, "price": 98, "tif": r.FOK}, "not_fillable"),
    "nothing to reduce": ({"qty": 5, "price": 98, "flags": r.REDUCE_ONLY}, "nothing_to_reduce"),
    "too late": ({"qty": 5, "price": 98, "good_till": 0.5}, "too_late"),
    "to the other side, outside the band": ({"qty": -5, "price": 85}, "outside_band"),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("kind", [r.QUOTE, r.MODIFY])
def test_whatever_refuses_a_replacement_the_old_order_keeps_its_place(kind: int, case: str) -> None:
    fields, refusal = REFUSED[case]
    m = Market(band_bps=500.0, band_window_seconds=1e9, halt_seconds=10.0)
    m.room[0, 0] = 20
    m.send(r.LIMIT, 4, 98, account=0, target=0)
    m.send(r.LIMIT, 4, 98, account=1, target=1)
    m.send(r.LIMIT, 9, 90, account=1)
    m.send(r.LIMIT, -9, 109, account=1)
    if fields["qty"] < 0:  # alone at 98, so that the first bid it would meet is at 90
        m.send(r.CANCEL, account=1, target=1)
    before = queue(m.book, 98)
    m.send(kind, account=0, target=0, time=1.0, **fields)
    assert (m.refusals, m.trades) == ([refusal], [])
    assert queue(m.book, 98) == before
    assert m.quote["is_halted"] == (refusal == "outside_band")


def test_a_replacement_that_traded_before_the_band_stopped_it_has_replaced() -> None:
    m = Market(band_bps=200.0, band_window_seconds=1e9)
    m.send(r.LIMIT, 4, 98, account=0, target=0)
    m.send(r.LIMIT, -3, 102, account=1)
    m.send(r.LIMIT, -3, 103, account=1)
    m.send(r.MODIFY, 5, 110, account=0, target=0)
    assert m.trades == [(1, 102.0, 3)]
    assert (m.refusals, m.rejects["qty"].tolist()) == (["outside_band"], [2])
    assert m.levels(1) == []


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
