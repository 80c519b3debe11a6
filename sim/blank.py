"""Blank arrays: zeros that take memory when they are written to, and give it back when they go.

A market reserves room for far more rows than most runs write. `numpy.zeros` is free for the
first such market of a process only: memory that was used before is cleared anew, 42 MB and
some 20-80 ms for every market that follows. What is written for the first time is handed out in
huge pages where the system has them, as numpy asks of large arrays too: taking a small one at a time
cost the order book a quarter of its speed.
"""

from __future__ import annotations

import mmap
from contextlib import suppress
from typing import Any

import numpy as np

SMALLEST = 1 << 18
"""Bytes below which the allocator does well."""

HUGE = 1 << 21
"""Bytes in a huge page; Linux aligns to them only what is a whole number of them long."""


def blank(count: int, dtype: Any) -> np.ndarray:
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
    whole = -(-count * kind.itemsize // HUGE) * HUGE
    memory = mmap.mmap(-1, whole, **private)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with suppress(OSError):  # a kernel built without huge pages
            memory.madvise(mmap.MADV_HUGEPAGE)
    rows: np.ndarray = np.frombuffer(memory, kind, count)
    return rows
