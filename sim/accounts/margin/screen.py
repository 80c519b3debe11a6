"""Screen: which accounts have to be looked at, and which cannot have crossed their line.

The kernels and the argument are in `sim.kernels.accounts.screening`.
"""

from __future__ import annotations

import numpy as np

from sim.base.typed_call import TypedCall
from sim.kernels.accounts import screening
from sim.kernels.accounts.margining import NO_RULE
from sim.kernels.accounts.screening import Market, Reference
from sim.kernels.base import flags

RENEWAL_SHARE = 0.02  # of accounts near their line, above which the reference is renewed
RENEWAL_LEAST = 64


class Screen:
    """Remembers how far every account is from its line, and from which prices on.

    Parameters
    ----------
    rule_of : ndarray of int16, shape (A,)
        Number of each account's rule, NO_RULE for those that are never looked at.
    changes : ndarray of int64
        The ledger's log (`sim.kernels.accounts.changes`).
    assets, instruments : int

    Attributes
    ----------
    slack : ndarray of float32, shape (A,)
        Drift at which each account can cross its line; -inf for those to be looked at.
    reference : Reference
    """

    def __init__(self, rule_of: np.ndarray, changes: np.ndarray, assets: int, instruments: int) -> None:
        self._rule_of, self._changes = rule_of, changes
        self._since = 0  # of the changes noted
        self.slack = np.where(rule_of == NO_RULE, np.inf, -np.inf).astype(np.float32)
        self.reference = Reference(np.zeros(1), np.ones(assets), np.ones(assets), np.zeros(instruments))
        self._most_near = RENEWAL_SHARE * rule_of.size + RENEWAL_LEAST
        self._contracts = -1
        self._flags = flags.flag_columns(rule_of.size)
        self._found = np.zeros(rule_of.size, np.int32)
        self._suspects = TypedCall(screening.suspects)

    def take_in(self, market: Market) -> None:
        """Measure contracts listed since the last call from their present prices on."""
        first, contracts = self._contracts, market.contracts
        if contracts.size > self.reference.then.size:
            then = np.zeros(2 * contracts.size)
            then[: self.reference.then.size] = self.reference.then
            self.reference = self.reference._replace(then=then)
        if first < 0:
            self.renew(market)
        else:
            self.reference.then[first : contracts.size] = contracts["price"][first:]
        self._contracts = contracts.size

    def renew(self, market: Market) -> None:
        """Measure drift from the present prices on; who is under a rule must then be looked at."""
        screening.remember(market, self.reference)

    def suspects(self, market: Market, reach: float = 0.0) -> tuple[np.ndarray, float, bool]:
        """List the accounts that may have crossed their line, were prices `reach` further away.

        Parameters
        ----------
        market : Market
        reach : float
            Relative change of a price, times the heaviest weight it has in drift.

        Returns
        -------
        accounts : ndarray of int32
            In account order; written over by the next call.
        drift : float
        is_old : bool
            Whether so many are near their line that a new reference would spare looks.
        """
        count, near, drift, self._since = self._suspects.call(
            market,
            self.reference,
            reach,
            self._rule_of,
            self.slack,
            self._changes,
            self._since,
            *self._flags,
            self._found,
        )
        return self._found[:count], drift, near > self._most_near and drift > 0.0
