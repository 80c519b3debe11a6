"""An exposure whose gamma is the same at every price."""

from __future__ import annotations

import numpy as np
import pytest
from short_dealers import EXOGENOUS, LOT, dealers
from small_market import (
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
