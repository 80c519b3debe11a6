"""The fit: where in the unit cube of parameters simulated moments come nearest to their targets.

    look at a Sobol sample of the cube
    round after round: look at a star around the best place, then where a smooth fit to all is least
    look at a star around where that ended, for how moments change with the parameters there

The distance is that of the method of simulated moments, sum_m ((moment - target) / error)^2. The smooth fit
of a moment is a quadratic of the place without cross terms, by regression on every place that was looked
at, with Gaussian weights around the star. Simulated moments stray from place to place, even with common
seeds, because a market amplifies the least difference; the regression takes that out, where the least of
the distances themselves would follow it. Steps stay within the star, which grows where they end at its
edge and shrinks where they do not.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import NamedTuple

import numpy as np
from scipy.optimize import least_squares

UNDEFINED = 10.0
"""Errors that a moment counts which is undefined at a place."""

RADIUS, NARROWEST, WIDEST = 0.2, 0.05, 0.3
"""Of the star, at first and at least and most, in parts of the searched range."""

SHRINKS, GROWS = 0.5, 1.5

WIDTH = 1.0
"""Standard deviation of the weights, in radii."""

RIDGE = 1e-2
"""How much of a place's weight holds each bend at none."""


class Local(NamedTuple):
    """A smooth fit of moments around a place: value, slope and bend there, shapes (M,), (M, K), (M, K)."""

    centre: np.ndarray
    value: np.ndarray
    slope: np.ndarray
    bend: np.ndarray

    def at(self, place: np.ndarray) -> np.ndarray:
        """Moments at a place."""
        away = place - self.centre
        moments: np.ndarray = self.value + self.slope @ away + self.bend @ away**2
        return moments

    def jacobian(self, place: np.ndarray) -> np.ndarray:
        """Change of the moments with the place, shape (M, K)."""
        change: np.ndarray = self.slope + 2 * self.bend * (place - self.centre)
        return change


class Found(NamedTuple):
    """Where the search ended: the place, and how fitted moments change with it, shapes (K,) and (M, K)."""

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
    """

    def __init__(self, targets: np.ndarray, errors: np.ndarray, dimensions: int) -> None:
        self.places, self.off = np.zeros((0, dimensions)), np.zeros((0, targets.size))
        self._targets, self._errors = targets, errors

    def add(self, places: np.ndarray, moments: np.ndarray) -> None:
        """Take moments at places."""
        self.places = np.concatenate([self.places, places])
        self.off = np.concatenate([self.off, (moments - self._targets) / self._errors])

    @property
    def distances(self) -> np.ndarray:
        """The distance of each place, shape (n,)."""
        return distance(self.off)

    @property
    def best(self) -> np.ndarray:
        """The place of the least distance."""
        place: np.ndarray = self.places[int(np.argmin(self.distances))]
        return place

    def around(self, centre: np.ndarray, radius: float) -> Local:
        """The smooth fit of (moment - target) / error around a place."""
        away = self.places - centre
        weights = np.exp(-0.5 * np.square(away / (WIDTH * radius)).sum(axis=1) / away.shape[1])
        columns = np.concatenate([np.ones((len(away), 1)), away, away**2], axis=1)
        dimensions = away.shape[1]
        ridge = np.zeros((dimensions, columns.shape[1]))
        ridge[:, 1 + dimensions :] = RIDGE * radius**2 * np.eye(dimensions)
        found = np.zeros((columns.shape[1], self.off.shape[1]))
        for moment, off in enumerate(self.off.T):
            root = np.sqrt(np.where(np.isfinite(off), weights, 0.0))
            rows = np.concatenate([columns * root[:, None], ridge])
            aim = np.concatenate([np.nan_to_num(off) * root, np.zeros(dimensions)])
            found[:, moment] = np.linalg.lstsq(rows, aim, rcond=None)[0]
        return Local(centre, found[0], found[1 : 1 + dimensions].T, found[1 + dimensions :].T)


def search(
    sample: np.ndarray, targets: np.ndarray, errors: np.ndarray, rounds: int
) -> Generator[np.ndarray, np.ndarray, Found]:
    """Ask for moments at places until the search is over.

    Parameters
    ----------
    sample : ndarray of float64, shape (points, K)
        Where to look first.
    targets, errors : ndarray of float64, shape (M,)
    rounds : int

    Yields
    ------
    ndarray of float64, shape (n, K)
        Places; the moments there, shape (n, M), are to be sent.

    Returns
    -------
    Found
        The last step, unless a place was seen that is better by more than luck: by one a parameter.
    """
    seen, radius = Seen(targets, errors, sample.shape[1]), RADIUS
    seen.add(sample, (yield sample))
    step = seen.best
    for _ in range(rounds):
        centre = seen.best if _is_worse(seen, step) else step
        around = star(centre, radius)
        seen.add(around, (yield around))
        step = least(seen.around(centre, radius), radius)
        seen.add(step[None], (yield step[None]))
        is_at_edge = np.abs(step - centre).max() > 0.95 * radius
        radius = float(np.clip(radius * (GROWS if is_at_edge else SHRINKS), NARROWEST, WIDEST))
    place, radius = seen.best if _is_worse(seen, step) else step, max(radius, 2 * NARROWEST)
    around = star(place, radius)
    seen.add(around, (yield around))
    return Found(place, errors[:, None] * seen.around(place, radius).jacobian(place))


def distance(off: np.ndarray) -> np.ndarray:
    """Sum over moments of the squares of (moment - target) / error, shape (..., M)."""
    total: np.ndarray = np.square(np.where(np.isfinite(off), off, UNDEFINED)).sum(axis=-1)
    return total


def star(centre: np.ndarray, radius: float) -> np.ndarray:
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


def _is_worse(seen: Seen, place: np.ndarray) -> bool:
    """Whether a place that was looked at is worse than the best by more than luck."""
    own = seen.distances[np.flatnonzero((seen.places == place).all(axis=1))[0]]
    return bool(own > seen.distances.min() + place.size)
