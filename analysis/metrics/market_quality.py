"""Market quality: volatility, falls, liquidity, and whose orders made the volume.

Prices are the reference mid of an asset's listed book at the end of each step, in quote
currency a unit; volumes are units of the asset; volatilities are per square root of a
year of 365 days. Shares of volume are by taker; what is missing to 1 was traded from
outside the populations (exogenous shocks).
"""

from __future__ import annotations

import numpy as np

from analysis.base.metric import Undefined, metric
from analysis.base.series import known, prices, series
from analysis.base.trades import trades
from sim.recording.recording import Recording
from sim.records import FORCED, HEDGE

WARM_UP_SECONDS, WARM_UP_STEPS = 60.0, 20
"""How long the response of hedgers is taken to be full for want of data (`sim.kernels.recording.gain`)."""

YEAR = 365 * 86400.0
"""Seconds in a year."""


# Prices.

VOLATILITY = (
    "sqrt(mean of squared log returns over {horizon}, from every step, x year / {horizon}): the "
    "realised variance averaged over subgrids of Zhang, Mykland & Ait-Sahalia (2005)"
)


@metric(unit="per sqrt(year)", per="assets", source=VOLATILITY.format(horizon="one step"))
def realised_volatility(recording: Recording, asset: str) -> float:
    """Volatility of the mid from step to step."""
    return _volatility(recording, f"{asset}.mid", recording.market["step_seconds"])


@metric(unit="per sqrt(year)", per="assets", source=VOLATILITY.format(horizon="1 min"))
def realised_volatility_1min(recording: Recording, asset: str) -> float:
    """Volatility of the mid over a minute."""
    return _volatility(recording, f"{asset}.mid", 60.0)


@metric(unit="per sqrt(year)", per="assets", source=VOLATILITY.format(horizon="5 min"))
def realised_volatility_5min(recording: Recording, asset: str) -> float:
    """Volatility of the mid over five minutes."""
    return _volatility(recording, f"{asset}.mid", 300.0)


@metric(
    unit="per sqrt(year)",
    per="assets",
    source="sqrt(mean of squared log returns over 200 steps, from every step, x year / 200 steps) of the mid "
    "just before each hedge phase",
)
def long_run_volatility(recording: Recording, asset: str) -> float:
    """Volatility over 200 steps, long enough for hedges to have answered one another."""
    step = recording.market["step_seconds"]
    return _volatility(recording, f"{asset}.mid_at_hedge", 200 * step)


@metric(
    unit="1", per="assets", source="volatility of the mid over that of the exogenous value, both over 1 min"
)
def excess_volatility(recording: Recording, asset: str) -> float:
    """How much more the price moves than the value it follows."""
    exogenous = _volatility(recording, f"{asset}.value", 60.0)
    if exogenous == 0:
        raise Undefined("the exogenous value does not move")
    return _volatility(recording, f"{asset}.mid", 60.0) / exogenous


@metric(unit="1", per="assets", source="largest 1 - mid / highest mid so far, from the first step on")
def max_drawdown(recording: Recording, asset: str) -> float:
    """Deepest fall from a previous high."""
    mid = prices(recording, f"{asset}.mid")
    return float(np.max(1 - mid / np.maximum.accumulate(mid)))


@metric(unit="1", per="assets", source="largest mid / lowest mid so far - 1, from the first step on")
def max_run_up(recording: Recording, asset: str) -> float:
    """Highest rise from a previous low."""
    mid = prices(recording, f"{asset}.mid")
    return float(np.max(mid / np.minimum.accumulate(mid) - 1))


@metric(unit="bps", per="assets", source="root mean square of log(mid / exogenous value) over steps x 10,000")
def pricing_error(recording: Recording, asset: str) -> float:
    """How far the price strays from the exogenous value."""
    mid, value = prices(recording, f"{asset}.mid"), prices(recording, f"{asset}.value")
    return float(np.sqrt(np.mean(np.log(mid / value) ** 2)) * 1e4)


# Liquidity.


