"""Settling: funding amounts and the fills that settle expired options."""

from __future__ import annotations

from sim.jit import inlined, kernel
from sim.kernels.posting import NO_HOLDER
from sim.records import EXPIRY, OPTIONS, SETTLING


@kernel
def fund(position, value, rate, amounts):
    """Add each account's funding to `amounts`: longs pay rate x notional, shorts receive it.

    Parameters
    ----------
    position : ndarray of int64, shape (A,)
    value : float
        Quote currency of one lot at the mark.
    rate : float
        For the time that passed.
    amounts : ndarray of float64, shape (A,)
    """
    for account in range(position.size):
        amounts[account] -= position[account] * value * rate


@inlined
def payoff(contracts, number, index):
    """What the holder of one unit receives at expiry, quote currency."""
    intrinsic = index - contracts[number]["strike"]
    if contracts[number]["is_call"] == 0:
        intrinsic = -intrinsic
    return max(intrinsic, 0.0)


@inlined
def close(fills, count, time, step, seq, account, clearing, population_of, number, lots, price):
    """Write the fill by which an account gives its expired lots to the clearing account."""
    fills[count]["time"] = time
    fills[count]["price"] = price
    fills[count]["fee"] = 0.0
    fills[count]["maker_fee"] = 0.0
    fills[count]["seq"] = seq
    fills[count]["group"] = seq
    fills[count]["qty"] = -lots
    fills[count]["step"] = step
    fills[count]["instrument"] = OPTIONS + number
    fills[count]["maker"] = clearing
    fills[count]["taker"] = account
    fills[count]["cause"] = 0
    fills[count]["maker_population"] = population_of[clearing]
    fills[count]["taker_population"] = population_of[account]
    fills[count]["venue"] = -1
    fills[count]["phase"] = SETTLING
    fills[count]["reason"] = EXPIRY


@kernel
def expire(
    contracts,
    number,
    index,
    contract,
    qty,
    account_of,
    wide,
    holder_of,
    clearing,
    population_of,
    time,
    step,
    fills,
    count,
    seq,
):
    """Settle every position in one expired contract against the clearing account.

    All positions sum to zero, so the clearing account ends flat.

    Returns
    -------
    int
        Number of fills on the tape afterwards.
    """
    price = payoff(contracts, number, index)
    for holder in range(account_of.size):
        for slot in range(contract.shape[0]):
            if contract[slot, holder] == number and qty[slot, holder] != 0:
                account = account_of[holder]
                lots = qty[slot, holder]
                close(fills, count, time, step, seq, account, clearing, population_of, number, lots, price)
                count += 1
                seq += 1
    for account in range(holder_of.size):
        if holder_of[account] < NO_HOLDER and account != clearing:
            lots = wide[NO_HOLDER - 1 - holder_of[account], number]
            if lots != 0:
                close(fills, count, time, step, seq, account, clearing, population_of, number, lots, price)
                count += 1
                seq += 1
    contracts[number]["is_live"] = 0
    contracts[number]["price"] = 0.0
    contracts[number]["delta"] = 0.0
    contracts[number]["gamma"] = 0.0
    return count
