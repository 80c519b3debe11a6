"""A crossing is found where it lies, on synthetic responses many times over."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.base.metric import Undefined
from analysis.frontier import chance_crossing
from analysis.frontier.crossing import NORMAL
from analysis.frontier.found import NARROW, OUTSIDE, SEVERAL
from analysis.frontier.frontier import Search, grid_runs
from analysis.frontier.question import Question, Scale

CRITICAL, STEEP = 0.6, 8.0


RANGE = Scale.of(0.05, 5.0)


def logistic(x, critical=CRITICAL, steep=STEEP):
    """A chance that passes a half at the critical value."""
    return 1 / (1 + np.exp(-steep * np.log(x / critical)))


def searched(response, seed, question="debt>0", level=0.5, scale=RANGE, **options):
    """The end of a search in which `response` says what a run's metric is."""
    rng, search = np.random.default_rng(seed), Search(Question.parse(question, level), scale, **options)
    while (values := search.ask()).size:
        search.tell(values, response(values, rng))
    return search.found()


def of_chance(chance):
    """A metric that is 1 with this chance, else 0."""
    return lambda x, rng: (rng.random(x.size) < chance(x)).astype(float)


def covered(found, truth):
    """Whether the interval, open ends included, holds the truth."""
    return (found.low or -math.inf) <= truth <= (found.high or math.inf)


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    """40 searches: 95% intervals cover at least 33 times (below that by chance once in 10,000)."""
    found = [searched(of_chance(logistic), seed, width=0.25) for seed in range(40)]
    assert all(each.ended == NARROW and each.width <= 0.25 for each in found)
    assert sum(covered(each, CRITICAL) for each in found) >= 33
    assert np.mean([each.estimate for each in found]) == pytest.approx(CRITICAL, rel=0.04)


def test_a_narrow_interval_takes_far_fewer_runs_than_a_grid():
    """For an interval of a tenth of the critical value: less than a third, counted the same way."""
    found = [searched(of_chance(logistic), seed) for seed in range(8)]
    assert sum(each.runs for each in found) < sum(each.grid_runs for each in found) / 3


def test_the_mean_of_a_curved_response_is_found():
    """exp(x) passes e at 1; 40 searches over two decades, with noise as large as the slope."""
    found = [
        searched(lambda x, rng: np.exp(x) + 0.5 * rng.normal(size=x.size), seed, "debt", math.e, width=0.2)
        for seed in range(40)
    ]
    assert sum(covered(each, 1.0) for each in found) >= 32
    assert np.mean([each.estimate for each in found]) == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_jump_is_closed_in_on(sign):
    """All or nothing: the fit stays finite and the interval shrinks around the jump."""
    found = searched(lambda x, rng: np.where(sign * (x - CRITICAL) > 0, 1.0, 0.0), 1)
    assert found.ended == NARROW
    assert found.low < CRITICAL < found.high
    assert found.is_rising == (sign > 0)


def test_a_response_without_noise_is_bracketed():
    """The interval is the pair of neighbours between which it passes."""
    found = searched(lambda x, rng: x**2, 1, "debt", 0.36)
    assert found.ended == NARROW
    assert found.low <= CRITICAL <= found.high
    assert found.width <= 0.1
    assert found.grid_runs == math.ceil(8 * math.log(100) / 0.1)


def test_a_level_that_is_not_reached_is_not_found():
    """The search gives up after two more batches and says what it saw at both ends."""
    found = searched(of_chance(lambda x: 0.02 * x), 1)
    assert (found.ended, found.estimate, found.runs, found.grid_runs) == (OUTSIDE, None, 72, None)
    assert "is not reached between 0.05 and 5" in found.verdict
    assert found.places[-1].runs == 24


def test_a_level_that_is_passed_twice_is_said_to_be():
    """A bump: the scan sees it, and no crossing is made up."""
    found = searched(of_chance(lambda x: np.where(abs(np.log(x / 0.5)) < 1.0, 0.99, 0.0)), 1)
    assert (found.ended, found.estimate) == (SEVERAL, None)
    assert "more than once" in found.verdict


def test_seeds_that_are_shared_say_less_than_they_seem_to():
    """Why every run has its own: the same eight seeds everywhere find their own median, not the market's."""
    own = []
    for world in range(40):
        luck = np.random.default_rng(world).random(8)
        x = np.repeat(np.linspace(0.4, 0.6, 11), 8)
        y = (np.tile(luck, 11) < 1 / (1 + np.exp(-10 * (x - 0.5)))).astype(float)
        fit = chance_crossing.chance(x, y, 0.5)
        own.append(fit.low <= 0.5 <= fit.high)
    assert np.mean(own) < 0.8


