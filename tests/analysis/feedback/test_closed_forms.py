"""Closed forms give the published numbers, and what they claim is what happens."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import lfilter
from scipy.stats import norm

from analysis.feedback import theory

DAY = 1 / 86400  # of a second


@pytest.mark.parametrize(
    ("gain", "one_step", "long_run"),
    [(0.5, 1.1547, 2.0), (-0.5, 1.1547, 0.6667), (0.2, 1.0206, 1.25), (0.8, 1.6667, 5.0)],
)
def test_lagged_hedging_has_the_statistics_of_an_autoregression(gain, one_step, long_run):
    """One-step s.d., lag-1 autocorrelation and long-run s.d. of dS' = sigma e + gain dS."""
    assert theory.one_step_deviation(1.0, gain) == pytest.approx(one_step, abs=5e-5)
    assert theory.autocorrelation(gain) == pytest.approx(gain)
    assert theory.autocorrelation(gain, 3) == pytest.approx(gain**3)
    assert theory.long_run_deviation(1.0, gain) == pytest.approx(long_run, abs=5e-5)


@pytest.mark.parametrize("gain", [0.5, -0.5, 0.8])
def test_lagged_statistics_are_those_of_the_process_itself(gain):
    """Before and after the hedges, over one step and over ten, of a simulated path."""
    noise = np.random.default_rng(5).normal(size=400_000)
    before = lfilter([1.0], [1.0, -gain], noise)
    price = np.cumsum(before)
    after = price + gain * before  # the hedge of this step's change, done
    assert before.std() == pytest.approx(theory.one_step_deviation(1.0, gain), rel=0.01)
    assert np.diff(after).std() == pytest.approx(theory.after_hedge_deviation(1.0, gain), rel=0.01)
    over_ten = price[10:] - price[:-10]
    assert over_ten.std() == pytest.approx(theory.horizon_deviation(1.0, gain, 10), rel=0.02)


@given(gain=st.floats(-0.95, 0.95), steps=st.integers(1, 60))
def test_the_variance_over_a_horizon_is_the_sum_of_its_covariances(gain, steps):
    """The closed form against H g(0) + 2 sum (H - k) g(k)."""
    lags = np.arange(1, steps)
    variance = (steps + 2 * ((steps - lags) * gain**lags).sum()) / (1 - gain**2)
    assert theory.horizon_deviation(1.0, gain, steps) ** 2 == pytest.approx(variance, rel=1e-9)


def test_a_horizon_runs_from_one_step_to_the_long_run():
    """One step is one step; over many, the s.d. a root step is the long-run one."""
    assert theory.horizon_deviation(2.0, 0.8, 1) == pytest.approx(theory.one_step_deviation(2.0, 0.8))
    far = theory.horizon_deviation(2.0, 0.8, 10**6) / 1000
    assert far == pytest.approx(theory.long_run_deviation(2.0, 0.8), rel=1e-4)


def test_short_gamma_amplifies_and_long_gamma_damps():
    """sigma / (1 - gain), with the gain of short gamma above zero."""
    short = theory.loop_gain(impact=0.1, gamma=-5.0)
    long = theory.loop_gain(impact=0.1, gamma=5.0)
    assert theory.feedback_volatility(0.6, [short, long]) == pytest.approx([1.2, 0.4])
    assert theory.loop_gain(0.1, -5.0, response=0.5, forced=2.0) == pytest.approx(0.45)


def test_nothing_is_finite_at_the_edge_of_stability():
    """At a gain of 1 and beyond; hedges that lag are unstable at -1 too."""
    assert np.isinf(theory.feedback_volatility(1.0, [1.0, 1.5])).all()
    assert theory.feedback_volatility(1.0, -3.0) == 0.25
    for deviation in (theory.one_step_deviation, theory.after_hedge_deviation, theory.long_run_deviation):
        assert np.isinf(deviation(1.0, np.array([1.0, -1.0, 2.0]))).all()
    assert np.isinf(theory.horizon_deviation(1.0, -1.0, 5))
    assert np.isnan(theory.autocorrelation(1.0))
    assert np.isinf(theory.mean_cascade_size([1.0, 2.0])).all()
    assert theory.is_stable([-3.0, 0.99, 1.0]).tolist() == [True, True, False]
    assert theory.is_stable([-3.0, 0.99, 1.0], lagged=True).tolist() == [False, True, False]


