"""The textbook markets: the price follows the exogenous value and moves with the net flow, nothing else."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from pydantic import Field, model_validator

from sim.base.typed_call import TypedCall
from sim.kernels.books import impact
from sim.kernels.messages.fields import (
    HAS_DEADLINE,
    HAS_PRICE,
    HAS_QTY,
    HAS_REFERENCE,
    HAS_TIF,
    HAS_VALUE,
    IS_REDUCE_ONLY,
    IS_SIDE_BY_VALUE,
)
from sim.kernels.messages.tape import Party
from sim.messages.tape import Tape
from sim.records import LIMIT, MARKET, NO_TICK, SWAP
from sim.setup.limits import FINEST, HIGHEST_PRICE, MOST_UNITS
from sim.setup.listing import OUTSIDE
from sim.setup.table import Parameters as BaseParameters
from sim.venues.surroundings import Surroundings
from sim.venues.venue import Venue

TRADES = HAS_QTY | HAS_DEADLINE | HAS_TIF | IS_REDUCE_ONLY | IS_SIDE_BY_VALUE


class LinearImpact(Venue):
    """A market maker of unlimited depth who moves the price by `impact` per unit traded.

    dS = follow dV + impact dQ, with V the exogenous value and Q the net quantity bought.
    An order pays the average of the price before and after it, so a round trip costs
    nothing and earns nothing. With `impact` 0 prices are exogenous. Theory (Frey & Stremme
    1997) is exact here.

    Takes market orders, swaps, and limit orders that are immediate or cancel (filled until
    the price they move reaches their limit) or fill or kill. The price stays at one tick
    where the value or an order would take it lower; such an order is refused, and so is one that
    would take it beyond 2^51 ticks (a market whose feedback is unstable gets there).

    Leaves out: the spread, resting orders, recovery of the price, and any limit to depth.
    """

    follows_value = True
    is_relative: ClassVar[bool] = False
    supply: float = 0.0

    class Parameters(BaseParameters):
        """Impact and grid.

        Parameters
        ----------
        tick, lot : float
            Grid of recorded prices and of quantities; the price itself is continuous.
        impact : float
            Quote currency per unit, for each unit traded.
        follow : float
            Share of the exogenous value's change that the price takes over.
        taker_fee_bps : float
        """

        tick: float = Field(default=0.0001, ge=FINEST, le=HIGHEST_PRICE)
        lot: float = Field(default=0.0001, ge=FINEST, le=MOST_UNITS)
        impact: float = Field(ge=0, le=HIGHEST_PRICE)
        follow: float = Field(default=1.0, ge=0, le=1e3)
        taker_fee_bps: float = Field(default=0.0, ge=0, le=1e4)

    precedence = 2
    takes = (MARKET, SWAP)
    meaning: ClassVar[dict[int, int]] = {
        MARKET: TRADES,
        SWAP: TRADES | HAS_VALUE,
        LIMIT: TRADES | HAS_PRICE | HAS_REFERENCE,
    }

    def __init__(self, name: str, index: int, asset: int, instrument: int, parameters: Any) -> None:
        super().__init__(name, index, asset, instrument, parameters)
        self._state = np.zeros(4, np.int64)
        self._carry = np.zeros(2)
        self._follow, self._trade = TypedCall(impact.follow), TypedCall(impact.trade)

    @property
    def impact(self) -> float:
        """Quote currency that the price moves per unit, where that is constant."""
        return float(self.parameters.impact)

    def depth(self, price: float) -> float:
        """Units that move the price by one."""
        return 1.0 / self.impact if self.impact > 0 else np.inf

    def set_reference(self, price: float) -> None:
        """Open at this price."""
        half_ticks = price / (0.5 * self.parameters.tick)
        self._state[impact.HALF_TICKS] = round(half_ticks)
        self._carry[impact.CARRY] = half_ticks - round(half_ticks)
        self._carry[impact.VALUE] = price

    def attach(self, around: Surroundings) -> None:
        """Keep the View whose exogenous value it follows."""
        self._view = around.view

    def open(self, population_of: np.ndarray, tags: int) -> None:
        """Keep what kernels take of the market."""
        own = self.parameters
        self._market = impact.Market(
            self.index,
            self.instrument,
            Party(OUTSIDE, int(population_of[OUTSIDE])),
            self.impact,
            self.supply,
            own.tick,
            own.lot,
            own.taker_fee_bps * 1e-4,
            self._state,
            self._carry,
        )

    def start_step(self, tape: Tape) -> None:
        """Follow the exogenous value to where it is now."""
        self._state[impact.FLOW] = self._state[impact.VOLUME] = 0
        tape.reserve(0, 1, 0)
        value, now = float(self._view.assets[self.asset]["value"]), self._view.time
        self._follow.call(value, now, self.parameters.follow, self.is_relative, self._market, tape.rows)

    def execute(
        self, orders: np.ndarray, due: np.ndarray, until: float, tape: Tape, room: np.ndarray
    ) -> None:
        """Fill each order that trades at once at the average price along its impact."""
        tape.reserve(due.size, due.size, due.size)
        self._trade.call(orders, due, self._market, room, tape.rows)

    def observe(self, quotes: np.ndarray) -> None:
        """Bid, ask and mid are one price; depth is what moves it by one unit of price."""
        row = quotes[self.index]
        tick = self.parameters.tick
        mid = (self._state[impact.HALF_TICKS] + self._carry[impact.CARRY]) * 0.5 * tick
        row["bid"] = row["ask"] = row["mid"] = row["last"] = mid
        row["mid_half_ticks"] = self._state[impact.HALF_TICKS]
        row["bid_tick"] = row["ask_tick"] = NO_TICK
        depth = self.depth(mid)
        row["depth_bid"] = row["depth_ask"] = depth
        row["depth_span"] = 1.0
        row["permanent_depth"] = depth
        row["instrument"], row["asset"] = self.instrument, self.asset
        row["tick"], row["lot"] = tick, self.parameters.lot
        row["taker_fee"] = self.parameters.taker_fee_bps * 1e-4
        row["net_flow"] = self._state[impact.NET_FLOW]
        row["flow"], row["volume"] = self._state[impact.FLOW], self._state[impact.VOLUME]


class ReferenceDemand(LinearImpact):
    """A market in which others want what is worth a fixed sum: Frey & Stremme's reference traders.

    A supply of fixed size is held by them and by those who trade here. Their demand at price S is
    proportional to V / S, with V the exogenous value, so the market clears at

        S = V (supply - held) / (supply - held - Q),

    V scaled to the opening price, and Q the net quantity that others than they have bought since.
    Hedgers who hold Phi(S) make the volatility (supply - Phi) / (supply - Phi - S Phi'(S)) times
    that of V where they act at once (Frey & Stremme 1997, "Market volatility and feedback effects
    from dynamic hedging"). Orders, refusals and what is left out are those of `LinearImpact`; an
    order for all that is left, or more, is refused.
    """

    is_relative = True

    class Parameters(BaseParameters):
        """Supply and grid.

        Parameters
        ----------
        tick, lot : float
            Grid of recorded prices and of quantities; the price itself is continuous.
        supply : float
            Units there are.
        held : float
            Of these, what others than the reference traders hold at the opening; below zero if they
            are short.
        follow : float
            Share of the exogenous value's relative change that the price takes over.
        taker_fee_bps : float
        """

        tick: float = Field(default=0.0001, ge=FINEST, le=HIGHEST_PRICE)
        lot: float = Field(default=0.0001, ge=FINEST, le=MOST_UNITS)
        supply: float = Field(gt=0, le=MOST_UNITS)
        held: float = Field(default=0.0, ge=-MOST_UNITS, le=MOST_UNITS)
        follow: float = Field(default=1.0, ge=0, le=1e3)
        taker_fee_bps: float = Field(default=0.0, ge=0, le=1e4)

        @model_validator(mode="after")
        def _leaves_some(self) -> ReferenceDemand.Parameters:
            if self.held >= self.supply:
                raise ValueError(f"held is {self.held:g}; it must be below the supply, {self.supply:g}")
            return self

    def __init__(self, name: str, index: int, asset: int, instrument: int, parameters: Any) -> None:
        super().__init__(name, index, asset, instrument, parameters)
        self.supply = parameters.supply - parameters.held

    @property
    def impact(self) -> float:
        """None is constant."""
        return 0.0

    def depth(self, price: float) -> float:
        """Units that move the price by one: what the reference traders hold, over the price."""
        return float((self.supply - self._state[impact.NET_FLOW] * self.parameters.lot) / price)
