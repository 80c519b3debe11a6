"""Chances: how often something happened, and how sure that is."""

from __future__ import annotations

import numpy as np


def wilson(happened: np.ndarray) -> tuple[float, float]:
    """Ends of the 95% interval of a chance (Wilson 1927, Journal of the American Statistical Association 22).

    Parameters
    ----------
    happened : ndarray of bool or of 0 and 1, shape (N,)
        Trial by trial; one at least.
    """
    from scipy import stats

    found = stats.binomtest(int(happened.sum()), happened.size).proportion_ci(method="wilson")
    return float(found.low), float(found.high)
