"""Securing: what a vault may secure options with."""

from __future__ import annotations

from sim.base.jit import kernel
from sim.kernels.accounts.valuation import lot_value, settled_cash


@kernel
def cash_unhedged(accounts, spot, hedging, coming, holdings, terms):
    """Cash that accounts would have if their hedges were closed at the mark, those on the way among them.

    Parameters
    ----------
    accounts : ndarray of int64
    spot : int
        Instrument, below 0 where none is traded.
    hedging, coming : int
        Lots of spot that are hedge, and lots on the way, which are not paid yet.
    """
    total = 0.0
    for account in accounts:
        total += settled_cash(account, holdings, terms)
    if spot >= 0:
        total += lot_value(terms, spot, hedging)
        total -= lot_value(terms, spot, coming)
    return total
