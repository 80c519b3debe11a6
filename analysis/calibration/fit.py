"""The fit: where in the unit cube of parameters simulated moments come nearest to their targets.

    look at a Sobol sample of the cube
    round after round: look at a star around the best place, then, twice, where a smooth fit to all is least
    look again, with other seeds, at where that ended, at the best place seen, and at the first of all
    look at a star around where that ended, for how moments change with the parameters there

The distance is that of the method of simulated moments, sum_m ((moment - target) / error)^2. The smooth fit
of a moment is a quadratic of the place, by regression on every place that was looked at, with Gaussian
weights around the star. Simulated moments stray from place to place, even with common seeds, because a
market amplifies the least difference; the regression takes that out, where the least of the distances
themselves would follow it. Steps stay within the star. It grows where they end at its edge, and shrinks
where moments are not what the fit said by more than luck: the fit is too coarse then, else wide enough.
A search suits the seeds it was made with: with few of them the market that was written down may be nearer
than where it ended, on others. Where one of the finalists is by more than luck, it is taken.

In 20 trials (40 here) with three parameters, five curved moments with noise and 66 places (70), mean errors
of the parameters are 0.6, 1.2 and 1.8% of their ranges; 0.8, 1.7 and 3.7% by Nelder & Mead from the best of
the sample, 1.1, 2.7 and 7.2% by Optuna's TPE and 2.1, 3.7 and 11.9% by its CMA-ES, of the distances alone.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import NamedTuple

import numpy as np
from scipy.optimize import least_squares

UNDEFINED = 10.0
"""Errors that a moment counts which is undefined at a place."""

RADIUS, NARROWEST, WIDEST = 0.2, 0.004, 0.3
"""Of the star, at first and at least and most, in parts of the searched range."""

SHRINKS, GROWS = 0.4, 1.5

LUCK = 2.0
"""Standard errors of its own and of the target that a moment may be from what a fit says, by luck."""

STEPS = 2
"""Of a round."""

FINALISTS = 3
"""At most."""

STANDS_OUT = 6.0
"""Of luck, how much a moment has to change over an arm of the last star."""

WIDTH = 1.0
"""Standard deviation of the weights along each direction, in radii."""

RIDGE = 1e-2
"""How much of a place's weight holds each bend at none."""


class Local(NamedTuple):
    """A smooth fit of moments around a place: value, slope and bend there, shapes (M,), (M, K), (M, K, K)."""

    centre: np.ndarray
    value: np.ndarray
    slope: np.ndarray
    bend: np.ndarray

    def at(self, place: np.ndarray) -> np.ndarray:
        """Moments at a place."""
        away = place - self.centre
        moments: np.ndarray = self.value + self.slope @ away + 0.5 * self.bend @ away @ away
        return moments

    def jacobian(self, place: np.ndarray) -> np.ndarray:
        """Change of the moments with the place, shape (M, K)."""
        change: np.ndarray = self.slope + self.bend @ (place - self.centre)
        return change


class Asked(NamedTuple):
    """Places to be looked at, shape (n, K), and whether again, with seeds of their own."""

    places: np.ndarray
    is_again: bool = False


class Found(NamedTuple):
    """Where the search ended: the place, and how fitted moments change with it, shapes (K,) and (M, K).

    The change is NaN of a moment that is undefined there.
    """

    place: np.ndarray
    jacobian: np.ndarray


