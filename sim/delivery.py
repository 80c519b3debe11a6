"""Delivery: orders reach venues in the order in which they arrive, and what venues do reaches the ledger."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sim.accounts.ledger import Ledger
from sim.accounts.margin.margin import Margin
from sim.chains.router import Router
from sim.messages.outbox import Outbox
from sim.messages.tape import Tape
from sim.messages.view import View
from sim.records import LIQUIDATING, UNSUPPORTED
from sim.venues.venue import Venue


class Delivery:
    """Sends on what was decided, hands venues what has arrived, and posts the fills.

    Parameters
    ----------
    router : Router
    venues : sequence of Venue
    margin : Margin
    ledger : Ledger
    tape : Tape
    view : View
        Says what time and which step it is.
    """

    def __init__(
        self,
        router: Router,
        venues: Sequence[Venue],
        margin: Margin,
        ledger: Ledger,
        tape: Tape,
        view: View,
    ) -> None:
        self._router, self._venues, self._margin = router, venues, margin
        self._ledger, self._tape, self._view = ledger, tape, view
        self._clocks = [venue for venue in venues if venue.has_clock]
        self._emitted_to: tuple[int, np.ndarray] | None = None
        for venue in venues:
            if venue.is_outside:
                router.put_last(venue.index)

    def send(self, phase: int) -> None:
        """Send what is in the outbox on; what says something without meaning is refused."""
        self._router.stamp(phase, self._view.step, self._view.time)
        if self._router.refused.size:
            for order in self._router.refused:
                self._tape.refuse(order, int(order["venue"]), UNSUPPORTED)

    def execute(self, until: float) -> bool:
        """Deliver what arrives by `until` and bring the venues there; whether anything did."""
        if not self.deliver(until):
            return False
        self.wind(until)
        return True

    def wind(self, until: float) -> None:
        """Let what falls due at venues by `until` happen, orders or not."""
        for venue in self._clocks:
            venue.advance(until, self._tape)

    def deliver(self, until: float) -> bool:
        """Hand venues what arrives by `until`, in order of arrival; whether anything did."""
        if self._router.earliest > until:
            return False
        while not self._is_delivered(until):
            pass
        return True

    def _is_delivered(self, until: float) -> bool:
        """Deliver until a venue has sent orders of its own, which are to be sorted in; True if none has."""
        for index, orders, rows, at in self._router.due(until):
            venue = self._venues[index]
            self._hand(venue, orders, rows, at)
            if venue.emits and venue.children.count:
                self._router.forget()
                self._collect(venue.children)
                return False
        self._router.forget()
        return True

    def _hand(self, venue: Venue, orders: np.ndarray, rows: np.ndarray, until: float) -> None:
        """Let a venue execute the orders that are its next, and post the fills."""
        if venue.instrument >= 0:
            room = self._margin.admit(orders, rows, venue.instrument)
            venue.execute(orders, rows, until, self._tape, room)
            self._ledger.post(self._tape)
            return
        instruments = orders["instrument"][rows]
        is_dense = (instruments >= 0) & (instruments < len(self._ledger.terms))
        dense = np.where(is_dense, instruments, -1)  # what contracts leave room for, margin says afterwards
        firsts = np.flatnonzero(np.diff(dense)) + 1
        for same, instrument in zip(np.split(rows, firsts), dense[np.append(0, firsts)], strict=True):
            room = self._margin.admit(orders, same, int(instrument)) if instrument >= 0 else self._margin.room
            venue.execute(orders, same, until, self._tape, room)
            self._ledger.fit_contracts()
            self._margin.fit_contracts()
            self._ledger.post(self._tape)

    def divert_emitted(self, reason: int, venues: np.ndarray) -> None:
        """Send what venues emit for a reason elsewhere from now on, by the venue it was meant for."""
        self._emitted_to = (reason, venues)

    def _collect(self, children: Outbox) -> None:
        """Send the orders that a venue emitted."""
        sent = children.rows[: children.count]
        if self._emitted_to is not None:
            reason, venues = self._emitted_to
            own = sent["reason"] == reason
            sent["venue"][own] = venues[sent["venue"][own]]
        self._router.outbox.extend(sent)
        children.count = 0
        self.send(LIQUIDATING)
