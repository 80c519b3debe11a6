"""An exposure of one's own."""

from __future__ import annotations

import pytest
from own_parts import TIME, ran

from analysis.feedback import theory
from scenarios.file.errors import ScenarioError

pytestmark = pytest.mark.usefixtures("folder")


EXPOSURE = '{type = "synthetic", open_interest = 2000.0, expiries_days = [1.0]}'


FORWARD = '''\
"""Mine."""
import numpy as np

from agents.hedging import Exposure
from sim.setup.parameters import Units


class Producers(Exposure):
    """They will sell what they produce, more of it the higher the price."""

    gives = ("delta", "gamma")

    class Parameters(Exposure.Parameters):
        output: Units

    def take(self, population, listing):
        self.size = population.draws.columns(self.parameters, "exposure", population.rows)["output"]
        self.spot = listing.spots[self.asset]

    def fill(self, columns, view):
        output = self.size[columns["row"]]
        columns["size"], columns["gamma"] = output, output / self.spot
        columns["delta"] = output * columns["price"] / self.spot
'''


def test_an_exposure_of_ones_own_is_hedged_by_what_it_gives() -> None:
    """All that is produced at every look, or up to the edge of the band that its gamma asks for."""
    produced = '{type = "mine.Producers", output = {dist = "uniform", low = 50.0, high = 100.0}}'
    cost, aversion = 0.001, 1e-6
    utility = f'{{type = "whalley_wilmott", synchrony = 1.0, cost = {cost}, risk_aversion = {aversion}}}'
    sold = []
    for policy in (TIME, utility):
        recording = ran(FORWARD, f"{EXPOSURE}\nhedging = {TIME}", f"{produced}\nhedging = {policy}")
        fills = recording.fills.query("reason == 'hedge'")
        sold.append(-0.001 * fills.groupby("taker")["qty"].sum().to_numpy())
    price = recording.series["BTC.mid"].iloc[-1]
    assert ((sold[0] > 49.0) & (sold[0] < 101.0)).all()
    assert len(set(sold[0])) == 20
    half = theory.whalley_wilmott_half_band(cost, price, sold[0] / price, aversion)
    assert sold[0] - sold[1] == pytest.approx(half, rel=0.05)


def test_what_an_exposure_of_ones_own_does_not_give_is_refused() -> None:
    message = (
        r"own\.toml:37: populations\.dealers\.hedging\.type: .*leland.* allowed: band, time, whalley_wilmott"
    )
    with pytest.raises(ScenarioError, match=message):
        ran(
            FORWARD,
            f"{EXPOSURE}\nhedging = {TIME}",
            '{type = "mine.Producers", output = 5.0}\nhedging = {type = "leland"}',
        )
