"""The market around a venue, as it is told of it before it opens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from sim.accounts.ledger import Ledger
from sim.messages.view import View
from sim.records import REQUEST
from sim.setup.listing import Listing

if TYPE_CHECKING:
    from sim.venues.venue import Venue


@dataclass(frozen=True)
class Surroundings:
    """What a venue may read of the market it stands in; it writes to none of it.

    Attributes
    ----------
    view : View
    ledger : Ledger
    listing : Listing
    venues : sequence of Venue
        All of them, by their rows in the View's quotes.
    accounts : mapping of str to ndarray of int64
        Accounts of each population, by its name.
    """

    view: View
    ledger: Ledger
    listing: Listing
    venues: Sequence[Venue]
    accounts: Mapping[str, np.ndarray] = field(default_factory=dict)

    def sellers(self) -> dict[int, int]:
        """The venue at which each dense instrument can be sold: the first that trades it."""
        found: dict[int, int] = {}
        for venue in self.venues:
            for instrument in venue.instruments:
                found.setdefault(instrument, venue.index)
        return found

    def desk(self) -> int:
        """The first venue that answers requests for quotes, -1 if none does."""
        return next((venue.index for venue in self.venues if REQUEST in venue.takes), -1)
