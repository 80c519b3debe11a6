"""A kernel prepared for calls that come again and again."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

CHECK = "HEDGEQUAKE_CHECK"
NUMBERS = (bool, int, float)


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
        self.call: Callable[..., Any] = self._first if hasattr(kernel, "overloads") else kernel

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
            kind = _kind(argument)
            if kind != expected[place]:
                raise TypeError(f"argument {place} was {expected[place]} at the first call and is {kind} now")
            last[place] = argument
        return chosen(*arguments)

    return checked


def _kind(argument: Any) -> Any:
    """What decides the type that numba gives an argument."""
    if isinstance(argument, np.ndarray):
        flags = argument.flags
        return argument.dtype, argument.ndim, flags.c_contiguous, flags.writeable, flags.aligned
    if isinstance(argument, bool | np.bool_):
        return bool
    if isinstance(argument, np.unsignedinteger):
        return np.uint64
    if isinstance(argument, int | np.integer):
        return int
    return float if isinstance(argument, float | np.floating) else type(argument)
