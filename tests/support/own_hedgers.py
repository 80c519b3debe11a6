"""A hedging population of a user's own, for tests: its exposure comes as whatever Python gives."""

from __future__ import annotations

from typing import Any

from pydantic import Field, SerializeAsAny

from agents.hedging import Hedger, Policy, Route
from agents.hedging.exposures.told import Told
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
        hedging: SerializeAsAny[Policy.Parameters] = Field(default_factory=Policy.Parameters.default)
        route: SerializeAsAny[Route.Parameters]

    def prepare(self, listing: Listing) -> None:
        self.hedger, self.exposure = Hedger(self, listing), Told()
        self.hedger.cover(self.exposure, listing)

    def decide(self, phase: str, view: View, outbox: Outbox) -> None:
        self.exposure.say(EXPOSURES[view.step % len(EXPOSURES)], [10, 10])
        self.hedger.hedge(view, outbox)
