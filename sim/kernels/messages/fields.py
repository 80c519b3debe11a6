"""Fields: what an order says beyond the least an order of its kind must say.

Every venue lists, by kind of order, the fields that mean something to it. An order that says
something else is refused before it is sent on: nothing it says is passed over in silence.
"""

from __future__ import annotations

import math

import numpy as np

from sim.base.jit import inlined
from sim.kernels.messages.pending import TRADED
from sim.records import (
    CALL,
    CANCEL_AT,
    CANCEL_RANDOM,
    EXPIRE_BOTH,
    FOK,
    KINDS,
    OPPOSITE_BEST,
    POST_ONLY,
    REDUCE_ONLY,
    REQUEST,
    SIDE_BY_VALUE,
)

KIND_COUNT = len(KINDS)
FLAG_BITS = 9
(
    HAS_VALUE,
    HAS_DEADLINE,
    HAS_QTY,
    HAS_PRICE,
    HAS_TARGET,
    HAS_INSTRUMENT,
    HAS_REFERENCE,
    HAS_TIF,
    HAS_STP,
) = (1 << bit for bit in range(FLAG_BITS))
IS_POST_ONLY = POST_ONLY << FLAG_BITS
IS_REDUCE_ONLY = REDUCE_ONLY << FLAG_BITS
IS_SIDE_BY_VALUE = SIDE_BY_VALUE << FLAG_BITS
IS_CALL = CALL << FLAG_BITS
ALL_FLAGS = POST_ONLY | REDUCE_ONLY | SIDE_BY_VALUE | CALL
ANYTHING = ((2 * ALL_FLAGS + 1) << FLAG_BITS) | ((1 << FLAG_BITS) - 1)


@inlined
def is_malformed(order):
    """Whether an order has a code that there is not, or no number where it needs one.

    Joined by bits, without branches: it is asked of every order.
    """
    reference, tif = np.int64(order["price_ref"]), np.int64(order["tif"])
    stp, flags = np.int64(order["stp"]), np.int64(order["flags"])
    # Below zero, or beyond the last code: a sign bit in one of these.
    found = (reference | (OPPOSITE_BEST - reference) | tif | (FOK - tif) | stp | (EXPIRE_BOTH - stp)) < 0
    found |= (flags | (ALL_FLAGS - flags)) < 0
    found |= math.isnan(order["good_till"])
    if flags & SIDE_BY_VALUE != 0:
        found |= math.isnan(order["value"])
    if order["kind"] == CANCEL_RANDOM or order["kind"] == CANCEL_AT:
        found |= not 0.0 <= order["value"] < 1.0
    return found


@inlined
def says(order, own, fields):
    """Whether an order sets any of these fields, as bits; `own` is its venue's instrument, named or not."""
    found = (np.int64(order["flags"]) << FLAG_BITS) & fields != 0
    if fields & HAS_VALUE != 0:
        found |= order["value"] != 0.0
    if fields & HAS_DEADLINE != 0:
        found |= order["good_till"] != math.inf
    if fields & HAS_QTY != 0:
        found |= order["qty"] != 0
    if fields & HAS_PRICE != 0:
        found |= order["price"] != 0
    if fields & HAS_TARGET != 0:
        found |= order["target"] != -1
    if fields & HAS_INSTRUMENT != 0:
        found |= (order["instrument"] != -1) & (order["instrument"] != own)
    if fields & HAS_REFERENCE != 0:
        found |= order["price_ref"] != 0
    if fields & HAS_TIF != 0:
        found |= order["tif"] != 0
    if fields & HAS_STP != 0:
        found |= order["stp"] != 0
    return found


@inlined
def is_supported(order, meaning, traded):
    """Whether everything that an order says means something to its venue.

    Parameters
    ----------
    meaning : ndarray of int32, shape (V, kinds)
        Fields that mean something, as bits, by venue and kind of order. A value also means something
        where it gives the side; a request that names a listed instrument names no other contract.
    traded : ndarray of int32, shape (2, V)
        As in `pending.gather`.
    """
    venue, kind = order["venue"], order["kind"]
    if not 0 <= kind < KIND_COUNT:
        return True
    allowed = np.int64(meaning[venue, kind])
    if order["flags"] & SIDE_BY_VALUE != 0:
        allowed |= HAS_VALUE
    if kind == REQUEST and order["instrument"] >= 0 and allowed != ANYTHING:
        allowed &= ~(HAS_VALUE | HAS_TARGET | IS_CALL)
    if allowed == ANYTHING:
        return True
    return not (is_malformed(order) or says(order, traded[TRADED, venue], ~allowed))
