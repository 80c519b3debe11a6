"""Portfolios of options: a few slots a holder, summed over all holders at once.

Holdings are kept slot by slot (the ELL layout): `contract[slot, holder]` and
`qty[slot, holder]`, so that a sweep over holders reads memory in order. What a lot of each
contract is worth is computed once, into columns with contract i in column i + 1; an empty
slot has contract -1 and so reads column 0, which is zero, without a branch.
"""

from __future__ import annotations

import numpy as np

from sim.base.jit import inlined, kernel
from sim.kernels.options.greeks import DELTA, GAMMA, PRICE, revalue

# Rows of the margin a lot.
INITIAL, MAINTENANCE = range(2)
MARGIN_ROWS = 2


@inlined
def column_of(contract):
    """Column of a contract, 0 for an empty slot; unsigned, so that no index wraps."""
    return np.uint32(contract + 1)


@kernel
def combine(contract, qty, work, value, delta, gamma):
    """Value, delta and gamma of every holder's options.

    Parameters
    ----------
    contract : ndarray of int32, shape (W, H)
        -1 where the slot is empty.
    qty : ndarray of int64, shape (W, H)
        Lots, below zero if written.
    work : ndarray of float64, shape (WORK_ROWS, M + 1 or more)
        As `options.revalue` leaves it: price, delta and gamma a lot.
    value, delta, gamma : ndarray of float64, shape (H,)
        Written: quote currency, units of the asset, units per unit of price. Holdings in
        several assets are added up as they come; call once per asset if that is not meant.
    """
    for holder in range(value.size):
        worth, slope, bend = 0.0, 0.0, 0.0
        for slot in range(qty.shape[0]):
            column = column_of(contract[slot, holder])
            lots = float(qty[slot, holder])
            worth += lots * work[PRICE, column]
            slope += lots * work[DELTA, column]
            bend += lots * work[GAMMA, column]
        value[holder] = worth
        delta[holder] = slope
        gamma[holder] = bend


@kernel
def price_short_margin(contracts, live, assets, rates, margin):
    """Margin that a short lot of each contract ties up beyond its own mark.

    Parameters
    ----------
    contracts : ndarray of CONTRACT, shape (M,)
        `price` must be fresh (`options.revalue`).
    live : ndarray of int64, shape (R, 2)
        Runs of contracts, as in `options.revalue`.
    assets : ndarray of ASSET, shape (K,)
    rates : ndarray of float64, shape (K, 3)
        Fractions of the index: at the money, far out of the money, and maintenance
        (0.15, 0.10 and 0.075 on Deribit).
    margin : ndarray of float64, shape (MARGIN_ROWS, M + 1 or more)
        Written: quote currency a lot, contract i in column i + 1, column 0 zero. A
        contract that is not live needs none.

    Notes
    -----
    With index U, o the amount out of the money and rates a, b, c: initial =
    max(a - o / U, b) U and maintenance = c U, for puts c max(U, price); the initial one is
    never below the maintenance. These are the rules of Deribit's standard
    margin for inverse options, taken from secondary sources. The venue adds the mark of
    the option because its margin balance leaves options out; equity here has it already.
    """
    margin[INITIAL, 0] = 0.0
    margin[MAINTENANCE, 0] = 0.0
    for run in range(live.shape[0]):
        first, last = live[run, 0], live[run, 1]
        own, initial = contracts[first:last], margin[INITIAL, first + 1 : last + 1]
        maintenance = margin[MAINTENANCE, first + 1 : last + 1]
        for i in range(own.size):
            asset = own[i]["asset"]
            index = assets[asset]["index"]
            strike, is_call = own[i]["strike"], own[i]["is_call"] != 0
            away = max(strike - index if is_call else index - strike, 0.0)
            kept = rates[asset, 2] * (index if is_call else max(index, own[i]["price"]))
            lot = own[i]["lot"] if own[i]["is_live"] != 0 else 0.0
            initial[i] = lot * max(rates[asset, 0] * index - away, rates[asset, 1] * index, kept)
            maintenance[i] = lot * kept


@kernel
def price(market, now, work, margin):
    """Price every live contract, its Greeks and its margin: `options.revalue`, then `price_short_margin`.

    `market` is a `sim.kernels.accounts.screening.Market`.
    """
    revalue(market.contracts, market.live, market.assets, now, work)
    price_short_margin(market.contracts, market.live, market.assets, market.rates, margin)


@kernel
def combine_short_margin(contract, qty, margin, initial, maintenance):
    """Initial and maintenance margin of every holder's short options.

    Parameters
    ----------
    contract, qty : ndarray, shape (W, H)
        As in `combine`; long slots tie up nothing.
    margin : ndarray of float64, shape (MARGIN_ROWS, M + 1)
        From `price_short_margin`.
    initial, maintenance : ndarray of float64, shape (H,)
        Written: quote currency.
    """
    for holder in range(initial.size):
        opening, keeping = 0.0, 0.0
        for slot in range(qty.shape[0]):
            column = column_of(contract[slot, holder])
            short = float(max(-qty[slot, holder], 0))
            opening += short * margin[INITIAL, column]
            keeping += short * margin[MAINTENANCE, column]
        initial[holder] = opening
        maintenance[holder] = keeping


@inlined
def has_options(holder, qty):
    """Whether a holder has options, bought or written."""
    found = False
    for slot in range(qty.shape[0]):
        found = found or qty[slot, holder] != 0
    return found


@inlined
def options_of(holder, contract, qty, work, margins):
    """Value, delta, initial and maintenance margin of one holder's options."""
    value, delta, initial, maintenance = 0.0, 0.0, 0.0, 0.0
    for slot in range(contract.shape[0]):
        column = column_of(contract[slot, holder])
        lots = float(qty[slot, holder])
        value += lots * work[PRICE, column]
        delta += lots * work[DELTA, column]
        if lots < 0.0:
            initial -= lots * margins[INITIAL, column]
            maintenance -= lots * margins[MAINTENANCE, column]
    return value, delta, initial, maintenance
