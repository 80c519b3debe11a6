"""Flags: rows marked a block at a time, and listed eight at a time.

Marking every row is a loop without branches, and so goes several rows at once; few rows have
a flag, and the words that hold none are passed over.
"""

from __future__ import annotations

import numpy as np

from sim.base.jit import inlined

CHANGED, NEAR = 1, 2  # why a row is looked at, added together
BLOCK = 1 << 14  # rows that are flagged before they are listed, so that flags stay in a near cache


@inlined
def listed(flags, words, first, size, found, count, near):
    """List the rows of a block with a flag, eight at a time, after those already found.

    Parameters
    ----------
    flags, words : ndarray of uint8 and of uint64
        Work space from `flag_columns`; flag i is that of row `first` + i.
    size : int
        Rows in the block.
    found : ndarray of int32
        Rows found so far, the first `count`.
    near : int
        How many of them are NEAR.

    Returns
    -------
    int, int
        Count and near, with those of the block.
    """
    for word in range((size + 7) // 8):
        if words[word] != 0:
            for i in range(8 * word, min(8 * word + 8, size)):
                if flags[i] != 0:
                    found[count] = first + i
                    count += 1
                    near += flags[i] >= NEAR
    return count, near


def flag_columns(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Zeroed flags for a block of up to `size` rows, and the same memory as 64-bit words."""
    flags = np.zeros(min(8 * max((size + 7) // 8, 1), BLOCK), np.uint8)
    return flags, flags.view(np.uint64)
