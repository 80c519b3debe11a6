"""Stylised facts: what nearly all markets have in common, measured in one run.

Returns are log returns of the mid, overlapping where they span several steps; horizons are
in seconds. Cont (2001, Quantitative Finance 1, 223-236) lists the facts; `analysis.facts.bands`
holds the published figures beside those of a run.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analysis.base.estimate import Estimate, block_length, estimated, limits, redraws, sums_of
from analysis.base.metric import Undefined, metric
from analysis.base.remembered import remembered
from analysis.base.series import prices, steps_in
from analysis.base.trades import trades
from analysis.facts import autocorrelation as memory
from analysis.facts import meta_orders, tails
from analysis.facts.autocorrelation import Correlogram, Decay
from analysis.facts.meta_orders import fills_of
from analysis.facts.tails import HillPlot, Tail
from sim.recording.recording import Recording

HEADING, PLACE, PER = "Stylised facts", 120, "assets"

MINUTE = 60.0
YEAR = 365 * 86400.0
"""Seconds in a year."""

HORIZONS = (1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 1800.0, 3600.0)
"""Horizons, in seconds, at which distributions are looked at, besides one step."""

STEP = 0.0
"""Stands for a horizon of one step, whatever its length."""


class Signature(NamedTuple):
    """Volatility by sampling interval: seconds, per square root of a year, and the ends of its interval.

    `ratio` is the volatility at the shortest interval over that at the longest.
    """

    seconds: np.ndarray
    volatility: np.ndarray
    low: np.ndarray
    high: np.ndarray
    ratio: Estimate


# Returns.


@remembered
def returns(recording: Recording, asset: str, horizon: float = STEP) -> np.ndarray:
    """Log returns of the mid over a horizon, one from every step on.

    Raises
    ------
    Undefined
        If the step is too long for the horizon, or the run holds fewer than 30 horizons.
    """
    log_mid, lag = np.log(prices(recording, f"{asset}.mid")), steps_in(recording, horizon)
    if lag > block_length(log_mid.size):
        raise Undefined(f"the run is shorter than 30 times {horizon:g} s")
    moves: np.ndarray = log_mid[lag:] - log_mid[:-lag]
    return moves


def horizons(recording: Recording, asset: str) -> list[float]:
    """The step, and those longer `HORIZONS` that fit 30 times into the run; in seconds."""
    step, longest = recording.market["step_seconds"], block_length(prices(recording, f"{asset}.mid").size)
    return [step, *(each for each in HORIZONS if step < each <= longest * step)]


# Distributions.


@remembered
def tail(recording: Recording, asset: str, horizon: float = STEP) -> Tail:
    """The tail of absolute returns over a horizon, of windows that do not overlap; see `tails.hill`."""
    return tails.hill(_apart(recording, asset, horizon), cell(recording, asset))


@remembered
def tail_by_exceedances(recording: Recording, asset: str) -> HillPlot:
    """The tail exponent of the returns over a step, by how many returns are called the tail."""
    return tails.hill_plot(returns(recording, asset), cell(recording, asset))


@remembered
def kurtosis(recording: Recording, asset: str, horizon: float = STEP) -> Estimate:
    """Excess kurtosis of the returns over a horizon."""
    return tails.kurtosis(returns(recording, asset, horizon))


def cell(recording: Recording, asset: str) -> float:
    """The smallest return the grid of the mid allows, at a typical price."""
    entry = next(each for each in recording.market["assets"] if each["name"] == asset)
    return float(entry["half_tick"] / np.median(prices(recording, f"{asset}.mid")))


def _apart(recording: Recording, asset: str, horizon: float) -> np.ndarray:
    return returns(recording, asset, horizon)[:: steps_in(recording, horizon)]


# Memory.


@remembered
def return_memory(recording: Recording, asset: str) -> Correlogram:
    """Autocorrelation of returns over a step, by lag in steps."""
    return memory.autocorrelation(returns(recording, asset))


@remembered
def size_memory(recording: Recording, asset: str) -> Correlogram:
    """Autocorrelation of absolute returns over a step, by lag in steps."""
    return memory.autocorrelation(np.abs(returns(recording, asset)))


@remembered
def size_decay(recording: Recording, asset: str) -> Decay:
    """How the autocorrelation of absolute returns decays."""
    return memory.decay(size_memory(recording, asset))


@remembered
def sign_memory(recording: Recording, asset: str) -> Correlogram:
    """Autocorrelation of the signs of takers' orders that traded on the listed market, by lag in orders."""
    made = fills_of(recording, asset)
    signs = np.sign(made.units[made.is_first & made.is_listed])
    return memory.autocorrelation(signs)


@remembered
def sign_decay(recording: Recording, asset: str) -> Decay:
    """How the autocorrelation of order signs decays."""
    return memory.decay(sign_memory(recording, asset))


@remembered
def successive(recording: Recording, asset: str, horizon: float) -> Estimate:
    """Correlation of the return over a horizon with the next one."""
    moves, lag = returns(recording, asset, horizon), steps_in(recording, horizon)
    centred = moves - moves.mean()
    if np.ptp(moves) == 0:
        raise Undefined("the price does not move")
    now, then = centred[:-lag], centred[lag:]
    terms = np.stack([now * then, now**2, then**2], axis=1)
    return estimated(terms, lambda sums: sums[..., 0] / np.sqrt(sums[..., 1] * sums[..., 2]))


