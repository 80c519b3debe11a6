"""Margin: equity, maintenance and shortfall of accounts, and how much they may still trade."""

from __future__ import annotations

import math

import numpy as np

from sim.base.jit import inlined, kernel
from sim.kernels.options.portfolio import options_of
from sim.records import CANCEL, CANCEL_ALL, CANCEL_AT, CANCEL_RANDOM, REDUCE_ONLY

UNLIMITED = 0
MARGINED = 1
NO_LIMIT = np.int64(1) << np.int64(62)
DUST = 1e-6  # quote currency; shortfalls and debts up to it are rounding

SPOT = 0
PERPETUAL = 1


@kernel
def assess(
    cash, position, terms, holder_value, holder_short, account_of, rule, equity, maintenance, in_breach
):
    """Equity and maintenance of every account; returns how many are in breach and lists them.

    Parameters
    ----------
    cash : ndarray of float64, shape (A,)
    position : ndarray of int64, shape (I, A)
    terms : ndarray of TERMS, shape (I,)
    holder_value, holder_short : ndarray of float64, shape (H,)
        Value of the options held and the maintenance the short ones need.
    account_of : ndarray of int32, shape (H,)
    rule : ndarray of int8, shape (A,)
    equity, maintenance : ndarray of float64, shape (A,)
        Written.
    in_breach : ndarray of int32, shape (A,)
        Written up to the count returned, in account order.
    """
    accounts = cash.size
    for a in range(accounts):
        equity[a] = cash[a]
        maintenance[a] = 0.0
    for i in range(position.shape[0]):
        value = terms[i]["price"] * terms[i]["lot"]
        counted = value * terms[i]["collateral"]
        needed = value * terms[i]["maintenance"]
        if terms[i]["kind"] == PERPETUAL:
            for a in range(accounts):
                equity[a] += position[i, a] * counted
                maintenance[a] += abs(position[i, a]) * needed
        else:
            for a in range(accounts):
                equity[a] += position[i, a] * counted
    for h in range(account_of.size):
        equity[account_of[h]] += holder_value[h]
        maintenance[account_of[h]] += holder_short[h]
    found = 0
    for a in range(accounts):
        if equity[a] < maintenance[a] - DUST and rule[a] == MARGINED:
            in_breach[found] = a
            found += 1
    return found


@kernel
def appraise(account, cash, position, terms, option_value, option_needed):
    """Equity and maintenance of one account at the prices in `terms`.

    Parameters
    ----------
    account : int
    cash, position, terms
        As in `assess`.
    option_value, option_needed : float
        Value of the account's options and the maintenance of the short ones, quote currency.
    """
    equity, needed = cash[account] + option_value, option_needed
    for i in range(position.shape[0]):
        value = position[i, account] * terms[i]["price"] * terms[i]["lot"]
        equity += value * terms[i]["collateral"]
        if terms[i]["kind"] == PERPETUAL:
            needed += abs(value) * terms[i]["maintenance"]
    return equity, needed


@inlined
def used(account, skip, position, terms, short):
    """Initial margin that an account's positions other than `skip` need, quote currency."""
    total = short
    for i in range(position.shape[0]):
        if i != skip and terms[i]["kind"] == PERPETUAL:
            notional = abs(position[i, account]) * terms[i]["lot"] * terms[i]["price"]
            total += notional * terms[i]["initial"]
    return total


@inlined
def counted(account, with_collateral, cash, position, terms):
    """Cash and perpetuals of an account at the mark, and collateral if asked, quote currency."""
    total = cash[account]
    for i in range(position.shape[0]):
        value = position[i, account] * terms[i]["lot"] * terms[i]["price"]
        if terms[i]["kind"] == PERPETUAL:
            total += value
        elif with_collateral:
            total += value * terms[i]["collateral"]
    return total


@inlined
def whole(units):
    """Lots in a number of units, rounded down, never below zero nor above what counts as no limit."""
    return np.int64(math.floor(min(units, float(NO_LIMIT)))) if units > 0.0 else np.int64(0)


@inlined
def is_reducing(order):
    """Whether an order can only bring its sender nearer to no position."""
    kind = order["kind"]
    return order["flags"] & REDUCE_ONLY != 0 or kind in (CANCEL, CANCEL_RANDOM, CANCEL_AT, CANCEL_ALL)


