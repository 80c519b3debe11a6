"""Interventions: what a counterfactual arm changes about the orders of a population.

An intervention stands between a population and the outbox. The population decides as
always, from the same View and the same draws; what is changed is what becomes of the
orders it sent for a given reason.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from sim.messages.outbox import Outbox
from sim.messages.view import View


class Decider(Protocol):
    """Whoever sends orders in a phase: a population, or an intervention around one."""

    def decide(self, phase: str, view: View, outbox: Outbox) -> None:
        """Send the orders of this phase."""


class Diverted:
    """Sends a population's orders of one reason to other venues than it chose.

    Parameters
    ----------
    inner : Decider
    reason : int
        A code of `sim.records`.
    venues : ndarray of int16, shape (V,)
        Where an order to each venue goes instead.
    """

    def __init__(self, inner: Decider, reason: int, venues: np.ndarray) -> None:
        self._inner, self._venues = inner, venues
        self._reason = reason

    def decide(self, phase: str, view: View, outbox: Outbox) -> None:
        """Let the population decide, then change the venue of what it sent."""
        before = outbox.count
        self._inner.decide(phase, view, outbox)
        sent = outbox.rows[before : outbox.count]
        own = sent["reason"] == self._reason
        sent["venue"][own] = self._venues[sent["venue"][own]]


class Replayed:
    """Drops a population's orders of one reason and sends recorded ones in their place.

    Amount and time are those recorded; the venue is chosen when they are sent, by the population's
    route on the market as it is then.

    Parameters
    ----------
    inner : Decider
    route : callable
        Takes orders and the View, and chooses their venues in place (`Population.reroute`).
    reason : int
        A code of `sim.records`.
    orders : ndarray of ORDER
        What to send instead, by rising `time`, which is when each arrives; may be empty.
    steps : ndarray of int, shape of `orders`
        The step in which each arrives.
    phase : str
        In which they are sent.
    """

    def __init__(
        self,
        inner: Decider,
        route: Callable[[np.ndarray, View], None],
        reason: int,
        orders: np.ndarray,
        steps: np.ndarray,
        phase: str = "hedge",
    ) -> None:
        self._inner, self._orders, self._steps, self._phase = inner, orders, steps, phase
        self._route, self._reason = route, reason
        self._sent = 0

    def decide(self, phase: str, view: View, outbox: Outbox) -> None:
        """Let the population decide, take its orders back, and send this step's recorded ones."""
        before = outbox.count
        self._inner.decide(phase, view, outbox)
        sent = outbox.rows[before : outbox.count]
        kept = sent[sent["reason"] != self._reason]
        outbox.count = before
        outbox.extend(kept)
        if phase == self._phase:
            self._send(view, outbox)

    def _send(self, view: View, outbox: Outbox) -> None:
        last = int(np.searchsorted(self._steps, view.step, "right"))
        due = self._orders[self._sent : last].copy()
        due["latency"] = np.maximum(due["time"] - view.time, 0.0)
        due["time"] = view.time
        if due.size:
            self._route(due, view)
        outbox.extend(due)
        self._sent = last
