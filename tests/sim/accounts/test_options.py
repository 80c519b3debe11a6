"""Option prices, Greeks and implied volatility against references, limits and identities."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.kernels.options.greeks import DELTA, GAMMA, PRICE, WORK_ROWS, YEAR, delta_gamma, greeks, revalue
from sim.kernels.options.implied import implied_volatility
from sim.messages.view import ASSET, CONTRACT

EVERY = np.array([[0, 5]])  # contract of the chain
NAMES = ("price", "delta", "gamma", "vega", "theta_per_year")


def columns(*numbers):
    return [np.array([number], float) for number in numbers]


def greeks_of(spot, strike, years, vol, is_call, rate=0.0, carry=0.0):
    out = np.empty((5, 1))
    greeks(*columns(spot, strike, years, vol, rate, carry), np.array([is_call]), out)
    return out[:, 0]


def implied_of(price, spot, strike, years, is_call, rate=0.0, carry=0.0):
    out = np.empty(1)
    implied_volatility(*columns(price, spot, strike, years, rate, carry), np.array([is_call]), out)
    return out[0]


def normal_tail(d):
    """N(-d) by the C library, accurate to rounding of its argument."""
    return 0.5 * math.erfc(d / math.sqrt(2.0))


@pytest.fixture(scope="module")
def rows(shared: Path):
    with open(shared / "vectors" / "black_scholes.csv", newline="") as file:
        return list(csv.DictReader(file))


def column(rows, name):
    return np.array([float(row[name]) for row in rows])


def reference(rows):
    names = ("S_or_F", "K", "T_years", "vol", "r", "q")
    return [column(rows, name) for name in names], np.array([row["type"] == "call" for row in rows])


def test_every_reference_row_is_met_to_sixty_digit_values(rows):
    """The 650 rows computed with 60 digits."""
    inputs, is_call = reference(rows)
    out = np.empty((5, len(rows)))
    greeks(*inputs, is_call, out)
    assert len(rows) == 650
    for computed, name in zip(out, NAMES, strict=True):
        np.testing.assert_allclose(computed, column(rows, f"mp_{name}"), rtol=1e-9, atol=1e-10, err_msg=name)


def test_hot_kernel_equals_the_full_one_without_rates(rows):
    (forward, strike, years, vol, _, _), is_call = reference(rows)
    zero, out = np.zeros_like(forward), np.empty((5, len(rows)))
    delta, gamma = np.empty_like(forward), np.empty_like(forward)
    greeks(forward, strike, years, vol, zero, zero, is_call, out)
    delta_gamma(forward, strike, years, vol, is_call, delta, gamma)
    np.testing.assert_allclose(delta, out[1], rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(gamma, out[2], rtol=1e-12, atol=1e-300)


def test_delta_is_the_normal_tail_from_the_centre_to_the_last_float():
    """With total volatility s and ln(F / K) = -s (d + s / 2), a call's delta is N(-d)."""
    d = np.linspace(0.0, 37.0, 371)
    total = 0.5
    strike = np.exp(total * (d + 0.5 * total))
    delta, gamma = np.empty_like(d), np.empty_like(d)
    flat = np.ones_like(d)
    delta_gamma(flat, strike, flat, total * flat, np.ones(d.size, bool), delta, gamma)
    expected = np.array([normal_tail(x) for x in d])
    rounding = 1e-14 + 2e-15 * d * d
    assert np.all(np.abs(delta / expected - 1.0) < rounding)


@pytest.mark.parametrize(
    ("spot", "strike", "years", "vol", "is_call", "price", "delta"),
    [
        (110.0, 100.0, 0.0, 0.5, True, 10.0, 1.0),
        (110.0, 100.0, 0.0, 0.5, False, 0.0, 0.0),
        (90.0, 100.0, 1.0, 0.0, False, 10.0, -1.0),
        (100.0, 100.0, 0.0, 0.5, True, 0.0, 0.5),
        (100.0, 100.0, 1.0, 0.0, False, 0.0, -0.5),
        (90.0, 100.0, -1.0, 0.5, True, 0.0, 0.0),
        (100.0, 0.0, 1.0, 0.5, True, 100.0, 1.0),
        (0.0, 100.0, 1.0, 0.5, False, 100.0, -1.0),
        (0.0, 0.0, 1.0, 0.5, True, 0.0, None),
        (100.0, 1e300, 1.0, 0.5, True, 0.0, 0.0),
        (1e300, 1e-300, 1.0, 0.5, True, 1e300, 1.0),
        (100.0, 100.0, 1.0, 1e6, True, 100.0, 1.0),
        (100.0, 100.0, 1e12, 10.0, False, 100.0, 0.0),
    ],
)
def test_limits_are_taken(spot, strike, years, vol, is_call, price, delta):
    out = greeks_of(spot, strike, years, vol, is_call)
    assert np.all(np.isfinite(out))
    assert out[0] == pytest.approx(price, rel=1e-9, abs=1e-7)
    if delta is not None:
        assert out[1] == pytest.approx(delta, abs=1e-12)


