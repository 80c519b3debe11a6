"""What the flagship owes to vaults that hedge, and to end users who own what vaults write: two keys apart."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from analysis.base.arms import BASE, MUTED
from scenarios import load
from scenarios.arms.arms import Arms
from sim.recording.recording import Recording

TYPE, BUYERS = "populations.vaults.type", "populations.vaults.buyers"
RECIPES = {
    "as written": {},
    "vaults do not hedge": {TYPE: "covered_vaults.CoveredVaults", BUYERS: "end_users"},
    "and dealers own what they sold": {TYPE: "covered_vaults.CoveredVaults", BUYERS: "dealers"},
}
SOON = {"time.steps": 90, "shocks.0.at": 10.0, "shocks.0.over_seconds": 60.0}


class Told(NamedTuple):
    """Of a run under a recipe: mids of both arms, and gamma at the opening."""

    mid: np.ndarray
    muted: np.ndarray
    dealers: float
    vaults: float

    @property
    def fall(self) -> float:
        """Largest, of the opening price."""
        return float(1 - self.mid.min() / self.mid[0])


@pytest.fixture(scope="module")
def told() -> dict[str, Told]:
    found = {}
    for name, recipe in RECIPES.items():
        arms: dict[str, Recording] = {}
        Arms(load("linear_crash", SOON | recipe), [BASE, MUTED]).run(1, arms.__setitem__)
        series = arms[BASE].series
        gammas = (float(series[f"{who}.net_gamma"].iloc[0]) for who in ("dealers", "vaults"))
        mids = (arms[arm].series["BTC.mid"].to_numpy() for arm in (BASE, MUTED))
        found[name] = Told(*mids, *gammas)
    return found


def test_without_hedges_the_market_is_the_same_to_the_bit(told: dict[str, Told]) -> None:
    written, *others = (each.muted.tolist() for each in told.values())
    assert all(other == written for other in others)


def test_vaults_write_the_same_and_dealers_become_so_much_less_short(told: dict[str, Told]) -> None:
    written, unhedged, owned = told.values()
    assert written.vaults == unhedged.vaults == owned.vaults < -0.1
    assert written.dealers == unhedged.dealers
    assert owned.dealers == pytest.approx(written.dealers - owned.vaults, rel=1e-9)


def test_each_takes_some_of_the_fall_away(told: dict[str, Told]) -> None:
    falls = [each.fall for each in told.values()]
    assert falls == sorted(falls, reverse=True)
    assert falls[0] > 1.2 * falls[-1] > 1.2 * float(1 - told["as written"].muted.min() / 65_000.0)
