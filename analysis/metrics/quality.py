"""Quality: whether a market at rest looks like one that could be traded on, per day and by horizon."""

from __future__ import annotations

from analysis.base.metric import Undefined, metric
from analysis.base.trades import duration, met_the_market
from analysis.metrics.price import realised_volatility, realised_volatility_1min
from sim.recording.recording import Recording

HEADING, PLACE = "Liquidity", 25

DAY = 86400.0


@metric(
    unit="units",
    per="assets",
    source="units traded at venues that set the price, over the time recorded, x one day",
)
def volume_per_day(recording: Recording, asset: str) -> float:
    """Units that a day at this pace would trade."""
    seconds = duration(recording)
    if seconds == 0:
        raise Undefined("no step was recorded")
    return met_the_market(recording, asset) / seconds * DAY


@metric(
    unit="1",
    per="assets",
    source="variance of log returns of the mid over 1 min, over that over one step times the steps in it; 1 "
    "for a random walk (Lo & MacKinlay 1988)",
)
def variance_ratio_1min(recording: Recording, asset: str) -> float:
    """Whether moves from step to step go on (above 1) or come back (below 1) within a minute."""
    short = float(realised_volatility(recording, asset))
    if short == 0:
        raise Undefined("the price does not move")
    return (float(realised_volatility_1min(recording, asset)) / short) ** 2
