"""A population of a user's own that makes trouble, for tests of sweeps."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any, Literal

from sim.messages.outbox import Outbox
from sim.messages.view import View
from sim.population import Population

MENDED = "mended"
NOTED = 2
"""The step at which a run is noted; workers warm up with fewer."""


class Troubled(Population):
    """They note every run in `<folder>/log` and, unless `<folder>/mended` is there, make trouble."""

    phases = ("trade",)

    class Parameters(Population.Parameters):
        folder: str
        tag: int = 0
        trouble: Literal["none", "raise", "hang", "kill"] = "none"
        troubled_tag: int = -1
        seconds: float = 0.0
        slow_tag: int = -1
        slow_seconds: float = 0.0

    parameters: Any

    def decide(self, phase: str, view: View, outbox: Outbox) -> None:
        own, folder = self.parameters, Path(self.parameters.folder)
        if view.step == NOTED:
            with (folder / "log").open("a") as log:
                log.write(f"{own.tag} {os.getpid()}\n")
        time.sleep(own.slow_seconds if own.tag == own.slow_tag else own.seconds)
        if view.step != NOTED or own.tag != own.troubled_tag or (folder / MENDED).exists():
            return
        if own.trouble == "raise":
            raise ZeroDivisionError("they were told to break")
        if own.trouble == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        while own.trouble == "hang":
            time.sleep(0.05)
