"""Filling: the Greeks of what hedgers hold, and the delta of options at other volatilities and times."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from agents.hedging.kernels.screening import DELTA_THEN, GAMMA_THEN
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


class Held(NamedTuple):
    """The options of every holder, and which of them are whose.

    Attributes
    ----------
    holder : ndarray of int32, shape (chains, N)
        Of each row, on each chain on which rows hold options.
    contract, qty : ndarray of int32 and int64, shape (W, H)
        As in `sim.kernels.options.portfolio`.
    """

    holder: np.ndarray
    contract: np.ndarray
    qty: np.ndarray


@kernel
def fill_book(held, contracts, work, then, size, columns):
    """Write size, delta and gamma of the options of each row, and their delta and gamma at the reference.

    Parameters
    ----------
    held : Held
    contracts, work
        What options are worth (`sim.kernels.options.portfolio`).
    then : ndarray of float64, shape (2, M)
        Deltas and gammas of the reference.
    size : ndarray of float64, shape (N,)
    columns : ndarray of COLUMNS
        Written.
    """
    for i in range(columns.size):
        row = columns[i]["row"]
        delta, gamma, then_delta, then_gamma, gross = 0.0, 0.0, 0.0, 0.0, 0.0
        for chain in range(held.holder.shape[0]):
            holder = held.holder[chain, row]
            for slot in range(held.contract.shape[0]):
                number = held.contract[slot, holder]
                if number >= 0:
                    lots, column = float(held.qty[slot, holder]), column_of(number)
                    delta += lots * work[DELTA, column]
                    gamma += lots * work[GAMMA, column]
                    units = held.qty[slot, holder] * contracts[number]["lot"]
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
def fill_vega_theta(held, work, columns):
    """Write vega and theta of the options of each row, at the mid and rates zero.

    Notes
    -----
    vega = F^2 sigma T gamma and theta = -F^2 sigma^2 gamma / 2, both of Black (1976) at rates zero.
    """
    for i in range(columns.size):
        vega, theta = 0.0, 0.0
        for chain in range(held.holder.shape[0]):
            holder = held.holder[chain, columns[i]["row"]]
            for slot in range(held.contract.shape[0]):
                column = column_of(held.contract[slot, holder])
                vol = work[VOLATILITY, column]
                curved = float(held.qty[slot, holder]) * work[GAMMA, column] * work[MID, column] ** 2 * vol
                vega += curved * max(work[YEARS, column], 0.0)
                theta -= 0.5 * curved * vol
        columns[i]["vega"] = vega
        columns[i]["theta"] = theta


@inlined
def adjusted(vol, k, load):
    """The volatility whose square is that of `vol` raised by the share k and by `load` over it."""
    return math.sqrt(max(vol * (vol * (1.0 + k) + load), 0.0))


@inlined
def moved_delta(asked, column, work):
    """Delta of a unit of the contract in a column, at the volatility and the time that are asked for."""
    vol = adjusted(work[VOLATILITY, column], asked["k"], asked["load"])
    years, is_call = work[YEARS, column] + asked["later"], work[IS_CALL, column] != 0.0
    delta, _ = forward_delta_gamma(work[MID, column], work[STRIKE, column], years, vol, is_call)
    return delta


@kernel
def adjust_delta(held, contracts, work, columns):
    """Write the delta at the mid, with other volatilities and other times to expiry, as the columns ask.

    Parameters
    ----------
    held, contracts, work
        As in `fill_book`.
    columns : ndarray of COLUMNS
        `k`, `load` and `later` are read, `adjusted_delta` is written.
    """
    for i in range(columns.size):
        delta = 0.0
        for chain in range(held.holder.shape[0]):
            holder = held.holder[chain, columns[i]["row"]]
            for slot in range(held.contract.shape[0]):
                number = held.contract[slot, holder]
                if number >= 0:
                    lots = float(held.qty[slot, holder])
                    delta += (
                        lots * contracts[number]["lot"] * moved_delta(columns[i], column_of(number), work)
                    )
        columns[i]["adjusted_delta"] = delta


@kernel
def fill_shares(account, share, spot, position, terms, columns):
    """Write delta and gamma of each row's shares, and delta of what it took out; its size is its delta.

    Parameters
    ----------
    account : ndarray of int64, shape (chains, N)
        Of each row on each chain.
    share : int
        Dense instrument of the shares.
    spot : int
        The asset, where rows have some that they took out of the pool and that is no hedge; else below 0.
    position : ndarray of int64, shape (I, A)
    terms : ndarray of TERMS, shape (I,)
    columns : ndarray of COLUMNS
        Written.
    """
    for i in range(columns.size):
        lots = np.int64(0)
        for chain in range(account.shape[0]):
            lots += position[share, account[chain, columns[i]["row"]]]
        delta = float(lots) * terms[share]["delta"]
        if spot >= 0:
            for chain in range(account.shape[0]):
                delta += position[spot, account[chain, columns[i]["row"]]] * terms[spot]["delta"]
        columns[i]["size"] = columns[i]["delta"] = delta
        columns[i]["gamma"] = float(lots) * terms[share]["gamma"]
