"""Exogenous values: their laws against closed forms, shocks, replays, and keys."""

from __future__ import annotations

import math

import numba
import numpy as np
import pytest

from sim.prices.correlation import square_root
from sim.prices.drivers.arithmetic_brownian import ArithmeticBrownian
from sim.prices.drivers.base import SECONDS_PER_YEAR
from sim.prices.drivers.constant import Constant
from sim.prices.drivers.geometric_brownian import GeometricBrownian
from sim.prices.drivers.heston import Heston
from sim.prices.drivers.merton_jumps import MertonJumps
from sim.prices.drivers.replayed import Replayed
from sim.prices.joint import JointDrivers

DAY = 86400.0
KEY = np.uint64(20260205)
SCALE = 20 if numba.config.DISABLE_JIT else 1  # fewer draws without the compiler; errors are computed


def built(kind, **parameters):
    return kind(kind.Parameters(**parameters))


def keys(assets, key=KEY):
    """A key for each asset."""
    return key + np.arange(len(assets), dtype=np.uint64)


def paths(assets, steps, step_seconds, correlation=None, key=KEY, **options):
    """Values and volatilities of `steps` steps, the opening first, shape (steps + 1, K) each."""
    drivers = JointDrivers(assets, correlation, keys(assets, key), step_seconds, **options)
    rows = []
    for step in range(steps + 1):
        drivers.advance(step)
        rows.append((drivers.values.copy(), drivers.volatilities.copy()))
    values, volatilities = zip(*rows, strict=True)
    return np.array(values), np.array(volatilities)


def endings(driver, steps, step_seconds, runs):
    """Last value and volatility of many independent runs from 100."""
    last = np.empty((2, runs))
    for run in range(runs):
        drivers = JointDrivers([(driver, 100.0, [])], None, [np.uint64(run + 1)], step_seconds, steps + 1)
        drivers.advance(steps)
        last[:, run] = drivers.values[0], drivers.volatilities[0]
    return last


def assert_mean(sample, expected, errors=4.0):
    """The mean is the expected one within so many of its own standard errors."""
    error = np.std(sample) / math.sqrt(len(sample))
    assert abs(np.mean(sample) - expected) < errors * error, (np.mean(sample), expected, error)


def assert_variance(sample, expected):
    """The mean square about the mean is the expected one, by the same rule."""
    assert_mean((sample - np.mean(sample)) ** 2, expected)


def test_a_constant_value_does_not_move():
    values, volatilities = paths([(built(Constant), 65_000.1, [])], 2000, 1.0)
    assert np.all(values == 65_000.1)
    assert np.all(volatilities == 0.0)


@pytest.mark.parametrize("step_seconds", [200 * DAY, 100 * DAY])
def test_log_returns_of_geometric_motion_have_their_moments_at_any_step(step_seconds):
    steps, years = 20_000 // SCALE, step_seconds / SECONDS_PER_YEAR
    driver = built(GeometricBrownian, volatility=0.6, drift=0.18)
    values, volatilities = paths([(driver, 100.0, [])], steps, step_seconds)
    returns = np.diff(np.log(values[:, 0]))
    assert_mean(returns, 0.0)
    assert_variance(returns, 0.36 * years)
    assert_mean(returns[1:] * returns[:-1], 0.0)
    assert np.all(volatilities == 0.6)


