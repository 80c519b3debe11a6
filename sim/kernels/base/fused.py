"""Multiply and add with one rounding, which processors do at the price of either.

The compiler may not join a product and a sum by itself: results would then depend on the
machine. Asked for by name, the result is the same on every machine.
"""

from __future__ import annotations

from numba import config, types
from numba.extending import intrinsic


def separate(a, b, c):
    """Product of a and b, plus c, rounded twice: for where the compiler is off."""
    return a * b + c


@intrinsic
def _instruction(typingctx, a, b, c):
    """Product of a and b, plus c, rounded once."""

    def emit(context, builder, signature, arguments):
        return builder.fma(*arguments)

    return types.float64(types.float64, types.float64, types.float64), emit


fused = separate if config.DISABLE_JIT else _instruction