@metric(unit="bps", per="assets", source="mean over steps of (best ask - best bid) / mid x 10,000")
def mean_spread(recording: Recording, asset: str) -> float:
    """Average quoted spread."""
    return float(np.mean(_spread(recording, asset)))


@metric(unit="bps", per="assets", source="largest (best ask - best bid) / mid x 10,000 at the end of a step")
def worst_spread(recording: Recording, asset: str) -> float:
    """Widest quoted spread."""
    return float(np.max(_spread(recording, asset)))


@metric(unit="1", per="assets", source="share of steps that end with both a bid and an ask in the book")
def quoted_share(recording: Recording, asset: str) -> float:
    """How often one could both buy and sell."""
    spread = series(recording, f"{asset}.spread")
    return float(np.mean(~np.isnan(spread)))


@metric(unit="units", per="assets", source="mean over steps of the units bid near the mid")
def mean_depth_bid(recording: Recording, asset: str) -> float:
    """Average depth on the side that sellers hit."""
    return float(np.mean(_depth(recording, asset, "bid")))


@metric(unit="units", per="assets", source="mean over steps of the units offered near the mid")
def mean_depth_ask(recording: Recording, asset: str) -> float:
    """Average depth on the side that buyers lift."""
    return float(np.mean(_depth(recording, asset, "ask")))


@metric(
    unit="units",
    per="assets",
    source="lowest mean of bid and ask depth over any 10 s",
)
def worst_depth(recording: Recording, asset: str) -> float:
    """Thinnest the book became, for longer than a blink."""
    depth = (_depth(recording, asset, "bid") + _depth(recording, asset, "ask")) / 2
    window = min(depth.size, max(1, round(10 / recording.market["step_seconds"])))
    return float(np.convolve(depth, np.ones(window) / window, "valid").min())


GAIN = (
    "{what}, without the first minute, of {impact} x (-hedgers' net gamma x measured response + density "
    "of liquidation thresholds), the larger of up and down; in a linear market volatility is "
    "sigma / (1 - gain) (Frey & Stremme 1997)"
)
PERMANENT = "permanent impact (1 / sum of the venues' permanent depths)"
INSTANT = "instantaneous impact (1 / units resting near the mid per price)"


@metric(unit="1", per="assets", source=GAIN.format(what="median over steps", impact=PERMANENT))
def median_loop_gain(recording: Recording, asset: str) -> float:
    """Feedback through hedging and liquidation at ordinary times; 1 is the edge of stability."""
    return float(np.median(_measured_gain(recording, f"{asset}.loop_gain")))


@metric(unit="1", per="assets", source=GAIN.format(what="median over steps", impact=INSTANT))
def median_loop_gain_instant(recording: Recording, asset: str) -> float:
    """The same against what rests in the book, as a move meets it before makers requote."""
    return float(np.median(_measured_gain(recording, f"{asset}.loop_gain_instant")))


@metric(unit="1", per="assets", source=GAIN.format(what="largest at a step's end", impact=PERMANENT))
def worst_loop_gain(recording: Recording, asset: str) -> float:
    """Feedback at its strongest."""
    return float(np.max(_measured_gain(recording, f"{asset}.loop_gain")))


@metric(
    unit="1",
    per="assets",
    source="1 - 99th percentile of the loop gain over steps, without the first minute; below 0, moves fed "
    "themselves in more than a step of a hundred",
)
def distance_to_instability(recording: Recording, asset: str) -> float:
    """How far the feedback stayed from running away, a hundredth of the time aside."""
    return 1.0 - float(np.percentile(_measured_gain(recording, f"{asset}.loop_gain"), 99))


# Volume.


@metric(unit="units", per="assets", source="sum of |qty| over trades; a unit that changes hands counts once")
def volume(recording: Recording, asset: str) -> float:
    """Units traded."""
    return float(np.abs(trades(recording, asset).units).sum())


@metric(
    unit="1", per="assets", over="populations", source="units traded by the population as taker, over volume"
)
def volume_share(recording: Recording, asset: str) -> np.ndarray:
    """Who demanded the volume."""
    return _shares(recording, asset, "taker", "populations")


