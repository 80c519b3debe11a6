"""Puts with strikes spread over a band: no gamma above it, all of it inside, none below."""

from __future__ import annotations

from typing import Any

import pytest
from short_dealers import EXOGENOUS, LOT, dealers
from small_market import SPOT, population, small_market, units, value_shock

BEGINS, WIDTH, UNITS = 0.01, 0.02, -30.0


def after_a_fall_of(fall: float, **changes: Any) -> tuple[float, float, int]:
    """Units in which the hedges changed, gamma at the end, and how many rows there are."""
    strip = {"type": "put_strip", "units": UNITS, "begins_below": BEGINS, "width": WIDTH} | changes
    own = dealers(exposure=strip, hedging={"type": "time"}, cash=1e9)
    model = small_market(own, venues=EXOGENOUS, shocks=[value_shock(2.0, -fall)])
    model.run()
    held = units(model, "dealers", "BTC-perpetual")
    gamma = model.recording().series["dealers.net_gamma"].iloc[-1]
    return float(held.sum()), float(gamma), population(model, "dealers").rows


@pytest.mark.parametrize(("fall", "passed"), [(0.005, 0.0), (0.015, 0.25), (0.025, 0.75), (0.04, 1.0)])
def test_the_units_that_are_hedged_are_those_of_the_strikes_passed(fall: float, passed: float) -> None:
    held, gamma, rows = after_a_fall_of(fall)
    assert held == pytest.approx(rows * UNITS * passed, abs=rows * LOT), "short puts are hedged by selling"
    inside = rows * UNITS / (WIDTH * SPOT)
    assert gamma == pytest.approx(inside if 0 < passed < 1 else 0.0)


def test_a_fall_through_the_whole_strip_has_the_same_hedged_wherever_it_lies() -> None:
    sold = {after_a_fall_of(0.05, begins_below=begins)[0] for begins in (0.0, 0.01, 0.02)}
    assert max(sold) - min(sold) < 1e-6


def test_strikes_above_the_opening_are_hedged_before_it() -> None:
    for fall, passed in ((0.002, 0.1), (0.05, 0.75)):
        held, _, rows = after_a_fall_of(fall, begins_below=-0.005)
        assert held == pytest.approx(rows * UNITS * passed, abs=rows * LOT)
