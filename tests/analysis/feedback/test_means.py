"""Functions of means have the value that algebra gives, and intervals that hold it as often as they say."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.feedback.amplification import difference
from analysis.feedback.means import exponential, log_sum, mean, product, quotient


def test_a_mean_has_the_interval_of_a_difference_from_nothing():
    values = np.random.default_rng(1).normal(1.0, 0.3, 20)
    assert mean(values) == pytest.approx(difference(values, np.zeros(20)))


def test_values_are_those_of_the_means():
    a, b = np.random.default_rng(2).gamma(4.0, 1.0, (2, 12))
    assert product(a, b).value == pytest.approx(a.mean() * b.mean())
    assert quotient(-a, b).value == pytest.approx(-a.mean() / b.mean())
    summed = log_sum(np.stack([a, b]), np.array([1.0, -0.5]), 0.3)
    assert exponential(summed).value == pytest.approx(a.mean() * b.mean() ** -0.5 * np.exp(0.3))


def test_a_quotient_of_what_moves_together_is_sure():
    """Paired: the seeds differ much, the quotient not at all."""
    a = np.random.default_rng(3).gamma(2.0, 1.0, 16)
    found = quotient(0.7 * a, a)
    assert (found.low, found.high) == pytest.approx((0.7, 0.7))


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    """300 samples of 12 seeds: log of 2 x 3^-0.5; 95% give 285, below 270 once in 10,000."""
    rng, covered = np.random.default_rng(4), 0
    for _ in range(300):
        shared = rng.lognormal(-0.02, 0.2, 12)
        columns = np.stack([2 * shared, 3 * shared * rng.lognormal(-0.005, 0.1, 12)])
        found = log_sum(columns, np.array([1.0, -0.5]))
        covered += found.low <= np.log(2 / 3**0.5) <= found.high
    assert 270 <= covered <= 299


def test_what_is_not_defined_has_no_value():
    a = np.ones(10)
    assert np.isnan(log_sum(np.stack([a, -a]), np.array([1.0, 1.0])).value)
    assert np.isnan(quotient(a, 0 * a).value)
    assert np.isnan(mean(np.full(10, np.nan)).value)


def test_a_seed_without_a_value_is_left_out_and_few_seeds_give_no_interval():
    values = np.array([1.0, 2.0, 3.0, np.nan])
    found = mean(values)
    assert found.value == 2.0
    assert np.isnan(found.low)