def test_additive_changes_do_not_scale_with_the_value():
    driver = built(ArithmeticBrownian, volatility=0.6)
    values, volatilities = paths([(driver, 100.0, [])], 4000 // SCALE, 60.0)
    changes = np.diff(values[:, 0])
    assert_mean(changes, 0.0)
    assert_variance(changes, (0.6 * 100.0) ** 2 * 60.0 / SECONDS_PER_YEAR)
    np.testing.assert_allclose(volatilities, 60.0 / values)


def test_an_additive_value_is_held_at_its_floor_and_leaves_it():
    driver = built(ArithmeticBrownian, volatility=8.0)
    values, _ = paths([(driver, 100.0, [])], 400, DAY)
    assert values.min() == pytest.approx(0.1)
    first = int(np.argmin(values))
    assert values[first:].max() > 1.0


def test_variance_reverts_to_its_long_run_mean():
    """E v(T) = long_run^2 + (v0 - long_run^2) exp(-mean_reversion T) (Heston 1993; CIR 1985)."""
    driver = built(Heston, volatility=0.9, long_run=0.5, mean_reversion=6.0, vol_of_vol=0.7)
    _, volatility = endings(driver, 10, 4 * DAY, 4000 // SCALE)
    years = 40 / 365
    expected = 0.25 + (0.81 - 0.25) * math.exp(-6.0 * years)
    assert_mean(volatility**2, expected)
    spread = (
        0.7**2
        / 6.0
        * (0.81 * (math.exp(-6 * years) - math.exp(-12 * years)) + 0.125 * (1 - math.exp(-6 * years)) ** 2)
    )
    assert_variance(volatility**2, spread)


def test_the_expected_return_is_the_drift_under_every_law():
    laws = [
        built(GeometricBrownian, volatility=0.5, drift=0.8),
        built(Heston, volatility=0.5, drift=0.8),
        built(MertonJumps, volatility=0.2, jumps=20.0, jump_mean=-0.05, jump_sd=0.1, drift=0.8),
    ]
    for driver in laws:
        value, _ = endings(driver, 5, 10 * DAY, 4000 // SCALE)
        assert_mean(value, 100.0 * math.exp(0.8 * 50 / 365))


def test_returns_and_variance_move_together_as_asked():
    driver = built(Heston, volatility=0.6, correlation=-0.7, vol_of_vol=0.5)
    values, volatilities = paths([(driver, 100.0, [])], 20_000 // SCALE, 600.0)
    returns, changes = np.diff(np.log(values[:, 0])), np.diff(volatilities[:, 0] ** 2)
    found = np.corrcoef(returns, changes)[0, 1]
    assert abs(found + 0.7) < 4 * (1 - 0.49) / math.sqrt(len(returns))


def test_variance_that_touches_zero_stays_finite():
    driver = built(Heston, volatility=0.2, mean_reversion=0.5, vol_of_vol=2.0)
    values, volatilities = paths([(driver, 100.0, [])], 1000 // SCALE, DAY)
    assert np.all(np.isfinite(values))
    assert np.all(values > 0)
    assert np.any(volatilities == 0.0)


def test_jumps_come_as_often_and_as_large_as_asked():
    steps, years = 20_000 // SCALE, DAY / SECONDS_PER_YEAR
    driver = built(MertonJumps, volatility=0.0, jumps=500.0, jump_mean=-0.04, jump_sd=0.1)
    values, volatilities = paths([(driver, 100.0, [])], steps, DAY)
    drift = -500.0 * (math.exp(-0.04 + 0.5 * 0.1**2) - 1.0) * years
    sizes = np.diff(np.log(values[:, 0])) - drift
    jumped = np.abs(sizes) > 1e-9
    assert_mean(jumped.astype(float), 1.0 - math.exp(-500.0 * years))
    assert_mean(sizes, -0.04 * 500.0 * years)
    assert_variance(sizes, (0.04**2 + 0.1**2) * 500.0 * years)
    assert volatilities[0, 0] == pytest.approx(math.sqrt(500.0 * 0.0116))


def test_returns_of_assets_correlate_as_asked():
    driver = built(GeometricBrownian, volatility=0.6)
    wanted = np.array([[1.0, 0.8, -0.3], [0.8, 1.0, 0.1], [-0.3, 0.1, 1.0]])
    values, _ = paths([(driver, 100.0, [])] * 3, 20_000 // SCALE, DAY, wanted)
    found = np.corrcoef(np.diff(np.log(values), axis=0).T)
    assert np.all(np.abs(found - wanted) < 4 * (1 - wanted**2) / math.sqrt(len(values)) + 1e-12)


def test_assets_in_perfect_correlation_move_as_one():
    driver = built(GeometricBrownian, volatility=0.6)
    values, _ = paths([(driver, 100.0, [])] * 2, 100, DAY, np.ones((2, 2)))
    np.testing.assert_array_equal(values[:, 0], values[:, 1])


@pytest.mark.parametrize(
    ("matrix", "complaint"),
    [
        (np.eye(3), "with 2 assets"),
        (np.array([[1.0, 0.5], [0.4, 1.0]]), "symmetric"),
        (np.array([[2.0, 0.0], [0.0, 1.0]]), "ones on the diagonal"),
        (np.array([[1.0, 1.5], [1.5, 1.0]]), "positive semidefinite"),
    ],
)
def test_what_is_no_correlation_is_refused(matrix, complaint):
    with pytest.raises(ValueError, match=complaint):
        square_root(matrix, 2)


def market():
    assets = [
        (built(Heston, volatility=0.6), 65_000.0, [(100.0, -0.1)]),
        (built(MertonJumps, volatility=0.7, jumps=3000.0), 3_000.0, []),
    ]
    return assets, np.array([[1.0, 0.8], [0.8, 1.0]])


def test_the_path_does_not_depend_on_how_much_is_simulated_at_once():
    assets, correlation = market()
    one, _ = paths(assets, 150, 1.0, correlation, block_steps=1024)
    many, _ = paths(assets, 150, 1.0, correlation, block_steps=7)
    np.testing.assert_array_equal(one, many)


def test_one_can_go_back_and_skip_ahead():
    assets, correlation = market()
    values, _ = paths(assets, 120, 1.0, correlation)
    drivers = JointDrivers(assets, correlation, keys(assets), 1.0, block_steps=16)
    for step in (90, 3, 120, 0):
        drivers.advance(step)
        np.testing.assert_array_equal(drivers.values, values[step])


def test_another_key_is_another_path_and_a_later_asset_changes_nothing():
    assets, _ = market()
    values, _ = paths(assets, 50, 1.0)
    more, _ = paths([*assets, (built(Constant), 1.0, [])], 50, 1.0)
    np.testing.assert_array_equal(more[:, :2], values)
    other, _ = paths(assets, 50, 1.0, key=np.uint64(80))
    assert not np.any(other[1:] == values[1:])


def test_shocks_act_on_the_first_step_at_or_after_their_time_and_last():
    shocks = [(2.0, -0.5), (4.5, 1.0), (4.6, 0.5)]
    values, _ = paths([(built(Constant), 80.0, shocks)], 7, 1.0, block_steps=3)
    assert values[:, 0].tolist() == [80.0, 80.0, 40.0, 40.0, 40.0, 120.0, 120.0, 120.0]


def test_a_shock_at_the_opening_acts_at_once():
    values, _ = paths([(built(Constant), 80.0, [(0.0, -0.25)])], 1, 0.1)
    assert values[:, 0].tolist() == [60.0, 60.0]


def test_shocks_hit_at_the_same_time_whatever_the_step():
    for step_seconds in (0.1, 0.3, 60.0):
        values, _ = paths([(built(Constant), 80.0, [(600.0, -0.5)])], 6001, step_seconds)
        assert int(np.argmax(values[:, 0] < 80.0)) == round(600.0 / step_seconds)


def test_a_shock_that_leaves_nothing_is_refused():
    with pytest.raises(ValueError, match="above -1"):
        JointDrivers([(built(Constant), 80.0, [(1.0, -1.0)])], None, [KEY], 1.0)


@pytest.fixture
def path_file(tmp_path):
    file = tmp_path / "path.csv"
    file.write_text("seconds,price,text\n10,50,a\n12,60,b\n16,40,c\n")
    return str(file)


def replayed(path_file, **parameters):
    given = {"file": path_file, "column": "price", "time_column": "seconds", **parameters}
    return built(Replayed, **given)


def test_a_replay_interpolates_and_holds_its_last_value(path_file):
    values, _ = paths([(replayed(path_file, is_rescaled=False), 100.0, [])], 8, 1.0, block_steps=4)
    assert values[:, 0].tolist() == [50.0, 55.0, 60.0, 55.0, 50.0, 45.0, 40.0, 40.0, 40.0]


def test_a_replay_may_step_and_open_at_the_spot(path_file):
    driver = replayed(path_file, interpolation="previous")
    values, _ = paths([(driver, 100.0, [(3.0, -0.5)])], 6, 1.0, block_steps=2)
    assert values[:, 0].tolist() == [100.0, 100.0, 120.0, 60.0, 60.0, 60.0, 40.0]


def test_a_replay_reports_realised_volatility_unless_told(path_file):
    _, realised = paths([(replayed(path_file), 100.0, [])], 0, 1.0)
    squares = math.log(60 / 50) ** 2 + math.log(40 / 60) ** 2
    assert realised[0, 0] == pytest.approx(math.sqrt(squares / (6 / SECONDS_PER_YEAR)))
    _, told = paths([(replayed(path_file, volatility=0.7), 100.0, [])], 0, 1.0)
    assert told[0, 0] == pytest.approx(0.7)


def test_rows_without_times_are_evenly_spaced(path_file):
    driver = built(Replayed, file=path_file, column="price", interval_seconds=2.0)
    values, _ = paths([(driver, 50.0, [])], 4, 1.0)
    assert values[:, 0].tolist() == [50.0, 55.0, 60.0, 50.0, 40.0]


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        ({"column": "value"}, 'no column "value"'),
        ({"column": "text"}, 'column "text" is not all finite numbers; row 1 holds "a"'),
        ({"time_column": "price"}, "does not increase"),
    ],
)
def test_a_file_that_holds_no_path_is_refused(path_file, parameters, complaint):
    with pytest.raises(ValueError, match=complaint):
        replayed(path_file, **parameters)


def test_a_path_has_to_stay_above_zero(tmp_path):
    file = tmp_path / "path.csv"
    file.write_text("value\n1\n0\n")
    with pytest.raises(ValueError, match="not above 0"):
        built(Replayed, file=str(file))
