"""What one probe did: a run with an extra meta-order beside the run of the same seed without it.

Moves are differences of the logarithm of the mid between the two runs, in the direction of the order: a
fall after a sale counts above 0. A run that ended early (its market failed) keeps its last mid, which
makes its moves lower bounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from analysis.base.metric import Undefined
from analysis.base.series import prices, series
from analysis.base.trades import executed
from analysis.feedback.hedged_gamma import demand
from analysis.metrics.loop_gain import is_measured
from analysis.metrics.price import realised_volatility_1min
from analysis.metrics.quality import volume_per_day
from sim.recording.recording import Recording

YEAR_DAYS = 365.0

DURING, AFTER = 8, 12
"""So many times, of equal distance while the order lasts and of equal ratio after it, are looked at."""

SMOOTHED = 10.0
"""Seconds over which spread and depth are averaged before they are called back."""

BACK = 0.1
"""How close to the other run's, as a share of it, spread and depth have to come."""


class Schedule(NamedTuple):
    """When a probe is sent and looked at.

    Attributes
    ----------
    at, over : float
        When the order begins, and how long it lasts, s.
    horizons : tuple of float
        Times after its end, s, by rising length.
    step : float
        Of the clock, s.
    """

    at: float
    over: float
    horizons: tuple[float, ...]
    step: float

    @property
    def length(self) -> float:
        """Seconds from the first to the last of the order: a step at least."""
        return max(self.over, self.step)

    @property
    def times(self) -> np.ndarray:
        """When the move is looked at, in seconds since the order began."""
        last = max(self.horizons[-1], self.length)
        after = np.geomspace(min(self.step, last), last, AFTER)
        since = np.concatenate([after, self.horizons, [self.length]])
        during = self.length * np.arange(1, DURING + 1) / DURING
        return np.unique(np.round(np.concatenate([during, self.length + since]), 9))

    def position(self, after_end: float) -> int:
        """Where in `times` a time after the end of the order stands."""
        return int(np.argmin(np.abs(self.times - (self.length + after_end))))

    @property
    def steps(self) -> int:
        """Steps that a run must have."""
        return int(np.ceil((self.at + self.times[-1]) / self.step - 1e-9))


class World(NamedTuple):
    """A market without the probe.

    Attributes
    ----------
    volume : float
        Units traded a day, hedges outside the market left out.
    variance : float
        Of the log return over a day, from returns over a minute.
    demand : float
        Median of what hedging and liquidation sell per unit that the price falls, units; of the base arm.
    price : float
        Before the order.
    """

    volume: float
    variance: float
    demand: float
    price: float


class Probe(NamedTuple):
    """What one probe did.

    Attributes
    ----------
    qty : float
        Units; below zero sells.
    executed : float
        Share that was filled.
    is_failed : bool
        Whether the market failed.
    moves : list of float
        At the times of the schedule.
    book_back, half_back : float
        Seconds from the end of the order until spread and depth are those of the other run to within
        `BACK`, and until half of the move at the end of the order is regained; the time that was left
        where that did not happen.
    is_book_back, is_half_back : bool
        Whether it did.
    """

    qty: float
    executed: float
    is_failed: bool
    moves: list[float]
    book_back: float
    half_back: float
    is_book_back: bool
    is_half_back: bool


def world(recording: Recording, base: Recording, asset: str, at: float) -> World:
    """What the runs without a probe, of the arm that is probed and of base, say of their market.

    Raises
    ------
    Undefined
        If nothing is traded in it, so that sizes as shares of its volume mean nothing.
    """
    clock = recording.column("series", "time_s")
    volume = float(volume_per_day(recording, asset))
    if volume == 0:
        raise Undefined(
            f"nothing is traded in {asset} without the probe, so no size is a share of its volume"
        )
    answered = demand(base, asset)[is_measured(base)]
    mid = prices(recording, f"{asset}.mid")
    return World(
        volume,
        float(realised_volatility_1min(recording, asset)) ** 2 / YEAR_DAYS,
        float(np.median(answered)),
        float(mid[max(_row(clock, at), 0)]),
    )


def probed(run: Recording, without: Recording, asset: str, qty: float, schedule: Schedule) -> Probe:
    """What a probe of so many units did."""
    clock, sign = without.column("series", "time_s"), float(np.sign(qty))
    size = run.column("series", "time_s").size
    own, other = (np.log(prices(each, f"{asset}.mid")) for each in (run, without))
    apart = sign * (_continued(own, other.size) - other)
    rows = [_row(clock, schedule.at + time) for time in schedule.times]
    end = _row(clock, schedule.at + schedule.length)
    book, half = _is_like(run, without, asset)[end:], apart[end:] <= apart[end] / 2
    since = clock[end:] - clock[end]
    (book_back, is_book_back), (half_back, is_half_back) = (_first(each, since) for each in (book, half))
    share = executed(run, asset)
    return Probe(
        qty,
        0.0 if share is None else share,
        bool(run.market.get("failures")) or size < clock.size,
        [float(apart[row]) for row in rows],
        book_back,
        half_back,
        is_book_back,
        is_half_back,
    )


def _row(clock: np.ndarray, time: float) -> int:
    """The step that ends at a time, or the last one."""
    return min(int(np.searchsorted(clock, time - 1e-9)), clock.size - 1)


def _continued(values: np.ndarray, size: int) -> np.ndarray:
    """A series to a length, its last value repeated."""
    return values[np.minimum(np.arange(size), values.size - 1)]


def _is_like(run: Recording, without: Recording, asset: str) -> np.ndarray:
    """Whether, step by step, the book is that of the other run to within `BACK`."""
    size = without.column("series", "time_s").size
    spread, depth = (_continued(each, size) for each in _book(run, asset))
    spread_without, depth_without = _book(without, asset)
    return (spread <= (1 + BACK) * spread_without) & (depth >= (1 - BACK) * depth_without)


def _book(recording: Recording, asset: str) -> tuple[np.ndarray, np.ndarray]:
    """Spread, infinite where a side is empty, and depth of both sides, averaged over some seconds before."""
    spread = np.nan_to_num(series(recording, f"{asset}.spread"), nan=np.inf)
    sides: Sequence[np.ndarray] = [
        np.nan_to_num(series(recording, f"{asset}.depth_{side}")) for side in ("bid", "ask")
    ]
    window = max(1, round(SMOOTHED / recording.market["step_seconds"]))
    return _averaged(spread, window), _averaged(sides[0] + sides[1], window)


def _averaged(values: np.ndarray, window: int) -> np.ndarray:
    """The mean of each value and those before it, as far as there are any."""
    padded = np.concatenate([np.full(window - 1, values[0]), values])
    mean: np.ndarray = np.lib.stride_tricks.sliding_window_view(padded, window).mean(axis=1)
    return mean


def _first(is_so: np.ndarray, since: np.ndarray) -> tuple[float, bool]:
    """When something is so for the first time, or the time there was, and whether it ever is."""
    found = np.flatnonzero(is_so)
    return (float(since[found[0]]), True) if found.size else (float(since[-1]), False)
