"""The sink: a place outside the market that fills orders at its mid and moves nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from sim.kernels.books.sink import Place, mids_at_arrival, sink
from sim.kernels.messages.tape import Party
from sim.messages.tape import Tape
from sim.messages.view import VENUE_STATE
from sim.records import MARKET, SWAP
from sim.setup.limits import FINEST, MOST_UNITS
from sim.setup.listing import OUTSIDE
from sim.setup.table import Parameters as BaseParameters
from sim.venues.surroundings import Surroundings
from sim.venues.venue import Venue


class Sink(Venue):
    """Fills market orders, swaps and marketable limits in full at the reference mid as they arrive.

    The other side is the account "outside"; no book and no pool notices. Orders meant for a venue on a
    chain wait for its blocks here, too. Counterfactual arms
    send here the orders whose impact is to be taken away, so that those who sent them keep the
    positions, profit and margin of having traded.

    Leaves out: the spread and the fee inside a pool's price (an order pays the mid and the taker
    fee of the book it was meant for), limit prices, and resting orders. Where the asset is priced by
    a pool, whose mid is not recorded change by change, orders of one delivery share its last mid.
    """

    is_priced = False
    is_outside = True
    takes = (MARKET, SWAP)

    class Parameters(BaseParameters):
        """Grid and fee, those of the venue whose orders it takes.

        Parameters
        ----------
        lot : float
        taker_fee_bps : float
        """

        lot: float = Field(ge=FINEST, le=MOST_UNITS)
        taker_fee_bps: float = Field(default=0.0, ge=0, le=1e4)

    def __init__(self, name: str, index: int, asset: int, instrument: int, parameters: Any) -> None:
        super().__init__(name, index, asset, instrument, parameters)
        self._mids = np.zeros(0)

    def attach(self, around: Surroundings) -> None:
        """Find the venue that prices the asset, and what a half tick of it is worth."""
        terms = around.listing.reference(self.asset)
        self._listed, self._half_tick = around.venues[terms.index], 0.5 * terms.tick
        self._quotes = np.zeros(terms.index + 1, VENUE_STATE)

    def open(self, population_of: np.ndarray, tags: int) -> None:
        """Keep what the kernel takes of the sink."""
        outside = Party(OUTSIDE, int(population_of[OUTSIDE]))
        own = self.parameters
        self._place = Place(self.index, self.instrument, outside, own.lot, own.taker_fee_bps * 1e-4)

    def execute(
        self, orders: np.ndarray, due: np.ndarray, until: float, tape: Tape, room: np.ndarray
    ) -> None:
        """Fill each order at the mid of its arrival."""
        tape.reserve(due.size, 0, due.size)
        if self._mids.size < due.size:
            self._mids = np.zeros(2 * due.size)
        listed, half_tick = self._listed, self._half_tick
        listed.observe(self._quotes)
        mid = float(self._quotes[listed.index]["mid"])
        mids_at_arrival(orders, due, mid, half_tick, listed.index, tape.rows, self._mids)
        sink(orders, due, self._mids, self._place, room, tape.rows)