def test_gamma_and_decay_vanish_where_their_limit_is_a_spike():
    at_the_money = greeks_of(100.0, 100.0, 0.0, 0.5, True)
    assert at_the_money[2] == 0.0
    assert at_the_money[4] == 0.0
    hundred, none = columns(100.0, 0.0)
    delta, gamma = columns(9.0, 9.0)
    delta_gamma(hundred, hundred, none, hundred, np.array([True]), delta, gamma)
    assert (delta[0], gamma[0]) == (0.5, 0.0)


positive = st.floats(1e-3, 1e6)
log_moneyness = st.floats(-3.0, 3.0)
life = st.floats(1e-4, 5.0)
volatility = st.floats(0.01, 3.0)
yearly_rate = st.floats(-0.1, 0.2)


@settings(deadline=None, max_examples=150, derandomize=True)
@given(positive, log_moneyness, life, volatility, yearly_rate, yearly_rate)
def test_call_less_put_is_the_forward_contract(spot, m, years, vol, rate, carry):
    strike = spot * math.exp(m)
    call = greeks_of(spot, strike, years, vol, True, rate, carry)
    put = greeks_of(spot, strike, years, vol, False, rate, carry)
    held, owed = spot * math.exp(-carry * years), strike * math.exp(-rate * years)
    assert call[0] - put[0] == pytest.approx(held - owed, abs=1e-13 * (held + owed))
    assert call[1] - put[1] == pytest.approx(math.exp(-carry * years), rel=1e-13)
    assert call[2] == pytest.approx(put[2], rel=1e-13)
    assert call[3] == pytest.approx(put[3], rel=1e-13)


@settings(deadline=None, max_examples=150, derandomize=True)
@given(
    st.floats(-1.0, 1.0), st.floats(0.05, 3.0), st.floats(0.1, 1.5), yearly_rate, yearly_rate, st.booleans()
)
def test_greeks_are_derivatives_of_the_price(m, years, vol, rate, carry, is_call):
    def price(spot=100.0, years=years, vol=vol):
        return greeks_of(spot, 100.0 * math.exp(m), years, vol, is_call, rate, carry)[0]

    _, delta, gamma, vega, theta = greeks_of(100.0, 100.0 * math.exp(m), years, vol, is_call, rate, carry)
    h = 0.02
    up, down = price(spot=100.0 + h), price(spot=100.0 - h)
    assert delta == pytest.approx((up - down) / (2 * h), abs=1e-5)
    assert gamma == pytest.approx((up - 2 * price() + down) / h**2, abs=1e-5)
    assert vega == pytest.approx((price(vol=vol + 1e-5) - price(vol=vol - 1e-5)) / 2e-5, rel=1e-6, abs=1e-5)
    assert theta == pytest.approx((price(years=years - 1e-6) - price(years=years + 1e-6)) / 2e-6, abs=2e-5)


@settings(deadline=None, max_examples=300, derandomize=True)
@given(
    st.floats(0.0, 1e200),
    st.floats(0.0, 1e200),
    st.floats(-1.0, 1e6),
    st.floats(0.0, 1e4),
    st.booleans(),
)
def test_nothing_finite_gives_nan_or_infinity(spot, strike, years, vol, is_call):
    out = greeks_of(spot, strike, years, vol, is_call)
    assert np.all(np.isfinite(out))
    assert out[0] >= 0.0
    assert abs(out[1]) <= 1.0
    assert out[2] >= 0.0


@settings(deadline=None, max_examples=300, derandomize=True)
@given(positive, log_moneyness, life, volatility, yearly_rate, yearly_rate, st.booleans())
def test_implied_volatility_undoes_the_price(spot, m, years, vol, rate, carry, is_call):
    """As well as the price determines it: rounding of the price, over vega, is allowed."""
    strike = spot * math.exp(m)
    price, _, _, vega, _ = greeks_of(spot, strike, years, vol, is_call, rate, carry)
    blur = 1e-14 * max(spot, strike) / vega if vega > 0 else math.inf
    if blur < 1e-3:
        found = implied_of(price, spot, strike, years, is_call, rate, carry)
        assert found == pytest.approx(vol, rel=1e-12, abs=2 * blur)


