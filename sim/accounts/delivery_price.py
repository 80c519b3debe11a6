"""Delivery price: that at which the options of an asset settle, read from its index.

The index stays what it was published as until it is published again, so it has a value at
every moment, between looks as well.
"""

from __future__ import annotations

from collections import deque

from pydantic import Field

from sim.kernels.prices.indexing import INSTANT
from sim.setup.table import Parameters


class Delivery(Parameters):
    """How the options of one asset settle.

    Parameters
    ----------
    averaging_seconds : float
        Time before expiry over which the index is averaged, 0 for the index of the moment. Deribit's
        is 1,800 s (its settlement specification).

    Notes
    -----
    Leaves out: what an average does to an option before it expires. Prices, margin and Greeks are
    those of an option on the index of the moment, whose gamma near expiry is larger.
    """

    averaging_seconds: float = Field(default=0.0, ge=0, le=1e9)


def instant(step_seconds: float) -> float:
    """Time within which two moments are one, s: a billionth of a step, lest rounding put an expiry off."""
    return max(INSTANT, 1e-9 * step_seconds)


class DeliveryPrice:
    """Remembers one asset's index for as long as a delivery price may need it.

    Parameters
    ----------
    delivery : Delivery
    step_seconds : float
        Delivery prices are asked for within a step of the expiry.
    """

    def __init__(self, delivery: Delivery, step_seconds: float) -> None:
        self._averaging = delivery.averaging_seconds
        self._memory = self._averaging + step_seconds
        self._instant = instant(step_seconds)
        self._published: deque[tuple[float, float]] = deque()

    def publish(self, time: float, index: float) -> None:
        """Take note of the index from `time` on."""
        published = self._published
        if published and published[-1][0] >= time:
            published.pop()
        published.append((time, index))
        while len(published) > 1 and published[1][0] < time - self._memory - self._instant:
            published.popleft()

    def at(self, expiry: float) -> float:
        """The average of the index over the time before `expiry`, as far back as it is remembered.

        Parameters
        ----------
        expiry : float
            Seconds since the start, not after the last look.

        Returns
        -------
        float
            Quote currency per unit.
        """
        start, until = expiry - self._averaging, expiry
        total = seconds = 0.0
        for time, index in reversed(self._published):
            if time > expiry + self._instant:
                continue
            if self._averaging == 0.0:
                return index
            since = max(time, start)
            total += index * (until - since)
            seconds += until - since
            until = since
            if time <= start:
                break
        return total / seconds if seconds > 0.0 else self._published[0][1]
