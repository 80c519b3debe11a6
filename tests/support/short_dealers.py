"""Dealers short of options, for tests of who hedges how and where."""

from __future__ import annotations

from typing import Any

import numpy as np
from small_market import (
    option_delta,
    units,
)

from sim.model import Model

LOT = 0.001


CHAIN = {"type": "synthetic", "open_interest": 4000.0, "expiries_days": [1.0, 7.0]}


SHORT = {
    "name": "dealers",
    "type": "dealers.OptionDealers",
    "count": 60,
    "exposure": CHAIN,
    "size": {"dist": "lognormal", "median": 1.0, "sigma": 1.0},
    "hedging": {"width": 0.01},
    "route": {"venues": ["linear"]},
}


EXOGENOUS = ("linear", "desk")


def dealers(**changes: Any) -> dict[str, Any]:
    return {**SHORT, **changes}


def net_delta(model: Model, *instruments: str) -> np.ndarray:
    """Delta of options and hedge of each dealer, units."""
    return option_delta(model, "dealers") + sum(units(model, "dealers", name) for name in instruments)
