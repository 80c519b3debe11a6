"""High-frequency makers: quotes around the mid that price what the order flow foretells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from agents.capacity import capacity
from agents.kernels.anticipating import Flow, Ladders, anticipate, watch
from agents.kernels.sending import Looks, Senders
from sim.base.typed_call import TypedCall
from sim.messages.outbox import Outbox
from sim.messages.view import View
from sim.population import PLAIN_ROW, Population
from sim.records import QUOTE
from sim.setup.distributions import typical
from sim.setup.limits import HIGHEST_BPS, LONGEST, MOST, MOST_UNITS
from sim.setup.listing import SECONDS_PER_YEAR, Listing
from sim.setup.misfit import Misfit, within
from sim.setup.parameters import (
    Bps,
    Count,
    NonNegative,
    Positive,
    Seconds,
    Units,
    VenueName,
    Volatility,
    at_most,
    up_to,
)

BPS = 1e-4
QUOTE_BYTES = 750
"""Of a quote: sent, routed, resting, and what the tape sets aside for it."""


class HighFrequencyMakers(Population):
    """Makers who quote tightly around the mid, carry little, and run ahead of the flow they expect.

    They keep exponential averages of what takers bought less what they sold, and from each the price
    change that it foretells; the change of that forecast since a maker's last look is added to the
    mid, and so is the news: only what is new in the flow moves the quotes, so flow that was to be
    expected, lagged hedges among it, meets quotes that have moved already. Weights are learned from what the
    mid did afterwards, starting at those given. Quotes lean against inventory, thin out as volatility rises
    and are withdrawn above a threshold and in breach.

    A maker lives by its capital: sizes and limit shrink in proportion once its equity falls below
    what it opened with, it is under margin like anybody, and liquidated if it comes to that.

    Leaves out: hedging elsewhere, and competition in spreads. All makers see the same forecast.

    Notes
    -----
    That only the surprise in a predictable flow may move the price is Lillo & Farmer (2004), Studies in
    Nonlinear Dynamics & Econometrics 8(3), and Bouchaud, Gefen, Potters & Wyart (2004), Quantitative
    Finance 4, 176-190; leaning against inventory is Avellaneda & Stoikov (2008).

    Attributes
    ----------
    weights : ndarray of float64, shape (K,)
        Basis points that a unit a second of each average foretells, as learned so far.
    peak : ndarray of float64, shape (N,)
        Largest share of its inventory limit that each row ever used.
    """

    phases = ("quote",)
    steady: ClassVar[Mapping[str, Any]] = {"thinning": 0.0, "withdrawal_volatility": 1e9}

    class Parameters(Population.Parameters):
        """Ladders, anticipation and limits, per row but for the anticipation.

        Parameters
        ----------
        venue : str
            An order book.
        levels : int or distribution
            Levels on each side, 50 at most.
        interval_seconds : float or distribution
            Time between requotes.
        spread_bps, spacing_bps : float or distribution
            Half spread in a calm market, and distance between levels.
        volatility_factor : float or distribution
            Half spread added per standard deviation of one second's return.
        size, growth : float or distribution
            Units at the first level, and ratio of each level's size to the one before.
        skew_bps : float or distribution
            Shift of the quotes at the inventory limit.
        inventory_limit : float or distribution
            Units.
        spot_units : float or distribution
            Opening inventory where the venue trades spot, which is never sold short; it does not
            count towards skew and limit. `inventory_limit` if not given.
        news_response : float or distribution
            Share of a change of the exogenous value that the quotes take over at once.
        memory_seconds : list of float
            Time constants of the averages of the flow.
        anticipation_bps : list of float
            What a unit a second of each foretells to begin with; none of all if not given.
        most_flow : float
            Units a second beyond which flow counts less and less.
        learning_rate : float
            Of the weights, a look; 0 keeps them.
        horizon_seconds : float
            Over which the price change that flow foretells is measured.
        calm_volatility, thinning, withdrawal_volatility : float or distribution
            Sizes fall as (calm / volatility) ** thinning; above `withdrawal_volatility` (per
            year) a maker quotes nothing.
        exhaustion : float
            Share of its opening equity at which a maker quotes nothing any more; between all of it and
            this, sizes and limit fall in proportion.
        """

        cash: NonNegative = 10_000_000.0
        venue: VenueName
        levels: Annotated[Count, at_most(50.0)] = 8
        interval_seconds: Seconds = 1.0
        spread_bps: Bps = 0.3
        spacing_bps: Annotated[Positive, up_to(HIGHEST_BPS)] = 0.6
        volatility_factor: Annotated[NonNegative, up_to(1e6)] = 0.0
        size: Units = 0.4
        growth: Annotated[Positive, up_to(100.0)] = 1.3
        skew_bps: Bps = 1.0
        inventory_limit: Units = 60.0
        spot_units: Annotated[NonNegative, up_to(MOST_UNITS)] | None = None
        news_response: Annotated[NonNegative, up_to(100.0)] = 1.0
        memory_seconds: list[Annotated[float, Field(gt=0, le=LONGEST)]] = Field(
            default=[5.0, 30.0, 150.0], min_length=1, max_length=16
        )
        anticipation_bps: list[Annotated[float, Field(ge=-MOST, le=MOST)]] = Field(default_factory=list)
        most_flow: float = Field(default=3.0, gt=0, le=MOST)
        learning_rate: float = Field(default=0.0, ge=0, le=1)
        horizon_seconds: float = Field(default=60.0, gt=0, le=LONGEST)
        calm_volatility: Volatility = 0.8
        thinning: Annotated[NonNegative, up_to(100.0)] = 1.0
        withdrawal_volatility: Positive = 1e9
        exhaustion: Annotated[float, Field(ge=0, lt=1)] = 0.3

    @classmethod
    def bytes_of_row(cls, parameters: Any) -> float:
        """A row, and a quote a level and side."""
        return PLAIN_ROW + 2 * typical(parameters.levels) * QUOTE_BYTES

    @classmethod
    def bytes_beside(cls, parameters: Any, step_seconds: float) -> Mapping[str, float]:
        """The averages and the mid of every step of the horizon."""
        looks = parameters.horizon_seconds / step_seconds
        return {"horizon_seconds": 8 * looks * (len(parameters.memory_seconds) + 1)}

    def prepare(self, listing: Listing) -> None:
        """Draw the ladders and claim a tag for every level and side, every row as for the largest ladder."""
        own = self.parameters
        with within("venue"):
            terms = listing.venue(own.venue, QUOTE, on_grid=True)
        self.asset = terms.asset
        levels = self.counts("levels")
        interval = self.column("interval_seconds")
        offset = interval * self.draws.uniforms("offset", self.rows)
        self._looks = Looks(interval, offset, np.zeros(self.rows))
        self._place, self._senders = terms.place, Senders(self.account[terms.chain], self.latency)
        self.peak = np.zeros(self.rows)
        brought = "inventory_limit" if own.spot_units is None else "spot_units"
        self._who = Ladders(
            first_tag=listing.take_tags(terms.index, 2 * int(levels.max()) * self.rows),
            most_levels=int(levels.max()),
            second_share=SECONDS_PER_YEAR**-0.5,
            levels=levels,
            spread=BPS * self.column("spread_bps"),
            volatility_factor=self.column("volatility_factor"),
            spacing=BPS * self.column("spacing_bps"),
            skew=BPS * self.column("skew_bps"),
            size=self.column("size"),
            growth=self.column("growth"),
            limit=self.column("inventory_limit"),
            baseline=terms.brought(np.floor(self.column(brought) / terms.lot)),
            response=self.column("news_response"),
            calm=self.column("calm_volatility"),
            thinning=self.column("thinning"),
            withdrawal=self.column("withdrawal_volatility"),
            strength=np.ones(self.rows),
            seen_value=np.full(self.rows, listing.spots[self.asset]),
            forecast=np.zeros(self.rows),
            price=np.full(self.rows, listing.spots[self.asset]),
            peak=self.peak,
        )
        self._flow = self._prepared_flow(listing)
        self._watch, self._anticipate = TypedCall(watch), TypedCall(anticipate)

    def _prepared_flow(self, listing: Listing) -> Flow:
        own = self.parameters
        memory = np.array(own.memory_seconds)
        if len(own.anticipation_bps) not in (0, memory.size):
            what = f"has {len(own.anticipation_bps)} numbers for {memory.size} averages (memory_seconds)"
            raise Misfit(what, ("anticipation_bps",))
        looks = max(round(own.horizon_seconds / listing.step_seconds), 1)
        weight = np.array(own.anticipation_bps) if own.anticipation_bps else np.zeros(memory.size)
        zeros, past, seen = np.zeros((2, memory.size)), np.zeros((looks, memory.size)), np.zeros(4)
        bend, rate = own.most_flow, own.learning_rate
        return Flow(memory, zeros[0], zeros[1], weight, past, np.ones(looks), seen, bend, rate)

    @property
    def weights(self) -> np.ndarray:
        """Basis points that a unit a second of each average of the flow foretells, as learned so far."""
        found: np.ndarray = self._flow.weight
        return found

    def endowment(self) -> tuple[np.ndarray, Mapping[int, np.ndarray]]:
        """Cash, and an inventory if the venue trades spot."""
        baseline = self._who.baseline
        return self.column("cash"), {self._place.instrument: baseline} if baseline.any() else {}

    def report(self) -> dict[str, Any]:
        """How many came near their inventory limit, and what they learned of the flow."""
        return {**capacity(self.peak), "weights": self.weights.tolist()}

    def decide(self, phase: str, view: View, outbox: Outbox) -> None:
        """Take in the flow, and requote the rows whose clock ticks."""
        quote = view.quotes[self._place.venue]
        mid, flow = float(quote["mid"]), int(quote["net_flow"])
        forecast = self._watch.call(view.time, flow, self._place.lot, mid, self._flow)
        self._weigh(view)
        outbox.reserve(2 * self._who.most_levels * self.rows)
        self._anticipate.call(
            view.time,
            forecast,
            view.quotes,
            view.assets,
            view.position,
            self._place,
            self._senders,
            self._looks,
            self._who,
            outbox.out,
        )

    def _weigh(self, view: View) -> None:
        """Say what each row's capital is good for: all at its opening equity, nothing where exhausted."""
        accounts = self._senders.account
        if view.time == 0.0:
            self._opening, _ = view.standing(accounts)
        rows = np.flatnonzero(self._looks.next_at <= view.time)
        equity, _ = view.standing(accounts[rows])
        left, exhaustion = equity / np.maximum(self._opening[rows], 1e-12), self.parameters.exhaustion
        strength = np.minimum(np.maximum((left - exhaustion) / (1.0 - exhaustion), 0.0), 1.0)
        self._who.strength[rows] = np.where(view.is_in_breach[accounts[rows]], 0.0, strength)
