"""Blocks: the clock of a chain, at whose ticks what was sent to a venue since the last is executed."""

from __future__ import annotations

import numpy as np

from sim.setup.draws import Draws

FIXED, POISSON = "fixed", "poisson"
SLACK = 1e-9  # s; what is sent so little after a block still makes it


class Blocks:
    """Times of blocks: every so many seconds, or a Poisson process with that mean interval.

    Parameters
    ----------
    clock : "fixed" or "poisson"
        Fixed blocks come at multiples of the interval, from time 0 on.
    seconds : float
        (Mean) interval.
    draws : Draws
        Of the venue; the times depend on nothing else.

    Notes
    -----
    Proof of stake makes a block every 12 s, proof of work made them at nearly Poisson times. Theory of
    arbitrage against pools is often stated for the latter (Milionis, Moallemi & Roughgarden 2023).

    Leaves out: missed slots, capacity, and the order of transactions by fee (within a block they come
    in a drawn order).
    """

    def __init__(self, clock: str, seconds: float, draws: Draws) -> None:
        self._is_poisson, self._seconds, self._draws = clock == POISSON, seconds, draws
        self._times = np.zeros(0)

    def next_at(self, times: np.ndarray) -> np.ndarray:
        """Time of the first block at or after each of these times, s."""
        if not self._is_poisson:
            fixed: np.ndarray = np.maximum(np.ceil(times / self._seconds - SLACK) * self._seconds, times)
            return fixed
        while not self._times.size or self._times[-1] <= times.max(initial=0.0):
            self._extend()
        found: np.ndarray = np.maximum(self._times[np.searchsorted(self._times, times - SLACK)], times)
        return found

    def _extend(self) -> None:
        """Draw twice as many times; those drawn before stay."""
        uniforms = self._draws.uniforms("blocks", max(1024, 2 * self._times.size))
        self._times = np.cumsum(-self._seconds * np.log(uniforms))
