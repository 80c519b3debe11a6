"""Theory's dealer."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from agents.hedging.exposures.base import Exposure
from sim.messages.view import View
from sim.population import Population
from sim.setup.limits import MOST_UNITS
from sim.setup.listing import Listing
from sim.setup.misfit import within
from sim.setup.parameters import Real, up_to


class ConstantGamma(Exposure):
    """An exposure whose delta is gamma x (price - opening price).

    The exposure is not an instrument: its value is in no account. The row's size, of which
    a band's width is a fraction, is |gamma| x the opening price.
    """

    gives = ("delta", "gamma")
    gamma_power = 0.0
    about = "an exposure of constant gamma"

    class Parameters(Exposure.Parameters):
        """Its strength.

        Parameters
        ----------
        gamma : float or distribution
            Units per unit of price; below zero is short gamma.
        """

        gamma: Annotated[Real, up_to(MOST_UNITS)]

    def take(self, population: Population, listing: Listing) -> None:
        """Draw gamma."""
        with within("exposure"):
            drawn = population.draws.columns(self.parameters, "exposure", population.rows)
        self._gamma, self._spot = drawn["gamma"], listing.spots[self.asset]
        self._total = float(self._gamma.sum())
        self.size = np.abs(self._gamma) * self._spot

    def fill(self, columns: np.ndarray, view: View) -> None:
        """Gamma times the move so far."""
        rows = columns["row"]
        gamma = self._gamma[rows]
        columns["size"], columns["gamma"] = self.size[rows], gamma
        columns["delta"] = gamma * self._move(view)

    def unlisted(self, view: View) -> tuple[float, float]:
        """Of all rows together."""
        return self._total, self._total * self._move(view)

    def _move(self, view: View) -> float:
        return float(view.assets[self.asset]["mid"]) - self._spot
