"""Market failure: whether, and when, a side of a watched order book was found empty."""

from __future__ import annotations

from typing import Any

from analysis.base.metric import Undefined, metric
from sim.recording.recording import Recording

PLACE = 50


def failures(recording: Recording) -> list[dict[str, Any]]:
    """Failures of a recording: tables of `venue`, `time` (s) and `side`.

    Raises
    ------
    Undefined
        If no order book was watched.
    """
    if "failures" not in recording.market:
        raise Undefined("no order book is watched for an empty side (`stops_when_empty`)")
    found: list[dict[str, Any]] = recording.market["failures"]
    return found


@metric(
    unit="1",
    source="1 if a side of a watched order book was empty after an order, which ends the run, else 0",
)
def market_failed(recording: Recording) -> int:
    """Whether a market failed; its mean over seeds is the failure rate."""
    return int(bool(failures(recording)))


@metric(unit="s", source="time of the order after which a side of a watched order book was empty")
def time_to_failure(recording: Recording) -> float:
    """When the first market failed."""
    times = [failure["time"] for failure in failures(recording)]
    if not times:
        raise Undefined("no market failed")
    return float(min(times))
