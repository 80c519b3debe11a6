"""A hedging population of a user's own, for tests: its exposure comes as whatever Python gives."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from agents.hedging.hedger import Hedger
from agents.hedging.policy import Policy
from agents.hedging.route import Route
from sim.messages.outbox import Outbox
from sim.messages.view import View
from sim.population import Population
from sim.setup.listing import Listing

EXPOSURES: list[Any] = [[3, 1], [1.5, 1.0], [2, 1], [0.25, 1.0]]  # of a row, one each step


class Exporters(Population):
    """They hold what they were told, and hedge it."""

    phases = ("hedge",)
    hedges = True

    class Parameters(Population.Parameters):
        hedging: Policy = Field(default_factory=Policy)
        route: Route

    def prepare(self, listing: Listing) -> None:
        own = self.parameters
        self.hedger = Hedger(own.hedging, own.route, self.rows, self.first, self.latency, self.draws, listing)

    def decide(self, phase: str, view: View, outbox: Outbox) -> None:
        self.hedger.hedge(EXPOSURES[view.step % len(EXPOSURES)], [10, 10], view, outbox)