class Seen:
    """What was looked at.

    Parameters
    ----------
    targets, errors : ndarray of float64, shape (M,)
    dimensions : int

    Attributes
    ----------
    places : ndarray of float64, shape (n, K)
    off : ndarray of float64, shape (n, M)
        (moment - target) / error; NaN where undefined.
    luck : ndarray of float64, shape (n, M)
        Standard errors over seeds in the same unit.
    """

    def __init__(self, targets: np.ndarray, errors: np.ndarray, dimensions: int) -> None:
        self.places = np.zeros((0, dimensions))
        self.off = self.luck = np.zeros((0, targets.size))
        self._targets, self._errors = targets, errors

    def add(self, places: np.ndarray, told: Told) -> None:
        """Take moments at places."""
        self.places = np.concatenate([self.places, places])
        self.off = np.concatenate([self.off, (told.moments - self._targets) / self._errors])
        self.luck = np.concatenate([self.luck, told.errors / self._errors])

    @property
    def distances(self) -> np.ndarray:
        """The distance of each place, shape (n,)."""
        return distance(self.off)

    def _number(self, place: np.ndarray) -> int:
        return int(np.flatnonzero((self.places == place).all(axis=1))[0])

    def is_defined(self, place: np.ndarray) -> np.ndarray:
        """Of each moment, whether it is defined at a place that was looked at."""
        found: np.ndarray = np.isfinite(self.off[self._number(place)])
        return found

    def better(self, place: np.ndarray) -> np.ndarray:
        """The best place, if it is better than one that was looked at by more than luck, one a parameter."""
        distances = self.distances
        own = distances[self._number(place)]
        best = int(np.argmin(distances))
        found: np.ndarray = self.places[best] if own > distances[best] + place.size else place
        return found

    def finalists(self, place: np.ndarray) -> np.ndarray:
        """A place, the best one and the first one, each once."""
        numbers = dict.fromkeys([self._number(place), int(np.argmin(self.distances)), 0])
        found: np.ndarray = self.places[list(numbers)]
        return found

    def nearest(self, finalists: np.ndarray, told: Told) -> np.ndarray:
        """The first, unless another one is nearer by more than luck, one a parameter."""
        distances = distance((told.moments - self._targets) / self._errors)
        best = int(np.argmin(distances))
        found: np.ndarray = finalists[best if distances[0] > distances[best] + finalists.shape[1] else 0]
        return found

    def misfit(self, local: Local) -> float:
        """How far the last place was from what a fit said of it, over luck: about 1 if it is all that."""
        apart = (self.off[-1] - local.at(self.places[-1])) / np.hypot(1.0, np.nan_to_num(self.luck[-1]))
        return float(np.sqrt(np.nanmean(np.square(apart)))) if np.isfinite(apart).any() else np.inf

    def arms(self, place: np.ndarray, radius: float) -> np.ndarray:
        """How far to look in each direction for the slope: until some moment stands out of luck."""
        luck = np.hypot(1.0, np.nan_to_num(self.luck[-1]))[:, None]
        told = np.abs(self.around(place, radius).jacobian(place) / luck).max(axis=0)
        arms: np.ndarray = np.clip(STANDS_OUT / np.maximum(told, 1e-9), NARROWEST, radius)
        return arms

    def around(self, centre: np.ndarray, radius: float | np.ndarray) -> Local:
        """The smooth fit of (moment - target) / error around a place."""
        away = (self.places - centre) / radius
        first, second = np.triu_indices(centre.size)
        bends = away[:, first] * away[:, second] * np.where(first == second, 0.5, 1.0)
        columns = np.concatenate([np.ones((len(away), 1)), away, bends], axis=1)
        ridge = np.sqrt(RIDGE) * np.eye(columns.shape[1])[1 + centre.size :]
        weights = np.exp(-0.5 * np.square(away / WIDTH).mean(axis=1))
        found = np.zeros((columns.shape[1], self.off.shape[1]))
        for moment, off in enumerate(self.off.T):
            root = np.sqrt(np.where(np.isfinite(off), weights, 0.0))[:, None]
            rows = np.concatenate([columns * root, ridge])
            aim = np.concatenate([np.nan_to_num(off) * root[:, 0], np.zeros(len(ridge))])
            found[:, moment] = np.linalg.lstsq(rows, aim, rcond=None)[0]
        bend = np.zeros((found.shape[1], centre.size, centre.size))
        bend[:, first, second] = bend[:, second, first] = found[1 + centre.size :].T
        bend /= np.outer(radius * np.ones(centre.size), radius * np.ones(centre.size))
        return Local(centre, found[0], found[1 : 1 + centre.size].T / radius, bend)


class Told(NamedTuple):
    """Moments at places and their standard errors over seeds, both of shape (n, M)."""

    moments: np.ndarray
    errors: np.ndarray


def search(
    sample: np.ndarray, targets: np.ndarray, errors: np.ndarray, rounds: int
) -> Generator[Asked, Told, Found]:
    """Ask for moments at places until the search is over.

    Parameters
    ----------
    sample : ndarray of float64, shape (points, K)
        Where to look first.
    targets, errors : ndarray of float64, shape (M,)
    rounds : int

    Yields
    ------
    Asked
        Places; `Told` of them is to be sent.

    Returns
    -------
    Found
        The last step, unless a place was seen that is better by more than luck, with other seeds too. What
        is undefined there has no change with the parameters.
    """
    seen, radius = Seen(targets, errors, sample.shape[1]), RADIUS
    seen.add(sample, (yield Asked(sample)))
    place = seen.places[int(np.argmin(seen.distances))]
    for _ in range(rounds):
        around = star(place, radius)
        seen.add(around, (yield Asked(around)))
        for _ in range(STEPS):
            local = seen.around(place, radius)
            step = least(local, radius)
            seen.add(step[None], (yield Asked(step[None])))
            radius = _next(radius, np.abs(step - place).max(), seen.misfit(local))
            place = seen.better(step)
    finalists = seen.finalists(place)
    place = seen.nearest(finalists, (yield Asked(finalists, is_again=True)))
    arms = seen.arms(place, radius)
    around = star(place, arms)
    seen.add(around, (yield Asked(around)))
    slope = np.where(seen.is_defined(place)[:, None], seen.around(place, arms).slope, np.nan)
    return Found(place, errors[:, None] * slope)


def _next(radius: float, moved: float, misfit: float) -> float:
    """The radius after a step."""
    if misfit > LUCK:
        return max(radius * SHRINKS, NARROWEST)
    return min(radius * GROWS, WIDEST) if moved > 0.95 * radius else radius


def distance(off: np.ndarray) -> np.ndarray:
    """Sum over moments of the squares of (moment - target) / error, shape (..., M)."""
    total: np.ndarray = np.square(np.where(np.isfinite(off), off, UNDEFINED)).sum(axis=-1)
    return total


def star(centre: np.ndarray, radius: float | np.ndarray) -> np.ndarray:
    """Places to either side of a place in each direction, inside the cube; shape (2 K, K)."""
    arms = radius * np.concatenate([np.eye(centre.size), -np.eye(centre.size)])
    places: np.ndarray = np.clip(centre + arms, 0.0, 1.0)
    return places


def least(local: Local, radius: float) -> np.ndarray:
    """Where a smooth fit is least, inside the cube and the box of a star."""
    low, high = np.maximum(local.centre - radius, 0.0), np.minimum(local.centre + radius, 1.0)
    start = np.clip(local.centre, low + 1e-9, high - 1e-9)
    place: np.ndarray = least_squares(local.at, start, local.jacobian, bounds=(low, high)).x
    return place
