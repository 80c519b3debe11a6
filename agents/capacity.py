"""Capacity: how much of their inventory limits makers used."""

from __future__ import annotations

from typing import Any

import numpy as np

NEAR = 0.9
"""Share of a limit from which a maker is near it."""


def capacity(peak: np.ndarray) -> dict[str, Any]:
    """What the manifest says of limits, and a warning where makers came near them.

    Parameters
    ----------
    peak : ndarray of float64, shape (N,)
        Largest share of its limit that each row ever used.
    """
    near = int((peak >= NEAR).sum())
    found: dict[str, Any] = {"makers_near_their_limit": near, "largest_use_of_a_limit": float(peak.max())}
    if near:
        told = f"{near} of {peak.size} makers came within {1 - NEAR:.0%} of their inventory limit"
        found["warning"] = f"{told}: what they cannot take any more others must, or the price gaps"
    return found
