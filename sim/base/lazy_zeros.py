"""Lazy zeros: arrays that take memory when they are written to, and give it back when they go.

A market reserves room for far more rows than most runs write. `numpy.zeros` is free for the
first such market of a process only: memory that was used before is cleared anew, 42 MB and
some 20-80 ms for every market that follows. Huge pages are not asked for: they spare the faults of
small ones, but the system may stop for milliseconds to find one.
"""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np

SMALLEST = 1 << 18
"""Bytes below which the allocator does well."""


def lazy_zeros(count: int, dtype: Any) -> np.ndarray:
    """So many rows of zeros.

    Parameters
    ----------
    count : int
    dtype : dtype
    """
    kind = np.dtype(dtype)
    if count * kind.itemsize < SMALLEST:
        return np.zeros(count, kind)
    private = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_PRIVATE") else {}
    rows: np.ndarray = np.frombuffer(mmap.mmap(-1, count * kind.itemsize, **private), kind)
    return rows
