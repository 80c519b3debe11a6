"""Valuation: what an account is worth, what its positions tie up, and what it may spend.

    value        cash + sum of lots x lot size x price + options at model value
    equity       the same, but of what is collateral only the share that counts
    maintenance  sum of |value| x rate + that of the options written
    initial      the same at the initial rate

Rates stand in TERMS and in the margin a lot of each contract ties up: what needs none has a zero
there. Everybody who asks what an account is worth asks here.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.base.jit import inlined, kernel
from sim.kernels.options.greeks import DELTA, PRICE
from sim.kernels.options.portfolio import options_of
from sim.records import PERPETUAL


class Holdings(NamedTuple):
    """What accounts hold.

    Attributes
    ----------
    cash : ndarray of float64, shape (A,)
    position : ndarray of int64, shape (I, A)
    holder_of : ndarray of int32, shape (A,)
        Row in the option columns, below 0 for none.
    contract, qty : ndarray of int32 and int64, shape (W, H)
    """

    cash: np.ndarray
    position: np.ndarray
    holder_of: np.ndarray
    contract: np.ndarray
    qty: np.ndarray


class Prices(NamedTuple):
    """What a lot of everything is worth and ties up.

    Attributes
    ----------
    terms : ndarray of TERMS, shape (I,)
    contracts : ndarray of CONTRACT, shape (M,)
    worth, margins : ndarray of float64, shape (WORK_ROWS, M + 1 or more) and (MARGIN_ROWS, …)
        Columns of `sim.kernels.options.portfolio`.
    """

    terms: np.ndarray
    contracts: np.ndarray
    worth: np.ndarray
    margins: np.ndarray


@inlined
def lot_value(terms, instrument, lots):
    """Value of so many lots of a dense instrument, quote currency."""
    return lots * terms[instrument]["lot"] * terms[instrument]["price"]


@inlined
def contract_value(contract, lots):
    """Value of so many lots of an option contract, quote currency."""
    return lots * contract["lot"] * contract["price"]


def contracts_value(lots, contracts):
    """Value of so many lots of each contract, quote currency; from Python, for who may hold all of them."""
    return lots @ (contracts["lot"] * contracts["price"])


@inlined
def options_held(account, holdings, prices):
    """Value, initial and maintenance margin of the options an account holds, quote currency."""
    holder = holdings.holder_of[account]
    if holder < 0:
        return 0.0, 0.0, 0.0
    value, _, initial, maintenance = options_of(
        holder, holdings.contract, holdings.qty, prices.worth, prices.margins
    )
    return value, initial, maintenance


@inlined
def equity_without_options(account, holdings, terms):
    """Cash and dense positions of an account as far as they count as equity, quote currency."""
    total = holdings.cash[account]
    for i in range(terms.size):
        total += lot_value(terms, i, holdings.position[i, account]) * terms[i]["collateral"]
    return total


@inlined
def standing(account, holdings, prices):
    """Equity of an account and the maintenance margin that its positions need, quote currency."""
    options, _, needed = options_held(account, holdings, prices)
    maintenance, terms = 0.0, prices.terms
    for i in range(terms.size):
        value = lot_value(terms, i, holdings.position[i, account])
        maintenance += abs(value) * terms[i]["maintenance"]
    return equity_without_options(account, holdings, terms) + options, maintenance + needed


@inlined
def value_of(account, holdings, prices):
    """What all of an account's holdings are worth, collateral at full value, quote currency."""
    total = 0.0
    for i in range(prices.terms.size):
        total += prices.terms[i]["lot"] * prices.terms[i]["price"] * holdings.position[i, account]
    options, _, _ = options_held(account, holdings, prices)
    return holdings.cash[account] + total + options


@inlined
def initial_of(account, skip, options, holdings, terms):
    """Initial margin that the dense positions other than `skip`, and options, need, quote currency."""
    total = options
    for i in range(terms.size):
        if i != skip:
            total += abs(lot_value(terms, i, holdings.position[i, account])) * terms[i]["initial"]
    return total


@inlined
def is_on_margin(terms, instrument):
    """Whether a dense instrument is held on margin: it needs maintenance, and is not paid in full."""
    return terms[instrument]["maintenance"] > 0.0


@inlined
def settled_cash(account, holdings, terms):
    """Cash that an account would have if what it holds on margin were closed at the mark, quote currency."""
    total = holdings.cash[account]
    for i in range(terms.size):
        if is_on_margin(terms, i):
            total += lot_value(terms, i, holdings.position[i, account])
    return total


@inlined
def free_cash(account, owed, option_margin, cash, position, terms):
    """Cash that an account may spend on spot, a cautious estimate of the venue's own check.

    Cash and what is held on margin at the mark, less what is owed and twice the maintenance: the initial
    margin is about that.
    """
    total, needed = cash[account] - owed, option_margin
    for i in range(terms.size):
        if is_on_margin(terms, i):
            value = lot_value(terms, i, position[i, account])
            total += value
            needed += abs(value) * terms[i]["maintenance"]
    return total - 2.0 * needed


@kernel
def shift(prices, live, asset, move, shifted):
    """Write what prices would be were an asset's mark so much higher.

    Spot and perpetuals of the asset move with it, live options by their delta, and these tie up as
    much as before; LP shares and prices of all else stay.
    """
    for i in range(prices.terms.size):
        shifted.terms[i] = prices.terms[i]
        if prices.terms[i]["asset"] == asset and prices.terms[i]["kind"] <= PERPETUAL:
            shifted.terms[i]["price"] += move
    for run in range(live.shape[0]):
        first, last = live[run, 0], live[run, 1]
        for row in range(prices.worth.shape[0]):
            before, after = prices.worth[row, first + 1 : last + 1], shifted.worth[row, first + 1 : last + 1]
            for c in range(before.size):
                after[c] = before[c]
        own, deltas = prices.contracts[first:last], prices.worth[DELTA, first + 1 : last + 1]
        values = shifted.worth[PRICE, first + 1 : last + 1]
        for c in range(own.size):
            if own[c]["asset"] == asset:
                values[c] += deltas[c] * move
