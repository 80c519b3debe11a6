"""A probe of a market with an order book: what its book does, and when it is looked at."""

from __future__ import annotations

import numpy as np
import pytest
from small_market import MAKERS, SPOT, VENUES

from analysis.probes.impact import Impact
from analysis.probes.observed import Schedule
from scenarios.build.loading import parse
from scenarios.file.document import Document
from scenarios.file.errors import ScenarioError
from scenarios.probes.prober import Prober, plain, received

NOISE = {"name": "noise", "type": "noise.NoiseTraders", "venue": "perp", "count": 5, "market_rate": 0.3}
SHARES, AT, OVER, HORIZONS = (0.0005, 0.02, 0.9), 60.0, 20.0, (1.0, 60.0, 120.0)


def scenario(**makers):
    """Makers who learn from the flow, and noise."""
    return parse(
        Document(
            "book",
            {
                "schema_version": 2,
                "name": "book",
                "time": {"steps": 100},
                "assets": [{"name": "BTC", "spot": SPOT, "driver": {"type": "drivers.Constant"}}],
                "venues": [{"name": "perp", "asset": "BTC"} | VENUES["perp"]],
                "populations": [MAKERS | {"learning_bps": 0.05, "anchor_per_second": 0.02} | makers, NOISE],
            },
        )
    )


@pytest.fixture(scope="module")
def impact():
    """Three seeds of three sales: hardly anything, some, and more than makers will hold."""
    prober = Prober(scenario(inventory_limit=40.0), "base", "", SHARES, AT, OVER, HORIZONS)
    seeds = [received(plain(prober.seed(seed))) for seed in (1, 2, 3)]
    return Impact(prober.shares, prober.schedule, seeds)


def test_a_larger_sale_moves_more_and_empties_the_book_for_longer(impact):
    moves = impact.at_end.mean(axis=1)
    assert (np.diff(moves) > 0).all()
    sizes = impact.entry()["sizes"]
    assert sizes[0]["book_back"]["value"] < 5 < sizes[2]["book_back"]["value"]
    assert sizes[0]["book_back"]["runs"] == 3


def test_what_makers_anchor_comes_back():
    """Makers without a limit who return to the value, which never moved: half is back within a minute."""
    prober = Prober(scenario(), "base", "", (0.005,), AT, OVER, HORIZONS)
    impact = Impact(prober.shares, prober.schedule, [prober.seed(seed) for seed in (1, 2, 3)])
    left = [impact.left(seconds).value for seconds in HORIZONS]
    assert 1.05 > left[0] > left[1] > left[2]
    half = impact.entry()["sizes"][0]["half_back"]
    assert half["runs"] == 3
    assert 0 < half["value"] < 120


def test_what_the_market_does_not_take_is_counted(impact):
    """Makers stop at their limits: the rest of the sale is carried, and left at the end."""
    last = impact.entry()["sizes"][2]
    assert last["executed"] < 1
    assert last["executed_in_part"] == 3
    assert impact.entry()["sizes"][0]["executed_in_part"] == 0


def test_before_the_sale_the_runs_are_one(impact):
    """Nothing but the sale is different: the price before it is the same to the last bit."""
    schedule = impact.schedule
    assert schedule.steps == 200
    small = Prober(scenario(), "base", "", (1e-7,), AT, OVER, HORIZONS).seed(1)
    assert small.probes[0].moves == [0.0] * schedule.times.size


def test_a_sale_of_less_than_half_a_lot_is_refused():
    with pytest.raises(ScenarioError, match=r"^the probe, over book: shocks\.0\.qty: comes to 0\.0141 lots"):
        Prober(scenario(), "base", "", (1e-9,), AT, OVER, HORIZONS).seed(1)


def test_a_schedule_looks_at_the_end_at_horizons_and_at_twice_the_length():
    schedule = Schedule(60.0, 20.0, HORIZONS, 1.0)
    for after in (0.0, *HORIZONS, 20.0):
        assert schedule.times[schedule.position(after)] == pytest.approx(20.0 + after)
    assert schedule.times[0] == 2.5
    at_once = Schedule(60.0, 0.5, (1.0,), 2.0)
    assert at_once.length == 2.0
    assert at_once.steps == 32


def test_the_base_is_run_beside_another_arm():
    prober = Prober(scenario(), "base", "", SHARES, AT, OVER, HORIZONS)
    assert prober.runs == 1 + len(SHARES)
    assert Prober(scenario(), "muted", "", SHARES, AT, OVER, HORIZONS).runs == 2 + len(SHARES)
