"""Market failure: whether, and when, a market had nothing left to trade against.

What a failed run measures is a lower bound: the price would have gone on moving.
"""

from __future__ import annotations

from typing import Any

from analysis.base.metric import Undefined, metric
from analysis.base.trades import duration, executed, unexecuted
from sim.recording.recording import Recording

PLACE = 50


def failures(recording: Recording) -> list[dict[str, Any]]:
    """Failures of a recording: tables of `venue`, `time` (s) and `side`.

    A watched book of which a side was empty for too long has failed, and so has the market of an asset
    that an exogenous market order could not be executed in by the end: its `venue` is the asset.

    Raises
    ------
    Undefined
        If no order book was watched and no exogenous market order came.
    """
    shares = {asset: executed(recording, asset) for asset in recording.names("assets")}
    if "failures" not in recording.market and not any(share is not None for share in shares.values()):
        raise Undefined("no order book is watched (`stops_when_empty`) and there is no market_order shock")
    found: list[dict[str, Any]] = [*recording.market.get("failures", [])]
    for asset, share in shares.items():
        if share is not None and share < 1.0:
            side = "ask" if unexecuted(recording, asset) > 0 else "bid"
            found.append({"venue": asset, "time": duration(recording), "side": side})
    return found


@metric(
    unit="1",
    source="1 if a side of a watched order book stayed empty, which ends the run, or an exogenous market "
    "order was not executed in full by the end, else 0",
    headline=23,
    light=22,
)
def market_failed(recording: Recording) -> int:
    """Whether a market failed; its mean over seeds is the failure rate."""
    return int(bool(failures(recording)))


@metric(unit="s", source="time at which the first market failed: of the empty side, or the end of the run")
def time_to_failure(recording: Recording) -> float:
    """When the first market failed."""
    times = [failure["time"] for failure in failures(recording)]
    if not times:
        raise Undefined("no market failed")
    return float(min(times))
