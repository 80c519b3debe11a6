"""The worst moment: what the market looked like when the price was farthest from where it was before.

With `S0` the origin, the mid at the end of the last step before the first shock (the opening price
where there is none, or none has struck yet), the worst moment is the step from the origin on in
which `|log(S / S0)|` is largest. What came before the shock does not count, nor does a rebound that ends
nearer to the origin than the fall did. The arms of a scenario share its shocks, and so this definition.
"""

from __future__ import annotations

import numpy as np

from analysis.base.metric import Undefined, metric
from analysis.base.series import opening, prices, series
from sim.recording.recording import Recording

HEADING, PLACE, PER = "Liquidity", 60, "assets"

WINDOW_SECONDS = 10.0
"""Length of the stretch, centred on the worst moment, over which liquidity is averaged."""

MOMENT = (
    "mean over the 10 s around the worst moment, where |log(mid / origin)| is largest, from the origin on, "
    "which is the mid before the first shock, the opening price where there is none"
)


@metric(unit="bps", source=f"(best ask - best bid) / mid x 10,000, {MOMENT}", headline=20, light=15)
def spread_at_worst(recording: Recording, asset: str) -> float:
    """Quoted spread when the price was at its worst."""
    spread = _around_worst(recording, asset, f"{asset}.spread")
    mid = _around_worst(recording, asset, f"{asset}.mid")
    if np.isnan(spread).all():
        raise Undefined("the book did not have both sides at the worst moment")
    return float(np.nanmean(spread / mid) * 1e4)


@metric(unit="units", source=f"mean of bid and ask depth near the mid, {MOMENT}", headline=18, light=16)
def depth_at_worst(recording: Recording, asset: str) -> float:
    """Depth when the price was at its worst; a side without orders has none."""
    sides = [_around_worst(recording, asset, f"{asset}.depth_{side}") for side in ("bid", "ask")]
    return float(np.mean(np.nan_to_num(sides)))


def worst_step(recording: Recording, asset: str) -> int:
    """Position in the series at which the mid is farthest from where it was before the first shock."""
    mid, struck = prices(recording, f"{asset}.mid"), _steps_before_shock(recording, asset)
    origin = mid[struck - 1] if struck else opening(recording, asset)
    start = max(0, struck - 1)
    return start + int(np.argmax(np.abs(np.log(mid[start:] / origin))))


def _steps_before_shock(recording: Recording, asset: str) -> int:
    """Steps that end before the first shock of an asset, or of any if it has none; 0 if no shock struck."""
    shocks = recording.market.get("shocks", [])
    own = [shock for shock in shocks if shock.get("asset") in (None, asset)] or shocks
    if not own:
        return 0
    clock = recording.column("series", "time_s")
    steps = int(np.searchsorted(clock, min(shock["at"] for shock in own), "right"))
    return steps if steps < clock.size else 0


def _around_worst(recording: Recording, asset: str, name: str) -> np.ndarray:
    """Values of a series in the stretch around the worst moment."""
    values = series(recording, name)
    half = max(1, round(0.5 * WINDOW_SECONDS / recording.market["step_seconds"]))
    worst = worst_step(recording, asset)
    return values[max(0, worst - half) : worst + half]
