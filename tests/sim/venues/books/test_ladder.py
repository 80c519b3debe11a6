"""The ladder of prices: its ends, its width, and the bitmap that finds the next occupied tick."""

from __future__ import annotations

import math

import numpy as np
import pytest
from book_market import Market
from hypothesis import given, settings
from hypothesis import strategies as st

from sim import records as r
from sim.base.jit import kernel
from sim.kernels.books.ladder import BLOCK, occupied_above, occupied_below, occupy, vacate, words
from sim.venues.books.order_book import OrderBook


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
