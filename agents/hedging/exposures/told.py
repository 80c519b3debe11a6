"""Numbers that a population tells."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from agents.hedging.exposures.base import Exposure
from sim.messages.view import View


class Told(Exposure):
    """What its population says that the rows are exposed to, whenever it says so."""

    is_named = False
    about = "an exposure of which only delta is told"

    def say(self, delta: ArrayLike, size: ArrayLike) -> None:
        """Be of this delta and size from now on.

        Parameters
        ----------
        delta, size : array of shape (N,)
            Units.
        """
        self._delta, self.size = np.asarray(delta, float), np.asarray(size, float)

    def fill(self, columns: np.ndarray, view: View) -> None:
        """As told last."""
        columns["size"], columns["delta"] = self.size[columns["row"]], self._delta[columns["row"]]
