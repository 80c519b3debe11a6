"""Population: one Mesa agent whose rows are the participants.

A population sees a View and returns orders. It owns columns (numpy arrays, one element
per participant) and an account per row and chain. It holds no reference to a venue or to the
ledger, and never reads `self.model`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

import mesa
import numpy as np

from sim.messages.outbox import Outbox
from sim.messages.view import View
from sim.setup.distributions import Distribution
from sim.setup.draws import Draws
from sim.setup.limits import MOST_ORDERS
from sim.setup.listing import END_USERS, SYSTEM, Listing
from sim.setup.misfit import Misfit
from sim.setup.parameters import Delay, NonNegative, check_draws
from sim.setup.table import Parameters as BaseParameters


class Row:
    """One participant: a light view on row `row` of its population's columns."""

    __slots__ = ("account", "population", "row")

    def __init__(self, population: Population, row: int) -> None:
        self.population = population
        self.row = row
        self.account = int(population.account[0, row])

    def __getattr__(self, name: str) -> Any:
        column = getattr(self.population, name)
        if isinstance(column, np.ndarray) and column.shape[:1] == (self.population.rows,):
            return column[self.row]
        raise AttributeError(f"{name!r} is not a column of {self.population.name}")


class Numbering(WeakKeyDictionary[mesa.Model, Iterator[int]]):
    """Numbers for the agents of each model, from 1; a model that nobody else holds goes, and its numbers."""

    def __getitem__(self, model: mesa.Model) -> Iterator[int]:
        return self.setdefault(model, itertools.count(1))


mesa.Agent._ids = Numbering()  # Mesa's own, of the same use, keeps every model there ever was

PLAIN_ROW = 450.0
"""Bytes of a participant that holds no options and has no orders resting."""


