"""Each policy sends the same orders whether or not it says who need not be looked at, whatever it hedges."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from on_a_pool import DEALERS, DEEP
from small_market import LPS, orders_of, small_market

from agents.hedging.exposures.base import Exposure
from agents.hedging.exposures.constant_gamma import ConstantGamma
from agents.hedging.exposures.option_book import OptionBook
from agents.hedging.exposures.pool_share import PoolShare
from agents.hedging.policies.base import POLICY, Policy

OWN: dict[str, dict[str, Any]] = {"whalley_wilmott": {"risk_aversion": 1.0}, "band": {"width": 0.0005}}
CHAIN = {"type": "synthetic", "open_interest": 1e5, "expiries_days": [0.02, 3.0], "strikes": 3}
ROUTE = {"venues": ["linear"]}
HEDGERS: dict[type[Exposure], dict[str, Any]] = {
    OptionBook: DEALERS | {"exposure": CHAIN, "route": ROUTE, "treasury": 0.0},
    ConstantGamma: DEALERS
    | {"exposure": {"type": "constant_gamma", "gamma": -0.2}, "route": ROUTE, "treasury": 0.0},
    PoolShare: LPS | {"hedged_share": 1.0, "route": ROUTE},
}
CASES = [
    pytest.param(name, policy, exposure, id=f"{name}-{exposure.__name__}")
    for (name, policy), exposure in product(POLICY.classes(), HEDGERS)
    if {*policy.needs} <= {*exposure.gives}
]
TRADER = {
    "name": "arbs",
    "type": "arbitrageurs.Arbitrageurs",
    "book": "linear",
    "pool": "pool",
    "max_units": 1e5,
    "spot_units": 1e4,
    "cash": 1e9,
}


def test_policies_that_need_gamma_work_on_all_that_has_it() -> None:
    assert len(CASES) == 11
    assert sum(policy.values[2] is PoolShare for policy in CASES) == 3


@pytest.mark.parametrize(("name", "policy", "exposure"), CASES)
def test_screened_and_unscreened_orders_are_the_same(
    name: str, policy: type[Policy], exposure: type[Exposure], monkeypatch: pytest.MonkeyPatch
) -> None:
    interval = {"dist": "uniform", "low": 0.5, "high": 4.0}
    own = HEDGERS[exposure] | {
        "count": 30,
        "latency_seconds": {"dist": "uniform", "low": 0.0, "high": 2.0},
        "hedging": {"type": name, "interval_seconds": interval, **OWN.get(name, {})},
    }

    def outcome() -> np.ndarray:
        model = small_market(
            DEEP | {"name": "deep", "deposit": 2_000.0},
            own,
            TRADER,
            venues=("linear", "pool", "desk"),
            asset={"driver": {"type": "drivers.GeometricBrownian", "volatility": 5.0}},
            steps=90,
        )
        return orders_of(model, own["name"], 90)

    screened = outcome()
    monkeypatch.setattr(policy, "reach", None)
    unscreened = outcome()
    assert screened.size > 100
    assert np.array_equal(screened, unscreened)
