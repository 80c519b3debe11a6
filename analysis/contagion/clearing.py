"""Clearing: what each pays of what it owes, and how far distress spreads before anybody fails.

Let L[i, j] be what i owes j, e_i >= 0 what i has from outside the network, p_i the sum i
owes and Pi = L / p row by row. A *clearing vector* is what all pay at once when nobody pays
more than it has or owes and creditors share in proportion (Eisenberg & Noe 2001):

    x = min(p, e + Pi' x).

Losses pass on only where somebody fails, so this is the least that can spread. *DebtRank*
lets a claim lose value as its debtor loses equity (Battiston et al. 2012). With exposures
Lambda[i, j] (claims of i on j over the equity of i) and losses h, as fractions of equity,

    h = min(1, h0 + Lambda h)

in the linear form of Bardoscia, Battiston, Caccioli & Caldarelli (2015): the most.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from scipy.sparse.linalg import spsolve

ROUNDING = 1e-12
"""Of what is owed: a deficit up to it is rounding, no default."""

SETTLED = 1e-13
"""A change of a fraction of equity up to which losses have stopped spreading."""


class Clearing(NamedTuple):
    """What clearing comes to.

    Attributes
    ----------
    payments : ndarray of float64, shape (n,)
        What each pays.
    equity : ndarray of float64, shape (n,)
        What each is left with, not below zero.
    paid_in_full : ndarray of float64, shape (n,)
        What each would be left with if all paid in full; below zero for those that fail first.
    is_default : ndarray of bool, shape (n,)
        Who does not pay in full.
    rounds : int
        Rounds of defaults: 0 if there is none, above 1 if some failed because of others.
    """

    payments: np.ndarray
    equity: np.ndarray
    paid_in_full: np.ndarray
    is_default: np.ndarray
    rounds: int

    @property
    def losses(self) -> np.ndarray:
        """What each loses because others do not pay, shape (n,).

        They add up to what those who fail first lack, however many fail in between.
        """
        lost: np.ndarray = np.maximum(0.0, np.maximum(0.0, self.paid_in_full) - self.equity)
        return lost


def clearing_vector(liabilities: Any, external: ArrayLike) -> Clearing:
    """The greatest clearing vector, by the fictitious default algorithm.

    Parameters
    ----------
    liabilities : array_like or sparse matrix, shape (n, n)
        What row owes column, not below zero.
    external : array_like, shape (n,)
        What each has from outside the network, not below zero.

    Raises
    ------
    ValueError
        If a number is below zero or not finite, or shapes do not fit.

    Notes
    -----
    The fictitious default algorithm of Eisenberg & Noe (2001): let those fail who cannot pay if
    all others do, solve for what they pay, and look again; at most n rounds.
    """
    owed, e = _network(liabilities, external)
    due = _sums(owed, axis=1)
    shares = sparse.diags_array(np.divide(1.0, due, out=np.zeros_like(due), where=due > 0)) @ owed
    paid, failed, rounds = due.copy(), np.zeros(due.size, bool), 0
    tolerance = ROUNDING * max(float(due.max(initial=0.0)), float(e.max(initial=0.0)))
    while True:
        short = e + shares.T @ paid < due - tolerance
        if not np.any(short & ~failed):
            break
        failed, rounds = failed | short, rounds + 1
        paid = _payments(shares, e, due, failed)
    left = np.maximum(0.0, np.where(failed, 0.0, e + shares.T @ paid - paid))
    return Clearing(paid, left, e + shares.T @ due - due, failed, rounds)


def debtrank(exposures: Any, losses: ArrayLike, *, once: bool = False) -> np.ndarray:
    """Losses, as fractions of equity, after distress has spread.

    Parameters
    ----------
    exposures : array_like or sparse matrix, shape (n, n)
        Claim of row on column over the equity of row, not below zero.
    losses : array_like, shape (n,)
        Losses to begin with, fractions of equity in [0, 1].
    once : bool
        Each passes on its first loss alone (Battiston et al. 2012), so that loops end; else every
        further loss too (Bardoscia et al. 2015).

    Returns
    -------
    ndarray of float64, shape (n,)

    Raises
    ------
    ValueError
        If a number is out of range, or shapes do not fit.
    """
    matrix, first = _network(exposures, losses)
    if np.any(first > 1):
        raise ValueError(f"a loss is {first.max():g} of equity; losses lie between 0 and 1")
    return _spread_once(matrix, first) if once else _spread(matrix, first)


def systemic_loss(final: ArrayLike, first: ArrayLike, equity: ArrayLike) -> float:
    """What spreading added to the losses, as a share of all equity.

    Notes
    -----
    R = sum_i h_i v_i - sum_i h0_i v_i with v_i the share of i in all equity (Battiston et al.
    2012).

    Raises
    ------
    ValueError
        If nobody has any equity.
    """
    weights = np.asarray(equity, float)
    if not weights.sum() > 0:
        raise ValueError("nobody in the network has equity to lose")
    return float((np.subtract(final, first) * weights).sum() / weights.sum())


def _payments(shares: Any, e: np.ndarray, due: np.ndarray, failed: np.ndarray) -> np.ndarray:
    """What all pay if just these fail: they pay all they get, the others all they owe."""
    paid, inside = due.copy(), np.flatnonzero(failed)
    received = e[inside] + (shares.T @ np.where(failed, 0.0, due))[inside]
    among = shares[inside][:, inside].T
    system = (sparse.eye_array(inside.size) - among).tocsc()
    paid[inside] = np.clip(np.atleast_1d(spsolve(system, received)), 0.0, due[inside])
    return paid


def _spread(exposures: Any, first: np.ndarray) -> np.ndarray:
    """The least solution of h = min(1, h0 + Lambda h): losses only grow and never exceed 1."""
    now = first
    while True:
        after = np.minimum(1.0, first + exposures @ now)
        if np.abs(after - now).max(initial=0.0) <= SETTLED:
            return np.asarray(after)
        now = np.maximum(now, after)


def _spread_once(exposures: Any, first: np.ndarray) -> np.ndarray:
    """As `_spread`, but whoever has passed a loss on stays silent."""
    now, speaks, is_fresh = first, first > 0, first == 0
    while speaks.any():
        after = np.minimum(1.0, now + exposures @ np.where(speaks, now, 0.0))
        speaks = is_fresh & (after > 0)
        is_fresh, now = is_fresh & ~speaks, after
    return now


def _network(matrix: Any, column: ArrayLike) -> tuple[Any, np.ndarray]:
    """A matrix between n nodes in compressed rows and a column of n, both checked."""
    rows, values = sparse.csr_array(matrix, dtype=float), np.asarray(column, float)
    if rows.shape != (values.size, values.size) or values.ndim != 1:
        raise ValueError(f"a network of {values.size} nodes needs a square matrix, not one of {rows.shape}")
    for name, numbers in (("matrix", rows.data), ("column", values)):
        if not np.all(np.isfinite(numbers)) or np.any(numbers < 0):
            raise ValueError(f"the {name} holds {numbers.min():g}; all must be finite and not below zero")
    return rows, values


def _sums(matrix: Any, axis: int) -> np.ndarray:
    """Sums along an axis of a sparse matrix, as a column."""
    return np.asarray(matrix.sum(axis=axis), float).ravel()
