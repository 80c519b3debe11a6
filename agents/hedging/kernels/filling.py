"""Filling: the Greeks of what hedgers hold, and the delta of options at other volatilities and times."""

from __future__ import annotations

import math

from agents.hedging.kernels.looking import DELTA_THEN, GAMMA_THEN
from sim.base.jit import inlined, kernel
from sim.kernels.options.greeks import (
    DELTA,
    GAMMA,
    IS_CALL,
    MID,
    STRIKE,
    VOLATILITY,
    YEARS,
    forward_delta_gamma,
)
from sim.kernels.options.portfolio import column_of


@kernel
def fill_book(first_holder, contract, qty, contracts, work, then, size, columns):
    """Write size, delta and gamma of the options of each row, and their delta and gamma at the reference.

    Parameters
    ----------
    first_holder : int
        Holder of row 0's options.
    contract, qty, contracts, work
        Options held and what they are worth (`sim.kernels.options.portfolio`).
    then : ndarray of float64, shape (2, M)
        Deltas and gammas of the reference.
    size : ndarray of float64, shape (N,)
    columns : ndarray of COLUMNS
        Written.
    """
    for i in range(columns.size):
        row = columns[i]["row"]
        holder = first_holder + row
        delta, gamma, then_delta, then_gamma, gross = 0.0, 0.0, 0.0, 0.0, 0.0
        for slot in range(contract.shape[0]):
            number = contract[slot, holder]
            if number >= 0:
                lots, column = float(qty[slot, holder]), column_of(number)
                delta += lots * work[DELTA, column]
                gamma += lots * work[GAMMA, column]
                units = qty[slot, holder] * contracts[number]["lot"]
                then_delta += units * then[DELTA_THEN, number]
                then_gamma += units * then[GAMMA_THEN, number]
                gross += abs(units)
        columns[i]["size"] = size[row]
        columns[i]["delta"] = delta
        columns[i]["gamma"] = gamma
        columns[i]["then_delta"] = then_delta
        columns[i]["then_gamma"] = then_gamma
        columns[i]["gross"] = gross


@kernel
def fill_vega_theta(first_holder, contract, qty, work, columns):
    """Write vega and theta of the options of each row, at the mid and rates zero.

    Notes
    -----
    vega = F^2 sigma T gamma and theta = -F^2 sigma^2 gamma / 2, both of Black (1976) at rates zero.
    """
    for i in range(columns.size):
        holder = first_holder + columns[i]["row"]
        vega, theta = 0.0, 0.0
        for slot in range(contract.shape[0]):
            column = column_of(contract[slot, holder])
            vol = work[VOLATILITY, column]
            curved = float(qty[slot, holder]) * work[GAMMA, column] * work[MID, column] ** 2 * vol
            vega += curved * max(work[YEARS, column], 0.0)
            theta -= 0.5 * curved * vol
        columns[i]["vega"] = vega
        columns[i]["theta"] = theta


@inlined
def adjusted(vol, k, load):
    """The volatility whose square is that of `vol` raised by the share k and by `load` over it."""
    return math.sqrt(max(vol * (vol * (1.0 + k) + load), 0.0))


@kernel
def adjust_delta(first_holder, contract, qty, contracts, work, columns):
    """Write the delta at the mid, with other volatilities and other times to expiry, as the columns ask.

    Parameters
    ----------
    first_holder, contract, qty, contracts, work
        As in `fill_book`.
    columns : ndarray of COLUMNS
        `k`, `load` and `later` are read, `adjusted_delta` is written.
    """
    for i in range(columns.size):
        holder, delta = first_holder + columns[i]["row"], 0.0
        for slot in range(contract.shape[0]):
            number = contract[slot, holder]
            if number >= 0:
                column = column_of(number)
                vol = adjusted(work[VOLATILITY, column], columns[i]["k"], columns[i]["load"])
                years, is_call = work[YEARS, column] + columns[i]["later"], work[IS_CALL, column] != 0.0
                each, _ = forward_delta_gamma(work[MID, column], work[STRIKE, column], years, vol, is_call)
                delta += float(qty[slot, holder]) * contracts[number]["lot"] * each
        columns[i]["adjusted_delta"] = delta


@kernel
def fill_shares(first_account, share, position, terms, columns):
    """Write delta and gamma of the shares that each row holds; its size is its delta.

    Parameters
    ----------
    share : int
        Dense instrument of the shares.
    position : ndarray of int64, shape (I, A)
    terms : ndarray of TERMS, shape (I,)
    columns : ndarray of COLUMNS
        Written.
    """
    for i in range(columns.size):
        lots = float(position[share, first_account + columns[i]["row"]])
        columns[i]["size"] = columns[i]["delta"] = lots * terms[share]["delta"]
        columns[i]["gamma"] = lots * terms[share]["gamma"]
