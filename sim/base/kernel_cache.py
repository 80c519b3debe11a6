"""Compiled kernels on disk: whatever the folder holds or refuses, the right code runs.

Entries lie in a folder named by a hash over every source that can hold compiled code, whatever
the sources' own path: an edit of any of them starts a fresh folder, and clones of one commit
share theirs. An entry is one file, a checksum and the pickle of what numba gives; it is written
under another name and renamed, so that processes may share the folder. What cannot be read is
compiled again and written again; what cannot be written goes to a temporary folder of the
user's own or, failing that too, is kept in memory only. Either is said once, in a line.

numba's own file cache fails on a truncated entry, falls back to `__pycache__` beside the
sources, where an edited callee runs stale, and depends on the sources' path.
"""

from __future__ import annotations

import hashlib
import logging
import os
import pickle
import re
import stat
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba.core.caching import FunctionCache
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps

from sim.base.packages import COMPILED, ROOT

SOURCES = (
    *(f"{package}/**/kernels/**/*.py" for package in COMPILED),
    "sim/records.py",
    "sim/base/*.py",
)
"""Every file whose code is compiled or whose constants are; kernels of other files are not kept."""

SUFFIX = ".kernel"
CHECKSUM_BYTES = 32
KEPT_SECONDS = 60 * 86_400.0
"""Folders in which nothing was written for so long are deleted when a new one is made."""

TOLD = "HEDGEQUAKE_CACHE_TOLD"
"""Set for the processes that this one starts, when it has said that nothing can be kept."""

log = logging.getLogger(__name__)


def sources() -> Iterator[Path]:
    """The files whose code is compiled, in a fixed order."""
    for pattern in SOURCES:
        yield from sorted(ROOT.glob(pattern))