@metric(unit="1", per="assets", over="phases", source="units traded in the phase of the step, over volume")
def phase_share(recording: Recording, asset: str) -> np.ndarray:
    """When in the step the volume was traded."""
    return _shares(recording, asset, "phase", "phases")


@metric(unit="units", per="assets", source="sum of |qty| over trades sent to hedge")
def hedging_volume(recording: Recording, asset: str) -> float:
    """Units that hedgers traded."""
    return float(np.abs(_flow(recording, asset, HEDGE)).sum())


@metric(unit="units", per="assets", source="sum of qty over trades sent to hedge; below zero is selling")
def net_hedging_flow(recording: Recording, asset: str) -> float:
    """Units that hedgers bought less those they sold."""
    return float(_flow(recording, asset, HEDGE).sum())


@metric(unit="1", per="assets", source="hedging_volume / volume")
def hedging_share(recording: Recording, asset: str) -> float:
    """Share of the volume that was hedging."""
    return _flow_share(recording, asset, HEDGE)


@metric(unit="units", per="assets", source="sum of |qty| over trades that liquidations forced")
def forced_volume(recording: Recording, asset: str) -> float:
    """Units that were sold or bought by force."""
    return float(np.abs(_flow(recording, asset, FORCED)).sum())


@metric(
    unit="units",
    per="assets",
    source="sum of qty over trades that liquidations forced; below zero is selling",
)
def net_forced_flow(recording: Recording, asset: str) -> float:
    """Units bought by force less those sold by force."""
    return float(_flow(recording, asset, FORCED).sum())


@metric(unit="1", per="assets", source="forced_volume / volume")
def forced_share(recording: Recording, asset: str) -> float:
    """Share of the volume that liquidations forced."""
    return _flow_share(recording, asset, FORCED)


def is_measured(recording: Recording) -> np.ndarray:
    """Steps at whose end the hedgers' response was measured, not assumed; all if there is none."""
    time, step = recording.column("series", "time_s"), recording.market["step_seconds"]
    late: np.ndarray = time >= max(WARM_UP_SECONDS, WARM_UP_STEPS * step) - 1e-9
    return late if late.any() else np.ones(time.size, bool)


def _measured_gain(recording: Recording, name: str) -> np.ndarray:
    """The known values of a loop gain, the first minute left out."""
    known(recording, name)
    gain = series(recording, name)[is_measured(recording)]
    numbers: np.ndarray = gain[~np.isnan(gain)]
    if numbers.size == 0:
        raise Undefined(f"{name} was known in the first minute only")
    return numbers


def _volatility(recording: Recording, name: str, horizon: float) -> float:
    """Realised volatility of a series of prices at a horizon in seconds."""
    step = recording.market["step_seconds"]
    lag = max(1, round(horizon / step))
    price = prices(recording, name)
    if lag * step > 1.5 * horizon:
        raise Undefined(f"a step of {step:g} s is too long for a horizon of {horizon:g} s")
    if price.size <= lag:
        raise Undefined(f"the run is not longer than {horizon:g} s")
    returns = np.log(price[lag:] / price[:-lag])
    return float(np.sqrt(np.mean(returns**2) * YEAR / (lag * step)))


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


def _shares(recording: Recording, asset: str, by: str, names: str) -> np.ndarray:
    """Share of the volume by a column of codes."""
    made = trades(recording, asset)
    codes, units = getattr(made, by), np.abs(made.units)
    if units.sum() == 0:
        raise Undefined("nothing was traded")
    inside = codes >= 0
    counted = np.bincount(codes[inside], units[inside], minlength=len(recording.names(names)))
    shares: np.ndarray = counted / units.sum()
    return shares


def _flow(recording: Recording, asset: str, reason: int) -> np.ndarray:
    """Signed units of the trades made for a reason."""
    made = trades(recording, asset)
    units: np.ndarray = made.units[made.reason == reason]
    return units


def _flow_share(recording: Recording, asset: str, reason: int) -> float:
    """Share of the volume that was traded for a reason."""
    units = np.abs(trades(recording, asset).units).sum()
    if units == 0:
        raise Undefined("nothing was traded")
    return float(np.abs(_flow(recording, asset, reason)).sum() / units)
