"""Latent investors: prices in mind, shown to the book only when the market comes near."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import numpy as np

from agents.kernels.revealing import Intentions, Investors, reveal
from agents.kernels.sending import Looks, Senders
from sim.base.typed_call import TypedCall
from sim.kernels.base.draws import normal_quantiles
from sim.messages.outbox import Outbox
from sim.messages.view import View
from sim.population import PLAIN_ROW, Population
from sim.records import QUOTE
from sim.setup.limits import HIGHEST_BPS, MOST_UNITS
from sim.setup.listing import SECONDS_PER_YEAR, Listing
from sim.setup.misfit import Misfit, within
from sim.setup.parameters import Bps, Delay, Fraction, NonNegative, Positive, VenueName, Volatility, up_to

BPS = 1e-4
DAY = 86_400.0
QUOTE_BYTES = 750
"""Of an order: sent, routed, resting, and what the tape sets aside for it."""


class LatentInvestors(Population):
    """Investors who would buy below and sell above, of whom the book shows those who are near.

    Each row intends to buy once and to sell once. At Poisson times it reviews: what it takes for the
    price goes part of the way (`adaption`) to where the market is, and both reservation prices are placed up
    to its tolerance away from that. In between all move with
    what it learns of the exogenous value, late and with an error if so asked, never towards its level. An
    intention is sent to the book while the price is within the row's reach; once filled it is gone until
    the next review, and one that would take the row beyond the most it holds is not made: what
    investors can absorb is limited, and they own what they need for it.

    Tolerances are spread evenly in logarithm between `nearest_bps` and `furthest_bps`. A row of tolerance d
    is of size 2 `density` V (d / σ)² Δln d with V the volume and σ the volatility of a day, and waits
    `renewal` (d / σ₁)² for its next review, σ₁ that of a second: far from the price there is ever
    more to trade, which answers ever more slowly. The density of what would trade within d of the price
    then grows with d, and a large order moves the price as the square root of its size.

    Leaves out: why they invest, views on where the value goes, and stops.

    Notes
    -----
    A latent order book whose density grows linearly away from the price and is renewed gives the
    square-root law: Toth et al. (2011), Physical Review X 1, 021006; Mastromatteo, Toth & Bouchaud
    (2014), Physical Review E 89, 042805; Donier, Bonart, Mastromatteo & Bouchaud (2015), Quantitative
    Finance 15, 1109-1121. Tolerances, sizes, and reviews in proportion are this project's.

    Attributes
    ----------
    tolerance : ndarray of float64, shape (N,)
        Distance of an intention at a review at most, logarithmic.
    """

    phases = ("quote",)

    class Parameters(Population.Parameters):
        """Sizes, patience and reach.

        Parameters
        ----------
        venue : str
            An order book.
        daily_volume : float
            Units traded in the market in a day, V.
        volatility : float
            Of the market, per year, σ.
        nearest_bps, furthest_bps : float
            Tolerances are between these.
        density : float
            Of what would trade, as a share of V at a distance of σ.
        size_spread : float
            Standard deviation of the logarithm of sizes.
        renewal : float
            Of reviews: 1 waits as long as a random walk of volatility σ takes for the tolerance.
        reach_bps : float or distribution
            Distance from the price within which an intention is shown; beyond half as much again
            it is withdrawn.
        adaption : float or distribution
            Share of the way that what a row takes for the price goes to the market's at a review. Below 1
            what an uninformed order did to the price is forgotten in part: those who have not followed
            yet trade against it.
        news_interval_seconds : float or distribution
            How often a row looks at the exogenous value; 0 learns of it at once.
        news_response : float or distribution
            Share of its changes that a row takes over.
        news_noise : float or distribution
            Standard deviation of the relative error of that share.
        most_intentions : float or distribution
            How many of its own orders a row holds at most, long or short.
        laziness : float
            A price is sent again once it differs from the one shown by this share of its distance
            from the market.
        """

        cash: NonNegative = 0.0
        venue: VenueName
        daily_volume: Annotated[Positive, up_to(MOST_UNITS)] = 100_000.0
        volatility: Volatility = 0.45
        nearest_bps: Annotated[Positive, up_to(HIGHEST_BPS)] = 3.0
        furthest_bps: Annotated[Positive, up_to(HIGHEST_BPS)] = 2000.0
        density: Annotated[Positive, up_to(1e3)] = 0.12
        size_spread: Annotated[NonNegative, up_to(10.0)] = 0.5
        renewal: Annotated[Positive, up_to(1e6)] = 0.3
        reach_bps: Bps = 50.0
        adaption: Fraction = 0.2
        news_interval_seconds: Delay = 0.0
        news_response: Annotated[NonNegative, up_to(100.0)] = 1.0
        news_noise: Annotated[NonNegative, up_to(100.0)] = 0.0
        most_intentions: Annotated[Positive, up_to(1e6)] = 10.0
        laziness: Fraction = 0.1

    @classmethod
    def bytes_of_row(cls, parameters: Parameters) -> float:
        """A row and an order on each side."""
        return PLAIN_ROW + 2 * QUOTE_BYTES

    def prepare(self, listing: Listing) -> None:
        """Draw who they are, and spread the first reviews as if they had gone on forever."""
        own = self.parameters
        with within("venue"):
            terms = listing.venue(own.venue, QUOTE, on_grid=True)
        if own.furthest_bps < own.nearest_bps:
            raise Misfit(f"is below nearest_bps ({own.nearest_bps:g})", ("furthest_bps",))
        self.asset = terms.asset
        spot = listing.spots[self.asset]
        daily, second = own.volatility / np.sqrt(365.0), own.volatility / SECONDS_PER_YEAR**0.5
        spread = np.log(own.furthest_bps / own.nearest_bps) / self.rows
        places = np.arange(self.rows) + self.draws.uniforms("tolerance", self.rows)
        self.tolerance = BPS * own.nearest_bps * np.exp(spread * places)
        units = 2.0 * own.density * own.daily_volume * (self.tolerance / daily) ** 2 * spread
        sizes = np.exp(own.size_spread * normal_quantiles(self.draws.uniforms("size", self.rows)))
        lots = np.maximum(np.rint(units * sizes / terms.lot), 1.0)
        most = np.floor(lots * self.column("most_intentions"))
        self._capital = most * terms.lot * spot
        interval = self.column("news_interval_seconds")
        offset = interval * self.draws.uniforms("news", self.rows)
        self._looks = Looks(np.maximum(interval, listing.step_seconds), offset, offset.copy())
        self._place, self._senders = terms.place, Senders(self.account[terms.chain], self.latency)
        self._who = Investors(
            first_tag=listing.take_tags(terms.index, 2 * self.rows),
            laziness=own.laziness,
            key=self.draws.key("reviews"),
            lots=lots.astype(np.int64),
            most=most.astype(np.int64),
            baseline=terms.brought(most),
            tolerance=self.tolerance,
            wait=own.renewal * (self.tolerance / second) ** 2,
            reach=BPS * self.column("reach_bps"),
            adaption=self.column("adaption"),
            response=self.column("news_response"),
            noise=self.column("news_noise"),
        )
        self._state = Intentions(
            anchor=np.full(self.rows, spot),
            price=np.zeros((2, self.rows)),
            left=np.zeros((2, self.rows), np.int64),
            shown=np.zeros((2, self.rows), np.int64),
            told=np.zeros((2, self.rows)),
            seen=np.full(self.rows, spot),
            next_review=np.zeros(self.rows),
            arrives=np.zeros(self.rows),
            reviews=np.zeros(self.rows, np.int64),
        )
        self._reveal = TypedCall(reveal)

    def endowment(self) -> tuple[np.ndarray, Mapping[int, np.ndarray]]:
        """Cash for the most that is ever held, and as much of the asset where the venue trades spot."""
        held = {self._place.instrument: self._who.baseline} if self._who.baseline.any() else {}
        return self.column("cash") + self._capital, held

    def decide(self, phase: str, view: View, outbox: Outbox) -> None:
        """Show what is near and withdraw what is far."""
        outbox.reserve(2 * self.rows)
        self._reveal.call(
            view.time,
            view.quotes,
            view.assets,
            view.position,
            view.resting[self._place.venue],
            self._place,
            self._senders,
            self._looks,
            self._who,
            self._state,
            outbox.out,
        )
