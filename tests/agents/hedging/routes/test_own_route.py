"""A route of one's own."""

from __future__ import annotations

import pytest
from own_parts import ran

pytestmark = pytest.mark.usefixtures("folder")


CHEAPEST = 'type = "cheapest"'


SPLIT = '''\
"""Mine."""
import numpy as np

from agents.hedging import Route
from sim.records import HEDGE


class Halves(Route):
    """Half of each order to each venue; the dearer, by the cost of a unit along its curve, a second later."""

    def send(self, wanted, view, outbox):
        curve = view.curve
        for each in wanted:
            side, sign = (0, 1.0) if each["units"] > 0 else (1, -1.0)
            size = abs(each["units"])

            def cost(venue):
                return np.interp(size, curve[venue, side]["units"], curve[venue, side]["cost"])

            for late, venue in enumerate(sorted(self.venues, key=cost)):
                lots = int(sign * size / 2 / view.quotes[venue]["lot"])
                latency = float(each["latency"]) + late
                account = int(self.account[view.quotes[venue]["chain"], each["row"]])
                outbox.market(account, int(venue), lots, latency=latency, reason=HEDGE)
'''


def test_a_route_of_ones_own_splits_in_place_and_time() -> None:
    code = SPLIT
    recording = ran(code, CHEAPEST, 'type = "mine.Halves"')
    fills = recording.fills.query("reason == 'hedge'")
    by_venue = fills.groupby("venue")["qty"].sum()
    assert by_venue["cheap"] == pytest.approx(by_venue["deep"], rel=0.01)
    first = fills[fills["taker"] == fills["taker"].iloc[0]].iloc[:2]
    assert first["time"].diff().iloc[1] == pytest.approx(1.0)
    assert first["venue"].nunique() == 2
    assert first["qty"].nunique() == 1
    assert all(residual < 1e-9 for residual in recording.market.get("residuals", {"": 0.0}).values())
