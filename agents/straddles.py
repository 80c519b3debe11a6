"""Straddle hedgers: at-the-money straddles struck anew each session, hedged on an order book."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from pydantic import Field

from sim.messages.outbox import Outbox
from sim.messages.view import View
from sim.population import Population
from sim.records import ABSOLUTE, CANCEL_ALL, HEDGE, LIMIT, MARKET, OWN_BEST
from sim.setup.limits import HIGHEST_PRICE, LONGEST, MOST_ROWS, MOST_UNITS, SHORTEST
from sim.setup.listing import SECONDS_PER_YEAR, Listing
from sim.setup.misfit import Misfit, within
from sim.setup.parameters import Delay, NonNegative, Real, VenueName, up_to


class StraddleHedgers(Population):
    """Holders of straddles in a market of normal price changes, hedging first passively, then at once.

    At the start of each session the old straddles are gone, as many new ones are struck at the mid,
    and the hedge held is no longer counted. At every look the row sends the difference between its delta
    and what it has resting: a limit order at the best price of its own side, and at the last look
    of a cycle a market order. What does not trade rests until the session ends. Above zero straddles is
    long gamma. Rules of the hedger of Buis, Pieterse-Bloem, Verschoor & Zwinkels (2024).

    Leaves out: the value of the straddles, which are in no account (their gamma and delta are in the
    series), premium, and margin (these accounts have no limit).

    Notes
    -----
    Bachelier delta of a straddle 2 Φ((S - K) / (σ √τ)) - 1, gamma 2 φ((S - K) / (σ √τ)) / (σ √τ), with the
    volatility σ of prices, not of returns (Bachelier 1900).
    """

    phases = ("open", "hedge", "liquidate")
    margin_rule = "none"
    mechanism = "straddle hedging"
    hedges = True

    class Parameters(Population.Parameters):
        """The straddles and how they are hedged.

        Parameters
        ----------
        venue : str
            An order book.
        straddles : float or distribution
            Held by a row; below zero written.
        volatility : float
            Of the price, quote currency per square root of a year.
        session_seconds : float
            From one striking to the next.
        expiry_seconds : float
            From striking to expiry, at least a session.
        interval_seconds : float
            Between looks; a whole number of steps.
        cycle : int
            Looks in a cycle, of which the last trades at the market.
        """

        venue: VenueName
        straddles: Annotated[Real, up_to(MOST_UNITS)]
        volatility: float = Field(gt=0, le=HIGHEST_PRICE)
        session_seconds: float = Field(ge=SHORTEST, le=LONGEST)
        expiry_seconds: float = Field(ge=SHORTEST, le=LONGEST)
        interval_seconds: float = Field(ge=SHORTEST, le=LONGEST)
        cycle: int = Field(default=4, ge=1, le=MOST_ROWS)
        cash: NonNegative = 0.0
        latency_seconds: Delay = 0.0

    def prepare(self, listing: Listing) -> None:
        """Draw the straddles."""
        own = self.parameters
        if own.expiry_seconds < own.session_seconds:
            what = f"found {own.expiry_seconds:g}; straddles would expire before their session ends"
            raise Misfit(what, ("expiry_seconds",), allowed=[f"at least {own.session_seconds:g}"])
        if float(self.latency.max(initial=0.0)) > own.interval_seconds:
            what = "a hedge would still be on its way at the next look, which would send it again"
            raise Misfit(what, ("latency_seconds",), allowed=[f"at most {own.interval_seconds:g}"])
        with within("venue"):
            self._terms = listing.venue(own.venue, LIMIT)
        self.asset, self._account = self._terms.asset, self.account[self._terms.chain]
        self.straddles = self.column("straddles")
        self._looks = self._session = 0
        self._struck_at, self._strike = 0.0, listing.spots[self.asset]
        self._baseline = np.zeros(self.rows, np.int64)

    def decide(self, phase: str, view: View, outbox: Outbox) -> None:
        """Hedge when a look is due; strike anew after it when a session begins."""
        looks = math.floor(view.time / self.parameters.interval_seconds + 1e-9)
        session = math.floor(view.time / self.parameters.session_seconds + 1e-9)
        if phase == "open":
            self._strike_anew(view)
        elif phase == "hedge" and looks > self._looks:
            self._looks = looks
            self._hedge(view, outbox)
        elif phase == "liquidate" and session > self._session:
            self._session = session
            self._strike_anew(view)
            for account in self._account[view.resting[self._terms.index]["resting"][self._account] > 0]:
                outbox.send(int(account), self._terms.index, CANCEL_ALL, 0)
        self._show(view)

    def _strike_anew(self, view: View) -> None:
        self._strike, self._struck_at = float(view.assets[self.asset]["mid"]), view.time
        self._baseline = view.position[self._terms.instrument, self._account]

    def _spread_of_price(self, now: float) -> float:
        """σ √τ, quote currency."""
        left = self._struck_at + self.parameters.expiry_seconds - now
        deviation: float = self.parameters.volatility * math.sqrt(max(left, 1.0) / SECONDS_PER_YEAR)
        return deviation

    def _straddle_delta(self, view: View) -> float:
        """Delta of one straddle, units."""
        away = float(view.assets[self.asset]["mid"]) - self._strike
        return math.erf(away / (self._spread_of_price(view.time) * math.sqrt(2.0)))

    def _hedge(self, view: View, outbox: Outbox) -> None:
        """Send what is missing, resting orders counted."""
        terms = self._terms
        stock = (view.position[terms.instrument, self._account] - self._baseline) * terms.lot
        open_orders = view.resting[terms.index][self._account]
        selling = (open_orders["selling"] - open_orders["buying"]) * terms.lot
        missing = self.straddles * self._straddle_delta(view) + stock - selling
        is_last = self._looks % self.parameters.cycle == 0
        for row in range(self.rows):
            lots = round(-missing[row] / terms.lot)
            if lots:
                kind = MARKET if is_last else LIMIT
                outbox.send(
                    int(self._account[row]),
                    terms.index,
                    kind,
                    lots,
                    float(self.latency[row]),
                    price_ref=ABSOLUTE if is_last else OWN_BEST,
                    reason=HEDGE,
                )

    def _show(self, view: View) -> None:
        """Let the series have gamma and delta of the straddles."""
        deviation = self._spread_of_price(view.time)
        z = (float(view.assets[self.asset]["mid"]) - self._strike) / deviation
        held = float(self.straddles.sum())
        density = math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
        self.unlisted[:] = held * 2.0 * density / deviation, held * self._straddle_delta(view)
