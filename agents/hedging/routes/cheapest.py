"""The venue that costs least."""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.hedging.kernels.routing import send_to_cheapest
from agents.hedging.routes.base import Route
from sim.base.typed_call import TypedCall
from sim.kernels.accounts.valuation import Holdings, Prices
from sim.messages.outbox import Outbox
from sim.messages.view import View


class Cheapest(Route):
    """Each order goes whole to the venue with the lowest expected cost for its size, fees included.

    Of those at which the row can pay: spot is bought with free cash and never sold short.
    """

    def __init__(self, parameters: Any) -> None:
        super().__init__(parameters)
        self._send = TypedCall(send_to_cheapest)

    def send(self, wanted: np.ndarray, view: View, outbox: Outbox) -> None:
        """Send an order for each row that can trade somewhere."""
        outbox.reserve(wanted.size)
        self._send.call(
            view.time,
            float(view.assets[self.asset]["mid"]),
            wanted,
            self.account,
            Holdings(view.cash, view.position, view.holder_of, view.held, view.held_lots),
            Prices(view.terms, view.contracts, view.contract_worth, view.contract_margin),
            self.venues,
            view.quotes,
            outbox.out,
        )
