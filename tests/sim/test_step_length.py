"""An order's arrival decides its place, not its phase: the length of a step does not matter."""

from __future__ import annotations

import numpy as np
import pytest

from scenarios import load

SEEDS = 32
SECONDS = 240.0
SHOCK_AT = 60.0


def largest_fall(step_seconds: float, seed: int) -> float:
    """Maximum drawdown of the mid in `linear_crash`, cut short."""
    scenario = load("linear_crash")
    scenario["seed"] = seed
    scenario["time.step_seconds"] = step_seconds
    scenario["time.steps"] = round(SECONDS / step_seconds)
    scenario["shocks.0.at"] = SHOCK_AT
    mid = scenario.market().run().column("series", "BTC.mid")
    peak = np.maximum.accumulate(mid)
    return float(((peak - mid) / peak).max())


@pytest.mark.long
def test_halving_the_step_leaves_the_drawdown_within_its_interval() -> None:
    seeds = range(1, SEEDS + 1)
    whole = np.array([largest_fall(1.0, seed) for seed in seeds])
    half = np.array([largest_fall(0.5, seed) for seed in seeds])
    difference = half - whole
    half_width = 1.96 * difference.std(ddof=1) / np.sqrt(SEEDS)
    assert whole.mean() > 0.03, "nothing crashed, so nothing was tested"
    assert abs(difference.mean()) < half_width
    assert half_width < 0.15 * whole.mean(), "the interval is too wide to say anything"
