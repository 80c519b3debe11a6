"""A market in which dealers buy what vaults write, and beside them hold next to nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
from short_dealers import CHAIN
from small_market import LPS, small_market

from sim.model import Model

VAULTS = {
    "name": "vaults",
    "type": "covered_vaults.CoveredVaults",
    "buyers": "dealers",
    "count": 3,
    "collateral": {"dist": "choice", "values": [10.0, 20.0, 40.0]},
    "delta": 0.3,
    "first_epoch_seconds": 86400.0,
}
DEALERS = {
    "name": "dealers",
    "type": "dealers.OptionDealers",
    "count": 7,
    "exposure": CHAIN | {"open_interest": 1.0, "expiries_days": [3.0]},
    "contracts": 400,
    "size": {"dist": "lognormal", "median": 1.0, "sigma": 0.5},
    "cash": 1e7,
    "hedging": {"type": "time"},
    "route": {"venues": ["linear"]},
}
PASSIVE = LPS | {"route": {"venues": ["linear"]}}


def buying(vaults: dict[str, Any] | None = None, *order: str, **changes: Any) -> Model:
    """The market, the populations in this order."""
    parts = {"vaults": VAULTS | (vaults or {}), "dealers": DEALERS, "lps": PASSIVE}
    named = [parts[name] for name in order or ("lps", "dealers", "vaults")]
    return small_market(*named, venues=("linear", "pool", "desk"), **changes)


def lots_of(model: Model, name: str) -> np.ndarray:
    """Lots of every contract that a population holds."""
    number = [p.name for p in model.populations].index(name) + len(model.listing.system)
    return np.array(model.ledger.contract_total[number])
