"""Correlation of several assets: a checked matrix and its square root."""

from __future__ import annotations

import math

import numpy as np


def square_root(correlation: np.ndarray, size: int) -> np.ndarray:
    """Lower triangular R with R R' = correlation; perfect correlation is allowed.

    Raises
    ------
    ValueError
        If it is not a symmetric matrix of this size with ones on the diagonal, or not
        positive semidefinite.
    """
    matrix = np.asarray(correlation, float)
    if matrix.shape != (size, size):
        raise ValueError(f"the correlation is {matrix.shape}; with {size} assets it must be {(size, size)}")
    if not np.allclose(matrix, matrix.T) or not np.allclose(np.diag(matrix), 1.0):
        raise ValueError("the correlation must be symmetric, with ones on the diagonal")
    root = np.zeros((size, size))
    for k in range(size):
        for j in range(k):
            rest = matrix[k, j] - root[k, :j] @ root[j, :j]
            root[k, j] = rest / root[j, j] if root[j, j] > 1e-7 else 0.0
        root[k, k] = math.sqrt(max(1.0 - float(root[k, :k] @ root[k, :k]), 0.0))
    if not np.allclose(root @ root.T, matrix, atol=1e-6):
        raise ValueError("the correlation is not positive semidefinite: no such assets exist")
    return root
