"""Margin: the kernels of the standard rule, and what every rule's accounts share.

A rule's kernels go through a list of accounts and write a number for each; what an account is
worth and needs they ask of `valuation`.
"""

from __future__ import annotations

import math

import numpy as np

from sim.base.jit import inlined, kernel
from sim.kernels.accounts.valuation import (
    equity_without_options,
    initial_of,
    lot_value,
    options_held,
    settled_cash,
    standing,
    value_of,
)
from sim.records import CANCEL, CANCEL_ALL, CANCEL_AT, CANCEL_RANDOM, REDUCE_ONLY

NO_RULE = -1  # in place of a rule's number: nobody checks the account
NO_LIMIT = np.int64(1) << np.int64(62)
DUST = 1e-6  # quote currency; shortfalls and debts up to it are rounding


@kernel
def worth(holdings, prices, out):
    """Write the value of every account, options in the books of those who may hold all aside."""
    for a in range(out.size):
        out[a] = value_of(a, holdings, prices)


@kernel
def assess(accounts, holdings, prices, equity, maintenance):
    """Write equity and maintenance margin of the listed accounts, quote currency, shape (A,) both."""
    for j in range(accounts.size):
        a = accounts[j]
        equity[a], maintenance[a] = standing(a, holdings, prices)


@kernel
def free(accounts, holdings, prices, out):
    """Write equity less initial margin of the listed accounts, quote currency, shape (A,)."""
    for j in range(accounts.size):
        a = accounts[j]
        options, short, _ = options_held(a, holdings, prices)
        equity = equity_without_options(a, holdings, prices.terms) + options
        out[a] = equity - initial_of(a, -1, short, holdings, prices.terms)


@kernel
def breaches(accounts, equity, maintenance, found):
    """List those of the accounts whose equity is below maintenance; returns how many.

    `found` may be what the accounts are listed in.
    """
    count = 0
    for j in range(accounts.size):
        a = accounts[j]
        if equity[a] < maintenance[a] - DUST:
            found[count] = a
            count += 1
    return count


@inlined
def whole(units):
    """Lots in a number of units, rounded down, never below zero nor above what counts as no limit."""
    return np.int64(math.floor(min(units, float(NO_LIMIT)))) if units > 0.0 else np.int64(0)


@kernel
def room(accounts, instrument, holdings, prices, room):
    """Write the lots of an instrument that the listed accounts may buy (row 0) and sell (row 1).

    What is traded on margin is bounded by the initial margin that the position would need, what is
    paid in full by the cash that nothing else ties up, which the value of options never adds to.
    """
    terms = prices.terms
    lot_price = lot_value(terms, instrument, 1)
    for j in range(accounts.size):
        a = accounts[j]
        held = holdings.position[instrument, a]
        options, short, _ = options_held(a, holdings, prices)
        if terms[instrument]["initial"] > 0.0:
            equity = equity_without_options(a, holdings, terms) + options
            free = equity - initial_of(a, instrument, short, holdings, terms)
            most = whole(free / (lot_price * terms[instrument]["initial"]))
            room[0, a] = most - held
            room[1, a] = most + held
        else:
            free = settled_cash(a, holdings, terms) + min(options, 0.0)
            free -= initial_of(a, -1, short, holdings, terms)
            room[0, a] = whole(free / lot_price)
            room[1, a] = held


@inlined
def is_reducing(order):
    """Whether an order can only bring its sender nearer to no position."""
    kind = order["kind"]
    return order["flags"] & REDUCE_ONLY != 0 or kind in (CANCEL, CANCEL_RANDOM, CANCEL_AT, CANCEL_ALL)


@kernel
def senders(orders, rows, instrument, position, rule_of, seen, stamp, room, found, counts):
    """Give each sender the room that every rule gives, and list by rule those whose rule limits them.

    Parameters
    ----------
    orders, rows : ndarray of ORDER, ndarray of int64
        The orders due at the venue.
    instrument : int
    position : ndarray of int64, shape (I, A)
    rule_of : ndarray of int16, shape (A,)
        Number of each account's rule, NO_RULE for those that nothing limits.
    seen, stamp : ndarray of int32, shape (A,), and int
        Accounts with seen == stamp are done already; -stamp marks those that only reduce so far.
    room : ndarray of int64, shape (3, A)
        Written for the senders: lots they may buy (row 0) and sell (row 1), those resting included,
        and lots they hold (row 2), which is what reduce-only orders go by. Margin is not looked at
        for a sender all of whose orders are reduce-only or cancels.
    found : ndarray of int32, shape (R, A)
        Written: the accounts to ask each rule about.
    counts : ndarray of int64, shape (R,)
        Written: how many.
    """
    counts[:] = 0
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
        room[0, a] = NO_LIMIT
        room[1, a] = NO_LIMIT
        rule = rule_of[a]
        if rule != NO_RULE:
            found[rule, counts[rule]] = a
            counts[rule] += 1


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