def test_firths_slope_of_separated_runs_is_known():
    """Eight failures and eight successes: half a run is added to each cell, so logits are -+ log 17."""
    groups = chance_crossing.Groups(np.array([-1.0, 1.0]), np.array([8.0, 8.0]), np.array([0.0, 8.0]))
    assert chance_crossing.fitted(groups) == pytest.approx((0.0, math.log(17)), abs=1e-6)


def test_the_profile_interval_is_where_the_likelihood_has_dropped():
    """At both ends the penalised likelihood, maximised over the slope, is 1.92 below its top."""
    x = np.repeat(np.linspace(0.2, 0.8, 7), 12)
    y = (np.random.default_rng(4).random(x.size) < 1 / (1 + np.exp(-12 * (x - 0.5)))).astype(float)
    groups = chance_crossing.near(chance_crossing.grouped(x, y), 0.0, chance_crossing.WINDOW)
    fit = chance_crossing.chance(x, y, 0.5)

    def likelihood(centre, slope):
        logits = slope * (groups.x - centre)
        p = 1 / (1 + np.exp(-logits))
        weights = groups.trials * p * (1 - p)
        terms = [np.sum(weights * groups.x**power) for power in range(3)]
        plain = np.sum(groups.successes * np.log(p) + (groups.trials - groups.successes) * np.log(1 - p))
        return plain + 0.5 * np.log(terms[0] * terms[2] - terms[1] ** 2)

    slopes = np.linspace(0.5, 40, 4000)
    top = max(likelihood(fit.estimate, slope) for slope in slopes)
    for end in (fit.low, fit.high):
        assert top - max(likelihood(end, slope) for slope in slopes) == pytest.approx(1.9207, abs=0.02)


def test_the_grid_is_counted_by_the_delta_method():
    """A grid of as many runs as are counted has, over many draws, the standard error it was counted for."""
    x = np.linspace(0, 1, 400)
    estimates, fits = [], []
    rng = np.random.default_rng(2)
    for _ in range(60):
        y = (rng.random(x.size) < 1 / (1 + np.exp(-14 * (x - 0.45)))).astype(float)
        groups = chance_crossing.grouped(x, y)
        intercept, slope = chance_crossing.fitted(groups)
        estimates.append(-intercept / slope)
        fits.append(chance_crossing.chance(x, y, 0.5))
    width = 2 * NORMAL * float(np.std(estimates))
    known = fits[0]._replace(low=0.45 - width / 2, high=0.45 + width / 2)
    assert grid_runs(known, 0.0) == pytest.approx(400, rel=0.5)
    assert grid_runs(known, 10 * width) == math.ceil(max(grid_runs(known, 0.0) / 100, 8 / (10 * width)))


@pytest.mark.parametrize(
    ("text", "metric", "threshold", "is_above"),
    [
        ("P(bad_debt > 0)", "bad_debt", 0.0, True),
        ("bad_debt>0", "bad_debt", 0.0, True),
        ("P(BTC.max_drawdown<0.05)", "BTC.max_drawdown", 0.05, False),
        ("BTC.max_drawdown", "BTC.max_drawdown", None, True),
    ],
)
def test_a_question_is_read(text, metric, threshold, is_above):
    question = Question.parse(text, 0.5)
    assert (question.metric, question.threshold, question.is_above) == (metric, threshold, is_above)


def test_outcomes_of_what_is_undefined_stay_undefined():
    outcomes = Question.parse("debt>1", 0.5).outcomes(np.array([0.0, 1.0, 2.0, np.nan]))
    assert outcomes[:3].tolist() == [0.0, 0.0, 1.0]
    assert math.isnan(outcomes[3])


@pytest.mark.parametrize("text", ["P(bad_debt)", "bad debt", "P(bad_debt>much)", "a>b>c"])
def test_what_is_no_question_is_refused(text):
    with pytest.raises(ValueError, match="found"):
        Question.parse(text, 0.5)


@settings(max_examples=40, deadline=None)
@given(st.floats(0.01, 1e4), st.floats(1.1, 1e3), st.sampled_from([1, -1]), st.floats(0, 1))
def test_places_and_values_are_each_others_inverse(low, factor, sign, place):
    scale = Scale.of(*sorted([sign * low, sign * low * factor]))
    value = scale.values(np.array(place))
    assert scale.low <= value <= scale.high
    assert scale.places(value) == pytest.approx(place, abs=1e-6)


def test_a_metric_that_is_never_defined_ends_the_search():
    search = Search(Question.parse("debt", 1.0), RANGE)
    values = search.ask()
    with pytest.raises(Undefined, match="fewer than two values"):
        search.tell(values, np.full(values.size, np.nan))
