"""No margin: accounts that are fully collateralised, or stand for somebody who is not modelled."""

from __future__ import annotations

from sim.accounts.margin.standard import Standard


class Unchecked(Standard):
    """Valued as by the standard rule, but never in breach and not bounded in what they trade."""

    is_checked = False