def source_hash() -> str:
    """Hash of every source that can hold compiled code, of the interpreter and of the compiler."""
    made_by = f"{sys.implementation.cache_tag} {numba.__version__} {np.__version__}"
    digest = hashlib.sha256(made_by.encode())
    for path in sources():
        digest.update(path.relative_to(ROOT).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


GENERATION = source_hash()
_GENERATIONS = re.compile("[0-9a-f]{16}")
_MODULES = {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in sources()}


def named_root(make: bool = False) -> Path | None:
    """Where compiled kernels belong: `HEDGEQUAKE_CACHE`, else the user's cache folder, if there is one."""
    if named := os.environ.get("HEDGEQUAKE_CACHE"):
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "hedgequake" if os.path.isabs(base) else None


def spare_root(make: bool = False) -> Path | None:
    """A temporary folder of the user's own; None where there is none or others could write into it."""
    owner = os.getuid() if hasattr(os, "getuid") else None
    try:
        folder = Path(tempfile.gettempdir()) / ("hedgequake" if owner is None else f"hedgequake-{owner}")
        if make:
            folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return None
    is_shared = owner is not None and (found.st_uid != owner or found.st_mode & 0o022)
    return folder if stat.S_ISDIR(found.st_mode) and not is_shared else None


class Entries:
    """Files of one generation of kernels, in the first of some folders that holds or takes them.

    Parameters
    ----------
    roots : sequence of callables
        Each returns a folder, or None if there is none, and makes it if that is asked for.
    generation : str
        Name of the folder within.
    """

    def __init__(
        self, roots: Sequence[Callable[[bool], Path | None]] = (named_root, spare_root), generation: str = ""
    ) -> None:
        self._roots, self._generation = roots, generation or GENERATION

    def folders(self, *, make: bool = False) -> Iterator[Path]:
        """Where entries may lie, the place they belong to first."""
        for root in self._roots:
            if (folder := root(make)) is not None:
                yield folder / self._generation

    def __iter__(self) -> Iterator[Path]:
        """The entries there are."""
        for folder in self.folders():
            with suppress(OSError):
                yield from folder.glob(f"*{SUFFIX}")

    def read(self, name: str, use: Callable[[Any], Any]) -> Any:
        """What `use` makes of what is kept under a name; None if nothing is, or nothing that can be used."""
        for folder in self.folders():
            path = folder / name
            try:
                content = path.read_bytes()
            except OSError:
                continue
            try:
                found = use(_unpacked(content))
            except Exception as error:
                _tell_broken(path, error)
                continue
            if found is not None:
                return found
        return None

    def write(self, name: str, kept: Any) -> None:
        """Keep something under a name, in the first folder that takes it."""
        body = dumps(kept)
        self._attempt(lambda folder: _replace(folder / name, hashlib.sha256(body).digest() + body))

    def probe(self) -> bool:
        """Whether something can be kept; says so if not where it belongs."""
        return self._attempt(lambda folder: tempfile.TemporaryFile(dir=folder).close())

    def _attempt(self, write: Callable[[Path], None]) -> bool:
        """Write into the first folder that can be written to; False if none can."""
        refusal = ""
        for folder in self.folders(make=True):
            try:
                _make(folder)
                write(folder)
            except OSError as error:
                refusal = refusal or f"{folder.parent}: {error.strerror or error}"
                continue
            if refusal:
                _tell_unwritable(f"{refusal}; compiled kernels are kept in {folder.parent} instead")
            return True
        remedy = "each process compiles its kernels anew (HEDGEQUAKE_CACHE names a folder for them)"
        _tell_unwritable(f"{refusal or 'there is no folder for compiled kernels'}; {remedy}")
        return False


class KernelCache(FunctionCache):  # type: ignore[misc]  # numba ships no types
    """What numba asks for compiled code and gives it to, for one kernel.

    Parameters
    ----------
    function : callable
        As it was before it was compiled.
    entries : Entries
    """

    def __init__(self, function: Callable[..., Any], entries: Entries) -> None:
        self._py_func, self._name, self._entries = function, repr(function), entries
        self.enable()

    @property
    def cache_path(self) -> str:
        """Where entries belong."""
        return str(next(self._entries.folders(), ""))

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The code for a signature, None if there is none that can be used."""
        target_context.refresh()
        key = self._index_key(sig, target_context.codegen())

        def rebuilt(kept: tuple[Any, tuple[Any, ...]]) -> Any:
            return CompileResult._rebuild(target_context, *kept[1]) if kept[0] == key else None

        return self._entries.read(self._entry(key), rebuilt) if self._enabled else None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep the code for a signature, unless its sources were edited since this process read them."""
        is_whole = not data.lifted and not data.library.has_dynamic_globals
        if self._enabled and is_whole and source_hash() == GENERATION:
            key = self._index_key(sig, data.codegen)
            self._entries.write(self._entry(key), (key, data._reduce()))

    def flush(self) -> None:
        """Nothing is held back."""

    def _entry(self, key: Any) -> str:
        """Name of the file for a signature on a machine."""
        digest = hashlib.sha256(repr(key).encode()).hexdigest()[:16]
        return f"{self._py_func.__module__}.{self._py_func.__qualname__}-{digest}{SUFFIX}"


def is_covered(function: Callable[..., Any]) -> bool:
    """Whether an edit of the module a function stands in changes the hash of the sources."""
    return function.__module__ in _MODULES


def _unpacked(content: bytes) -> Any:
    """What an entry holds; raises if it is not as it was written."""
    body = content[CHECKSUM_BYTES:]
    if hashlib.sha256(body).digest() != content[:CHECKSUM_BYTES]:
        raise ValueError("its checksum is wrong")
    return pickle.loads(body)


def _replace(path: Path, content: bytes) -> None:
    """Write a file whole, or leave what was there."""
    partial = path.with_name(f"{path.name}.{uuid.uuid4().hex[:12]}")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise


def _make(folder: Path) -> None:
    """Make the folder of a generation; with a new one, those that nobody has written to for long go."""
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        return
    for other in folder.parent.iterdir():
        with suppress(OSError):
            if _GENERATIONS.fullmatch(other.name) and time.time() - other.stat().st_mtime > KEPT_SECONDS:
                _delete(other)


def _delete(folder: Path) -> None:
    """Delete a generation, unless something else lies in it."""
    inside = list(folder.iterdir())
    if all(SUFFIX in path.name for path in inside):
        for path in inside:
            path.unlink()
        folder.rmdir()


_told: set[str] = set()


def _tell_broken(path: Path, error: Exception) -> None:
    """Say, once in a process, that something is broken and will be compiled again."""
    if "broken" not in _told:
        _told.add("broken")
        log.warning("%s is broken (%s); such kernels are compiled again", path, str(error).partition("\n")[0])


def _tell_unwritable(what: str) -> None:
    """Say, once in a process and those it starts, where kernels are kept or that they are not."""
    if not os.environ.get(TOLD):
        os.environ[TOLD] = "1"
        log.warning("%s", what)
