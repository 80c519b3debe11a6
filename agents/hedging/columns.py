"""Columns: what the passes of a hedge hand on, a row for each hedger that is looked at.

They are numpy records, as the View's tables are: `columns["delta"]` is a column, one argument is all of them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.kernels.messages.owners import Owners

# What is known of a row at its look. Units are those of the asset, prices in quote currency.
COLUMNS = np.dtype(
    [
        ("row", "i4"),  # of the population
        ("time", "f8"),  # s
        ("price", "f8"),  # reference mid
        ("held", "f8"),  # units of hedge held or on the way, treasury aside
        ("elapsed", "f8"),  # s since the row's last look
        ("size", "f8"),  # units that a width is a fraction of
        ("delta", "f8"),  # units
        ("gamma", "f8"),  # units per unit of price
        ("vega", "f8"),  # quote currency per 1.00 of volatility
        ("theta", "f8"),  # quote currency per year
        ("k", "f8"),  # what a policy's `prepare` asks the adjusted delta for: variance raised by this
        ("load", "f8"),  # share and by this over the volatility,
        ("later", "f8"),  # and so much longer to expiry, years
        ("adjusted_delta", "f8"),  # units
        ("then_delta", "f8"),  # at the reference that drift is measured from
        ("then_gamma", "f8"),
        ("gross", "f8"),  # units that any drift of delta counts for, infinite if nothing bounds it
    ],
    align=True,
)

# What a policy makes of a row. Edges are of the net delta, `held` + `delta`, so that 0 is neutral.
DECISION = np.dtype(
    [
        ("low", "f8"),  # below this it trades,
        ("high", "f8"),  # and above this
        ("trade", "f8"),  # units, > 0 buys, before `response` and `max_units`
        ("urgency", "f8"),  # 1 trades at once; what less is worth is the route's to say
        ("until", "f8"),  # of a reach: it holds before this time, s,
        ("span", "f8"),  # and while the price is within this of the present one
    ],
    align=True,
)

# What a row is to trade.
WANTED = np.dtype(
    [
        ("row", "i4"),
        ("units", "f8"),  # > 0 buys
        ("urgency", "f8"),
        ("slippage", "f8"),  # worst price, as a fraction of the mid
        ("latency", "f8"),  # s
        ("reserved", "f8"),  # lots of spot that are not for sale, or on the way to be sold
        ("spent", "f8"),  # cash at the mark that spot on the way will cost
    ],
    align=True,
)


class Clock(NamedTuple):
    """When rows look: seconds, each of shape (N,)."""

    interval: np.ndarray
    offset: np.ndarray
    latency: np.ndarray
    ready_at: np.ndarray
    looked_at: np.ndarray


class Holding(NamedTuple):
    """What rows hold of their hedging instruments (J of them), have on the way, and keep as treasury.

    `account` is that of each row on each chain, shape (chains, N).
    """

    account: np.ndarray
    instruments: np.ndarray
    baseline: np.ndarray
    pending: np.ndarray
    position: np.ndarray
    terms: np.ndarray


class Watch(NamedTuple):
    """What finds the rows that need a look: how far each is from its edges, and whose accounts changed."""

    screen: np.ndarray
    changes: np.ndarray
    owners: Owners
    is_active: np.ndarray
    flags: np.ndarray
    words: np.ndarray
    found: np.ndarray


class Sight(NamedTuple):
    """Things rows hold, with a delta each; their asset, and the reference of deltas and gammas."""

    things: np.ndarray
    asset: int
    then: np.ndarray


class Sizes(NamedTuple):
    """How much rows trade, and how; each of shape (N,)."""

    response: np.ndarray
    most: np.ndarray
    slippage: np.ndarray
    reserved: np.ndarray


def unknown_rows(rows: int, dtype: np.dtype) -> np.ndarray:
    """Columns of so many rows, of which nothing is known: unbounded drift, edges that never hold."""
    found = np.zeros(rows, dtype)
    unknown = {"gross": np.inf, "urgency": 1.0, "until": np.inf, "span": np.inf}
    for name in unknown.keys() & set(dtype.names or ()):
        found[name] = unknown[name]
    if dtype is DECISION:
        found["low"] = found["high"] = np.nan
    return found
