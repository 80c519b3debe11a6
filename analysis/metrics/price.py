"""Price: volatility, falls and rises, and how far it is from the value it follows.

The price is the reference mid of an asset's listed book at the end of each step, in quote currency a
unit; volatilities are per square root of a year of 365 days.
"""

from __future__ import annotations

import numpy as np

from analysis.base.metric import Told, Undefined, metric
from analysis.base.series import prices, steps_in
from sim.recording.recording import Recording

HEADING, PLACE, PER = "Price", 10, "assets"

YEAR = 365 * 86400.0
"""Seconds in a year."""


VOLATILITY = (
    "sqrt(mean of squared log returns over {horizon}, from every step, x year / {horizon}): the "
    "realised variance averaged over subgrids of Zhang, Mykland & Ait-Sahalia (2005)"
)


@metric(
    unit="per sqrt(year)",
    source=VOLATILITY.format(horizon="one step"),
    light=3,
    told=Told(4, "realised volatility over {step:g} s, per year", "{:.1%}"),
)
def realised_volatility(recording: Recording, asset: str) -> float:
    """Volatility of the mid from step to step."""
    return _volatility(recording, f"{asset}.mid", recording.market["step_seconds"])


@metric(
    unit="per sqrt(year)",
    source=VOLATILITY.format(horizon="1 min"),
    headline=5,
    light=4,
    swept=4,
    credited=3,
    told=Told(5, "realised volatility over 1 min, per year", "{:.1%}"),
)
def realised_volatility_1min(recording: Recording, asset: str) -> float:
    """Volatility of the mid over a minute."""
    return _volatility(recording, f"{asset}.mid", 60.0)


@metric(unit="per sqrt(year)", source=VOLATILITY.format(horizon="5 min"), light=5)
def realised_volatility_5min(recording: Recording, asset: str) -> float:
    """Volatility of the mid over five minutes."""
    return _volatility(recording, f"{asset}.mid", 300.0)


@metric(
    unit="per sqrt(year)",
    source="sqrt(mean of squared log returns over 200 steps, from every step, x year / 200 steps) of the mid "
    "just before each hedge phase",
    light=6,
)
def long_run_volatility(recording: Recording, asset: str) -> float:
    """Volatility over 200 steps, long enough for hedges to have answered one another."""
    step = recording.market["step_seconds"]
    return _volatility(recording, f"{asset}.mid_at_hedge", 200 * step)


@metric(
    unit="1",
    source="volatility of the mid over that of the exogenous value, both over 1 min",
    light=7,
    swept=5,
)
def excess_volatility(recording: Recording, asset: str) -> float:
    """How much more the price moves than the value it follows."""
    exogenous = _volatility(recording, f"{asset}.value", 60.0)
    if exogenous == 0:
        raise Undefined("the exogenous value does not move")
    return _volatility(recording, f"{asset}.mid", 60.0) / exogenous


@metric(
    unit="1",
    as_percent=True,
    source="largest 1 - mid / highest mid so far, from the first step on",
    headline=1,
    light=1,
    swept=1,
    credited=1,
    told=Told(1, "largest fall from a high", "{:.2%}"),
    only_grows=True,
)
def max_drawdown(recording: Recording, asset: str) -> float:
    """Deepest fall from a previous high."""
    mid = prices(recording, f"{asset}.mid")
    return float(np.max(1 - mid / np.maximum.accumulate(mid)))


@metric(
    unit="1",
    as_percent=True,
    source="largest mid / lowest mid so far - 1, from the first step on",
    headline=2,
    light=2,
    credited=2,
    told=Told(2, "largest rise from a low", "{:.2%}"),
    only_grows=True,
)
def max_run_up(recording: Recording, asset: str) -> float:
    """Highest rise from a previous low."""
    mid = prices(recording, f"{asset}.mid")
    return float(np.max(mid / np.minimum.accumulate(mid) - 1))


@metric(unit="bps", source="root mean square of log(mid / exogenous value) over steps x 10,000")
def pricing_error(recording: Recording, asset: str) -> float:
    """How far the price strays from the exogenous value."""
    mid, value = prices(recording, f"{asset}.mid"), prices(recording, f"{asset}.value")
    return float(np.sqrt(np.mean(np.log(mid / value) ** 2)) * 1e4)


def _volatility(recording: Recording, name: str, horizon: float) -> float:
    """Realised volatility of a series of prices at a horizon in seconds."""
    step, price = recording.market["step_seconds"], prices(recording, name)
    lag = steps_in(recording, horizon)
    if price.size <= lag:
        raise Undefined(f"the run is not longer than {horizon:g} s")
    returns = np.log(price[lag:] / price[:-lag])
    return float(np.sqrt(np.mean(returns**2) * YEAR / (lag * step)))
