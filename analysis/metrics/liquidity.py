"""Liquidity: the spread and the depth of an asset's listed book at the end of each step."""

from __future__ import annotations

import numpy as np

from analysis.base.metric import Undefined, metric
from analysis.base.series import known, prices, series
from sim.recording.recording import Recording

HEADING, PLACE, PER = "Liquidity", 20, "assets"


@metric(unit="bps", source="mean over steps of (best ask - best bid) / mid x 10,000")
def mean_spread(recording: Recording, asset: str) -> float:
    """Average quoted spread."""
    return float(np.mean(_spread(recording, asset)))


@metric(
    unit="bps",
    source="largest (best ask - best bid) / mid x 10,000 at the end of a step",
    headline=21,
    light=17,
)
def worst_spread(recording: Recording, asset: str) -> float:
    """Widest quoted spread."""
    return float(np.max(_spread(recording, asset)))


@metric(unit="1", as_percent=True, source="share of steps that end with both a bid and an ask in the book")
def quoted_share(recording: Recording, asset: str) -> float:
    """How often one could both buy and sell."""
    spread = series(recording, f"{asset}.spread")
    return float(np.mean(~np.isnan(spread)))


@metric(unit="units", source="mean over steps of the units bid near the mid")
def mean_depth_bid(recording: Recording, asset: str) -> float:
    """Average depth on the side that sellers hit."""
    return float(np.mean(_depth(recording, asset, "bid")))


@metric(unit="units", source="mean over steps of the units offered near the mid")
def mean_depth_ask(recording: Recording, asset: str) -> float:
    """Average depth on the side that buyers lift."""
    return float(np.mean(_depth(recording, asset, "ask")))


@metric(unit="units", source="lowest mean of bid and ask depth over any 10 s", headline=19, light=18)
def worst_depth(recording: Recording, asset: str) -> float:
    """Thinnest the book became, for longer than a blink."""
    depth = (_depth(recording, asset, "bid") + _depth(recording, asset, "ask")) / 2
    window = min(depth.size, max(1, round(10 / recording.market["step_seconds"])))
    return float(np.convolve(depth, np.ones(window) / window, "valid").min())


def _spread(recording: Recording, asset: str) -> np.ndarray:
    """Quoted spread in bps of the mid, of the steps that end with one."""
    spread: np.ndarray = series(recording, f"{asset}.spread") / prices(recording, f"{asset}.mid") * 1e4
    if np.all(np.isnan(spread)):
        raise Undefined("the book never had both sides")
    quoted: np.ndarray = spread[~np.isnan(spread)]
    return quoted


def _depth(recording: Recording, asset: str, side: str) -> np.ndarray:
    """Units near the mid on one side; a side without orders has none."""
    known(recording, name := f"{asset}.depth_{side}")
    depth: np.ndarray = np.nan_to_num(series(recording, name))
    return depth
