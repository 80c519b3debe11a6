"""Market makers: inventory-averse quotes that thin and leave when volatility rises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import numpy as np

from agents.capacity import capacity
from agents.kernels.quoting import BPS, LEVELS, Makers, quote
from agents.kernels.sending import Looks, Senders
from sim.base.typed_call import TypedCall
from sim.messages.outbox import Outbox
from sim.messages.view import View
from sim.population import PLAIN_ROW, Population
from sim.records import QUOTE
from sim.setup.distributions import typical
from sim.setup.limits import HIGHEST_BPS, MOST_UNITS
from sim.setup.listing import SECONDS_PER_YEAR, Listing
from sim.setup.misfit import within
from sim.setup.parameters import (
    Bps,
    Count,
    NonNegative,
    Positive,
    Rate,
    Seconds,
    Units,
    VenueName,
    Volatility,
    at_most,
    up_to,
)

COLUMNS = (
    "spread_bps",
    "volatility_factor",
    "spacing_bps",
    "size",
    "growth",
    "learning_bps",
    "news_response",
    "anchor_per_second",
    "skew_bps",
    "inventory_limit",
    "calm_volatility",
    "thinning",
    "withdrawal_volatility",
    "levels",
)

QUOTE_BYTES = 750
"""Of a quote: sent, routed, resting, and what the tape sets aside for it."""


class MarketMakers(Population):
    """Makers who quote several levels on each side of a reservation price of their own.

    The reservation price moves with signed market-order flow (so part of every trade's impact is
    permanent) and with news, the changes of the exogenous value; it returns slowly to the value's level
    and is shifted against inventory. The
    half spread is a base plus a multiple of the volatility of one second; sizes fall as
    volatility rises above calm, and above a threshold a maker withdraws altogether, so
    liquidity leaves when it is needed; a maker in breach of its margin withdraws too. Quotes are
    replaced under their tags; one that crosses another maker's trades with it. The first quotes
    arrive with the first step; after that every row requotes by its own clock.

    Notes
    -----
    Skewing against inventory is Avellaneda & Stoikov (2008); learning from flow is the linear
    rule of Kyle (1985) and Glosten & Milgrom (1985), in basis points per unit.

    Leaves out: queue position, competition in spreads, and hedging on other venues.

    Attributes
    ----------
    fair : ndarray of float64, shape (N,)
        Reservation price before inventory, quote currency.
    levels : ndarray of int64, shape (N,)
        Levels that each row quotes on each side.
    peak : ndarray of float64, shape (N,)
        Largest share of its inventory limit that each row ever used.
    """

    phases = ("quote",)
    steady: ClassVar[Mapping[str, Any]] = {"thinning": 0.0, "withdrawal_volatility": 1e9}

    class Parameters(Population.Parameters):
        """Quotes, learning and limits, per row.

        Parameters
        ----------
        venue : str
            An order book.
        levels : int or distribution
            Levels on each side, 50 at most.
        interval_seconds : float or distribution
            Time between requotes.
        spread_bps : float or distribution
            Half spread in a calm market.
        volatility_factor : float or distribution
            Half spread added per standard deviation of one second's return.
        spacing_bps : float or distribution
            Distance between levels.
        size : float or distribution
            Units at the first level.
        growth : float or distribution
            Ratio of each level's size to the one before.
        learning_bps : float or distribution
            Basis points the reservation price moves per unit of signed flow.
        news_response : float or distribution
            Share of a change of the exogenous value that the reservation price takes over at once.
        spot_units : float or distribution
            Opening inventory where the venue trades spot, which is never sold short; it does not
            count towards skew and limit. `inventory_limit` if not given.
        anchor_per_second : float or distribution
            Rate of return to the exogenous value.
        skew_bps : float or distribution
            Shift of the quotes at the inventory limit.
        inventory_limit : float or distribution
            Units.
        calm_volatility, thinning, withdrawal_volatility : float or distribution
            Sizes fall as (calm / volatility) ** thinning; above `withdrawal_volatility` (per
            year) a maker quotes nothing.
        """

        cash: NonNegative = 50_000_000.0
        venue: VenueName
        levels: Annotated[Count, at_most(50.0)] = 5
        interval_seconds: Seconds = 1.0
        spread_bps: Bps = 1.0
        volatility_factor: Annotated[NonNegative, up_to(1e6)] = 0.5
        spacing_bps: Annotated[Positive, up_to(HIGHEST_BPS)] = 5.0
        size: Units = 1.0
        growth: Annotated[Positive, up_to(100.0)] = 1.2
        learning_bps: Bps = 0.02
        news_response: Annotated[NonNegative, up_to(100.0)] = 1.0
        anchor_per_second: Rate = 0.0005
        skew_bps: Bps = 10.0
        inventory_limit: Units = 200.0
        spot_units: Annotated[NonNegative, up_to(MOST_UNITS)] | None = None
        calm_volatility: Volatility = 0.8
        thinning: Annotated[NonNegative, up_to(100.0)] = 1.0
        withdrawal_volatility: Positive = 1e9

    @classmethod
    def bytes_of_row(cls, parameters: Any) -> float:
        """A row, and a quote a level and side."""
        return PLAIN_ROW + 2 * typical(parameters.levels) * QUOTE_BYTES

    def prepare(self, listing: Listing) -> None:
        """Draw the columns and claim a tag for every level and side, every row as for the largest ladder."""
        own = self.parameters
        with within("venue"):
            self._terms = listing.venue(own.venue, QUOTE)
        self.asset, self._place = self._terms.asset, self._terms.place
        self.levels = self.counts("levels")
        self._most_levels = int(self.levels.max())
        first_tag = listing.take_tags(self._terms.index, 2 * self._most_levels * self.rows)
        self._columns = np.array([self.column(name) for name in COLUMNS])
        self._columns[LEVELS] = self.levels
        self._baseline = self._inventory()
        interval = self.column("interval_seconds")
        offset = self.draws.uniforms("offset", self.rows) * interval
        self._looks = Looks(interval, offset, np.zeros(self.rows))
        self._senders = Senders(self.account[self._terms.chain], self.latency)
        self.fair = np.full(self.rows, listing.spots[self.asset])
        self.peak = np.zeros(self.rows)
        self._makers = Makers(
            self.fair,
            np.zeros(self.rows, np.int64),
            self.fair.copy(),
            np.zeros(self.rows),
            self._baseline,
            self.peak,
            self._columns,
            first_tag,
            self._most_levels,
            SECONDS_PER_YEAR**-0.5,
        )
        self._quote = TypedCall(quote)

    def _inventory(self) -> np.ndarray:
        """Opening lots of each row: none of a perpetual."""
        name = "inventory_limit" if self.parameters.spot_units is None else "spot_units"
        return self._terms.brought(np.floor(self.column(name) / self._terms.lot))

    def endowment(self) -> tuple[np.ndarray, Mapping[int, np.ndarray]]:
        """Cash, and an inventory if the venue trades spot."""
        return self.column("cash"), {self._terms.instrument: self._baseline} if self._baseline.any() else {}

    def permanent_impact(self, venue: int) -> tuple[float, float]:
        """What the reservation prices learn from a unit of flow, averaged over the units quoted.

        The return to the exogenous value and the skew against inventory are not in it.
        """
        if venue != self._terms.index:
            return 0.0, 0.0
        column = dict(zip(COLUMNS, self._columns, strict=True))
        level = np.arange(self._most_levels)
        ladder = (column["growth"][:, None] ** level * (level < self.levels[:, None])).sum(axis=1)
        quoted = np.minimum(column["size"] * ladder, column["inventory_limit"])
        return float(np.average(column["learning_bps"], weights=quoted)) * BPS, float(quoted.sum())

    def report(self) -> dict[str, Any]:
        """How many came near their inventory limit."""
        return capacity(self.peak)

    def decide(self, phase: str, view: View, outbox: Outbox) -> None:
        """Requote the rows whose clock ticks."""
        outbox.reserve(2 * self._most_levels * self.rows)
        self._quote.call(
            view.time,
            view.quotes,
            view.assets,
            view.position,
            view.is_in_breach,
            self._place,
            self._senders,
            self._looks,
            self._makers,
            outbox.out,
        )
