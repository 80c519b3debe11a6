"""An exposure whose gamma is the same at every price."""

from __future__ import annotations

import numpy as np
import pytest
from short_dealers import EXOGENOUS, LOT, dealers
from small_market import (
    LPS,
    SPOT,
    population,
    small_market,
    units,
    value_shock,
)


def test_constant_gamma_may_differ_by_row_and_is_hedged_exactly() -> None:
    gamma = {"dist": "uniform", "low": -0.002, "high": -0.001}
    own = dealers(exposure={"type": "constant_gamma", "gamma": gamma}, hedging={"type": "time"}, cash=1e9)
    model = small_market(own, venues=EXOGENOUS, shocks=[value_shock(2.0, -0.02)])
    model.run()
    column = population(model, "dealers").exposure._gamma
    assert np.ptp(column) > 0.0005
    assert units(model, "dealers", "BTC-perpetual") == pytest.approx(-column * (-0.02 * SPOT), abs=LOT)
    series = model.recording().series
    assert series["dealers.net_gamma"].iloc[-1] == pytest.approx(column.sum())
    assert series["dealers.net_delta"].iloc[-1] == pytest.approx(0.0, abs=60 * LOT)


def test_a_recording_says_which_power_of_the_price_gamma_outside_options_goes_with() -> None:
    constant, chain = dealers(exposure={"type": "constant_gamma", "gamma": -0.001}), dealers(name="chain")
    lps = LPS | {"hedged_share": 1.0, "route": {"venues": ["linear"]}}
    market = small_market(constant, chain, lps, venues=(*EXOGENOUS, "pool"), steps=1)
    powers = {entry["name"]: entry.get("gamma_power") for entry in market.recording().market["populations"]}
    assert (powers["dealers"], powers["chain"], powers["lps"]) == (0.0, None, -1.5)