@remembered
def volume_and_size(recording: Recording, asset: str) -> Estimate:
    """Correlation of the volume over a minute with the absolute return over it."""
    size, made = np.abs(returns(recording, asset, MINUTE)), trades(recording, asset)
    first, lag = recording.column("series", "step")[0], steps_in(recording, MINUTE)
    volume = np.bincount(made.step - first, np.abs(made.units), minlength=size.size + lag)
    sums = np.concatenate([[0.0], np.cumsum(volume)])[1:]
    window = sums[lag : lag + size.size] - sums[: size.size]
    x, y = size - size.mean(), window - window.mean()
    terms = np.stack([np.ones(x.size), x, y, x**2, y**2, x * y], axis=1) / max(np.ptp(window), 1e-300)
    return estimated(terms, _correlation)


def _correlation(sums: np.ndarray) -> np.ndarray:
    """Correlation from sums of 1, x, y, x^2, y^2 and xy."""
    x, y, xx, yy, xy = (sums[..., column] / sums[..., 0] for column in range(1, 6))
    result: np.ndarray = (xy - x * y) / np.sqrt((xx - x**2) * (yy - y**2))
    return result


# Volatility.


@remembered
def signature(recording: Recording, asset: str) -> Signature:
    """Volatility by the interval at which the mid is sampled, from one step to a thirtieth of the run.

    Notes
    -----
    The root of the mean squared return over the interval, per interval (the signature plot of
    Andersen, Bollerslev, Diebold & Labys 2000). A random walk gives a level line. Noise of
    variance s^2/4 on either side of a price of variance v per second, as the bounce between
    bid and ask at a spread s (Roll 1984, Journal of Finance 39), gives v + s^2/(2 h) at h.
    """
    log_mid, step = np.log(prices(recording, f"{asset}.mid")), recording.market["step_seconds"]
    longest = block_length(log_mid.size)
    lags = np.unique(np.rint(np.geomspace(1, longest, 16)).astype(int))
    kept = log_mid.size - longest
    squares = [(log_mid[lag:][:kept] - log_mid[:kept]) ** 2 * (YEAR / (lag * step)) for lag in lags]
    terms = np.stack([np.ones(kept), *squares], axis=1)
    if not terms[:, 1:].any():
        raise Undefined("the price does not move")
    drawn, volatility = redraws(sums_of(terms)), np.sqrt(terms[:, 1:].mean(axis=0))
    low, high = limits(np.sqrt(drawn[:, 1:] / drawn[:, :1]))
    ratio = estimated(terms[:, [1, -1]], lambda sums: np.sqrt(sums[..., 0] / sums[..., 1]))
    return Signature(lags * step, volatility, low, high, ratio)


# Metrics.


@metric(
    unit="1",
    source="Hill estimator of absolute log returns of the mid over one step, from the largest sqrt(n) or 50",
)
def tail_index(recording: Recording, asset: str) -> float:
    """Exponent with which large returns become rare."""
    return tail(recording, asset).exponent.value


@metric(
    unit="1",
    source="Hill estimator of absolute log returns of the mid over successive minutes, from the largest "
    "sqrt(n) or 50",
)
def tail_index_1min(recording: Recording, asset: str) -> float:
    """Exponent with which large returns over a minute become rare."""
    return tail(recording, asset, MINUTE).exponent.value


@metric(
    unit="1",
    source="fourth central moment over squared variance, less 3, of log returns of the mid over one step",
)
def excess_kurtosis(recording: Recording, asset: str) -> float:
    """How far the tails of returns over a step stand above those of a normal distribution."""
    return kurtosis(recording, asset).value


@metric(
    unit="1",
    source="fourth central moment over squared variance, less 3, of log returns of the mid over 1 min, from "
    "every step",
)
def excess_kurtosis_1min(recording: Recording, asset: str) -> float:
    """How far the tails of returns over a minute stand above those of a normal distribution."""
    return kurtosis(recording, asset, MINUTE).value


@metric(unit="1", source="correlation of the log return of the mid over a step with the next")
def return_autocorrelation(recording: Recording, asset: str) -> float:
    """Whether a return over a step foretells the next."""
    return successive(recording, asset, STEP).value


@metric(
    unit="1",
    source="correlation of the log return of the mid over 1 min with that over the next, from every step",
)
def return_autocorrelation_1min(recording: Recording, asset: str) -> float:
    """Whether a return over a minute foretells the next."""
    return successive(recording, asset, MINUTE).value


@metric(
    unit="1",
    source="b where the autocorrelation of absolute returns over a step falls as lag^-b, up to a thirtieth "
    "of the run",
)
def absolute_return_decay(recording: Recording, asset: str) -> float:
    """How slowly the size of returns forgets."""
    return size_decay(recording, asset).exponent.value


@metric(
    unit="1",
    source="b where the autocorrelation of the signs of takers' orders falls as lag^-b, lags in orders",
)
def order_sign_decay(recording: Recording, asset: str) -> float:
    """How slowly the direction of orders forgets."""
    return sign_decay(recording, asset).exponent.value


@metric(
    unit="1",
    source="delta where the mean move of the mid during a taker's run of same-sided orders is "
    "c sigma (units / volume)^delta",
)
def impact_exponent(recording: Recording, asset: str) -> float:
    """How impact grows with the size of meta-orders."""
    return meta_orders.impact_law(recording, asset).exponent.value


@metric(unit="1", source="volatility of the mid from step to step over that at intervals of 1/30 of the run")
def signature_ratio(recording: Recording, asset: str) -> float:
    """Whether the price bounces (above 1) or keeps going (below 1)."""
    return signature(recording, asset).ratio.value


@metric(
    unit="1",
    source="correlation of the absolute log return of the mid over 1 min with the units traded in it, from "
    "every step",
)
def volume_volatility_correlation(recording: Recording, asset: str) -> float:
    """Whether more is traded when the price moves more."""
    return volume_and_size(recording, asset).value
