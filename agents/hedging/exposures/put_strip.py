"""Short-dated puts, of which only where their strikes lie is known."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from agents.hedging.exposures.base import Exposure
from sim.messages.view import View
from sim.population import Population
from sim.setup.limits import MOST_UNITS
from sim.setup.listing import Listing
from sim.setup.misfit import within
from sim.setup.parameters import Real, up_to


class PutStrip(Exposure):
    """Puts of which the strikes are spread evenly over a band of prices, as they are at their expiry.

    The delta of a row falls from 0 at the upper end of the band to minus its units at the lower one: gamma is
    the same everywhere in the band and zero outside, and a fall through all of it has the same units hedged
    wherever the band lies. What the opening price has passed is hedged at the opening, outside the market.

    Leaves out: time value (the edges of the band are sharp), and the premium; like `constant_gamma`
    it is no instrument, and its value is in no account. The row's size, of which a band's width is a
    fraction, is the units.
    """

    gives = ("delta", "gamma")
    about = "a strip of puts"

    class Parameters(Exposure.Parameters):
        """Where the gamma lies, and how much there is.

        Parameters
        ----------
        units : float or distribution
            Of the asset, all strikes together; below zero is short puts, and short gamma.
        begins_below : float or distribution
            The highest strike lies so far below the opening price, as a fraction of it; below zero it lies
            above.
        width : float
            From the highest strike to the lowest, as a fraction of the opening price.
        """

        units: Annotated[Real, up_to(MOST_UNITS)]
        begins_below: Annotated[Real, up_to(1.0)] = 0.0
        width: float = Field(gt=0, lt=1)

    def take(self, population: Population, listing: Listing) -> None:
        """Draw units and strikes."""
        with within("exposure"):
            drawn = population.draws.columns(self.parameters, "exposure", population.rows)
        spot = listing.spots[self.asset]
        self._units, self._highest = drawn["units"], spot * (1.0 - drawn["begins_below"])
        self._width = spot * self.parameters.width
        self._opening = self._passed(slice(None), spot)
        self.size = np.abs(self._units)

    def fill(self, columns: np.ndarray, view: View) -> None:
        """Delta by how much of the band lies above the price."""
        rows = columns["row"]
        columns["size"] = self.size[rows]
        columns["delta"], columns["gamma"] = self._greeks(rows, view)

    def unlisted(self, view: View) -> tuple[float, float]:
        """Of all rows together."""
        delta, gamma = self._greeks(slice(None), view)
        return float(gamma.sum()), float(delta.sum())

    def _greeks(self, rows: np.ndarray | slice, view: View) -> tuple[np.ndarray, np.ndarray]:
        passed, units = self._passed(rows, float(view.assets[self.asset]["mid"])), self._units[rows]
        is_inside = (passed > 0) & (passed < 1)
        return units * (self._opening[rows] - passed), np.where(is_inside, units / self._width, 0.0)

    def _passed(self, rows: np.ndarray | slice, price: float) -> np.ndarray:
        """Share of the strikes that lie above a price."""
        passed: np.ndarray = np.clip((self._highest[rows] - price) / self._width, 0.0, 1.0)
        return passed
