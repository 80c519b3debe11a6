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
    return float(np.mean(quoted_spread(recording, asset)))


@metric(
    unit="bps",
    source="largest (best ask - best bid) / mid x 10,000 at the end of a step",
    headline=21,
    light=17,
)
def worst_spread(recording: Recording, asset: str) -> float:
    """Widest quoted spread."""
    return float(np.max(quoted_spread(recording, asset)))


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


DEPTH = "mean over minutes of the units that rest within {distance} bps of the mid, bid and ask averaged"


@metric(unit="units", per="assets", source=DEPTH.format(distance=10))
def depth_10bps(recording: Recording, asset: str) -> float:
    """Average depth within a tenth of a per cent of the mid."""
    return _depth_within(recording, asset, 10.0)


@metric(unit="units", per="assets", source=DEPTH.format(distance=50))
def depth_50bps(recording: Recording, asset: str) -> float:
    """Average depth within half a per cent of the mid."""
    return _depth_within(recording, asset, 50.0)


@metric(unit="units", per="assets", source=DEPTH.format(distance=100))
def depth_100bps(recording: Recording, asset: str) -> float:
    """Average depth within one per cent of the mid."""
    return _depth_within(recording, asset, 100.0)


@metric(unit="units", per="assets", source=DEPTH.format(distance=500))
def depth_500bps(recording: Recording, asset: str) -> float:
    """Average depth within five per cent of the mid."""
    return _depth_within(recording, asset, 500.0)


@metric(unit="1", per="assets", source="depth_500bps / depth_100bps")
def depth_ratio(recording: Recording, asset: str) -> float:
    """How much deeper the book is within five per cent than within one."""
    near = _depth_within(recording, asset, 100.0)
    if near == 0:
        raise Undefined("nothing rested within one per cent of the mid")
    return _depth_within(recording, asset, 500.0) / near


def depths_within(recording: Recording, asset: str, distance: float) -> np.ndarray:
    """Units that rest within so many bps of the mid, bid and ask averaged, minute by minute."""
    owned = recording.column("depths", "asset") == list(recording.names("assets")).index(asset)
    kept = owned & (recording.column("depths", "distance_bps") == distance)
    if not kept.any():
        raise Undefined("no depth was recorded; it is once a minute")
    bid, ask = (recording.column("depths", side)[kept] for side in ("bid", "ask"))
    depth: np.ndarray = (bid + ask) / 2
    return depth


def _depth_within(recording: Recording, asset: str, distance: float) -> float:
    return float(depths_within(recording, asset, distance).mean())


def quoted_spread(recording: Recording, asset: str) -> np.ndarray:
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
