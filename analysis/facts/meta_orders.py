"""Meta-orders: what one account buys or sells bit by bit, and how far the price goes meanwhile.

A meta-order is a run of trades of one account as taker, all buys or all sells, with no
pause longer than `PAUSE` between them and at least two orders in it; an opposite trade or
a longer pause ends it. Its impact is the move of the log mid from just before its first
trade to just after its last, in its direction. On average

    impact = c sigma (Q/V)^delta,

with Q its units, V the volume and sigma the volatility over one and the same time (here
the run); delta near 1/2 is the square-root law (Toth et al. 2011, Physical Review X 1,
021006; Sato & Kanazawa 2025, Physical Review Letters 135, 257401). Meta-orders are not
orders to trade at random times: who hedges or follows trends trades along with others, and
what these do to the price counts too, here as in the published figures.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analysis.base.estimate import BLOCKS, Estimate, limits, redraws
from analysis.base.metric import Undefined
from analysis.base.remembered import remembered
from analysis.base.series import prices
from analysis.base.trades import TRADED
from analysis.facts.autocorrelation import best_shape
from sim.recording.recording import Recording
from sim.records import BY_TRADE

PAUSE = 60.0
"""Seconds without a trade that end a meta-order; ten steps where those are longer."""

FEWEST = 20
"""Meta-orders in a bin of sizes that counts."""

BINS_A_DECADE = 4

MISFIT = 0.25
"""Share of the weighted squares of mean impacts that a law may leave unexplained."""

EXPONENTS = np.round(np.arange(-0.5, 2.0, 0.005), 3)
"""Exponents that are tried."""


class Fills(NamedTuple):
    """Columns over the trades in one asset by order: where each began, who took, what."""

    time: np.ndarray
    seq: np.ndarray
    units: np.ndarray
    taker: np.ndarray
    is_first: np.ndarray
    is_listed: np.ndarray


class MetaOrders(NamedTuple):
    """Columns over meta-orders: start (s), units (above zero), orders in it, log move in its direction."""

    start: np.ndarray
    units: np.ndarray
    orders: np.ndarray
    impact: np.ndarray


class Impact(NamedTuple):
    """Mean impact of meta-orders by size.

    Attributes
    ----------
    size : ndarray of float64
        Geometric mean of Q/V in a bin.
    move, low, high : ndarray of float64
        Mean impact over sigma, and the ends of its interval of 95%.
    members : ndarray of int
        Meta-orders in a bin.
    draws : ndarray of float64, shape (draws, bins)
        Resamples of the mean impact.
    """

    size: np.ndarray
    move: np.ndarray
    low: np.ndarray
    high: np.ndarray
    members: np.ndarray
    draws: np.ndarray


class Law(NamedTuple):
    """A fitted law of impact: its exponent delta and its prefactor c."""

    exponent: Estimate
    prefactor: Estimate

    def at(self, size: np.ndarray) -> np.ndarray:
        """Expected move over sigma at a size Q/V."""
        move: np.ndarray = self.prefactor.value * size**self.exponent.value
        return move


@remembered
def fills_of(recording: Recording, asset: str) -> Fills:
    """The trades in an asset, in the order they happened; `is_first` marks the first of an order."""
    venues = recording.market["venues"]
    lots = np.array([each["lot"] if each["asset"] == asset else np.nan for each in venues] + [np.nan])
    venue, reason = recording.column("fills", "venue"), recording.column("fills", "reason")
    kept = np.isin(reason, TRADED) & ~np.isnan(lots[venue])
    time, seq, taker, group, qty = (
        recording.column("fills", name)[kept] for name in ("time", "seq", "taker", "group", "qty")
    )
    changes = [np.diff(column) != 0 for column in (time, taker, group, np.sign(qty), venue[kept])]
    is_first = np.concatenate([[True], np.any(changes, axis=0)])[: time.size]
    return Fills(
        time, seq, qty * lots[venue[kept]], taker, is_first, venue[kept] == _listed(recording, asset)
    )


def _listed(recording: Recording, asset: str) -> int:
    """Code of the venue whose mid is recorded as the asset's; its first venue if that never moved."""
    moved = recording.column("moves", "asset") == list(recording.names("assets")).index(asset)
    if moved.any():
        return int(recording.column("moves", "venue")[moved][0])
    venues = recording.market["venues"]
    return next((code for code, each in enumerate(venues) if each["asset"] == asset), -1)


@remembered
def meta_orders(recording: Recording, asset: str) -> MetaOrders:
    """The meta-orders of a run in one asset.

    Raises
    ------
    Undefined
        If there are none, or the recording does not say how the mid moved.
    """
    made = fills_of(recording, asset)
    pause = max(PAUSE, 10 * recording.market["step_seconds"])
    order = np.argsort(made.taker, kind="stable")
    taker, sign, time = made.taker[order], np.sign(made.units[order]), made.time[order]
    ends = (np.diff(taker) != 0) | (np.diff(sign) != 0) | (np.diff(time) > pause)
    starts = np.flatnonzero(np.concatenate([[True], ends])[: taker.size])
    if starts.size == 0:
        raise Undefined("nothing was traded")
    last = np.append(starts[1:], taker.size) - 1
    units = np.add.reduceat(np.abs(made.units[order]), starts)
    orders = np.add.reduceat(made.is_first[order].astype(int), starts)
    before, after = _log_mids(recording, asset, made.seq[order[starts]], made.seq[order[last]])
    kept = orders >= 2
    if not kept.any():
        raise Undefined("no account sent two orders in one direction in a row")
    impact = sign[starts] * (after - before)
    by_start = np.argsort(time[starts][kept], kind="stable")
    columns = (time[starts], units, orders, impact)
    return MetaOrders(*(column[kept][by_start] for column in columns))