def test_frey_and_stremme_and_its_long_gamma_twin():
    """rho .1, phi .5, S phi' 2: 1.26667; the same position with the other sign: .84."""
    assert theory.frey_stremme_ratio(0.1, 0.5, 2.0) == pytest.approx(1.26667, abs=5e-6)
    assert theory.frey_stremme_ratio(0.1, -0.5, -2.0) == pytest.approx(0.84)
    assert np.isinf(theory.frey_stremme_ratio(0.5, 0.5, 2.0))


def test_pinning_has_the_published_probabilities():
    """At the money for four strengths, and one s.d. away."""
    found = theory.pinning_probability([0.2, 0.4, 1.0, 2.0, 1.0], [0, 0, 0, 0, 1.0])
    assert found == pytest.approx([0.181, 0.330, 0.632, 0.865, 0.455], abs=5e-4)
    assert theory.pinning_strength(50.0, 0.001, 0.4, 1 / (32 * np.pi)) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("ratio", "loss"), [(1.25, -0.00619), (2, -0.05719), (4, -0.2), (5, -0.25464), (1, 0.0)]
)
def test_impermanent_loss(ratio, loss):
    assert theory.impermanent_loss(ratio) == pytest.approx(loss, abs=5e-6)


def test_loss_versus_rebalancing_is_what_rebalancing_would_have_kept():
    """5% a day costs 3.125 bp a day: the delta's profit less the pool's, over small moves."""
    assert theory.loss_versus_rebalancing(0.05) == pytest.approx(3.125e-4)
    moves = 0.05 * np.sqrt(12 * DAY) * norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    lost = theory.pool_delta(1.0, 1.0) * moves - 2 * (np.sqrt(1 + moves) - 1)
    assert lost.mean() / 2 / (12 * DAY) == pytest.approx(3.125e-4, rel=2e-3)


def test_the_pools_greeks_are_derivatives_of_its_value():
    """Value 2 L sqrt(P) at L = 7, P = 50."""

    def value(price):
        return 2 * 7 * np.sqrt(price)

    h = 0.01
    assert theory.pool_delta(7, 50) == pytest.approx((value(50 + h) - value(50 - h)) / (2 * h))
    bent = (value(50 + h) - 2 * value(50) + value(50 - h)) / h**2
    assert theory.pool_gamma(7, 50) == pytest.approx(bent, rel=1e-4)


def test_arbitrageurs_trade_in_the_published_share_of_blocks():
    """Fees of 1, 5, 10, 30 and 100 bp at 5% a day and Poisson blocks of 12 s; profit in proportion."""
    fees = np.array([1, 5, 10, 30, 100]) * 1e-4
    found = theory.trade_probability(fees, 0.05, 12 * DAY)
    assert found == pytest.approx([0.806, 0.455, 0.294, 0.122, 0.040], abs=5e-4)
    assert theory.arbitrage_profit(fees, 0.05, 12 * DAY) == pytest.approx(3.125e-4 * found)


def test_the_trade_probability_is_that_of_a_mispricing_held_inside_the_fee():
    """A random walk seen at Poisson times and pushed back to the fee whenever it is outside."""
    rng, fee, trades = np.random.default_rng(3), 1.0, 0
    steps = rng.normal(size=60_000) * np.sqrt(rng.exponential(size=60_000))
    gap = 0.0
    for step in steps.tolist():
        gap += step
        if abs(gap) > fee:
            gap, trades = fee if gap > 0 else -fee, trades + 1
    assert trades / steps.size == pytest.approx(theory.trade_probability(fee, 1.0, 1.0), rel=0.02)


