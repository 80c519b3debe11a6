"""Compile kernels once, keep them, and never run a stale one.

numba's file cache looks at the file a function is written in, not at the files of
the functions it calls; after an edit of a callee the caller would go on returning
the old result. The cache folder is therefore named by a hash over *every* source
that can hold compiled code, so any edit starts a fresh folder.

Reference counting is switched off (`_nrt=False`): the same order book runs several
times faster, and an allocation inside a kernel becomes a compile error. Kernels
write into arrays they are given.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("sim/kernels/*.py", "agents/kernels/*.py", "sim/records.py", "sim/jit.py")
GENERATIONS_KEPT = 3


def source_hash() -> str:
    """Hash of every source that can hold compiled code, and of the compiler."""
    digest = hashlib.sha256(f"{numba.__version__} {np.__version__}".encode())
    for pattern in SOURCES:
        for path in sorted(ROOT.glob(pattern)):
            digest.update(path.name.encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def cache_root() -> Path:
    """Where compiled kernels are kept: `HEDGEQUAKE_CACHE`, else the user's cache folder."""
    named = os.environ.get("HEDGEQUAKE_CACHE")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "hedgequake"


CACHE = cache_root() / source_hash()
OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False}


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile an entry point: called from Python, cached on disk, releases the GIL."""
    previous = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(CACHE)
    try:
        compiled: Callable[..., Any] = numba.njit(cache=True, **OPTIONS)(function)
    finally:
        numba.config.CACHE_DIR = previous
    return compiled


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
    """True when kernels of exactly these sources are in the cache already."""
    return CACHE.is_dir() and any(CACHE.rglob("*.nbi"))


def prune(kept: int = GENERATIONS_KEPT) -> None:
    """Delete all but the newest cache generations; a folder in use elsewhere is left."""
    root = CACHE.parent
    if not root.is_dir():
        return
    folders = sorted((p for p in root.iterdir() if p.is_dir()), key=lambda p: p.stat().st_mtime)
    for folder in folders[:-kept]:
        if folder != CACHE:
            shutil.rmtree(folder, ignore_errors=True)
