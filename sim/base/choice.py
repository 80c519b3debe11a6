"""Choice: one compiled function for those of one name in every file of a folder, chosen by number.

A venue shows the number of its family, so that a kernel needs no switch over families, and one more is
one more file.
"""

from __future__ import annotations

import importlib
import math
import pkgutil
from collections.abc import Callable, Sequence
from typing import Any

from sim.base.jit import inlined

Kernel = Callable[..., Any]


def families(package: str, first: str) -> tuple[str, ...]:
    """Names of the modules of a package in a fixed order, which numbers them; `first` has number 0."""
    found = pkgutil.iter_modules(importlib.import_module(package).__path__)
    return tuple(sorted((each.name for each in found), key=lambda name: (name != first, name)))


def chosen(package: str, names: Sequence[str], function: str) -> Kernel:
    """A function of a number and three arguments: what that of the numbered module gives for these.

    Parameters
    ----------
    package : str
    names : sequence of str
        Its modules, by number.
    function : str
        Name in each of them. It takes three arguments and returns a float.

    Returns
    -------
    callable
        For kernels; NaN for a number that no module has.
    """
    rest = _none
    for number, name in reversed(list(enumerate(names))):
        rest = _either(number, getattr(importlib.import_module(f"{package}.{name}"), function), rest)
    return rest


@inlined
def _none(number, first, second, third):  # type: ignore[no-untyped-def]  # numba types it
    return math.nan


def _either(number: int, own: Kernel, rest: Kernel) -> Kernel:
    @inlined
    def either(asked, first, second, third):  # type: ignore[no-untyped-def]  # numba types it
        return own(first, second, third) if asked == number else rest(asked, first, second, third)

    return either
