"""The textbook market: the price follows the exogenous value and moves by lambda x net flow."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from sim.kernels import impact
from sim.listing import OUTSIDE
from sim.parameters import Parameters as BaseParameters
from sim.records import NO_TICK
from sim.tape import Tape
from sim.venues.venue import Venue
from sim.view import View


class LinearImpact(Venue):
    """A market maker of unlimited depth who moves the price by `impact` per unit traded.

    dS = follow dV + impact dQ, with V the exogenous value and Q the net quantity bought.
    An order pays the average of the price before and after it, so a round trip costs
    nothing and earns nothing. With `impact` 0 prices are exogenous. Theory (Frey & Stremme
    1997) is exact here.

    Takes market orders, swaps, and limit orders that are immediate or cancel (filled until
    the price they move reaches their limit) or fill or kill. The price stays at one tick
    where the value or an order would take it lower; such an order is refused.

    Leaves out: the spread, resting orders, recovery of the price, and any limit to depth.
    """

    follows_value = True

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

        tick: float = Field(default=0.0001, gt=0)
        lot: float = Field(default=0.0001, gt=0)
        impact: float = Field(ge=0)
        follow: float = Field(default=1.0, ge=0)
        taker_fee_bps: float = Field(default=0.0, ge=0)

    def __init__(self, name: str, index: int, asset: int, instrument: int, parameters: Any) -> None:
        super().__init__(name, index, asset, instrument, parameters)
        self._state = np.zeros(4, np.int64)
        self._carry = np.zeros(2)

    def set_reference(self, price: float) -> None:
        """Open at this price."""
        half_ticks = price / (0.5 * self.parameters.tick)
        self._state[impact.HALF_TICKS] = round(half_ticks)
        self._carry[impact.CARRY] = half_ticks - round(half_ticks)
        self._carry[impact.VALUE] = price

    def attach(self, view: View) -> None:
        """Give the venue the View whose exogenous value it follows."""
        self._view = view

    def open(self, population_of: np.ndarray, tags: int) -> None:
        """Keep the population of each account."""
        self._population_of = population_of

    def start_step(self, tape: Tape) -> None:
        """Follow the exogenous value to where it is now."""
        self._state[impact.FLOW] = self._state[impact.VOLUME] = 0
        tape.reserve(0, 1, 0)
        impact.follow(
            float(self._view.assets[self.asset]["value"]),
            self._view.time,
            self.parameters.tick,
            self.parameters.follow,
            OUTSIDE,
            self._population_of[OUTSIDE],
            self.index,
            self._state,
            self._carry,
            tape.moves,
            tape.counts,
        )

    def execute(
        self, orders: np.ndarray, due: np.ndarray, until: float, tape: Tape, room: np.ndarray
    ) -> None:
        """Fill each order that trades at once at the average price along its impact."""
        tape.reserve(due.size, due.size, due.size)
        parameters = self.parameters
        impact.trade(
            orders,
            due,
            self.index,
            self.instrument,
            OUTSIDE,
            parameters.impact,
            parameters.tick,
            parameters.lot,
            parameters.taker_fee_bps * 1e-4,
            self._population_of,
            room,
            self._state,
            self._carry,
            tape.fills,
            tape.moves,
            tape.rejects,
            tape.counts,
        )

    def observe(self, quotes: np.ndarray) -> None:
        """Bid, ask and mid are one price; depth is what moves it by one unit of price."""
        row = quotes[self.index]
        tick = self.parameters.tick
        mid = (self._state[impact.HALF_TICKS] + self._carry[impact.CARRY]) * 0.5 * tick
        row["bid"] = row["ask"] = row["mid"] = mid
        row["mid_half_ticks"] = self._state[impact.HALF_TICKS]
        row["bid_tick"] = row["ask_tick"] = NO_TICK
        depth = 1.0 / self.parameters.impact if self.parameters.impact > 0 else np.inf
        row["depth_bid"] = row["depth_ask"] = depth
        row["depth_span"] = 1.0
        row["permanent_depth"] = depth
        row["instrument"], row["asset"] = self.instrument, self.asset
        row["tick"], row["lot"] = tick, self.parameters.lot
        row["taker_fee"] = self.parameters.taker_fee_bps * 1e-4
        row["net_flow"] = self._state[impact.NET_FLOW]
        row["flow"], row["volume"] = self._state[impact.FLOW], self._state[impact.VOLUME]
