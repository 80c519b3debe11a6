"""The market: records, venues, ledger, margin and the step; it knows nothing of who trades or why."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim.listing import Listing
    from sim.model import Model
    from sim.outbox import Outbox
    from sim.parameters import Parameters
    from sim.population import Population
    from sim.recording import Recording
    from sim.venues.venue import Venue
    from sim.view import View

__all__ = ["Listing", "Model", "Outbox", "Parameters", "Population", "Recording", "Venue", "View"]

_HOMES = {
    "Listing": "sim.listing",
    "Model": "sim.model",
    "Outbox": "sim.outbox",
    "Parameters": "sim.parameters",
    "Population": "sim.population",
    "Recording": "sim.recording",
    "Venue": "sim.venues.venue",
    "View": "sim.view",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for, so that `import sim` stays cheap."""
    if name not in _HOMES:
        raise AttributeError(f"module 'sim' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
