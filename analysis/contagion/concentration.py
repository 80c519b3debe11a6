"""Concentration: how few hold the gamma and do the hedging, and whether they do it at once.

*Herfindahl-Hirschman index* of shares s_i: sum s_i^2, from 1 / n for n equal ones to 1 for a
single one (Herfindahl 1950; Hirschman 1945).

*Synchrony*. Time is cut into bins; x_i(t) is 1 if account i hedged in bin t, else 0, so that an
order which many others fill counts once. With variances and covariances taken within
windows that are short against the changes of the market, summed over windows,

    ratio       = Var(sum_i x_i) / sum_i Var(x_i),
    correlation = (Var(sum_i x_i) - sum_i Var(x_i)) / ((sum_i s_i)^2 - sum_i s_i^2),

s_i the s.d. of x_i. Hedgers who act at random, each at any rate, have 1 and 0 (up to noise);
n who always act together have n and 1. The ratio is how many times more the number of hedgers
in the market at once varies than if they knew nothing of each other; its root form is the
population synchrony of Golomb & Rinzel (1993). Windows take out what a slowly varying
rate, common to all, would add.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analysis.base.metric import Undefined, metric
from analysis.base.series import series
from analysis.contagion.contagion import bearers
from analysis.contagion.option_books import need_options, option_books
from sim.recording.recording import Recording
from sim.records import HEDGE

HEADING, PLACE, PER = "Feedback", 150, "assets"

BIN = 1.0
"""Seconds within which hedges count as simultaneous, or a step where that is longer."""

WINDOW = 60
"""Bins of a window, within which rates count as constant."""


class Synchrony(NamedTuple):
    """How much hedgers act at once: the ratio of variances and the mean correlation."""

    ratio: float
    correlation: float


class Hedges(NamedTuple):
    """Columns over the fills of hedging orders in one asset.

    Attributes
    ----------
    time : ndarray of float64
        Seconds since the start.
    units : ndarray of float64
        Units of the asset, not below zero.
    account, population : ndarray of int
        Of who hedged.
    """

    time: np.ndarray
    units: np.ndarray
    account: np.ndarray
    population: np.ndarray


def herfindahl(amounts: np.ndarray) -> float:
    """Sum of the squared shares of the amounts, signs left out.

    Raises
    ------
    Undefined
        If they are all zero.
    """
    sizes = np.abs(np.asarray(amounts, float))
    if not sizes.sum() > 0:
        raise Undefined("there is nothing to have a share of")
    return float(np.square(sizes / sizes.sum()).sum())


def synchrony(time: np.ndarray, who: np.ndarray, seconds: float = BIN, window: int = WINDOW) -> Synchrony:
    """Synchrony of events in time.

    Parameters
    ----------
    time : ndarray of float64, shape (n,)
        Seconds, in any order.
    who : ndarray of int, shape (n,)
        Whose event it was.
    seconds : float
        Length of a bin.
    window : int
        Bins of a window; bins after the last whole window are left out.

    Raises
    ------
    Undefined
        If no whole window is covered, or fewer than two had events at times that vary.
    """
    bins = np.floor(np.asarray(time) / seconds + 1e-9).astype(np.int64)
    first, windows = (int(bins.min()), int(np.ptp(bins) + 1) // window) if bins.size else (0, 0)
    if windows == 0:
        raise Undefined(f"hedges do not cover a window of {window * seconds:g} s")
    rank = np.unique(who, return_inverse=True)[1]
    kept = bins - first < windows * window
    pairs = np.unique(np.stack([rank[kept], bins[kept] - first]), axis=1)
    together = np.bincount(pairs[1], minlength=windows * window).reshape(windows, window)
    common = window * together.var(axis=1).sum()
    return _compared(common, _own_variances(pairs[0], pairs[1] // window, window))


def _own_variances(who: np.ndarray, window_of: np.ndarray, window: int) -> np.ndarray:
    """Squared deviations of each one's 0 and 1 from their mean in every window, summed."""
    cells, counts = np.unique(np.stack([who, window_of]), axis=1, return_counts=True)
    variances: np.ndarray = np.bincount(cells[0], counts * (1.0 - counts / window))
    return variances


