"""Providing: take liquidity out of a pool when volatility is high, and put it back when it is low again."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from sim.base.jit import inlined, kernel
from sim.kernels.accounts.valuation import initial_of, lot_value, settled_cash
from sim.kernels.messages.outbox import send
from sim.records import ADD_LIQUIDITY, LIQUIDITY, REMOVE_LIQUIDITY

IS_IN = -1  # in place of the shares kept
DRIFT = 0.99  # of the cash there is, which is paid at the pool's price as the deposit arrives


class Pool(NamedTuple):
    """The pool's row in the quotes, its shares, and the asset in it."""

    venue: Any
    share: Any
    spot: Any


class Providers(NamedTuple):
    """Who provides, shape (N,).

    Attributes
    ----------
    account : ndarray of int64
        On the pool's chain.
    latency : ndarray of float64
    leaves_above, returns_below : ndarray of float64
        Realised volatilities, per year.
    pause : ndarray of float64
        Seconds after leaving, or after trying to come back, before which a row does not.
    part : ndarray of float64
        Share of what it has in the pool that it takes out.
    kept : ndarray of int64
        Lots of shares left in when it took the rest out, `IS_IN` for a row that has not. Written.
    due : ndarray of float64
        When it may come back, s. Written.
    pending : ndarray of int64, shape (1, N)
        Lots of shares on the way to be redeemed.
    """

    account: Any
    latency: Any
    leaves_above: Any
    returns_below: Any
    pause: Any
    part: Any
    kept: Any
    due: Any
    pending: Any


@inlined
def depositable(account, pool, price, holdings, terms):
    """Lots of the asset that an account has, and has as much free cash for."""
    free = settled_cash(account, holdings, terms) - initial_of(account, -1, 0.0, holdings, terms)
    dear = max(price * terms[pool.spot]["lot"], lot_value(terms, pool.spot, 1))
    affordable = np.int64(math.floor(max(DRIFT * free, 0.0) / dear))
    return min(holdings.position[pool.spot, account], affordable)


@inlined
def liquidity(out, now, row, providers, pool, kind, lots):
    """Write an order that changes what a row has in the pool."""
    order = send(out, now, providers.latency[row], providers.account[row], pool.venue, kind, lots)
    order["reason"] = LIQUIDITY


@kernel
def provide(now, volatility, quotes, pool, holdings, terms, providers, out):
    """Let each row leave if volatility is above what it bears, and come back once it is low.

    Parameters
    ----------
    now, volatility : float
        Seconds, and realised volatility per year.
    quotes : ndarray of VENUE_STATE
    pool : Pool
    holdings : Holdings
    terms : ndarray of TERMS
    providers : Providers
    out : Out
        With room for an order a row.
    """
    own = providers
    for row in range(own.kept.size):
        account = own.account[row]
        shares = holdings.position[pool.share, account]
        if own.pending[0, row] != 0:
            continue
        if shares > own.kept[row]:
            own.kept[row] = IS_IN
        if own.kept[row] == IS_IN and volatility > own.leaves_above[row]:
            lots = np.int64(own.part[row] * shares)
            if lots > 0:
                liquidity(out, now, row, own, pool, REMOVE_LIQUIDITY, lots)
                own.kept[row], own.due[row] = shares - lots, now + own.pause[row]
        elif own.kept[row] != IS_IN and volatility < own.returns_below[row] and now >= own.due[row]:
            lots = depositable(account, pool, quotes[pool.venue]["mid"], holdings, terms)
            own.due[row] = now + own.latency[row] + own.pause[row]
            if lots > 0:
                liquidity(out, now, row, own, pool, ADD_LIQUIDITY, lots)
