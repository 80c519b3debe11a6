"""A search finds the parameters that made its targets, through noise, and says how sure they are."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import qmc

from analysis.calibration.fit import UNDEFINED, Told, distance, least, search, star
from analysis.calibration.precision import covariance, precision

KEYS, NOISE = 3, 0.03


def moments(places, rng, noise=NOISE):
    """Five curved moments of three parameters, with noise at every place."""
    a, b, c = places.T
    found = [np.exp(2 * a), 3 * a * b + b, 2 * np.sqrt(0.2 + b) - c, np.log1p(5 * a) + b**2 / 2, c * c + a]
    exact = np.stack(found, axis=1)
    return exact + noise * rng.normal(size=exact.shape)


def ended(target, error, answer, rounds=4, keys=KEYS, again=None):
    """The end of a search and how many places it took; `again` answers for finalists, if it is given."""
    asking = search(qmc.Sobol(keys, rng=np.random.default_rng(1)).random(32), target, error, rounds)
    asked, count = next(asking), 0
    while True:
        count += 0 if asked.is_again else len(asked.places)
        try:
            asked = asking.send((again if again and asked.is_again else answer)(asked.places))
        except StopIteration as over:
            return over.value, count


def test_the_truth_lies_within_two_standard_errors_about_as_often_as_that_says():
    """40 searches, 3 parameters: 95% is 114 of 120; below 105 by chance once in 10,000."""
    covered, identified = 0, 0
    for trial in range(40):
        rng = np.random.default_rng(trial)
        truth, error = rng.uniform(0.15, 0.85, KEYS), np.full(5, NOISE)
        target = moments(truth[None], rng)[0]
        found, _ = ended(target, error, lambda p, rng=rng: Told(moments(p, rng), np.full((len(p), 5), NOISE)))
        spread = covariance(found.jacobian, error, np.diag(error**2))
        for own, sure, true in zip(
            found.place, precision(found.place, spread, list("abc")), truth, strict=True
        ):
            identified += sure.is_identified
            covered += abs(own - true) < 2 * sure.error
    assert covered >= 105
    assert identified >= 115


def test_without_noise_the_search_closes_in():
    """Targets that are met to a millionth of the range: the star shrinks while the fit is too coarse."""
    rng, truth = np.random.default_rng(1), np.array([0.3, 0.6, 0.7])
    target, error = moments(truth[None], rng, 0.0)[0], np.full(5, 1e-3)
    found, count = ended(target, error, lambda p: Told(moments(p, rng, 0.0), np.zeros((len(p), 5))), 8)
    assert found.place == pytest.approx(truth, abs=2e-4)
    assert count == 32 + 8 * (2 * KEYS + 2) + 2 * KEYS


def test_a_search_that_suits_its_seeds_alone_ends_at_the_finalist_that_others_find_nearest():
    """Its seeds have the targets at the truth, others where it began; luck moves nothing."""
    rng, truth = np.random.default_rng(1), np.array([0.3, 0.6, 0.7])
    target, error = moments(truth[None], rng, 0.0)[0], np.full(5, 1e-2)
    first = qmc.Sobol(KEYS, rng=np.random.default_rng(1)).random(32)[0]

    def answer(places):
        return Told(moments(places, rng, 0.0), np.zeros((len(places), 5)))

    def elsewhere(off):
        def told(places):
            away = np.where((places == first).all(axis=1), 0.0, off)
            return Told(target + error * np.outer(away, np.eye(5)[0]), np.zeros((len(places), 5)))

        return told

    far, _ = ended(target, error, answer, again=elsewhere(np.sqrt(KEYS + 0.1)))
    near, _ = ended(target, error, answer, again=elsewhere(np.sqrt(KEYS - 0.1)))
    assert far.place.tolist() == first.tolist()
    assert near.place == pytest.approx(truth, abs=5e-3)


def test_a_place_without_a_moment_is_far_away_and_spoils_no_fit():
    """The first moment is undefined in half of the cube."""
    rng, truth = np.random.default_rng(1), np.array([0.3, 0.6, 0.7])
    target, error = moments(truth[None], rng, 0.0)[0], np.full(5, 1e-2)

    def answer(places):
        told = moments(places, rng, 0.0)
        told[places[:, 0] > 0.5, 0] = np.nan
        return Told(told, np.zeros(told.shape))

    found, _ = ended(target, error, answer)
    assert found.place == pytest.approx(truth, abs=5e-3)
    assert distance(np.array([1.0, np.nan])) == 1 + UNDEFINED**2


def test_the_jacobian_is_that_of_the_moments():
    rng, truth = np.random.default_rng(1), np.array([0.4, 0.5, 0.6])
    target, error = moments(truth[None], rng, 0.0)[0], np.full(5, 1e-2)
    found, _ = ended(target, error, lambda p: Told(moments(p, rng, 0.0), np.zeros((len(p), 5))), 6)
    steps = 1e-5 * np.eye(KEYS)
    ends = [moments(found.place[None] + sign * steps, rng, 0.0) for sign in (1, -1)]
    exact = ((ends[0] - ends[1]) / 2e-5).T
    assert np.linalg.norm(found.jacobian - exact) < 0.1 * np.linalg.norm(exact)


def test_steps_and_stars_stay_in_the_cube():
    corner = np.array([0.0, 1.0])
    assert star(corner, 0.2).min() == 0.0
    assert star(corner, 0.2).max() == 1.0
    found, _ = ended(
        np.array([-5.0, 9.0]),
        np.ones(2),
        lambda p: Told(p @ np.array([[1.0, 0.0], [0.0, 2.0]]), np.zeros((len(p), 2))),
        keys=2,
    )
    assert found.place == pytest.approx([0.0, 1.0], abs=1e-6)


def test_a_smooth_fit_is_least_where_algebra_says():
    from analysis.calibration.fit import Local

    local = Local(np.array([0.5]), np.array([0.2]), np.array([[2.0]]), np.zeros((1, 1, 1)))
    assert least(local, 0.3) == pytest.approx([0.4])
    assert least(local, 0.05) == pytest.approx([0.45])


def test_the_covariance_is_that_of_least_squares_and_of_what_simulation_adds():
    jacobian, errors = np.array([[2.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), np.array([0.1, 0.2, 0.3])
    scaled = jacobian / errors[:, None]
    inverse = np.linalg.inv(scaled.T @ scaled)
    assert covariance(jacobian, errors, np.zeros((3, 3))) == pytest.approx(inverse)
    assert covariance(jacobian, errors, np.diag(errors**2)) == pytest.approx(2 * inverse)


@pytest.mark.parametrize(
    ("jacobian", "place", "reasons"),
    [
        ([[1.0, 0.0], [0.0, 1.0]], [0.5, 0.5], ["", ""]),
        ([[1.0, 0.0], [0.0, 0.01]], [0.5, 0.5], ["", "of the searched range"]),
        ([[1.0, 0.0], [1.0, 0.0]], [0.5, 0.5], ["", "no moment depends on it"]),
        ([[1.0, 1.0], [1.0, 1.1]], [0.5, 0.5], ["tell it from", "tell it from"]),
        ([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.5], ["at an end", ""]),
    ],
)
def test_what_is_not_identified_is_said_with_its_reason(jacobian, place, reasons):
    spread = covariance(np.array(jacobian), np.full(2, 0.01), np.zeros((2, 2)))
    for sure, reason in zip(precision(np.array(place), spread, ["a", "b"]), reasons, strict=True):
        assert bool(reason) != sure.is_identified
        assert reason in sure.reason


def test_fewer_moments_than_parameters_leave_some_free():
    spread = covariance(np.array([[1.0, 0.5]]), np.array([0.1]), np.zeros((1, 1)))
    assert np.isinf(np.diag(spread)).all()


def test_what_is_undefined_where_the_search_ends_changes_with_nothing():
    """Of three moments one is defined nowhere near the end, and would move most where it is."""

    def answer(places):
        steep = np.where(places[:, 0] < 0.2, 1e3 * places[:, 0], np.nan)
        found = np.stack([places[:, 0], places[:, 1], steep], axis=1)
        return Told(found, np.zeros_like(found))

    found, _ = ended(np.array([0.6, 0.5, 600.0]), np.full(3, NOISE), answer, keys=2)
    assert found.place == pytest.approx([0.6, 0.5], abs=0.02)
    assert found.jacobian[:2] == pytest.approx(np.eye(2), abs=0.05)
    assert np.isnan(found.jacobian[2]).all()
    spread = covariance(found.jacobian, np.full(3, NOISE), np.zeros((3, 3)))
    assert np.sqrt(np.diag(spread)) == pytest.approx([NOISE] * 2, rel=0.1)
    assert np.isinf(np.diag(covariance(np.full((3, 2), np.nan), np.full(3, NOISE), np.zeros((3, 3))))).all()
