"""Books of options that share a chain."""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.hedging.exposures.option_book import OptionBook
from agents.option_chains.chains import Chain, Holding, option_lot, split
from sim.messages.view import View
from sim.population import Population
from sim.setup.listing import Listing
from sim.setup.misfit import within


class ChainBook(OptionBook):
    """Books that share the open interest of a chain, by the `size` and `contracts` of their population.

    Attributes
    ----------
    dropped : dict of str to int
        Rows of the chain that were left out, by reason.
    """

    def take(self, population: Population, listing: Listing) -> None:
        """List the contracts and split what is held of them over the rows."""
        holding: Holding = self.parameters
        sizes, slots = population.column("size"), population.counts("contracts")
        self._lot = option_lot(listing, self.asset)
        with within("exposure"):
            self._chain: Chain = self.parameters.chain(listing, self.asset)
            self.books = split(
                self._chain, holding, self._lot, sizes, slots, population.draws, listing, self.asset
            )
            small = sum(holding.lots(contract, self._lot) == 0 for contract in self._chain.contracts)
        self.dropped = dict(self._chain.dropped)
        if small:
            self.dropped["less than half a lot held"] = small
        self.size = self.books.gross_units(population.rows, self._lot)

    def _holders(self, view: View) -> np.ndarray:
        """As of any book; there may be nothing in the chain to hold."""
        return super()._holders(view) if self.books.row.size else np.zeros((0, 0), np.int32)

    def report(self) -> dict[str, Any]:
        """What was taken from the chain, and which of its rows were left out."""
        return {
            "chain_rows": self._chain.rows,
            "merged": self._chain.merged,
            "contracts": int(np.unique(self.books.instrument).size),
            "positions": int(self.books.row.size),
            "gross_units": float(self.size.sum()),
            "net_units": float(self.books.lots.sum() * self._lot),
            "dropped": dict(self.dropped),
            **self._chain.said(),
        }
