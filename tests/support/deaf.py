"""A process that is in compiled code for good, for tests: it says when it is, and is told to stop."""

from __future__ import annotations

import sys

import numba

from scenarios.process.interruption import Interruption


@numba.njit(nogil=True)
def spin(seed: int) -> int:
    """Never come back, and let no compiler see it."""
    while seed != 0:
        seed = (seed * 6364136223846793005 + 1442695040888963407) | 1
    return seed


if __name__ == "__main__":
    spin(0)
    with Interruption(at_once="at_once" in sys.argv):
        print("deaf", flush=True)
        spin(1)
