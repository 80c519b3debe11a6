"""The options that rows hold."""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.hedging.exposures.base import Exposure
from agents.hedging.kernels.filling import adjust_delta, fill_book, fill_vega_theta
from agents.option_chains.chains import Chain, Holding, option_lot, split
from sim.base.typed_call import TypedCall
from sim.messages.view import View
from sim.population import Population
from sim.setup.listing import Listing
from sim.setup.parameters import within


class OptionBook(Exposure):
    """The options in the accounts of the rows, whatever they are."""

    gives = ("delta", "gamma", "vega", "theta", "adjusted_delta")
    about = "a book of options"
    is_bounded = True

    def __init__(self, parameters: Any = None) -> None:
        super().__init__(parameters)
        self._fill, self._adjust = TypedCall(fill_book), TypedCall(adjust_delta)
        self._fill_further = TypedCall(fill_vega_theta)

    def things(self, view: View) -> np.ndarray:
        """Every contract."""
        return view.contracts

    def fill(self, columns: np.ndarray, view: View) -> None:
        """Sum over the contracts of each row.

        Raises
        ------
        ValueError
            If the rows hold no options.
        """
        first, held, lots = self._held(view)
        own = self.reference, self.size, columns
        self._fill.call(first, held, lots, view.contracts, view.contract_worth, *own)

    def fill_further(self, columns: np.ndarray, view: View) -> None:
        """Sum vega and theta over the contracts of each row."""
        self._fill_further.call(*self._held(view), view.contract_worth, columns)

    def adjust(self, columns: np.ndarray, view: View) -> None:
        """Revalue the contracts of each row."""
        self._adjust.call(*self._held(view), view.contracts, view.contract_worth, columns)

    def _held(self, view: View) -> tuple[int, np.ndarray, np.ndarray]:
        """Holder of row 0's options, and the options of every holder."""
        first = int(view.holder_of[self.first_account])
        if first < 0:
            raise ValueError("these rows hold no options; a population says how many in `option_slots`")
        return first, view.held, view.held_lots


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

    def _held(self, view: View) -> tuple[int, np.ndarray, np.ndarray]:
        """As of any book; there may be nothing in the chain to hold."""
        return super()._held(view) if self.books.row.size else (0, view.held[:0], view.held_lots[:0])

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