def test_a_sale_moves_the_pool_along_its_curve():
    """Selling 100 into 900 against 90: the reserves are 1,000 and 81 after."""
    assert theory.pool_price_ratio(100, 900) == pytest.approx((81 / 1000) / (90 / 900))


def at_the_money_call(years):
    """Price and vega of a call, S = K = 100, volatility 20%."""
    total = 0.2 * np.sqrt(years)
    return 100 * (norm.cdf(total / 2) - norm.cdf(-total / 2)), 100 * np.sqrt(years) * norm.pdf(total / 2)


def hedged(years, hedges, paths=8000, cost=0.0, volatility=0.2):
    """Profit of selling that call at the volatility hedged with, hedged so many times, by path."""
    rng, dt = np.random.default_rng(8), years / hedges
    half = rng.normal(size=(hedges, paths // 2))
    shocks = np.concatenate([half, -half], axis=1)
    price, cash, held = np.full(paths, 100.0), np.zeros(paths), np.zeros(paths)
    for step in range(hedges):
        total = volatility * np.sqrt(years - step * dt)
        delta = norm.cdf(np.log(price / 100) / total + total / 2)
        cash -= (delta - held) * price + cost * np.abs(delta - held) * price
        held = delta
        price = price * np.exp(0.2 * np.sqrt(dt) * shocks[step] - 0.02 * dt)
    first = volatility * np.sqrt(years)
    premium = 100 * (norm.cdf(first / 2) - norm.cdf(-first / 2))
    return premium + cash + held * price - np.maximum(price - 100, 0)


@pytest.mark.parametrize(("hedges", "formula", "exact"), [(21, 0.445, 0.426), (84, 0.223, 0.218)])
def test_hedging_in_discrete_time_leaves_the_published_error(hedges, formula, exact):
    """One month, S = K = 100, 20%: the formula's numbers, and those of the simulation it approximates."""
    found = theory.hedging_error(at_the_money_call(1 / 12)[1], 0.2, hedges)
    assert found == pytest.approx(formula, abs=1e-3)
    simulated = hedged(1 / 12, hedges).std()
    assert simulated == pytest.approx(exact, rel=0.03)
    assert simulated == pytest.approx(found, rel=0.07)


def test_the_hedging_error_falls_with_the_root_of_the_hedges():
    """Over a year, 12 and 52 hedges: 1.919 and .958; formula for 252: .1285 over a month."""
    twelve, weekly = (hedged(1.0, n).std() for n in (12, 52))
    assert (twelve, weekly) == (pytest.approx(1.919, rel=0.03), pytest.approx(0.958, rel=0.03))
    assert np.log(weekly / twelve) / np.log(52 / 12) == pytest.approx(-0.5, abs=0.03)
    assert theory.hedging_error(at_the_money_call(1 / 12)[1], 0.2, 252) == pytest.approx(0.1285, abs=1e-4)


def test_leland_pays_for_all_but_the_first_trade():
    """k .5%, weekly hedges: volatility .22695, price 9.0347 for 7.9656; -.26 on average after costs."""
    volatility = float(theory.leland_volatility(0.2, 0.005, 1 / 52))
    assert volatility == pytest.approx(0.22695, abs=5e-6)
    assert 100 * (2 * norm.cdf(volatility / 2) - 1) == pytest.approx(9.0347, abs=5e-5)
    assert at_the_money_call(1.0)[0] == pytest.approx(7.9656, abs=5e-5)
    profit = hedged(1.0, 52, cost=0.005, volatility=volatility)
    assert profit.mean() == pytest.approx(-0.26, abs=0.03)


def test_the_whalley_wilmott_band_grows_with_the_cube_root_of_cost():
    """(3/2 x .001 x 100 x .02^2 / 6e-5)^(1/3) = 1, and eight times the cost is twice the band."""
    assert theory.whalley_wilmott_half_band(0.001, 100, 0.02, 6e-5) == pytest.approx(1.0)
    assert theory.whalley_wilmott_half_band(0.008, 100, 0.02, 6e-5) == pytest.approx(2.0)


def test_hedging_at_the_edge_of_the_band_costs_two_thirds_as_steeply():
    """Delta that diffuses and is held inside the band: eight times the cost a trade, four times in all."""
    rng, costs = np.random.default_rng(2), (0.001, 0.008)
    bands = theory.whalley_wilmott_half_band(costs, 100, 0.02, 6e-5)[:, np.newaxis]
    gap, traded = np.zeros((2, 400)), np.zeros((2, 400))
    for step in rng.normal(scale=0.05, size=(20_000, 400)):
        gap += step
        excess = np.maximum(np.abs(gap) - bands, 0)
        traded += excess
        gap = np.clip(gap, -bands, bands)
    spent = traded.mean(axis=1) * costs
    assert np.log(spent[1] / spent[0]) / np.log(8) == pytest.approx(2 / 3, abs=0.03)


def test_flow_moves_the_mid_by_half_of_what_it_eats():
    """OFI / (2 D): 30 units into 10 a unit of price."""
    assert theory.flow_move(30.0, 10.0) == 1.5


def test_cascades_are_as_large_as_the_branching_ratio_says():
    """Thresholds at random below the price; each liquidation moves it, and may reach the next."""
    ratio = float(theory.branching_ratio(0.25, 2.0))
    assert ratio == 0.5
    gaps = np.random.default_rng(4).exponential(1 / 2.0, (40_000, 80))
    reached = np.cumsum(gaps, axis=1) <= 0.25 * np.arange(1, 81)
    sizes = 1 + np.logical_and.accumulate(reached, axis=1).sum(axis=1)
    assert theory.mean_cascade_size(ratio) == 2.0
    assert sizes.mean() == pytest.approx(2.0, rel=0.03)


@given(leverage=st.floats(1.01, 20), change=st.floats(-0.04, 0.1), assets=st.floats(1, 1e6))
def test_a_leverage_target_is_restored_by_the_trade(leverage, change, assets):
    """Assets over equity are back at the target; a fall is sold into."""
    trade = float(theory.leverage_trade(leverage, change, assets))
    equity = assets / leverage + change * assets
    assert assets * (1 + change) + trade == pytest.approx(leverage * equity, rel=1e-9)
    assert trade * change >= 0


@given(strength=st.floats(1e-6, 10.0), move=st.floats(1e-4, 1.0))
def test_concave_amplifications_solve_their_equations(strength, move):
    """r = r0 + sqrt(k r) for news, r^2 = r0^2 + k r on top of a meta-order, by substitution."""
    news = move * theory.news_amplification(strength, move)
    assert news == pytest.approx(move + np.sqrt(strength * news), rel=1e-9)
    order = move * theory.meta_order_amplification(strength, move)
    assert order**2 == pytest.approx(move**2 + strength * order, rel=1e-9)


def test_a_sale_is_amplified_as_the_law_of_its_impact_says():
    """The two forms are one where the impact is the square root; and the numbers published for it."""
    y, sigma, volume, quantity, hedged = 0.8, 0.025, 1e6, 2e4, 3e5
    move = theory.square_root_impact(y, sigma, quantity, volume)
    strength = theory.concave_gain(y, sigma, hedged, volume)
    by_sale = theory.sale_amplification(hedged * move / quantity)
    assert theory.meta_order_amplification(strength, move) == pytest.approx(by_sale)
    laws = theory.sale_amplification(np.array([0.25, 0.5, 1.0, 2.0]))
    assert laws == pytest.approx([1.13, 1.28, 1.62, 2.41], abs=0.006)


def test_a_large_move_is_amplified_less_than_a_small_one():
    """Impact that is concave: the gain rises at small moves; without hedgers nothing is amplified."""
    few, many = (theory.meta_order_amplification(k, np.array([0.001, 0.01, 0.1])) for k in (0.0, 0.02))
    assert np.all(few == 1.0)
    assert np.all(np.diff(many) < 0)