def _compared(common: float, own: np.ndarray) -> Synchrony:
    """The variance of a sum against those of its terms."""
    cross = np.sqrt(own).sum() ** 2 - own.sum()
    if not cross > 1e-9 * own.sum():
        raise Undefined("fewer than two accounts hedged at times that vary")
    return Synchrony(float(common / own.sum()), float((common - own.sum()) / cross))


def hedges(recording: Recording, asset: str) -> Hedges:
    """The fills of hedging orders in an asset, by who hedged.

    Raises
    ------
    Undefined
        If nobody hedged in it.
    """
    lots = {venue["name"]: venue["lot"] for venue in recording.market["venues"] if venue["asset"] == asset}
    lot = np.array([lots.get(name, np.nan) for name in recording.names("venues")] + [np.nan])
    units = recording.column("fills", "qty") * lot[recording.column("fills", "venue")]
    own = (recording.column("fills", "reason") == HEDGE) & ~np.isnan(units)
    if not own.any():
        raise Undefined(f"nobody hedged in {asset}")
    time, account, population = (
        recording.column("fills", name)[own] for name in ("time", "taker", "taker_population")
    )
    return Hedges(time, np.abs(units[own]), account, population)


@metric(unit="1", source="Herfindahl index of the units hedged, by account")
def hedging_concentration(recording: Recording, asset: str) -> float:
    """How few accounts do the hedging."""
    made = hedges(recording, asset)
    return herfindahl(np.bincount(np.unique(made.account, return_inverse=True)[1], made.units))


@metric(unit="1", source="Herfindahl index of the units hedged, by population")
def hedging_concentration_by_population(recording: Recording, asset: str) -> float:
    """How few populations do the hedging."""
    made = hedges(recording, asset)
    known = made.population >= 0
    return herfindahl(np.bincount(made.population[known], made.units[known]))


@metric(
    unit="1",
    source="Herfindahl index of the mean over steps of |net gamma|, by hedging population; in a market of "
    "several assets of those that trade in this one alone",
)
def gamma_concentration_by_population(recording: Recording, asset: str) -> float:
    """How few populations hold the gamma that is hedged."""
    hedging = {each["name"] for each in recording.market["populations"] if each.get("hedges")}
    own = [name for name in bearers(recording, asset, "net_gamma") if name in hedging]
    if not own:
        raise Undefined("no population hedges in this asset alone")
    gammas = [np.nanmean(np.abs(series(recording, f"{name}.net_gamma"))) for name in own]
    return herfindahl(np.array(gammas))


@metric(
    unit="1",
    source="Herfindahl index of |net option gamma| at the end of the run by account of the hedging "
    "populations, positions added up from fills",
)
def gamma_concentration(recording: Recording, asset: str) -> float:
    """How few accounts hold the option gamma that is hedged."""
    books = need_options(option_books(recording))
    hedging = np.array([*(bool(each.get("hedges")) for each in recording.market["populations"]), False])
    own = hedging[recording.column("populations", "population")]
    return herfindahl(books.gammas(list(recording.names("assets")).index(asset))[own])


SYNCHRONY = (
    "over windows of 60 bins (of 1 s, or a step if longer), x 1 in a bin in which an account hedged, else 0: "
)


@metric(unit="1", source=SYNCHRONY + "variance of the sum of x over the sum of variances")
def hedging_synchrony(recording: Recording, asset: str) -> float:
    """How much more hedgers crowd together than at random, which is 1."""
    return _synchrony(recording, asset).ratio


@metric(unit="1", source=SYNCHRONY + "mean correlation between accounts, weighted by s.d.")
def hedging_correlation(recording: Recording, asset: str) -> float:
    """How alike the times of any two hedgers are: 0 at random, 1 if always the same."""
    return _synchrony(recording, asset).correlation


def _synchrony(recording: Recording, asset: str) -> Synchrony:
    made = hedges(recording, asset)
    return synchrony(made.time, made.account, max(BIN, recording.market["step_seconds"]))
