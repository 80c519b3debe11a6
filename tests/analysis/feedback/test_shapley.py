"""Shapley values: worked games, efficiency, and the mechanisms of a scenario."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.feedback.shapley import coalitions, credit, shapley
from scenarios.arms.mechanisms import mechanisms, without
from scenarios.build.loading import load

PLAYERS = ["a", "b", "c"]


def test_the_glove_game():
    """One left glove and two right ones; a pair is worth 1 (Shapley 1953): 2/3, 1/6, 1/6."""
    worth = {each: float("a" in each and len(each) > 1) for each in coalitions(PLAYERS)}
    assert shapley(worth, PLAYERS) == pytest.approx({"a": 2 / 3, "b": 1 / 6, "c": 1 / 6})


@given(st.lists(st.floats(-5, 5), min_size=8, max_size=8))
def test_values_add_up_to_the_worth_of_all(numbers):
    """Whatever the game."""
    worth = dict(zip(coalitions(PLAYERS), numbers, strict=True))
    total = worth[frozenset(PLAYERS)] - worth[frozenset()]
    assert sum(shapley(worth, PLAYERS).values()) == pytest.approx(total, abs=1e-12)


def test_factors_that_multiply_are_credited_as_they_are():
    """Mechanisms that multiply a metric by 2, 3 and 1: factors 2, 3 and 1, product 6, intervals around."""
    factor = {"a": 2.0, "b": 3.0, "c": 1.0}
    world = np.random.default_rng(4).lognormal(0, 0.4, 32)
    noise = np.random.default_rng(5)
    values = {
        each: world * np.prod([factor[name] for name in each]) * noise.lognormal(0, 0.02, 32)
        for each in coalitions(PLAYERS)
    }
    found = credit(values, PLAYERS)
    for name, expected in factor.items():
        part = found["mechanisms"][name]
        assert part["factor"] == pytest.approx(expected, rel=0.03)
        assert part["factor_interval"][0] < expected < part["factor_interval"][1]
    product = np.prod([part["factor"] for part in found["mechanisms"].values()])
    assert found["total"]["factor"] == pytest.approx(product, rel=1e-12)


def test_a_metric_that_is_zero_somewhere_is_not_credited():
    """No logarithm, no credit: said so."""
    values = {each: np.full(6, float(len(each))) for each in coalitions(PLAYERS)}
    assert credit(values, PLAYERS) == {
        "total": None,
        "mechanisms": None,
        "seeds": 6,
        "reason": "a mean is not above 0",
    }


def test_the_mechanisms_of_the_crash_and_what_taking_them_out_does():
    """Dealers and vaults, LPs, forced selling, makers who leave."""
    scenario = load("linear_crash")
    found = {each.name: each for each in mechanisms(scenario)}
    assert set(found) == {"dealer hedging", "LP hedging", "forced selling", "maker withdrawal"}
    assert found["dealer hedging"].muted == ("dealers", "vaults")
    changed, treatment = without(scenario, [found["dealer hedging"], found["maker withdrawal"]])
    assert changed["populations.makers.thinning"] == 0.0
    assert treatment.diverted == ("dealers", "vaults")
    assert not treatment.is_forced_diverted
    assert without(scenario, [])[0] is scenario
