"""A kernel prepared for calls that come again and again."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

CHECK = "HEDGEQUAKE_CHECK"
NUMBERS = (bool, int, float)


PREPARED: dict[Any, None] = {}
"""Kernels that were prepared in this process, in the order in which they were."""


class TypedCall:
    """A kernel whose arguments are of the same types at every call.

    numba works out the type of every argument of every call; for the small kernels of a step
    that takes longer than their work. A prepared kernel lets it do so at the first call, and from
    then on calls the machine code that was chosen. What later calls give must be of the types of
    the first; with `HEDGEQUAKE_CHECK` set, as the tests do, each call makes sure of it.

    Parameters
    ----------
    kernel : callable
        As `sim.base.jit.kernel` returns it; a plain function stays what it is.

    Attributes
    ----------
    call : callable
        Runs the kernel. To be looked up at each call, as the first replaces it.
    """

    __slots__ = ("_kernel", "call")

    def __init__(self, kernel: Any) -> None:
        self._kernel = kernel
        self.call: Callable[..., Any] = kernel
        if hasattr(kernel, "overloads"):
            self.call = self._first
            PREPARED[kernel] = None

    @property
    def is_settled(self) -> bool:
        """Whether the code that later calls run has been chosen."""
        return self.call != self._first

    def _first(self, *arguments: Any) -> Any:
        result = self._kernel(*arguments)
        chosen = self._chosen(arguments)
        self.call = _checking(chosen, arguments) if os.environ.get(CHECK) else chosen
        return result

    def _chosen(self, arguments: tuple[Any, ...]) -> Callable[..., Any]:
        """The machine code for these arguments; the kernel itself where numba converts some for it."""
        compiled = self._kernel.overloads
        if len(compiled) == 1:
            found = next(iter(compiled.values()))
        else:
            found = compiled.get(tuple(self._kernel.typeof_pyval(a) for a in arguments))
        chosen: Callable[..., Any] = self._kernel if found is None else found.entry_point
        return chosen


def _checking(chosen: Callable[..., Any], first: tuple[Any, ...]) -> Callable[..., Any]:
    """The same call, of arguments that are of the types of these."""
    expected, last = [_kind(a) for a in first], list(first)

    def checked(*arguments: Any) -> Any:
        for place, (before, argument) in enumerate(zip(last, arguments, strict=True)):
            if argument is before or (type(argument) in NUMBERS and type(argument) is type(before)):
                continue
            _compare(f"argument {place}", argument, expected[place])
            last[place] = argument
        return chosen(*arguments)

    return checked


def _compare(name: str, argument: Any, expected: Any) -> None:
    """Raise TypeError if an argument, or a field of one that is a tuple, is not of the type expected."""
    found = _kind(argument)
    if found == expected:
        return
    if isinstance(argument, tuple) and isinstance(expected, tuple) and found[0] is expected[0]:
        fields = getattr(argument, "_fields", range(len(argument)))
        for field, each, kind in zip(fields, argument, expected[1:], strict=True):
            _compare(f"{name}.{field}", each, kind)
    raise TypeError(f"{name} was {expected} at the first call and is {found} now")


def _kind(argument: Any) -> Any:
    """What decides the type that numba gives an argument; of a tuple, its own and that of every field."""
    if isinstance(argument, np.ndarray):
        flags = argument.flags
        return argument.dtype, argument.ndim, flags.c_contiguous, flags.writeable, flags.aligned
    if isinstance(argument, tuple):
        return type(argument), *map(_kind, argument)
    if isinstance(argument, np.void):
        return argument.dtype
    if isinstance(argument, bool | np.bool_):
        return bool
    if isinstance(argument, np.unsignedinteger):
        return np.uint64
    if isinstance(argument, int | np.integer):
        return int
    return float if isinstance(argument, float | np.floating) else type(argument)
