"""The market around a venue, as it is told of it before it opens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from sim.accounts.ledger import Ledger
from sim.messages.view import View
from sim.records import REQUEST
from sim.setup.listing import Listing


class Neighbour(Protocol):
    """What a venue may know of another."""

    index: int

    @property
    def takes(self) -> tuple[int, ...]:
        """Kinds of orders it takes in all their forms."""

    @property
    def instruments(self) -> tuple[int, ...]:
        """The dense instruments that can be sold there."""

    def observe(self, quotes: np.ndarray) -> None:
        """Write its state into its row of `quotes`."""

    def has_open_orders(self, account: int) -> bool:
        """Whether orders of the account rest there."""


@dataclass(frozen=True)
class Surroundings:
    """What a venue may read of the market it stands in; it writes to none of it.

    Attributes
    ----------
    view : View
    ledger : Ledger
    listing : Listing
    venues : sequence of Neighbour
        All of them, by their rows in the View's quotes.
    accounts : mapping of str to ndarray of int64
        Accounts of each population, by its name.
    buyers : mapping of int to (ndarray of int64, ndarray of float64)
        Accounts that take the other side of the options of a population, and their weights, by its number;
        populations that are not in it trade with end users.
    """

    view: View
    ledger: Ledger
    listing: Listing
    venues: Sequence[Neighbour]
    accounts: Mapping[str, np.ndarray] = field(default_factory=dict)
    buyers: Mapping[int, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)

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
