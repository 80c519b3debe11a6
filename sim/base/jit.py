"""Compile kernels once, keep them, and never run a stale one; `sim.base.kernel_cache` has where and how.

Reference counting is switched off (`_nrt=False`): the same order book runs several
times faster, and an allocation inside a kernel becomes a compile error. Kernels
write into arrays they are given.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import numba
from numba.core.event import Listener, register

from sim.base.inlining import InlinedCompiler
from sim.base.kernel_cache import Entries, KernelCache, is_covered

ENTRIES = Entries()
OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False}
INLINED: dict[str, Any] = {
    "forceinline": True,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
    "pipeline_class": InlinedCompiler,
}


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile an entry point: called from Python, releases the GIL.

    It is kept on disk if it stands in one of the files whose edits are noticed
    (`sim.base.kernel_cache.SOURCES`), elsewhere it is compiled once in a process.
    """
    compiled: Any = numba.njit(**OPTIONS)(function)
    if is_covered(function) and hasattr(compiled, "overloads"):
        compiled._cache = KernelCache(function, ENTRIES)
    kernel: Callable[..., Any] = compiled
    return kernel


def inlined(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a helper that only kernels call; it is inlined into each of them.

    It gets no wrapper for calls from Python and no code of its own, which would take as long again.
    """
    compiled: Callable[..., Any] = numba.njit(**INLINED, **OPTIONS)(function)
    return compiled


def summing(function: Callable[..., Any]) -> Callable[..., Any]:
    """As `inlined`, for a helper whose additions may be done in any order, and so several at a time."""
    fast = {"fastmath": {"reassoc", "nsz"}}
    compiled: Callable[..., Any] = numba.njit(**INLINED, **fast, **OPTIONS)(function)
    return compiled


class _Uncollected(Listener):  # type: ignore[misc]  # numba ships no types
    """Looks for no garbage while a kernel is compiled: a tenth of the time, for hardly anything found."""

    def __init__(self) -> None:
        self._depth, self._was_on = 0, False

    def on_start(self, event: Any) -> None:
        """Stop at the outermost kernel."""
        if self._depth == 0:
            self._was_on = gc.isenabled()
            gc.disable()
        self._depth += 1

    def on_end(self, event: Any) -> None:
        """Go on after it, if it was on."""
        self._depth -= 1
        if self._depth == 0 and self._was_on:
            gc.enable()


register("numba:compile", _Uncollected())


def is_compiled() -> bool:
    """True when kernels of exactly these sources are kept already."""
    return any(True for _ in ENTRIES)
