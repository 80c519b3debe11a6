"""The market: records, venues, ledger, margin and the step; it knows nothing of who trades or why."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim.messages.outbox import Outbox
    from sim.messages.view import View
    from sim.model import Model
    from sim.population import Population
    from sim.recording.recording import Recording
    from sim.setup.listing import Listing
    from sim.setup.table import Parameters
    from sim.venues.venue import Venue

__all__ = ["Listing", "Model", "Outbox", "Parameters", "Population", "Recording", "Venue", "View"]

_HOMES = {
    "Listing": "sim.setup.listing",
    "Model": "sim.model",
    "Outbox": "sim.messages.outbox",
    "Parameters": "sim.setup.table",
    "Population": "sim.population",
    "Recording": "sim.recording.recording",
    "Venue": "sim.venues.venue",
    "View": "sim.messages.view",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for, so that `import sim` stays cheap."""
    if name not in _HOMES:
        raise AttributeError(f"module 'sim' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
