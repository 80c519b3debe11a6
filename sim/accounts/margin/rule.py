"""Rule: what the accounts under one margin rule are worth, need and may trade.

A rule is one class in one file. A population names its own (`margin_rule`), a scenario may name
another by its file, `margin = "standard"`, or by the import path of a class of the user's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np

from sim.kernels.accounts.screening import Reference
from sim.kernels.accounts.valuation import Holdings, Prices


class Rule(ABC):
    """Base of every margin rule.

    A subclass says what its accounts are worth and need (`assess`), what they may trade (`room`),
    and how far they are from their line if it can (`screen`): accounts under a rule that cannot are
    looked at whenever anybody is. Each is told the accounts to write for, and writes into columns
    over all accounts. A screen is good for the assessment that it was written with: a subclass that
    changes this one inherits none.

    Parameters
    ----------
    accounts : ndarray of int
        Those under the rule, rising.

    Attributes
    ----------
    is_checked : bool
        Whether its accounts can be in breach and are bounded in what they trade.
    """

    is_checked: ClassVar[bool] = True

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        owners = [next(each for each in cls.__mro__ if name in vars(each)) for name in ("assess", "screen")]
        if cls.__mro__.index(owners[0]) < cls.__mro__.index(owners[1]):
            cls.screen = Rule.screen  # type: ignore[method-assign]

    def __init__(self, accounts: np.ndarray) -> None:
        self.accounts = np.ascontiguousarray(accounts, np.int32)

    @abstractmethod
    def assess(
        self,
        accounts: np.ndarray,
        holdings: Holdings,
        prices: Prices,
        equity: np.ndarray,
        maintenance: np.ndarray,
    ) -> None:
        """Write what the listed accounts are worth, and below which worth they are in breach.

        Parameters
        ----------
        accounts : ndarray of int32
        holdings, prices : Holdings, Prices
            What all accounts hold, and what a lot of everything is worth and ties up.
        equity, maintenance : ndarray of float64, shape (A,)
            Written, quote currency.
        """

    @abstractmethod
    def room(
        self, accounts: np.ndarray, instrument: int, holdings: Holdings, prices: Prices, room: np.ndarray
    ) -> None:
        """Write the lots of a dense instrument that the listed accounts may buy and sell.

        Parameters
        ----------
        room : ndarray of int64, shape (3, A)
            Lots they may buy (row 0) and sell (row 1), those resting included; row 2 is not the rule's.
        """

    def screen(
        self,
        accounts: np.ndarray,
        holdings: Holdings,
        prices: Prices,
        reference: Reference,
        drift: float,
        equity: np.ndarray,
        maintenance: np.ndarray,
        slack: np.ndarray,
    ) -> None:
        """Assess the listed accounts, and write the drift of prices that can bring each to its line.

        Parameters
        ----------
        reference : Reference
            Prices that drift is measured from (`sim.kernels.accounts.screening`).
        drift : float
            As it is now.
        slack : ndarray of float32, shape (A,)
            Written; what is left as it is stays to be looked at.
        """
        self.assess(accounts, holdings, prices, equity, maintenance)
