"""The constant-product pool as a venue: swaps, liquidity, refusals, and books that balance."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pool_market import ALICE, BASE, BOB, POOL, SHARE, Market, opened

from sim.messages.view import ASSET, TERMS
from sim.records import (
    ADD_LIQUIDITY,
    HEDGE,
    LIMIT,
    LIQUIDITY,
    MARKET,
    NO_MARGIN,
    NO_QUANTITY,
    NO_REFERENCE,
    NOT_FILLABLE,
    NOT_TRADED,
    NOTHING_TO_REDUCE,
    REDUCE_ONLY,
    REJECTS,
    REMOVE_LIQUIDITY,
    SIDE_BY_VALUE,
    SLIPPAGE,
    SWAP,
    orders,
)
from sim.venues.pools.amm import ConstantProduct


def test_a_swap_pays_what_the_protocol_would():
    """Uniswap v2-core, UniswapV2Pair.spec: 1 into (5, 10) returns 1.662497915624478906."""
    market = opened(reference=2.0, lots=5000)
    (fill,) = market.send(SWAP, -1000, reason=HEDGE)
    assert market.cash[ALICE] == pytest.approx(1.662497915624478906, rel=1e-14)
    assert (fill["taker"], fill["maker"], fill["qty"], fill["reason"]) == (ALICE, POOL, -1000, HEDGE)
    assert (fill["taker_population"], fill["maker_population"], fill["fee"]) == (0, 5, 0.0)
    assert market.reserves[0] == 6000
    assert market.balances()


def test_buying_back_what_was_sold_costs_two_fees():
    market = opened()
    market.send(SWAP, -1000)
    market.send(SWAP, 1000)
    assert market.position[BASE, ALICE] == 0
    assert -market.cash[ALICE] == pytest.approx(2 * 0.003 * 100, rel=0.01)


def test_a_sale_moves_the_price_by_the_square_of_the_reserve():
    """P1 / P0 = (1 + q / x)^-2, without a fee."""
    market = opened(fee_bps=0.0)
    market.send(SWAP, -100_000)
    assert market.quote()["mid"] == pytest.approx(100 / 1.1**2, rel=1e-12)


def test_arbitrage_of_the_stated_size_closes_the_gap():
    """Selling (sqrt(kept x y / p) - x) / kept brings the bid to p."""
    market = opened(lot=1e-6, lots=10**9)
    kept, x, y, p = 0.997, 1000.0, 100_000.0, 95.0
    market.send(SWAP, -round((math.sqrt(kept * x * y / p) - x) / kept * 1e6))
    assert market.quote()["bid"] == pytest.approx(p, rel=1e-4)


def test_quotes_are_the_price_of_the_next_lot():
    market = opened()
    quote = market.quote()
    (bought,) = market.send(SWAP, 1)
    market.send(SWAP, -1)
    (sold,) = market.send(SWAP, -1)
    assert bought["price"] == pytest.approx(quote["ask"], rel=1e-5)
    assert sold["price"] == pytest.approx(quote["bid"], rel=1e-5)
    assert quote["mid"] == pytest.approx(100.0, rel=1e-12)
    assert (quote["base"], quote["cash"]) == (pytest.approx(1000.0), pytest.approx(100_000.0))


@pytest.mark.parametrize(("side", "field", "target"), [(1, "depth_ask", 101.0), (-1, "depth_bid", 99.0)])
def test_reported_depth_moves_the_mid_by_its_span(side, field, target):
    market = opened(fee_bps=0.0, depth_bps=100.0)
    quote = market.quote()
    assert quote["depth_span"] == pytest.approx(1.0)
    market.send(SWAP, side * round(quote[field] / 0.001))
    assert market.quote()["mid"] == pytest.approx(target, rel=1e-5)


def test_flow_and_volume_restart_with_the_step():
    market = opened()
    market.send(SWAP, 300)
    market.send(SWAP, -100)
    assert (market.quote()["flow"], market.quote()["volume"]) == (200, 400)
    market.pool.start_step(market.tape)
    assert (market.quote()["flow"], market.quote()["volume"]) == (0, 0)


def test_a_swap_worse_than_its_limit_is_refused_and_moves_nothing():
    market = opened()
    before = market.reserves
    assert market.send(SWAP, 1000, value=100.3) == SLIPPAGE
    assert market.send(SWAP, -1000, value=99.9) == SLIPPAGE
    assert market.reserves == before
    assert len(market.send(SWAP, 1000, value=101.0)) == 1
    assert len(market.send(SWAP, 1000, value=math.nan)) == 1


def test_market_orders_swap_without_limit():
    assert len(opened().send(MARKET, 1000, value=1.0)) == 1


def test_the_side_may_follow_a_valuation():
    market = opened()
    (bought,) = market.send(SWAP, -50, value=101.0, flags=SIDE_BY_VALUE)
    (sold,) = market.send(MARKET, 50, value=99.0, flags=SIDE_BY_VALUE)
    assert (bought["qty"], sold["qty"]) == (50, -50)
    assert len(market.send(SWAP, 50, value=market.quote()["mid"], flags=SIDE_BY_VALUE)) == 0


def test_room_limits_swaps_in_lots_and_in_cash_and_is_used_up():
    market = opened()
    market.room[:, ALICE] = 1000, 400, 400
    assert market.send(SWAP, -401) == NO_MARGIN
    assert market.send(SWAP, 1000) == NO_MARGIN  # the fee and the impact cost more than 1,000 lots at mid
    assert len(market.send(SWAP, 900)) == 1
    assert market.room[:, ALICE].tolist() == [100, 1300, 1300]
    assert len(market.send(SWAP, -1400, flags=REDUCE_ONLY)) == 1
    assert market.position[BASE, ALICE] == 900 - 1300
    assert market.send(SWAP, -1, flags=REDUCE_ONLY) == NOTHING_TO_REDUCE


def test_what_a_pool_does_not_do_is_refused():
    market = opened()
    assert market.send(LIMIT, 1) == NOT_TRADED
    assert market.send(SWAP, 0) == NO_QUANTITY
    assert market.send(SWAP, 1_000_000) == NOT_FILLABLE
    assert market.send(ADD_LIQUIDITY, -5) == NO_QUANTITY
    assert market.send(REMOVE_LIQUIDITY, 0) == NO_QUANTITY
    assert market.send(REMOVE_LIQUIDITY, 1) == NOTHING_TO_REDUCE


def test_an_empty_pool_has_no_price():
    market = Market()
    assert market.send(SWAP, 5) == NO_REFERENCE
    assert market.send(ADD_LIQUIDITY, 5) == NO_REFERENCE
    assert np.isnan(market.quote()["bid"])


def test_a_deposit_too_small_for_the_locked_shares_is_refused():
    market = Market(share_lot=1.0)
    market.pool.set_reference(100.0)
    assert market.send(ADD_LIQUIDITY, 1000) == NOT_FILLABLE


def test_the_first_deposit_mints_the_root_and_locks_a_thousand_lots():
    market = opened()
    root = round(math.sqrt(1000 * 100_000) / 1e-6)
    assert market.position[SHARE, BOB] == pytest.approx(root - 1000, abs=5)
    assert market.pool.state["supply"][0] == market.position[SHARE, BOB] + 1000
    assert market.cash[BOB] == pytest.approx(-100_000.0, rel=1e-12)
    assert market.position[BASE, BOB] == -1_000_000


def test_later_deposits_follow_the_pools_price_and_get_their_part():
    market = opened()
    market.send(SWAP, 100_000)
    base, cash = market.reserves
    fills = market.send(ADD_LIQUIDITY, base // 2, account=ALICE)
    assert len(set(fills["group"].tolist())) == 1
    assert set(fills["reason"].tolist()) == {LIQUIDITY}
    assert market.reserves == (base + base // 2, pytest.approx(1.5 * cash, rel=1e-6))
    held = market.position[SHARE]
    assert held[ALICE] / (held[BOB] + 1000) == pytest.approx((base // 2) / base, rel=1e-9)


def test_a_provider_gets_both_reserves_back_less_rounding():
    market = opened()
    market.send(ADD_LIQUIDITY, 500_000, account=ALICE)
    market.send(REMOVE_LIQUIDITY, int(market.position[SHARE, ALICE]), account=ALICE)
    assert -1 <= market.position[BASE, ALICE] <= 0
    assert -0.11 < market.cash[ALICE] <= 0.0
    assert market.position[SHARE, ALICE] == 0
    assert market.balances()


def test_when_everyone_leaves_the_locked_part_stays():
    market = opened()
    market.send(REMOVE_LIQUIDITY, int(market.position[SHARE, BOB]), account=BOB)
    base, cash = market.reserves
    assert base >= 1
    assert cash > 0
    assert market.pool.state["supply"][0] == 1000
    assert len(market.send(ADD_LIQUIDITY, 10**6)) == 2


@pytest.mark.parametrize("share", [0.3, 0.999, 0.999999, 1.0])
@pytest.mark.parametrize("lots", [1_000_000, 977, 31])
def test_a_withdrawal_leaves_the_price_alone_however_little_is_left(share, lots):
    market = opened(lots=lots, share_lot=1e-9)
    market.send(SWAP, -lots // 30)
    price = market.quote()["mid"]
    market.send(REMOVE_LIQUIDITY, int(market.position[SHARE, BOB] * share), account=BOB)
    assert market.reserves[0] <= lots * (1.0 - share) * 1.1 + 1
    assert market.quote()["mid"] == pytest.approx(price, rel=1e-6)


def test_a_provider_needs_room_for_both_sides():
    market = opened()
    market.room[:2, ALICE] = 99, 1000
    assert market.send(ADD_LIQUIDITY, 100) == NO_MARGIN
    market.room[:2, ALICE] = 1000, 99
    assert market.send(ADD_LIQUIDITY, 100) == NO_MARGIN


def test_every_order_has_its_own_group_and_every_fill_its_number():
    market = opened()
    market.send(SWAP, 10)
    market.send(SWAP, 10)
    fills = market.tape.fills[: market.posted]
    assert fills["seq"].tolist() == [0, 1, 2, 3]
    assert fills["group"].tolist() == [1, 1, 2, 3]


def test_the_time_weighted_price_integrates_what_stood_before_each_trade():
    market = opened(fee_bps=0.0)
    market.send(SWAP, -100_000, at=10.0)
    after = market.quote()["mid"]
    market.pool.execute(orders(0), np.zeros(0, np.int64), 30.0, market.tape, market.room)
    assert market.pool.time_weighted_price == pytest.approx(10 * 100.0 + 20 * after, rel=1e-12)


def appraised(market, mark):
    assets, terms = np.zeros(1, ASSET), np.zeros(2, TERMS)
    assets["mark"] = mark
    market.pool.appraise(assets, terms)
    return terms[SHARE]


def test_shares_are_worth_what_arbitrage_leaves_at_the_mark():
    market = opened(fee_bps=0.0)
    supply = market.pool.state["supply"][0]
    assert supply * 1e-6 * appraised(market, 100.0)["price"] == pytest.approx(200_000.0, rel=1e-9)
    at_121 = supply * 1e-6 * appraised(market, 121.0)["price"]
    market.send(SWAP, 1_000_000 - round(1_000_000 / 1.1))
    base, cash = market.reserves
    assert at_121 == pytest.approx(base * 0.001 * 121.0 + cash, rel=1e-9)
    assert supply * 1e-6 * appraised(market, 121.0)["price"] == pytest.approx(at_121, rel=1e-9)


def test_delta_and_gamma_of_all_shares_are_those_of_the_reserves():
    """Delta L / sqrt(P), gamma -L / (2 P^1.5), with L^2 = x y."""
    market = opened()
    terms, supply, root = appraised(market, 100.0), market.pool.state["supply"][0], math.sqrt(1e8)
    assert supply * terms["delta"] == pytest.approx(root / 10)
    assert supply * terms["gamma"] == pytest.approx(-root / 2000)


def test_shares_burnt_are_counted_before_the_ledger_posts_them():
    market = opened()
    both = orders(2)
    most = market.position[SHARE, BOB] * 3 // 5
    both["kind"], both["qty"], both["account"] = REMOVE_LIQUIDITY, most, BOB
    market.pool.execute(both, np.arange(2), 0.0, market.tape, market.room)
    assert market.tape.rejects["refusal"][: market.tape.counts[REJECTS]].tolist() == [NOTHING_TO_REDUCE]


def test_shares_minted_can_be_burnt_in_the_same_delivery_and_no_more():
    market = opened()
    market.send(ADD_LIQUIDITY, 1000, account=ALICE)
    shares = market.position[SHARE, ALICE]
    rows = orders(3)
    rows["kind"], rows["account"] = (ADD_LIQUIDITY, REMOVE_LIQUIDITY, REMOVE_LIQUIDITY), ALICE
    rows["qty"] = 1000, 2 * shares - 10, 20
    market.pool.execute(rows, np.arange(3), 0.0, market.tape, market.room)
    (refused,) = market.tape.rejects[: market.tape.counts[REJECTS]]
    assert (refused["refusal"], refused["qty"]) == (NOTHING_TO_REDUCE, 20)


def test_a_pool_that_does_not_see_who_holds_its_shares_cannot_open():
    pool = ConstantProduct("pool", 0, 0, BASE, ConstantProduct.Parameters(lot=1.0))
    pool.account, pool.share_instrument = POOL, SHARE
    with pytest.raises(ValueError, match="attach it before open"):
        pool.open(np.zeros(3, np.int16), 0)


def test_a_pool_without_an_account_cannot_open():
    pool = ConstantProduct("pool", 0, 0, BASE, ConstantProduct.Parameters(lot=1.0))
    with pytest.raises(ValueError, match="has no account"):
        pool.open(np.zeros(3, np.int16), 0)
    with pytest.raises(ValueError, match="must be above 0"):
        pool.set_reference(0.0)


actions = st.lists(
    st.tuples(
        st.sampled_from([SWAP, SWAP, SWAP, ADD_LIQUIDITY, REMOVE_LIQUIDITY]),
        st.sampled_from([ALICE, BOB]),
        st.integers(-(10**7), 10**7),
    ),
    max_size=30,
)


@settings(deadline=None, max_examples=100, derandomize=True)
@given(actions, st.sampled_from([0.0, 30.0, 9000.0]), st.sampled_from([1, 17, 10**6, 10**10]))
def test_nothing_a_taker_does_lowers_the_product_or_the_reserves_per_share(actions, fee_bps, lots):
    market = opened(fee_bps=fee_bps, lots=lots)
    for kind, account, qty in actions:
        if kind == REMOVE_LIQUIDITY:
            qty = int(market.position[SHARE, account]) * abs(qty) // 10**7
        (base, cash), product = market.reserves, market.product
        supply = int(market.pool.state["supply"][0])
        market.send(kind, qty, account=account)
        (base_now, cash_now), supply_now = market.reserves, int(market.pool.state["supply"][0])
        if kind == SWAP:
            assert market.product >= product
        assert base_now * supply >= base * supply_now or kind == SWAP
        assert Fraction(cash_now) * supply >= Fraction(cash) * supply_now or kind == SWAP
        assert base_now > 0
        assert cash_now > 0
    assert market.balances()
    assert not market.position.sum(axis=1).any()
    assert abs(market.cash.sum()) <= 1e-12 * np.abs(market.cash).sum()