@inlined
def allow(account, instrument, cash, position, terms, options, short, room):
    """Write the lots that initial margin, or cash and holdings, let an account buy and sell."""
    held = position[instrument, account]
    lot_value = terms[instrument]["lot"] * terms[instrument]["price"]
    if terms[instrument]["kind"] == PERPETUAL:
        free = counted(account, True, cash, position, terms) + options
        free -= used(account, instrument, position, terms, short)
        most = whole(free / (lot_value * terms[instrument]["initial"]))
        room[0, account] = most - held
        room[1, account] = most + held
    else:
        free = counted(account, False, cash, position, terms) + min(options, 0.0)
        free -= used(account, -1, position, terms, short)
        room[0, account] = whole(free / lot_value)
        room[1, account] = held


@kernel
def admit(
    orders,
    rows,
    instrument,
    cash,
    position,
    terms,
    holder_of,
    contract,
    qty,
    work,
    margins,
    rule,
    seen,
    stamp,
    room,
):
    """Work out how many lots each sender may still buy and sell of one instrument.

    Parameters
    ----------
    orders, rows : ndarray of ORDER, ndarray of int64
        The orders due at the venue.
    instrument : int
    seen, stamp : ndarray of int32, shape (A,), and int
        Accounts with seen == stamp are done already; -stamp marks those that only reduce so far.
    contract, qty, work, margins
        Options held and what a lot of each is worth and ties up (`portfolio`).
    room : ndarray of int64, shape (3, A)
        Written for the senders: lots they may buy (row 0) and sell (row 1), those resting included,
        and lots they hold (row 2), which is what reduce-only orders go by. Margin is not looked at
        for a sender all of whose orders are reduce-only or cancels.
    """
    for k in range(rows.size):
        order = orders[rows[k]]
        a = order["account"]
        if seen[a] == stamp:
            continue
        room[2, a] = position[instrument, a]
        if is_reducing(order):
            if seen[a] != -stamp:
                room[0, a] = max(-position[instrument, a], 0)
                room[1, a] = max(position[instrument, a], 0)
            seen[a] = -stamp
            continue
        seen[a] = stamp
        if rule[a] == UNLIMITED:
            room[0, a] = NO_LIMIT
            room[1, a] = NO_LIMIT
            continue
        options, short = 0.0, 0.0
        if holder_of[a] >= 0:
            options, _, short, _ = options_of(holder_of[a], contract, qty, work, margins)
        allow(a, instrument, cash, position, terms, options, short, room)


@kernel
def last_safe(prices, marks, exposure, breach, equity, maintenance, step, floor, ratio, out):
    """Last step at whose end an account was safe, and -1 if it never was.

    Parameters
    ----------
    prices : ndarray of float64, shape (K, S, 2)
        Mark and mid at the end of each step; the worse one counts.
    marks : ndarray of float64, shape (K, S)
    exposure, breach : ndarray of float64, shape (L, K)
        Units held, and the mark when the account broke.
    equity, maintenance : ndarray of float64, shape (L,)
    step, floor : ndarray of int64, shape (L,)
        Step of the breach, and the last step that is not looked at.
    ratio : float
        Equity over maintenance that is safe.
    out : ndarray of int64, shape (L,)
    """
    for n in range(step.size):
        s = min(step[n], marks.shape[1]) - 1
        while s > floor[n] and not is_safe(n, s, prices, marks, exposure, breach, equity, maintenance, ratio):
            s -= 1
        out[n] = max(s, floor[n])


@inlined
def is_safe(n, s, prices, marks, exposure, breach, equity, maintenance, ratio):
    """Whether equity was above `ratio` times maintenance, with what the account held at the breach."""
    worth, then, now = equity[n], 0.0, 0.0
    for k in range(marks.shape[0]):
        units = exposure[n, k]
        at_mark, at_mid = units * (prices[k, s, 0] - breach[n, k]), units * (prices[k, s, 1] - breach[n, k])
        worth += min(at_mark, at_mid)
        then += abs(units) * marks[k, s]
        now += abs(units) * breach[n, k]
    return worth > ratio * maintenance[n] * (then / now if now > 0.0 else 1.0)
