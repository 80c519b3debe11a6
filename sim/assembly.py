"""Assembly: what a market is put together from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from sim.accounts.ledger import Ledger
from sim.accounts.margin.margin import Margin
from sim.accounts.settlement import Settlement
from sim.chains.router import Router
from sim.messages.view import View
from sim.prices.joint import JointDrivers
from sim.prices.oracle import Oracle
from sim.recording.recorder import Recorder
from sim.setup.listing import Listing
from sim.venues.venue import Venue


class Assembly(NamedTuple):
    """What `Model.assemble` takes.

    Attributes
    ----------
    venues : sequence of Venue
        Attached and open, those that emit orders first.
    oracles : sequence of Oracle
        One per asset.
    quotes, assets : ndarray of VENUE_STATE and of ASSET
        What the View shows, to be written.
    listed : ndarray of int64, shape (K,)
        The venue of each asset's reference mid.
    steps : int
        Steps to run.
    round_seconds : float
        Between rounds of liquidations in a step.
    description : dict
        What the recording says of the market, as plain values.
    """

    listing: Listing
    ledger: Ledger
    margin: Margin
    router: Router
    venues: Sequence[Venue]
    drivers: JointDrivers
    oracles: Sequence[Oracle]
    settlement: Settlement
    recorder: Recorder
    view: View
    quotes: np.ndarray
    assets: np.ndarray
    listed: np.ndarray
    steps: int
    round_seconds: float
    description: dict[str, Any]
