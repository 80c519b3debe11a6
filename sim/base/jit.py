"""Compile kernels once, keep them, and never run a stale one; `sim.base.kernel_cache` has where and how.

Reference counting is switched off (`_nrt=False`): the same order book runs several
times faster, and an allocation inside a kernel becomes a compile error. Kernels
write into arrays they are given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba

from sim.base.kernel_cache import Entries, KernelCache, is_covered

ENTRIES = Entries()
OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False}


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

    It gets no wrapper for calls from Python, which would double its compile time.
    """
    bare = {"forceinline": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    compiled: Callable[..., Any] = numba.njit(**bare, **OPTIONS)(function)
    return compiled


def summing(function: Callable[..., Any]) -> Callable[..., Any]:
    """As `inlined`, for a helper whose additions may be done in any order, and so several at a time."""
    bare = {"forceinline": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    fast = {"fastmath": {"reassoc", "nsz"}}
    compiled: Callable[..., Any] = numba.njit(**bare, **fast, **OPTIONS)(function)
    return compiled


def is_compiled() -> bool:
    """True when kernels of exactly these sources are kept already."""
    return any(True for _ in ENTRIES)
