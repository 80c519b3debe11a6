"""The venue that costs least."""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.hedging.kernels.routing import send_to_cheapest
from agents.hedging.routes.base import Route
from sim.base.typed_call import TypedCall
from sim.messages.outbox import Outbox
from sim.messages.view import View


class Cheapest(Route):
    """Each order goes whole to the venue with the lowest expected cost for its size, fees included.

    Of those at which the row can pay: spot is bought with free cash and never sold short. Costs are those of
    the very size (`sim.kernels.costs`), not read off `View.curve`: between its knots that one is a little
    off, as much as near venues differ by.
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
            view.holdings,
            view.prices,
            self.venues,
            view.quotes,
            outbox.out,
        )