class Population(mesa.Agent):  # type: ignore[misc]  # Mesa ships no types
    """Base of every population.

    A subclass names the phases it acts in and implements `decide`; most also draw columns
    in `prepare`. The smallest useful population is ten lines (README).

    Parameters
    ----------
    model : mesa.Model
    name : str
    count : int
        Number of participants, N.
    parameters : Parameters
    listing : Listing

    Attributes
    ----------
    phases : tuple of str
        Among "open", "quote", "trade", "hedge" and "liquidate".
    margin_rule : str
        The rule its accounts are under (`sim.accounts.margin`): those under "none" are never checked.
    option_slots : int
        How many different contracts a row will hold, 0 if it never holds options.
    hedges : bool
        Whether its orders neutralise a risk; counterfactual arms mute these.
    hedged_share : float
        Share of its gamma that is hedged, if it hedges; counts in the loop gain.
    mechanism : str
        What its hedging is called where amplification is credited to mechanisms.
    steady : mapping of str to object
        Parameters with which its liquidity stays in place when volatility rises.
    buyers : str
        Population whose rows take the other side of the options that it trades at a desk, or `end_users`.
    is_backed : bool
        Whether the insurance fund stands behind its accounts.
    account : ndarray of int64, shape (chains, N)
        Account of each row on each chain. An order to a venue comes from the one on the venue's chain
        (`chain` of its terms and of its row in the View's quotes). They need not lie together.
    asset : int
        The asset whose risk the population carries; its gamma counts towards that asset's loop gain.
    gamma_power : float or None
        Of the price that the gamma goes with which it hedges, if that is in no option and goes with one.
    unlisted : ndarray of float64, shape (2,)
        Gamma and delta of exposures that are not instruments, for the series; written by the population.
    """

    phases: ClassVar[tuple[str, ...]] = ()
    margin_rule: str = "standard"
    option_slots: int = 0
    hedges: bool = False
    hedged_share: float = 1.0
    gamma_power: float | None = None
    mechanism: ClassVar[str] = ""
    steady: ClassVar[Mapping[str, Any]] = {}
    is_backed: bool = False
    buyers: str = SYSTEM[END_USERS]

    class Parameters(BaseParameters):
        """What a scenario may say of this population; subclasses add fields.

        Parameters
        ----------
        cash : float or distribution
            Opening cash per row, quote currency.
        latency_seconds : float or distribution
            Decision to arrival.
        """

        cash: NonNegative = 1_000_000.0
        latency_seconds: Delay = 0.05

    def __init__(self, model: mesa.Model, name: str, count: int, parameters: Any, listing: Listing) -> None:
        super().__init__(model)
        self.name = name
        self.rows = count
        self.parameters = parameters
        self.draws = Draws(listing.seed, name)
        self.account = listing.take_accounts(count)
        self.asset = 0
        self.unlisted = np.zeros(2)
        self.prepare(listing)

    @classmethod
    def bytes_of_row(cls, parameters: Any) -> float:
        """About how much memory a participant takes, its account and its orders of a step included."""
        return PLAIN_ROW

    @classmethod
    def may_hedge(cls, parameters: Any) -> bool:
        """Whether a population of these parameters keeps hedges, so that arms take them out."""
        return cls.hedges or hasattr(parameters, "hedging")

    @classmethod
    def bytes_beside(cls, parameters: Any, step_seconds: float) -> Mapping[str, float]:
        """Memory that parameters ask for however many participants there are, by their names."""
        return {}

    def prepare(self, listing: Listing) -> None:
        """Draw columns, claim tags and list contracts; once, before the first step."""

    def endowment(self) -> tuple[np.ndarray, Mapping[int, np.ndarray]]:
        """Opening cash per row, and opening lots per row of dense instruments."""
        return self.column("cash"), {}

    def decide(self, phase: str, view: View, outbox: Outbox) -> None:
        """Send the orders of this phase."""

    def reroute(self, orders: np.ndarray, view: View) -> None:
        """Choose anew where hedges of its own go, by the market as it is; the amounts stay.

        Arms that replay hedges ask. Those of a population without a route stay where they were sent.

        Parameters
        ----------
        orders : ndarray of ORDER
            Sized in lots of the venue they name; changed in place.
        """

    def permanent_impact(self, venue: int) -> tuple[float, float]:
        """How far its quotes at a venue follow a unit of net flow for good, and how much it quotes there.

        Zeros unless the population makes a market there; the loop gain asks.

        Parameters
        ----------
        venue : int
            Row in the View's quotes.

        Returns
        -------
        impact : float
            Share of the price per unit bought less sold by takers, averaged over what is quoted.
        size : float
            Units quoted a side, which the statements of several populations are weighted by.
        """
        return 0.0, 0.0

    def option_weights(self) -> np.ndarray:
        """Weight of each row, shape (N,), where others sell options to this population; equal ones."""
        return np.ones(self.rows)

    def report(self) -> dict[str, Any]:
        """What the manifest should say of this population beyond its parameters, as plain values."""
        return {}

    def column(self, parameter: str) -> np.ndarray:
        """A value per row of a parameter that may be a distribution."""
        asked = getattr(self.parameters, parameter)
        values = self.draws.column(asked, parameter, self.rows)
        if isinstance(asked, Distribution):
            check_draws(type(self.parameters), parameter, values)
        return values

    def expect_orders(self, a_second: float, step_seconds: float) -> None:
        """Raise Misfit if more orders are to be expected in a step than can be sent.

        Parameters
        ----------
        a_second : float
            Mean of all rows together.
        step_seconds : float
        """
        if not a_second * step_seconds <= MOST_ORDERS:
            what = f"sends about {a_second * step_seconds:.3g} orders in a step of {step_seconds:g} s"
            remedy = "fewer or slower participants, or shorter steps: "
            raise Misfit(what, allowed=[f"{remedy}at most {MOST_ORDERS:,} orders"])

    def counts(self, parameter: str) -> np.ndarray:
        """A whole number per row of a parameter that may be a distribution: its draws, rounded."""
        whole: np.ndarray = np.rint(self.column(parameter)).astype(np.int64)
        return whole

    @cached_property
    def latency(self) -> np.ndarray:
        """Seconds from decision to arrival of each row; drawn when first asked for."""
        return self.column("latency_seconds")

    @property
    def accounts(self) -> np.ndarray:
        """Account of every row where order books settle, on the first chain."""
        own: np.ndarray = self.account[0]
        return own

    @property
    def first(self) -> int:
        """Account of row 0 where order books settle; those of other rows need not follow it."""
        return int(self.account[0, 0])

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, row: int) -> Row:
        if not -self.rows <= row < self.rows:
            raise IndexError(f"{self.name} has {self.rows} rows, not {row}")
        return Row(self, row % self.rows)

    def __iter__(self) -> Iterator[Row]:
        return (Row(self, row) for row in range(self.rows))
