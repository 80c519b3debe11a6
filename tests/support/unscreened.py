"""In place of screening: everybody is looked at."""

from __future__ import annotations

import numpy as np


def everybody(*arguments: np.ndarray) -> tuple[int, int, int]:
    """In place of `banding.unsettled`: list every row that hedges."""
    is_active, found = arguments[-4], arguments[-1]
    rows = np.flatnonzero(is_active)
    found[: rows.size] = rows
    return rows.size, 0, 0
