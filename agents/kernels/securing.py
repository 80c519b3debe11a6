"""Securing: what a vault may secure options with."""

from __future__ import annotations

from sim.base.jit import kernel
from sim.kernels.accounts.valuation import lot_value, settled_cash


@kernel
def cash_unhedged(account, spot, hedging, coming, holdings, terms):
    """Cash that an account would have if its hedges were closed at the mark, those on the way among them.

    Parameters
    ----------
    spot : int
        Instrument, below 0 where none is traded.
    hedging, coming : int
        Lots of spot that are hedge, and lots on the way, which are not paid yet.
    """
    total = settled_cash(account, holdings, terms)
    if spot >= 0:
        total += lot_value(terms, spot, hedging)
        total -= lot_value(terms, spot, coming)
    return total
