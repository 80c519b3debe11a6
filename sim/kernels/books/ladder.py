"""The ladder: one row per price tick, and a bitmap that finds the next occupied one.

The bitmap has three levels in one array of 64-bit words: a bit per tick, a bit per word
of ticks, a bit per word of those. Finding the next occupied price is then a few
operations whatever the gap, and above 64**3 ticks a short scan. Zeros mean empty, so a
fresh ladder is memory nobody has touched yet.

One bitmap serves both sides: a book is never crossed, so whatever is occupied at or
below the best bid is a bid.
"""

from __future__ import annotations

import numpy as np
from numba.core import types
from numba.extending import lower_builtin, type_callable

from sim.base.jit import inlined

LEVEL = np.dtype(
    [
        ("volume", "i8"),  # lots resting at this tick
        ("head", "u4"),  # first in the queue, 0 if none
        ("tail", "u4"),  # last in the queue, 0 if none
    ]
)

BLOCK = 64**3  # ticks that one word of the highest level covers; widths are multiples of it

NONE = np.uint64(0)
ONE = np.uint64(1)
ALL = np.uint64(0xFFFFFFFFFFFFFFFF)


def words(width: int) -> int:
    """Number of 64-bit words in the bitmap of a ladder of `width` ticks."""
    return (width >> 6) + (width >> 12) + (width >> 18)


# Compiled code gets one machine instruction for each of these two; the bodies are for the JIT off.


def lowest_bit(word):
    """Index of the lowest set bit of a word that is not zero."""
    return (int(word) & -int(word)).bit_length() - 1


def highest_bit(word):
    """Index of the highest set bit of a word that is not zero."""
    return int(word).bit_length() - 1


@type_callable(lowest_bit)
@type_callable(highest_bit)
def _type_bit(context):
    return lambda word: types.int64


@lower_builtin(lowest_bit, types.uint64)
def _emit_lowest_bit(context, builder, signature, arguments):
    return builder.cttz(arguments[0], context.get_constant(types.boolean, True))


@lower_builtin(highest_bit, types.uint64)
def _emit_highest_bit(context, builder, signature, arguments):
    zeros = builder.ctlz(arguments[0], context.get_constant(types.boolean, True))
    return builder.sub(context.get_constant(types.int64, 63), zeros)


@inlined
def occupy(bitmap, width, tick):
    """Mark a tick as occupied."""
    word = tick >> 6
    was = bitmap[np.uint64(word)]
    bitmap[np.uint64(word)] = was | (ONE << np.uint64(tick & 63))
    if was == NONE:
        middle = (width >> 6) + (tick >> 12)
        bitmap[np.uint64(middle)] |= ONE << np.uint64((tick >> 6) & 63)
        top = (width >> 6) + (width >> 12) + (tick >> 18)
        bitmap[np.uint64(top)] |= ONE << np.uint64((tick >> 12) & 63)


@inlined
def vacate(bitmap, width, tick):
    """Mark a tick as empty."""
    word = tick >> 6
    left = bitmap[np.uint64(word)] & ~(ONE << np.uint64(tick & 63))
    bitmap[np.uint64(word)] = left
    if left == NONE:
        middle = (width >> 6) + (tick >> 12)
        left = bitmap[np.uint64(middle)] & ~(ONE << np.uint64((tick >> 6) & 63))
        bitmap[np.uint64(middle)] = left
        if left == NONE:
            top = (width >> 6) + (width >> 12) + (tick >> 18)
            bitmap[np.uint64(top)] &= ~(ONE << np.uint64((tick >> 12) & 63))


@inlined
def last_in_word(bitmap, start, index):
    """Greatest set index at or below `index` in its own word of a level, -1 if none."""
    if index < 0:
        return np.int64(-1)
    bits = bitmap[np.uint64(start + (index >> 6))] & (ALL >> np.uint64(63 - (index & 63)))
    if bits == NONE:
        return np.int64(-1)
    return ((index >> 6) << 6) + highest_bit(bits)


@inlined
def first_in_word(bitmap, start, count, index):
    """Least set index at or above `index` in its own word of a level of `count` bits, -1 if none."""
    if index >= count:
        return np.int64(-1)
    bits = bitmap[np.uint64(start + (index >> 6))] & (ALL << np.uint64(index & 63))
    if bits == NONE:
        return np.int64(-1)
    return ((index >> 6) << 6) + lowest_bit(bits)


@inlined
def occupied_below(bitmap, width, tick):
    """Greatest occupied tick at or below `tick`, -1 if none."""
    found = last_in_word(bitmap, np.int64(0), tick)
    if found >= 0:
        return found
    word = last_in_word(bitmap, width >> 6, (tick >> 6) - 1)
    if word < 0:
        top = (width >> 6) + (width >> 12)
        block = (tick >> 12) - 1
        middle = last_in_word(bitmap, top, block)
        while middle < 0 and block >= 64:
            block = ((block >> 6) << 6) - 1
            middle = last_in_word(bitmap, top, block)
        if middle < 0:
            return np.int64(-1)
        word = (middle << 6) + highest_bit(bitmap[np.uint64((width >> 6) + middle)])
    return (word << 6) + highest_bit(bitmap[np.uint64(word)])


@inlined
def occupied_above(bitmap, width, tick):
    """Least occupied tick at or above `tick`, `width` if none."""
    found = first_in_word(bitmap, np.int64(0), width, tick)
    if found >= 0:
        return found
    word = first_in_word(bitmap, width >> 6, width >> 6, (tick >> 6) + 1)
    if word < 0:
        top = (width >> 6) + (width >> 12)
        block = (tick >> 12) + 1
        middle = first_in_word(bitmap, top, width >> 12, block)
        while middle < 0 and block < width >> 12:
            block = ((block >> 6) + 1) << 6
            middle = first_in_word(bitmap, top, width >> 12, block)
        if middle < 0:
            return np.int64(width)
        word = (middle << 6) + lowest_bit(bitmap[np.uint64((width >> 6) + middle)])
    return (word << 6) + lowest_bit(bitmap[np.uint64(word)])
