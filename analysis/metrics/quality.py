"""Quality: whether a market at rest looks like one that could be traded on, per day and by horizon."""

from __future__ import annotations

import numpy as np

from analysis.base.metric import Undefined, metric
from analysis.base.series import prices, steps_in
from analysis.base.trades import duration, first_shock, met_the_market
from analysis.metrics.liquidity import depth_100bps
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


@metric(unit="1", per="assets", source="volume_per_day / depth_100bps")
def volume_over_depth(recording: Recording, asset: str) -> float:
    """How often a day turns over what rests within one per cent of the mid."""
    depth = float(depth_100bps(recording, asset))
    if depth == 0:
        raise Undefined("nothing rested within one per cent of the mid")
    return float(volume_per_day(recording, asset)) / depth


VARIANCE_RATIO = (
    "variance of log returns of the mid over {horizon}, over that over one step times the steps in it{when}; "
    "1 for a random walk (Lo & MacKinlay 1988)"
)


@metric(unit="1", per="assets", source=VARIANCE_RATIO.format(horizon="10 s", when=""))
def variance_ratio_10s(recording: Recording, asset: str) -> float:
    """Whether moves from step to step go on (above 1) or come back (below 1) within ten seconds."""
    return variance_ratio(recording, prices(recording, f"{asset}.mid"), 10.0)


@metric(unit="1", per="assets", source=VARIANCE_RATIO.format(horizon="1 min", when=""))
def variance_ratio_1min(recording: Recording, asset: str) -> float:
    """Whether moves from step to step go on (above 1) or come back (below 1) within a minute."""
    return variance_ratio(recording, prices(recording, f"{asset}.mid"), 60.0)


@metric(unit="1", per="assets", source=VARIANCE_RATIO.format(horizon="5 min", when=""))
def variance_ratio_5min(recording: Recording, asset: str) -> float:
    """Whether moves from step to step go on (above 1) or come back (below 1) within five minutes."""
    return variance_ratio(recording, prices(recording, f"{asset}.mid"), 300.0)


@metric(unit="1", per="assets", source=VARIANCE_RATIO.format(horizon="1 min", when=" before the first shock"))
def quiet_variance_ratio_1min(recording: Recording, asset: str) -> float:
    """The same before anything is done to the market from outside."""
    shock, mid = first_shock(recording, asset), prices(recording, f"{asset}.mid")
    if shock is None:
        raise Undefined("no market_order shock came, so there is no time before it")
    quiet = mid[recording.column("series", "time_s") <= shock.at + 1e-9]
    return variance_ratio(recording, quiet, 60.0)


def variance_ratio(recording: Recording, price: np.ndarray, horizon: float) -> float:
    """Mean squared log return over a horizon, from every step, over that over a step times steps in it."""
    steps = steps_in(recording, horizon)
    if price.size <= steps:
        raise Undefined(f"the run is not longer than {horizon:g} s")
    log = np.log(price)
    short = float(np.mean(np.square(log[1:] - log[:-1])))
    if short == 0:
        raise Undefined("the price does not move")
    return float(np.mean(np.square(log[steps:] - log[:-steps]))) / (steps * short)
