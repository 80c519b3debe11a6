"""Fields: what an order says beyond the least an order of its kind must say.

Every venue lists, by kind of order, the fields that mean something to it. An order that says
something else is refused before it is sent on: nothing it says is passed over in silence.
"""

from __future__ import annotations

import math

import numpy as np

from sim.jit import inlined
from sim.kernels.pending import TRADED
from sim.records import (
    CALL,
    CANCEL_AT,
    CANCEL_RANDOM,
    EXPIRE_BOTH,
    FOK,
    OPPOSITE_BEST,
    POST_ONLY,
    REDUCE_ONLY,
    REQUEST,
    SIDE_BY_VALUE,
)

KINDS = 14  # codes of kinds, from 0 on
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
IS_MALFORMED = (ALL_FLAGS + 1) << FLAG_BITS  # codes that there are not, numbers that are none
ANYTHING = 2 * IS_MALFORMED - 1


@inlined
def is_malformed(order):
    """Whether an order has a code that there is not, or no number where it needs one."""
    is_unknown = not (0 <= order["price_ref"] <= OPPOSITE_BEST and 0 <= order["tif"] <= FOK)
    is_unknown = is_unknown or not (0 <= order["stp"] <= EXPIRE_BOTH and 0 <= order["flags"] <= ALL_FLAGS)
    is_sided, is_drawn = order["flags"] & SIDE_BY_VALUE != 0, order["kind"] in (CANCEL_RANDOM, CANCEL_AT)
    is_unknown = is_unknown or (is_sided and math.isnan(order["value"]))
    is_unknown = is_unknown or (is_drawn and not 0.0 <= order["value"] < 1.0)
    return is_unknown or math.isnan(order["good_till"])


@inlined
def said(order, own):
    """The fields that an order sets, as bits; `own` is the instrument of its venue, named or not."""
    bits = (np.int64(order["flags"]) & ALL_FLAGS) << FLAG_BITS
    bits |= HAS_VALUE * (order["value"] != 0.0)
    bits |= HAS_DEADLINE * (order["good_till"] != math.inf)
    bits |= HAS_QTY * (order["qty"] != 0)
    bits |= HAS_PRICE * (order["price"] != 0)
    bits |= HAS_TARGET * (order["target"] != -1)
    bits |= HAS_INSTRUMENT * (order["instrument"] != -1 and order["instrument"] != own)
    bits |= HAS_REFERENCE * (order["price_ref"] != 0)
    bits |= HAS_TIF * (order["tif"] != 0)
    bits |= HAS_STP * (order["stp"] != 0)
    return bits | IS_MALFORMED * is_malformed(order)


@inlined
def is_supported(order, meaning, traded):
    """Whether everything that an order says means something to its venue.

    Parameters
    ----------
    meaning : ndarray of int32, shape (V, KINDS)
        Fields that mean something, as bits, by venue and kind of order. A value also means something
        where it gives the side; a request that names a listed instrument names no other contract.
    traded : ndarray of int32, shape (2, V)
        As in `pending.gather`.
    """
    venue, kind = order["venue"], order["kind"]
    if not 0 <= kind < KINDS:
        return True
    allowed = np.int64(meaning[venue, kind])
    if order["flags"] & SIDE_BY_VALUE != 0:
        allowed |= HAS_VALUE
    if kind == REQUEST and order["instrument"] >= 0 and allowed != ANYTHING:
        allowed &= ~(HAS_VALUE | HAS_TARGET | IS_CALL)
    return said(order, traded[TRADED, venue]) & ~allowed == 0
