"""Rule: what the accounts under one margin rule are worth, need and may trade.

A rule is one class in one file. A population names its own (`margin_rule`), a scenario may name
another by its file, `margin = "standard"`, or by the import path of a class of the user's.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from sim.kernels.accounts.screening import Reference
from sim.kernels.accounts.valuation import Holdings, Prices


class Rule:
    """Base of every margin rule.

    A subclass says `value`, `need` and `room`, and `slack` if it can: accounts under a rule that
    cannot are looked at whenever anybody is. Each is told the accounts to write for, and writes
    into columns over all accounts. A slack is good for the value and the need that it was written
    with: a subclass that changes one of these inherits none.

    Parameters
    ----------
    accounts : ndarray of int
        Those under the rule, rising.

    Attributes
    ----------
    is_checked : bool
        Whether its accounts can be in breach and are bounded in what they trade.
    has_slack : bool
        Whether it can say how far an account is from its line.
    """

    is_checked: ClassVar[bool] = True
    has_slack: ClassVar[bool] = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        own = vars(cls)
        if "slack" in own:
            cls.has_slack = True
        elif "value" in own or "need" in own:
            cls.has_slack = False

    def __init__(self, accounts: np.ndarray) -> None:
        self.accounts = np.ascontiguousarray(accounts, np.int32)

    def value(self, accounts: np.ndarray, holdings: Holdings, prices: Prices, equity: np.ndarray) -> None:
        """Write the equity of the listed accounts, quote currency.

        Parameters
        ----------
        accounts : ndarray of int32
        holdings, prices : Holdings, Prices
            What all accounts hold, and what a lot of everything is worth and ties up.
        equity : ndarray of float64, shape (A,)
        """
        raise NotImplementedError(f"{type(self).__name__} does not say what accounts are worth")

    def need(self, accounts: np.ndarray, holdings: Holdings, prices: Prices, maintenance: np.ndarray) -> None:
        """Write the equity below which the listed accounts are in breach, quote currency, shape (A,)."""
        raise NotImplementedError(f"{type(self).__name__} does not say what accounts need")

    def room(
        self, accounts: np.ndarray, instrument: int, holdings: Holdings, prices: Prices, room: np.ndarray
    ) -> None:
        """Write the lots of a dense instrument that the listed accounts may buy and sell.

        Parameters
        ----------
        room : ndarray of int64, shape (3, A)
            Lots they may buy (row 0) and sell (row 1), those resting included; row 2 is not the rule's.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say what accounts may trade")

    def slack(
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
        """Write the drift of prices from the reference that can bring each listed account to its line.

        Parameters
        ----------
        reference : Reference
            Prices that drift is measured from (`sim.kernels.accounts.screening`).
        drift : float
            As it is now.
        equity, maintenance : ndarray of float64, shape (A,)
            As they are now.
        slack : ndarray of float32, shape (A,)
        """
        raise NotImplementedError(f"{type(self).__name__} cannot say how far accounts are from their line")
