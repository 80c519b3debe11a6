"""The worst moment: what the market looked like when the price was at the end of its largest move."""

from __future__ import annotations

import numpy as np

from analysis.columns import prices, series
from analysis.metric import Undefined, metric
from sim.recording import Recording

WINDOW_SECONDS = 10.0
"""Length of the stretch, centred on the worst moment, over which liquidity is averaged."""

MOMENT = (
    "mean over the 10 s around the worst moment, the end of the largest fall from a high or rise from a low, "
    "whichever is larger"
)


@metric(unit="bps", per="assets", source=f"(best ask - best bid) / mid x 10,000, {MOMENT}")
def spread_at_worst(recording: Recording, asset: str) -> float:
    """Quoted spread when the price was at its worst."""
    spread = _around_worst(recording, asset, f"{asset}.spread")
    mid = _around_worst(recording, asset, f"{asset}.mid")
    if np.isnan(spread).all():
        raise Undefined("the book did not have both sides at the worst moment")
    return float(np.nanmean(spread / mid) * 1e4)


@metric(unit="units", per="assets", source=f"mean of bid and ask depth near the mid, {MOMENT}")
def depth_at_worst(recording: Recording, asset: str) -> float:
    """Depth when the price was at its worst; a side without orders has none."""
    sides = [_around_worst(recording, asset, f"{asset}.depth_{side}") for side in ("bid", "ask")]
    return float(np.mean(np.nan_to_num(sides)))


def worst_step(recording: Recording, asset: str) -> int:
    """Position in the series of the end of the largest fall or rise."""
    mid = prices(recording, f"{asset}.mid")
    fall = 1 - mid / np.maximum.accumulate(mid)
    rise = mid / np.minimum.accumulate(mid) - 1
    return int(np.argmax(fall if fall.max() >= rise.max() else rise))


def _around_worst(recording: Recording, asset: str, name: str) -> np.ndarray:
    """Values of a series in the stretch around the worst moment."""
    values = series(recording, name)
    half = max(1, round(0.5 * WINDOW_SECONDS / recording.market["step_seconds"]))
    worst = worst_step(recording, asset)
    return values[max(0, worst - half) : worst + half]