@pytest.mark.parametrize("place", range(6))
@pytest.mark.parametrize("is_call", [True, False])
def test_what_is_worked_out_from_a_nan_is_nan(place, is_call):
    """Price and Greeks, in both kernels, and implied volatility; infinite volatility is no NaN."""
    inputs = [100.0, 110.0, 0.5, 0.6, 0.02, 0.01]
    assert np.isfinite(greeks_of(*inputs[:4], is_call, *inputs[4:])).all()
    inputs[place] = math.nan
    assert np.isnan(greeks_of(*inputs[:4], is_call, *inputs[4:])).all()
    assert math.isnan(implied_of(inputs[3] * 20, *inputs[:3], is_call, *inputs[4:]))
    if place < 4:
        delta, gamma = np.zeros((2, 1))
        delta_gamma(*columns(*inputs[:4]), np.array([is_call]), delta, gamma)
        assert np.isnan([delta[0], gamma[0]]).all()
    assert greeks_of(100.0, 110.0, 0.5, math.inf, True)[1] == 1.0


def test_a_contract_without_a_volatility_has_no_worth_and_no_delta(chain):
    contracts, assets = chain
    contracts["volatility"][0] = math.nan
    revalue(contracts, EVERY, assets, 500.0, np.zeros((WORK_ROWS, 6)))
    for name in ("price", "delta", "gamma"):
        assert np.isnan(contracts[name][0])
        assert np.isfinite(contracts[name][1:]).all()


def test_implied_volatility_of_a_deep_tail_is_found():
    price = greeks_of(100.0, 300.0, 0.1, 0.3, True)[0]
    assert price < 1e-27
    assert implied_of(price, 100.0, 300.0, 0.1, True) == pytest.approx(0.3, rel=1e-12)


@pytest.mark.parametrize(
    ("price", "spot", "strike", "years", "is_call"),
    [
        (9.99, 110.0, 100.0, 1.0, True),
        (-0.01, 90.0, 100.0, 1.0, True),
        (110.0, 110.0, 100.0, 1.0, True),
        (100.0, 90.0, 100.0, 1.0, False),
        (11.0, 110.0, 100.0, 0.0, True),
        (math.nan, 110.0, 100.0, 1.0, True),
    ],
)
def test_no_volatility_explains_a_price_outside_the_bounds(price, spot, strike, years, is_call):
    assert math.isnan(implied_of(price, spot, strike, years, is_call))


def test_the_intrinsic_value_implies_no_volatility():
    assert implied_of(10.0, 110.0, 100.0, 1.0, True) == 0.0
    assert implied_of(0.0, 90.0, 100.0, 1.0, True) == 0.0
    assert implied_of(10.0, 110.0, 100.0, 0.0, True) == 0.0


@pytest.fixture
def chain():
    contracts = np.zeros(5, CONTRACT)
    contracts["strike"] = [90.0, 100.0, 110.0, 100.0, 100.0]
    contracts["expiry"] = [0.1 * YEAR, 0.2 * YEAR, 0.1 * YEAR, 0.2 * YEAR, 500.0]
    contracts["volatility"] = 0.6
    contracts["is_call"] = [1, 0, 1, 1, 1]
    contracts["asset"] = [0, 1, 0, 0, 0]
    contracts["lot"] = [1.0, 0.1, 1.0, 1.0, 2.0]
    contracts["is_live"] = [1, 1, 1, 0, 1]
    contracts["price"][3:] = [7.0, 3.0]
    assets = np.zeros(2, ASSET)
    assets["mark"], assets["mid"] = [101.0, 95.0], [100.0, 96.0]
    return contracts, assets


def test_contracts_are_priced_at_the_mark_and_hedged_at_the_mid(chain):
    contracts, assets = chain
    revalue(contracts, EVERY, assets, 500.0, np.zeros((WORK_ROWS, 6)))
    for row in contracts[:3]:
        asset, years = assets[row["asset"]], (row["expiry"] - 500.0) / YEAR
        at_mark = greeks_of(asset["mark"], row["strike"], years, 0.6, row["is_call"] != 0)
        at_mid = greeks_of(asset["mid"], row["strike"], years, 0.6, row["is_call"] != 0)
        assert row["price"] == pytest.approx(at_mark[0], rel=1e-13)
        assert row["delta"] == pytest.approx(at_mid[1], rel=1e-13)
        assert row["gamma"] == pytest.approx(at_mid[2], rel=1e-13)


def test_dead_and_expired_contracts_are_left_alone(chain):
    contracts, assets = chain
    before = contracts.copy()
    revalue(contracts, EVERY, assets, 500.0, np.zeros((WORK_ROWS, 6)))
    assert np.array_equal(contracts[3:], before[3:])


def test_worth_per_lot_is_left_for_portfolios_behind_an_empty_column(chain):
    contracts, assets = chain
    work = np.full((WORK_ROWS, 9), 99.0)
    revalue(contracts, EVERY, assets, 500.0, work)
    for row, name in ((PRICE, "price"), (DELTA, "delta"), (GAMMA, "gamma")):
        assert work[row, 0] == 0.0
        np.testing.assert_array_equal(work[row, 1:6], contracts["lot"] * contracts[name])
