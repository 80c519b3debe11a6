"""Settling: funding of perpetuals, and the fills that settle expired options."""

from __future__ import annotations

import numpy as np

from sim.base.jit import inlined, kernel
from sim.kernels.accounts.posting import NO_HOLDER
from sim.kernels.messages.tape import Deal, Origin, Party, open_group, write_fill
from sim.records import EXPIRY, OPTIONS, SETTLING

EIGHT_HOURS = 8 * 3600.0
INSTANT = 1e-9  # s; what is due within it is due now

# Funding of one perpetual: its rule, and what has accrued.
FUNDING = np.dtype(
    [
        ("interval", "f8"),  # s between payments
        ("dead_band", "f8"),  # premium per eight hours below which nothing is paid
        ("cap", "f8"),  # largest rate per eight hours
        ("accrued", "f8"),  # rate since the last payment
        ("due_at", "f8"),  # s, next payment
        ("instrument", "i8"),
        ("asset", "i8"),
    ],
    align=True,
)


@kernel
def funding_rate(premium, dead_band, cap):
    """Rate per eight hours for a premium; longs pay it when positive."""
    rate = max(dead_band, premium) + min(-dead_band, premium)
    return min(max(rate, -cap), cap)


@kernel
def accrue(perpetuals, assets, seconds, time):
    """Accrue the funding of `seconds` on every perpetual; returns how many are to be paid at `time`.

    Parameters
    ----------
    perpetuals : ndarray of FUNDING
    assets : ndarray of ASSET, shape (K,)
    """
    due = 0
    for p in range(perpetuals.size):
        asset = perpetuals[p]["asset"]
        index = assets[asset]["index"]
        premium = (assets[asset]["mark"] - index) / index
        rate = funding_rate(premium, perpetuals[p]["dead_band"], perpetuals[p]["cap"])
        perpetuals[p]["accrued"] += rate * seconds / EIGHT_HOURS
        if time >= perpetuals[p]["due_at"] - INSTANT:
            due += 1
    return due


@kernel
def fund(perpetuals, assets, terms, position, time, amounts):
    """Write what each account receives (pays, below zero) in the funding due at `time`.

    Parameters
    ----------
    perpetuals : ndarray of FUNDING
        Those paid start to accrue anew, until the next multiple of their interval.
    position : ndarray of int64, shape (I, A)
    amounts : ndarray of float64, shape (A,)
        Quote currency: minus accrued rate x notional at the mark.
    """
    amounts[:] = 0.0
    for p in range(perpetuals.size):
        if time < perpetuals[p]["due_at"] - INSTANT:
            continue
        i, interval = perpetuals[p]["instrument"], perpetuals[p]["interval"]
        rate = perpetuals[p]["accrued"] * terms[i]["lot"] * assets[perpetuals[p]["asset"]]["mark"]
        for account in range(position.shape[1]):
            amounts[account] -= position[i, account] * rate
        perpetuals[p]["accrued"] = 0.0
        perpetuals[p]["due_at"] = interval * (np.floor((time + INSTANT) / interval) + 1.0)


@inlined
def payoff(contracts, number, index):
    """What the holder of one unit receives at expiry, quote currency."""
    intrinsic = index - contracts[number]["strike"]
    if contracts[number]["is_call"] == 0:
        intrinsic = -intrinsic
    return max(intrinsic, 0.0)


@kernel
def expire(contracts, number, index, holdings, books, population_of, clearing, time, tape):
    """Settle every position in one expired contract against the clearing account, in one group.

    All positions sum to zero, so the clearing account ends flat.

    Parameters
    ----------
    contracts : ndarray of CONTRACT
    number : int
        Of the contract among them.
    index : float
        Price that it settles at, quote currency.
    holdings : Holdings
    books : Books
    population_of : ndarray of int16, shape (A,)
    clearing : int
    time : float
    tape : TapeRows
        With room for a fill for every holder and wide account.
    """
    contract, qty, holder_of = holdings.contract, holdings.qty, holdings.holder_of
    price, group = payoff(contracts, number, index), open_group(tape)
    origin, clearer = Origin(time, 0, SETTLING, EXPIRY), Party(clearing, population_of[clearing])
    for holder in range(books.account_of.size):
        for slot in range(contract.shape[0]):
            if contract[slot, holder] == number and qty[slot, holder] != 0:
                account = books.account_of[holder]
                deal = Deal(OPTIONS + number, -qty[slot, holder], price, 0.0, 0.0)
                write_fill(tape, -1, group, deal, clearer, Party(account, population_of[account]), origin)
    for account in range(holder_of.size):
        if holder_of[account] < NO_HOLDER and account != clearing:
            lots = books.wide[NO_HOLDER - 1 - holder_of[account], number]
            if lots != 0:
                deal = Deal(OPTIONS + number, -lots, price, 0.0, 0.0)
                write_fill(tape, -1, group, deal, clearer, Party(account, population_of[account]), origin)
    contracts[number]["is_live"] = 0
    contracts[number]["price"] = 0.0
    contracts[number]["delta"] = 0.0
    contracts[number]["gamma"] = 0.0
