"""Precision: how sure fitted parameters are, and which of them the moments identify.

With J the change of the fitted moments with the parameters and W = diag(1 / error^2), the covariance is

    A + A J' W S W J A,    A = (J' W J)^-1,

the first part from what is not known of the targets, the second, with S the covariance of the simulated
means over seeds, from what is not known of the moments (Gourieroux, Monfort & Renault 1993, Journal of
Applied Econometrics 8, for equal weights; McFadden 1989, Econometrica 57).

A parameter is identified if its standard error is below a quarter of the searched range, its error
is not that of another one (their correlation is below 0.9), and it was not fitted at an end of its range.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

WIDE = 0.25
"""Standard error, over the searched range, from which a parameter is not identified."""

ONE = 0.9
"""Correlation of two parameters' errors from which the moments tell them from each other no more."""

END = 0.01
"""How near to an end of the range, as a part of it, is at the end."""


class Precision(NamedTuple):
    """How sure a parameter is.

    Attributes
    ----------
    error : float
        Standard error, in parts of the searched range; infinite where no moment depends on it.
    reason : str
        Why it is not identified; empty if it is.
    """

    error: float
    reason: str

    @property
    def is_identified(self) -> bool:
        """Whether the moments say where it lies."""
        return not self.reason


def covariance(jacobian: np.ndarray, errors: np.ndarray, simulated: np.ndarray) -> np.ndarray:
    """Covariance of the parameters' errors, shape (K, K); infinite where the moments leave a direction free.

    Parameters
    ----------
    jacobian : ndarray of float64, shape (M, K)
        NaN of what is undefined, which says nothing of any.
    errors : ndarray of float64, shape (M,)
        Of the targets.
    simulated : ndarray of float64, shape (M, M)
        Covariance of the simulated means.
    """
    scaled = np.nan_to_num(jacobian) / errors[:, None]
    singular = np.linalg.svd(scaled, compute_uv=False)
    if scaled.shape[0] < scaled.shape[1] or singular[-1] < 1e-9 * max(singular[0], 1e-300):
        return _without_free_ones(scaled, errors, simulated)
    inverse = np.linalg.inv(scaled.T @ scaled)
    brought = inverse @ scaled.T / errors
    total: np.ndarray = inverse + brought @ simulated @ brought.T
    return total


def _without_free_ones(scaled: np.ndarray, errors: np.ndarray, simulated: np.ndarray) -> np.ndarray:
    """The covariance with infinite variance of every parameter that some free direction holds."""
    _, singular, rows = np.linalg.svd(scaled)
    strength = np.zeros(rows.shape[0])
    strength[: singular.size] = singular
    free = rows[strength < 1e-9 * max(strength.max(), 1e-300)]
    inverse = np.linalg.pinv(scaled.T @ scaled, rcond=1e-15)
    brought = inverse @ scaled.T / errors
    total: np.ndarray = inverse + brought @ simulated @ brought.T
    total[np.diag_indices_from(total)] = np.where((free**2).sum(axis=0) > 1e-9, np.inf, np.diag(total))
    return total


def precision(place: np.ndarray, spread: np.ndarray, names: list[str]) -> list[Precision]:
    """How sure each parameter is.

    Parameters
    ----------
    place : ndarray of float64, shape (K,)
        In parts of the searched ranges.
    spread : ndarray of float64, shape (K, K)
        Covariance in the same unit.
    names : list of str
    """
    errors = np.sqrt(np.diag(spread))
    with np.errstate(invalid="ignore", divide="ignore"):
        alike = np.abs(spread / np.outer(errors, errors))
    np.fill_diagonal(alike, 0.0)
    alike = np.nan_to_num(alike)
    return [
        Precision(float(errors[k]), _reason(place[k], errors[k], alike[k], names)) for k in range(place.size)
    ]


def _reason(place: float, error: float, alike: np.ndarray, names: list[str]) -> str:
    """Why a parameter is not identified; empty if it is."""
    if not END <= place <= 1 - END:
        return "fitted at an end of its range"
    if not np.isfinite(error):
        return "no moment depends on it alone"
    if error >= WIDE:
        return f"its standard error is {error:.2g} of the searched range"
    if alike.max() >= ONE:
        return f"the moments tell it from {names[int(alike.argmax())]} no more"
    return ""
