"""The constant-product formulas give the protocol's integers exactly."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from sim.kernels.pools import curves


@pytest.fixture(scope="module")
def cases(shared: Path):
    with open(shared / "vectors" / "univ2.json") as file:
        return json.load(file)["cases"]


def of(cases, name):
    chosen = [case for case in cases if case["fn"].startswith(name)]
    assert chosen, f"no case of {name}"
    return chosen


def integers(case, *names):
    return [int(case[name]) for name in names]


def test_every_reference_case_is_covered(cases):
    covered = ("getAmountOut", "getAmountIn", "maxSameTokenRepay", "mint_initial", "burn_all")
    covered += ("protocol_fee_mint", "price_cumulative")
    assert [case["fn"] for case in cases if not case["fn"].startswith(covered)] == []


def test_swap_output_is_the_protocols_integer(cases):
    for case in of(cases, "getAmountOut"):
        sent, x, y = integers(case, "amount_in", "reserve_in", "reserve_out")
        top, low = curves.amount_out(sent, x, y, 997, 1000)
        assert top // low == int(case["expected"])


def test_swap_input_is_the_protocols_integer(cases):
    for case in of(cases, "getAmountIn"):
        wanted, x, y = integers(case, "amount_out", "reserve_in", "reserve_out")
        top, low = curves.amount_in(wanted, x, y, 997, 1000)
        assert top // low + 1 == int(case["expected"])


def test_flash_loan_of_the_same_token_may_take_what_the_fee_leaves(cases):
    for case in of(cases, "maxSameTokenRepay"):
        top, low = curves.pro_rata(int(case["amount_in"]), 997, 1000)
        assert top // low == int(case["expected"])


def test_first_mint_is_the_root_less_the_locked_shares(cases):
    for case in of(cases, "mint_initial"):
        supply = math.isqrt(math.prod(integers(case, "amount0", "amount1")))
        assert supply == int(case["expected"]["total_supply"])
        assert int(case["expected"]["minimum_liquidity_locked"]) == 1000


def test_burn_returns_the_pro_rata_integers(cases):
    for case in of(cases, "burn_all"):
        x, y, burnt = integers(case, "reserve0", "reserve1", "burn_liquidity")
        supply = math.isqrt(x * y)
        for reserve, name in ((x, "amount0"), (y, "amount1")):
            top, low = curves.pro_rata(reserve, burnt, supply)
            assert top // low == int(case["expected"][name])


def test_protocol_fee_mints_a_sixth_of_the_growth(cases):
    for case in of(cases, "protocol_fee_mint"):
        x, y = integers(case, "reserve0", "reserve1")
        supply = before = math.isqrt(x * y)
        x, y = x - int(case["swap"]["amount0_out"]), y + int(case["swap"]["amount1_in"])
        top, low = curves.protocol_fee(supply, math.isqrt(x * y), before)
        assert top // low == int(case["expected"]["fee_liquidity"])


def test_cumulative_prices_are_the_protocols_fixed_point(cases):
    for case in of(cases, "price_cumulative"):
        x, y = integers(case, "reserve0", "reserve1")
        after = 10**18
        first = curves.cumulative_price(y, x, 10)
        expected = case["expected"]
        assert first == int(expected["price0_after_10s"])
        x2, y2 = x + 3 * after, y - after
        assert first + curves.cumulative_price(y2, x2, 10) == int(expected["price0_after_20s"])
        both = curves.cumulative_price(x, y, 10) + curves.cumulative_price(x2, y2, 10)
        assert both == int(expected["price1_after_20s"])
