"""What every exposure gives: the Greeks of the rows that are looked at."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal

import numpy as np

from agents.option_chains.chains import Books
from sim.messages.view import View
from sim.population import Population
from sim.setup.kinds import Kind
from sim.setup.listing import Listing
from sim.setup.named import Named

EXPOSURE = Kind(
    "exposure", "agents.hedging.exposures", "agents.hedging.exposures.base.Exposure", is_bare=True
)
NO_THINGS = np.zeros(0, [("delta", "f8"), ("gamma", "f8"), ("asset", "i4")])


class Exposure(ABC):
    """What the rows of one population are exposed to.

    A subclass implements `fill`, and `take` if it draws or lists anything. One that a scenario
    names has `Parameters` derived from these, and makes its columns of them in `take`.

    Parameters
    ----------
    parameters : Exposure.Parameters, optional
        Of one that a scenario names.

    Attributes
    ----------
    gives : tuple of str
        Columns that it writes: `delta`, and maybe `gamma`, `vega`, `theta`, `adjusted_delta`.
    about : str
        What messages call it.
    is_named : bool
        Whether a scenario may name it; others are for populations that make them.
    gamma_power : float or None
        Of the price that its gamma goes with, if it is in no option and goes with one.
    is_bounded : bool
        Whether its delta changes only as those of its `things` and as the accounts of its rows do, so that
        the rows that can have left their edges are found without looking at all. `fill` then also writes
        `then_delta` and `then_gamma`, by the `reference`, and `gross`.
    size : ndarray of float64, shape (N,)
        Of each row, units: what bands and capital are fractions of.
    books : Books
        Options taken at the opening.
    asset : int
        Whose price it follows.
    account : ndarray of int64, shape (chains, N)
        Of the rows (`Population.account`).
    reference : ndarray of float64, shape (2, M)
        Delta and gamma of each of `things` at the moment that drift is measured from.
    """

    gives: ClassVar[tuple[Literal["delta", "gamma", "vega", "theta", "adjusted_delta"], ...]] = ("delta",)
    about: ClassVar[str] = "what these rows are exposed to"
    is_named: ClassVar[bool] = True
    is_bounded: ClassVar[bool] = False
    gamma_power: ClassVar[float | None] = None
    books: Books = Books(*(np.zeros(0, np.int64) for _ in range(3)))

    class Parameters(Named):
        """What all exposures that a scenario names have in common.

        Parameters
        ----------
        type : str
            A file of `agents.hedging.exposures`, or the import path of a class of one's own.
        """

        kind = EXPOSURE

    def __init__(self, parameters: Any = None) -> None:
        self.parameters = parameters
        self.size = np.zeros(0)
        self.reference = np.zeros((2, 0))

    def belong(self, population: Population, asset: int) -> None:
        """Be that of the rows of a population, in an asset; of no size, until it has one."""
        self.asset, self.account = asset, population.account
        self.size = np.zeros(population.rows)

    def take(self, population: Population, listing: Listing) -> None:
        """Draw and list what the rows hold, once it is known whose they are, and set `size`."""

    def things(self, view: View) -> np.ndarray:
        """What the rows hold numbers of, records with a `delta`, a `gamma` and an `asset` each."""
        return NO_THINGS

    @abstractmethod
    def fill(self, columns: np.ndarray, view: View) -> None:
        """Write `size`, `delta` and what else it gives, for the rows in `columns["row"]`.

        Parameters
        ----------
        columns : ndarray of COLUMNS, shape (n,)
        view : View
        """

    def fill_further(self, columns: np.ndarray, view: View) -> None:
        """Write vega and theta, if a policy needs them."""

    def adjust(self, columns: np.ndarray, view: View) -> None:
        """Write `adjusted_delta`: by `k`, `load` and `later` of the columns, if a policy needs it."""

    def unlisted(self, view: View) -> tuple[float, float] | None:
        """Gamma and delta of all rows together, for the series; None for what is in their accounts."""
        return None

    def report(self) -> dict[str, Any]:
        """What the manifest should say of it, as plain values."""
        return {}
