"""Tails of returns: Hill's estimate and kurtosis, on samples whose exponents are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from samples import STEPS, covered, of_returns, over_seeds

from analysis.base.metric import Undefined
from analysis.facts import stylized, tails


def test_hill_of_fifty_values_one_power_of_e_above_the_rest() -> None:
    """Every exceedance has logarithm 1, so alpha is 1 and its error 1 / sqrt(50)."""
    values = np.ones(1000)
    values[::20] = -math.e
    found = tails.hill(values)
    half = 1.959964 / math.sqrt(50)
    assert found.exceedances == 50
    assert found.threshold == 1.0
    assert found.exponent == pytest.approx((1.0, 1 - half, 1 + half))


def test_hill_covers_the_exponent_of_a_pareto_tail() -> None:
    """About 95 of 100 intervals hold the 3 that was drawn from."""
    found = over_seeds(200, lambda rng: tails.hill(1 + rng.pareto(3, STEPS)).exponent)
    assert 0.90 <= covered(3.0, found) <= 0.99
    assert np.mean([each.value for each in found]) == pytest.approx(3.0, abs=0.06)


def test_hill_of_student_returns_is_near_their_degrees_of_freedom() -> None:
    """A tail that is only nearly a power measures a little low, within a tenth."""
    found = over_seeds(100, lambda rng: tails.hill(rng.standard_t(3, STEPS)).exponent)
    assert 2.75 <= np.mean([each.value for each in found]) <= 3.0
    assert covered(3.0, found) >= 0.85


def test_hill_of_clustered_values_has_a_wider_interval() -> None:
    """Each value four times over: intervals for independent values are half as wide as they should be."""
    found = over_seeds(200, lambda rng: tails.hill(np.repeat(1 + rng.pareto(3, STEPS // 4), 4)))
    assert covered(3.0, [each.exponent for each in found]) >= 0.88
    naive = [each.exponent.value * 1.96 / math.sqrt(each.exceedances) for each in found]
    strayed = [abs(each.exponent.value - 3) for each in found]
    assert np.mean(np.less(strayed, naive)) <= 0.8


@pytest.mark.parametrize("cell", [0.2, 0.5])
def test_hill_of_prices_on_a_coarse_grid_is_not_misled_by_ties(cell: float) -> None:
    """Rounded values measure as those that were rounded; without the cell they measure too low."""
    rounded = over_seeds(100, lambda rng: np.rint((1 + rng.pareto(3, STEPS)) / cell) * cell)
    found = [tails.hill(values, cell).exponent for values in rounded]
    assert covered(3.0, found) >= 0.88
    assert np.mean([each.value for each in found]) == pytest.approx(3.0, abs=0.12)
    assert np.mean([tails.hill(values).exponent.value for values in rounded]) < 2.85


def test_no_tail_is_called_one_without_fifty_exceedances() -> None:
    """Too few returns, none at all, or a tick so coarse that a tenth of them tie at the top."""
    rng = np.random.default_rng(1)
    for values in (rng.normal(size=400), np.zeros(4000), np.sign(rng.normal(size=4000))):
        with pytest.raises(Undefined, match="no tail of 50 exceedances"):
            tails.hill(values)


def test_longer_horizons_are_measured_from_windows_that_do_not_overlap() -> None:
    """Ten-second returns of 12,000 seconds are 1,200; a minute has too few for a tail."""
    recording = of_returns(1e-4 * np.random.default_rng(9).standard_t(3, 12_000))
    apart = np.diff(np.log(recording.column("series", "BTC.mid")[::10]))
    assert stylized.tail(recording, "BTC", 10.0).exponent == pytest.approx(tails.hill(apart).exponent)
    with pytest.raises(Undefined, match="no tail of 50 exceedances"):
        stylized.tail(recording, "BTC", stylized.MINUTE)


def test_the_hill_plot_goes_through_the_chosen_estimate() -> None:
    """At the chosen number of exceedances the curve is the estimate."""
    for cell in (0.0, 0.05):
        values = np.random.default_rng(5).standard_t(3, STEPS)
        path, chosen = tails.hill_plot(values, cell), tails.hill(values, cell)
        at = list(path.exceedances).index(chosen.exceedances)
        assert path.exponent[at] == pytest.approx(chosen.exponent.value)


def test_kurtosis_of_known_distributions() -> None:
    """Two values that are equally likely have -2, an exponential 6; Laplace returns 3, normal ones none."""
    assert tails.kurtosis(np.tile([1.0, -1.0], 500)).value == pytest.approx(-2.0)
    assert tails.excess(np.array([1.0, 1.0, 2.0, 6.0, 24.0])) == pytest.approx(6.0)
    for truth, draw in ((3.0, np.random.Generator.laplace), (0.0, np.random.Generator.normal)):
        found = over_seeds(100, lambda rng, draw=draw: tails.kurtosis(draw(rng, size=STEPS)))
        assert covered(truth, found) >= 0.80
        assert np.mean([each.value for each in found]) == pytest.approx(truth, abs=0.15)
    with pytest.raises(Undefined, match="does not move"):
        tails.kurtosis(np.zeros(1000))


def test_kurtosis_falls_with_the_horizon_where_returns_are_independent() -> None:
    """Independent Laplace returns: 3 over a step, 3/60 over a minute."""
    for horizon, truth in ((stylized.STEP, 3.0), (stylized.MINUTE, 3 / 60)):
        found = over_seeds(
            20,
            lambda rng, horizon=horizon: stylized.kurtosis(
                of_returns(rng.laplace(0, 1e-4, STEPS)), "BTC", horizon
            ),
        )
        assert np.mean([each.value for each in found]) == pytest.approx(truth, abs=0.3)
