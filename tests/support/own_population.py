"""A population of a user's own, for tests: with a union, a reference and a file among its parameters."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sim.messages.outbox import Outbox
from sim.messages.view import View
from sim.population import Population
from sim.setup.files import File
from sim.setup.parameters import Positive, VenueName
from sim.setup.table import Parameters


class Band(Parameters):
    type: Literal["band"]
    width: Positive


class Clock(Parameters):
    type: Literal["clock"]
    seconds: Positive


class Watchers(Population):
    """They look and never trade."""

    phases = ("trade",)

    class Parameters(Population.Parameters):
        hedging: Annotated[Band | Clock, Field(discriminator="type")]
        venues: list[VenueName] = Field(default_factory=list)
        notes: File | None = None
        breaks_at: int = -1

    def decide(self, phase: str, view: View, outbox: Outbox) -> None:
        if view.step == self.parameters.breaks_at:
            raise ZeroDivisionError("these watchers were told to break")


class Unrelated:
    """Not a population."""
