"""The worst moment is where the price is farthest from where it was before the shock."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from synthetic import a_market, a_recording

from analysis.metrics.worst_moment import depth_at_worst, spread_at_worst, worst_step
from sim.recording.recording import Recording

CALM, THIN = 600.0, 30.0


def sale(at: float, asset: str = "BTC") -> dict[str, Any]:
    """An exogenous sale."""
    return {"at": at, "type": "market_order", "asset": asset, "qty": -10.0}


def a_path(
    *points: tuple[int, float], shocks: tuple[dict[str, Any], ...] = (), thin: tuple[int, int] = (0, 0)
) -> Recording:
    """A mid straight between points (step, price), from a spot of 100; the book is thin in places."""
    at, price = zip(*points, strict=True)
    mid = np.interp(np.arange(at[-1] + 1), at, price)
    market = a_market(
        mid.size, shocks=list(shocks), assets=[{"name": "BTC", "spot": 100.0, "half_tick": 0.25}]
    )
    depth = np.full(mid.size, CALM)
    depth[slice(*thin)] = THIN
    spread = np.where(depth == THIN, 0.01, 0.001) * mid
    columns = {"BTC.mid": mid, "BTC.depth_bid": depth, "BTC.depth_ask": depth, "BTC.spread": spread}
    return a_recording(columns, market)


def test_a_v_that_recovers_fully_and_beyond_is_worst_at_its_bottom() -> None:
    """From 100 to 93.5 and back to 100.5: the rise from the low, 7.5%, is larger than the fall, 6.5%."""
    recording = a_path((99, 100.0), (140, 93.5), (300, 100.5), shocks=(sale(100.0),), thin=(130, 150))
    assert worst_step(recording, "BTC") == 140
    assert depth_at_worst(recording, "BTC") == pytest.approx(THIN)
    assert spread_at_worst(recording, "BTC") == pytest.approx(100.0)


def test_a_squeeze_is_worst_at_its_top() -> None:
    """A purchase lifts the price from 40 to 44, and it falls back below where it came from."""
    shock = sale(100.0) | {"qty": 10.0}
    assert worst_step(a_path((99, 40.0), (150, 44.0), (300, 39.0), shocks=(shock,)), "BTC") == 150


def test_equal_factors_up_and_down_are_equally_far() -> None:
    """Down to 80 is log 1.25, up to 124 less: a fall of 20% outweighs a rise of 24%."""
    assert worst_step(a_path((9, 100.0), (20, 124.0), (60, 80.0), shocks=(sale(10.0),)), "BTC") == 60
    assert worst_step(a_path((9, 100.0), (20, 126.0), (60, 80.0), shocks=(sale(10.0),)), "BTC") == 20


def test_what_came_before_the_shock_does_not_count() -> None:
    """The price drifts from 100 to 120 before a shock takes it to 110, which is nearer to the opening."""
    drift = ((99, 120.0), (130, 110.0), (200, 121.0))
    assert worst_step(a_path((0, 100.0), *drift, shocks=(sale(100.0),)), "BTC") == 130
    assert worst_step(a_path((0, 100.0), *drift), "BTC") == 200


def test_without_a_shock_the_origin_is_the_opening_price() -> None:
    """The spot is 100: the first step's 97 is farther from it than the last one's 102, not from itself."""
    assert worst_step(a_path((0, 97.0), (50, 102.0)), "BTC") == 0
    assert worst_step(a_path((0, 99.0), (50, 102.0)), "BTC") == 50


def test_a_shock_in_the_first_step_or_after_the_last_leaves_the_opening_as_origin() -> None:
    """A shock at once has no step before it; one that the run did not live to see has struck nothing."""
    for at in (0.0, 0.5, 51.0, 900.0):
        assert worst_step(a_path((0, 97.0), (50, 102.0), shocks=(sale(at),)), "BTC") == 0
    assert worst_step(a_path((0, 97.0), (50, 102.0), shocks=(sale(1.0),)), "BTC") == 50


def test_the_first_of_an_assets_own_shocks_counts_before_those_of_others() -> None:
    """By 20 s the price has drifted to 120; by 40 s, when the asset is sold itself, to 130."""
    points = ((0, 100.0), (19, 120.0), (39, 130.0), (60, 124.0), (90, 127.0))
    other, own, later = sale(20.0, "ETH"), sale(40.0), sale(70.0)
    assert worst_step(a_path(*points, shocks=(later, other, own)), "BTC") == 60
    assert worst_step(a_path(*points, shocks=(other,)), "BTC") == 39
