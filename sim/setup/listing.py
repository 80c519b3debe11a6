"""The listing: what is fixed before the first step, and what populations claim from it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from pydantic import Field

from sim.kernels.messages.outbox import Place
from sim.kernels.messages.owners import Owners
from sim.records import KINDS, REQUEST
from sim.setup.instruments import Universe
from sim.setup.limits import HIGHEST_VOLATILITY
from sim.setup.misfit import Misfit, NotOneOf
from sim.setup.table import Parameters

# Accounts every market has, each a population of its own in records and figures.
OUTSIDE = 0  # takes the other side of opening positions
FEES = 1
INSURANCE = 2
END_USERS = 3  # of options
CLEARING = 4
SYSTEM = ("outside", "fees", "insurance", "end_users", "clearing")

SHOCKS = "shocks"
"""Who stands behind exogenous orders: the name of a population."""

SECONDS_PER_YEAR = 365.0 * 86400.0


class Smile(Parameters):
    """Implied volatility by strike and time: atm + skew m + curvature m².

    Parameters
    ----------
    atm : float
        At the money, per year.
    skew, curvature : float
        Per unit and per squared unit of m = ln(K / S) / √T, T in years.
    floor : float
        Lowest volatility.
    """

    atm: float = Field(default=0.6, gt=0, le=HIGHEST_VOLATILITY)
    skew: float = Field(default=-0.05, ge=-HIGHEST_VOLATILITY, le=HIGHEST_VOLATILITY)
    curvature: float = Field(default=0.05, ge=-HIGHEST_VOLATILITY, le=HIGHEST_VOLATILITY)
    floor: float = Field(default=0.05, gt=0, le=HIGHEST_VOLATILITY)

    def volatility(self, strike: float, spot: float, seconds: float) -> float:
        """Implied volatility of a strike, per year."""
        m = math.log(strike / spot) / math.sqrt(max(seconds, 3600.0) / SECONDS_PER_YEAR)
        return max(self.floor, self.atm + self.skew * m + self.curvature * m * m)


@dataclass
class VenueTerms:
    """What a population may know of a venue before the first step.

    `precedence`, `takes` and `chain` are the venue's (`sim.venues.Venue`): whose mid is the asset's reference
    mid, which kinds of orders it takes, and on which chain the accounts are that trade there. Spot
    (`is_spot`) is never sold short.
    """

    index: int
    name: str
    type: str
    asset: int
    instrument: int
    tick: float
    lot: float
    precedence: int = 0
    takes: tuple[int, ...] = ()
    chain: int = 0
    is_spot: bool = False

    @property
    def place(self) -> Place:
        """Where its orders go, as kernels take it."""
        return Place(self.index, self.instrument, self.asset, self.tick, self.lot)

    def brought(self, lots: np.ndarray) -> np.ndarray:
        """Of the lots that rows may come to sell those they have to bring: all of spot, else none."""
        return (lots if self.is_spot else np.zeros_like(lots)).astype(np.int64)

    def lacks(self, kind: int, *, on_grid: bool = False, sells_short: bool = False) -> str:
        """What keeps orders of a kind, prices in ticks, or short sales from here; empty if nothing does."""
        if kind and kind not in self.takes:
            return f"takes no orders of kind {KINDS[kind]}"
        if sells_short and self.is_spot:
            return "trades spot, of which nobody sells what it does not have"
        return "has no ticks" if on_grid and not self.tick > 0 else ""


@dataclass
class Listing:
    """The fixed side of a market, handed to every population as it is built.

    Attributes
    ----------
    seed : int
    step_seconds : float
    universe : Universe
    spots : list of float
        Opening price of each asset.
    smiles : list of Smile
        Implied volatilities of each asset.
    venues : dict of str to VenueTerms
    sinks : dict of str to VenueTerms
        Places outside the market, which populations do not know of.
    system : list of str
        Names of the system accounts; account and population number alike.
    tags : dict of int to int
        Order tags claimed per venue.
    chains : int
        How many chains there are: a row has an account on each. The first is where order books and desks,
        which are on none, settle.
    claims : list of ndarray of int64, shape (chains, N)
        Accounts claimed, a claim for each population.
    """

    seed: int
    step_seconds: float
    universe: Universe
    spots: list[float]
    smiles: list[Smile]
    venues: dict[str, VenueTerms] = field(default_factory=dict)
    sinks: dict[str, VenueTerms] = field(default_factory=dict)
    system: list[str] = field(default_factory=lambda: list(SYSTEM))
    tags: dict[int, int] = field(default_factory=dict)
    chains: int = 1
    claims: list[np.ndarray] = field(default_factory=list)

    @property
    def accounts(self) -> int:
        """How many accounts there are so far."""
        return len(self.system) + sum(claim.size for claim in self.claims)

    def add_system(self, name: str) -> int:
        """Add a system account, such as a pool's; before any population claims one."""
        if self.claims:
            raise ValueError(f"system account {name!r} comes after populations claimed theirs")
        self.system.append(name)
        return len(self.system) - 1

    def take_accounts(self, count: int) -> np.ndarray:
        """Claim an account on every chain for each of `count` rows; returns them, shape (chains, count)."""
        first = self.accounts
        self.claims.append(np.arange(first, first + self.chains * count).reshape(self.chains, count))
        return self.claims[-1]

    def owners(self) -> Owners:
        """Whose each account is, once all are claimed; populations are numbered after the system accounts."""
        population_of, row_of = np.zeros(self.accounts, np.int16), np.zeros(self.accounts, np.int32)
        system = np.arange(len(self.system)).reshape(-1, 1, 1)
        for number, claim in enumerate([*system, *self.claims]):
            population_of[claim], row_of[claim] = number, np.arange(claim.shape[1])
        return Owners(population_of, row_of)

    def take_tags(self, venue: int, count: int) -> int:
        """Claim `count` consecutive order tags at a venue; returns the first."""
        first = self.tags.get(venue, 0)
        self.tags[venue] = first + count
        return first

    def venue(
        self, name: str, kind: int = 0, *, on_grid: bool = False, sells_short: bool = False
    ) -> VenueTerms:
        """Terms of the venue of this name.

        Parameters
        ----------
        name : str
        kind : int
            Kind of orders that it has to take, any if 0.
        on_grid : bool
            Whether it has to trade at multiples of a tick.
        sells_short : bool
            Whether who trades there sells what it does not have.

        Raises
        ------
        NotOneOf
            Naming the venues there are.
        Misfit
            Naming the venues that would do.
        """
        if name not in self.venues:
            raise NotOneOf("venue", name, list(self.venues))
        lacks = partial(VenueTerms.lacks, kind=kind, on_grid=on_grid, sells_short=sells_short)
        if lack := lacks(self.venues[name]):
            fit = [each.name for each in self.venues.values() if not lacks(each)]
            raise Misfit(f'"{name}" {lack}', (), name, fit)
        return self.venues[name]

    def reference(self, asset: int) -> VenueTerms:
        """Terms of the venue whose mid is the asset's reference mid.

        Raises
        ------
        Misfit
            If no venue gives the asset a price.
        """
        priced = [terms for terms in self.venues.values() if terms.asset == asset and terms.precedence > 0]
        if not priced:
            name = self.universe.assets[asset]
            priced_by = "an order book, a pool or a linear market"
            raise Misfit(f"no venue gives {name} a price; list {priced_by} for it")
        return max(priced, key=lambda terms: terms.precedence)

    def lot(self, asset: int) -> float:
        """Units in a lot of an asset's first venue that has lots, 1 without one."""
        return next((v.lot for v in self.venues.values() if v.asset == asset and v.lot > 0), 1.0)

    def desk(self, asset: int) -> VenueTerms:
        """The venue that answers requests for quotes in the asset, else one that does in any.

        Raises
        ------
        Misfit
            If there is none.
        """
        for traded in (asset, -1):
            for terms in self.venues.values():
                if REQUEST in terms.takes and terms.asset == traded:
                    return terms
        name = self.universe.assets[asset]
        raise Misfit(f'needs a desk for {name}, or for every asset; list a venue of type "rfq.Desk"')