@remembered
def impact(recording: Recording, asset: str) -> Impact:
    """Mean impact of meta-orders by size.

    Raises
    ------
    Undefined
        If sizes that occur often enough span less than a decade, or the price does not move.
    """
    found, mid = meta_orders(recording, asset), prices(recording, f"{asset}.mid")
    sigma, volume = _scale(mid), float(np.abs(fills_of(recording, asset).units).sum())
    if sigma == 0:
        raise Undefined("the price does not move")
    span = recording.market["step_seconds"] * mid.size
    is_some = found.units > 0
    return by_size(
        *(each[is_some] for each in (found.start / span, found.units / volume, found.impact / sigma))
    )


@remembered
def impact_law(recording: Recording, asset: str) -> Law:
    """The law that the mean impact of meta-orders follows; raises as `impact` and `law` do."""
    return law(impact(recording, asset))


def by_size(when: np.ndarray, size: np.ndarray, move: np.ndarray) -> Impact:
    """Mean move by size.

    Parameters
    ----------
    when : ndarray of float64, shape (n,)
        Start, from 0 to 1 over the run.
    size, move : ndarray of float64, shape (n,)
        Q/V, and the move over sigma.

    Notes
    -----
    Intervals are from resamples of `BLOCKS` stretches of time: meta-orders of one stretch move
    one price.
    """
    bins, many = _bins(size)
    block = np.minimum((when * BLOCKS).astype(int), BLOCKS - 1)
    cell = (block * many + bins)[bins >= 0]
    columns = (np.ones(size.size), np.log(size), move)
    sums = np.stack(
        [np.bincount(cell, column[bins >= 0], BLOCKS * many).reshape(BLOCKS, many) for column in columns]
    )
    count, logs, moves = sums.sum(axis=1)
    drawn, mean = redraws(np.concatenate([sums[0], sums[2]], axis=1)), moves / count
    with np.errstate(invalid="ignore", divide="ignore"):
        draws = drawn[:, many:] / drawn[:, :many]
    draws = np.where(np.isfinite(draws), draws, mean)
    low, high = limits(draws)
    return Impact(np.exp(logs / count), mean, low, high, count.astype(int), draws)


def law(found: Impact) -> Law:
    """The power of the size that mean impacts follow.

    Raises
    ------
    Undefined
        If no power above zero describes them.

    Notes
    -----
    c and delta minimise the squared distances of the mean impacts of the bins over their
    variances, so bins with a mean below zero count too. A law that leaves more than
    `MISFIT` of the squares unexplained is none.
    """
    variance = np.var(found.draws, axis=0)
    if np.any(variance == 0):
        raise Undefined("meta-orders of one size all happened in one stretch of the run")
    weights, shapes = 1 / variance, found.size[:, np.newaxis] ** EXPONENTS
    at, every = best_shape(found.move, shapes, weights), best_shape(found.draws, shapes, weights)
    scale = _scales(found.move, shapes[:, at], weights)
    left = np.sum(weights * (found.move - scale * shapes[:, at]) ** 2) / np.sum(weights * found.move**2)
    if at in (0, EXPONENTS.size - 1) or scale <= 0 or left > MISFIT:
        raise Undefined("the mean impact is no power of the size")
    scales = _scales(found.draws, shapes.T[every], weights)
    pairs = ((EXPONENTS[at], EXPONENTS[every]), (scale, scales))
    exponent, prefactor = (Estimate(float(one), *map(float, limits(draws))) for one, draws in pairs)
    return Law(exponent, prefactor)


def _scales(moves: np.ndarray, shape: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The best scale of each shape, by weighted least squares over the last axis."""
    best: np.ndarray = np.sum(weights * moves * shape, axis=-1) / np.sum(weights * shape**2, axis=-1)
    return best


def _bins(size: np.ndarray) -> tuple[np.ndarray, int]:
    """Bin of each size among those with enough of them (-1 for others), and how many bins."""
    bins = np.floor(np.log10(size) * BINS_A_DECADE).astype(int)
    values, position, counts = np.unique(bins, return_inverse=True, return_counts=True)
    is_enough = counts >= FEWEST
    if is_enough.sum() < 4 or np.ptp(values[is_enough]) < BINS_A_DECADE:
        raise Undefined("meta-orders of sizes that occur often span less than a decade")
    renumbered = np.where(is_enough, np.cumsum(is_enough) - 1, -1)
    return renumbered[position], int(is_enough.sum())


def _log_mids(
    recording: Recording, asset: str, first: np.ndarray, last: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Log mid just before the trade numbered `first` and just after that numbered `last`.

    Notes
    -----
    Trades and moves share one count; the move an order makes comes right after its last trade.
    """
    code = list(recording.names("assets")).index(asset)
    own = recording.column("moves", "asset") == code
    if not own.any():
        raise Undefined("the recording holds no moves of the mid")
    seq, change, mover = (recording.column("moves", name)[own] for name in ("seq", "half_ticks", "mover"))
    entry = recording.market["assets"][code]
    path = np.log(entry["spot"] + entry["half_tick"] * np.concatenate([[0], np.cumsum(change)]))
    at = seq - (mover == BY_TRADE)
    return path[np.searchsorted(at, first, "left")], path[np.searchsorted(at, last, "right")]


def _scale(mid: np.ndarray) -> float:
    """Volatility over the run: root of the sum of squared log returns."""
    return float(np.sqrt(np.sum(np.diff(np.log(mid)) ** 2)))
