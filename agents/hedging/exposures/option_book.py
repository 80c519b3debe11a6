"""The options that rows hold."""

from __future__ import annotations

from typing import Any

import numpy as np

from agents.hedging.exposures.base import Exposure
from agents.hedging.kernels.filling import Held, adjust_delta, fill_book, fill_vega_theta
from sim.base.typed_call import TypedCall
from sim.messages.view import View


class OptionBook(Exposure):
    """The options in the accounts of the rows, whatever they are."""

    gives = ("delta", "gamma", "vega", "theta", "adjusted_delta")
    about = "a book of options"
    is_named = False
    is_bounded = True

    def __init__(self, parameters: Any = None) -> None:
        super().__init__(parameters)
        self._holder: np.ndarray | None = None
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
        own = self.reference, self.size, columns
        self._fill.call(self._held(view), view.contracts, view.contract_worth, *own)

    def fill_further(self, columns: np.ndarray, view: View) -> None:
        """Sum vega and theta over the contracts of each row."""
        self._fill_further.call(self._held(view), view.contract_worth, columns)

    def adjust(self, columns: np.ndarray, view: View) -> None:
        """Revalue the contracts of each row."""
        self._adjust.call(self._held(view), view.contracts, view.contract_worth, columns)

    def _held(self, view: View) -> Held:
        """The options of every holder, and which are whose."""
        if self._holder is None:
            self._holder = self._holders(view)
        return Held(self._holder, view.held, view.held_lots)

    def _holders(self, view: View) -> np.ndarray:
        """Holder of each row's options on each chain."""
        found: np.ndarray = view.holder_of[self.account]
        if (found < 0).any():
            raise ValueError("these rows hold no options; a population says how many in `option_slots`")
        return found
