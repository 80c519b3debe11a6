"""Option holdings: sums over slots, and margin of short options."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.kernels.options.greeks import DELTA, GAMMA, PRICE, WORK_ROWS
from sim.kernels.options.portfolio import (
    INITIAL,
    MAINTENANCE,
    MARGIN_ROWS,
    combine,
    combine_short_margin,
    price_short_margin,
)
from sim.messages.view import ASSET, CONTRACT

RATES = np.array([[0.15, 0.10, 0.075]])


@st.composite
def holdings(draw):
    contracts, slots, holders = draw(st.integers(1, 6)), draw(st.integers(0, 4)), draw(st.integers(0, 7))
    size = slots * holders
    contract = draw(st.lists(st.integers(-1, contracts - 1), min_size=size, max_size=size))
    lots = draw(st.lists(st.integers(-(10**6), 10**6), min_size=size, max_size=size))
    contract = np.array(contract, np.int32).reshape(slots, holders)
    qty = np.where(contract < 0, 0, np.array(lots, np.int64).reshape(slots, holders))
    worth = np.array(draw(st.lists(st.floats(-1e6, 1e6), min_size=3 * contracts, max_size=3 * contracts)))
    return contract, qty, worth.reshape(3, contracts)


def columns_of(worth):
    work = np.zeros((WORK_ROWS, worth.shape[1] + 1))
    work[[PRICE, DELTA, GAMMA], 1:] = worth
    return work


@settings(deadline=None, max_examples=100, derandomize=True)
@given(holdings())
def test_holders_are_worth_the_sum_of_their_slots(held):
    contract, qty, worth = held
    outs = np.full((3, contract.shape[1]), np.nan)
    combine(contract, qty, columns_of(worth), *outs)
    for holder in range(contract.shape[1]):
        for out, row in zip(outs, worth, strict=True):
            terms = [q * row[c] for c, q in zip(contract[:, holder], qty[:, holder], strict=True) if c >= 0]
            assert out[holder] == pytest.approx(sum(terms), abs=1e-15 * sum(map(abs, terms)))


@settings(deadline=None, max_examples=100, derandomize=True)
@given(holdings())
def test_only_short_slots_tie_up_margin(held):
    contract, qty, worth = held
    margin = np.zeros((MARGIN_ROWS, worth.shape[1] + 1))
    margin[:, 1:] = np.abs(worth[:2])
    initial, maintenance = np.full((2, contract.shape[1]), np.nan)
    combine_short_margin(contract, qty, margin, initial, maintenance)
    for holder in range(contract.shape[1]):
        shorts = [(c, -q) for c, q in zip(contract[:, holder], qty[:, holder], strict=True) if q < 0]
        assert initial[holder] == pytest.approx(sum(q * margin[INITIAL, c + 1] for c, q in shorts))
        assert maintenance[holder] == pytest.approx(sum(q * margin[MAINTENANCE, c + 1] for c, q in shorts))


@pytest.mark.parametrize(
    ("strike", "is_call", "price", "initial", "maintenance"),
    [
        (100.0, 1, 5.0, 15.0, 7.5),  # at the money: 15% of the index
        (103.0, 1, 4.0, 12.0, 7.5),  # 3 out of the money: 15 - 3
        (150.0, 1, 0.1, 10.0, 7.5),  # far out: the floor of 10%
        (80.0, 1, 21.0, 15.0, 7.5),  # in the money
        (98.0, 0, 4.0, 13.0, 7.5),
        (300.0, 0, 200.0, 15.0, 15.0),  # a put may be worth more than the index: 7.5% of it
        (400.0, 0, 300.0, 22.5, 22.5),  # and the initial margin is never below maintenance
    ],
)
def test_margin_of_a_short_option_follows_the_standard_rule(strike, is_call, price, initial, maintenance):
    """Deribit's standard margin (secondary sources), index 100, less the mark."""
    contracts, assets = np.zeros(1, CONTRACT), np.zeros(1, ASSET)
    contracts["strike"], contracts["is_call"], contracts["price"] = strike, is_call, price
    contracts["lot"], contracts["is_live"] = 0.1, 1
    assets["index"] = 100.0
    margin = np.full((MARGIN_ROWS, 2), np.nan)
    price_short_margin(contracts, np.array([[0, contracts.size]]), assets, RATES, margin)
    assert margin[:, 0].tolist() == [0.0, 0.0]
    assert margin[:, 1] == pytest.approx([0.1 * initial, 0.1 * maintenance])


def test_a_contract_that_is_gone_needs_no_margin():
    contracts, assets = np.zeros(1, CONTRACT), np.zeros(1, ASSET)
    contracts["strike"], contracts["lot"], assets["index"] = 100.0, 1.0, 100.0
    margin = np.full((MARGIN_ROWS, 2), np.nan)
    price_short_margin(contracts, np.array([[0, contracts.size]]), assets, RATES, margin)
    assert not margin.any()
