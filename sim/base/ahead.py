"""Ahead: kernels that a market will call are compiled before it opens, by two processes at once.

numba compiles a kernel when it is called, one after the other. What types each is called with was recorded
(`tests/support/record_signatures.py` writes the file), so that those which are not kept yet can be divided:
another process compiles its part into the cache, from where this one loads them when they are called. What
was not recorded, or was recorded of other sources, is compiled when it is called, as ever.
"""

from __future__ import annotations

import base64
import importlib
import json
import logging
import multiprocessing
import os
import pickle
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from numba.core.errors import NumbaError
from numba.core.event import trigger_event

from sim.base.jit import ENTRIES

RECORD = Path(__file__).with_name("signatures.json")

WORTH_SECONDS = 2.0
"""Less than this of compiling is not divided: another process takes most of a second to start."""

PARTS = "parts"
"""What the event that the time is taken of holds: the tasks of either process."""

POLL_SECONDS = 0.1

COMPILING, PASS = "numba:compile", "numba:run_pass"
"""Events: what goes on is compiling, of which the time is taken; whoever listens to passes may end it."""

CHILD = "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from sim.base import ahead; ahead.serve()"


log = logging.getLogger(__name__)


class Task(NamedTuple):
    """A kernel to be compiled: its name, the types of its arguments, pickled, and about how long it takes."""

    name: str
    types: str
    seconds: float

    def signature(self) -> tuple[Any, ...]:
        """The types of the arguments, as numba has them."""
        types: tuple[Any, ...] = pickle.loads(zlib.decompress(base64.b85decode(self.types)))
        return types

    def compile(self) -> bool:
        """Compile it, or load it if it is kept; False if it was recorded of other sources than these."""
        module, _, name = self.name.rpartition(".")
        try:
            getattr(importlib.import_module(module), name).compile(self.signature())
        except (AttributeError, ImportError, TypeError, NumbaError) as error:
            log.warning("%s is not as it was recorded (%s)", self.name, str(error).partition("\n")[0])
            return False
        return True


def task(kernel: Any, types: tuple[Any, ...], seconds: float) -> Task:
    """The task of compiling a kernel for arguments of some types."""
    packed = base64.b85encode(zlib.compress(pickle.dumps(types), 9)).decode()
    return Task(name_of(kernel), packed, round(seconds, 2))


def name_of(kernel: Any) -> str:
    """Module and name of a kernel."""
    function = kernel.py_func
    return f"{function.__module__}.{function.__qualname__}"


@cache
def recorded() -> dict[str, list[Task]]:
    """What was recorded, by the name of the kernel."""
    if not RECORD.exists():
        return {}
    found = json.loads(RECORD.read_text())
    return {name: [Task(name, *each) for each in own] for name, own in found.items()}


def write(tasks: Iterable[Task]) -> None:
    """Record what there is to be compiled."""
    table: dict[str, list[Any]] = {}
    for each in sorted(tasks):
        table.setdefault(each.name, []).append([each.types, each.seconds])
    RECORD.write_text(json.dumps(table, indent=0) + "\n")


def missing(kernels: Iterable[Any]) -> Iterator[Task]:
    """Those recorded of some kernels of which nothing is compiled or kept."""
    kept = {path.name.rpartition("-")[0] for path in ENTRIES}
    for kernel in kernels:
        if not kernel.overloads and (name := name_of(kernel)) not in kept:
            yield from recorded().get(name, [])


def divided(tasks: Iterable[Task], parts: int) -> list[list[Task]]:
    """Tasks in parts that take about as long, each from the longest to the shortest."""
    divided: list[list[Task]] = [[] for _ in range(parts)]
    for each in sorted(tasks, key=lambda one: -one.seconds):
        min(divided, key=lambda part: sum(one.seconds for one in part)).append(each)
    return divided


_looked_at: set[Any] = set()


def compile_ahead(kernels: Iterable[Any]) -> None:
    """Compile what is missing of some kernels, where there is a second processor to share it with.

    Parameters
    ----------
    kernels : iterable of Dispatcher
        As `sim.base.jit.kernel` returns them; looked at once in a process.
    """
    fresh = [kernel for kernel in kernels if kernel not in _looked_at]
    _looked_at.update(fresh)
    if not fresh or multiprocessing.parent_process() is not None or _processors() < 2:
        return
    tasks = [*missing(fresh)]
    if sum(each.seconds for each in tasks) < WORTH_SECONDS or not ENTRIES.probe():
        return  # nobody would find what another process has compiled where nothing can be kept
    own, others = divided(tasks, 2)
    child = _started(others)
    try:
        with trigger_event(COMPILING, data={PARTS: (own, others)}):
            for each in own:
                each.compile()
            while child.poll() is None:
                _wait(child)
    finally:
        child.kill()
        child.wait()


def serve() -> None:
    """Compile the tasks that are read from stdin."""
    for each in json.load(sys.stdin):
        Task(*each).compile()


def _started(tasks: list[Task]) -> subprocess.Popen[bytes]:
    """A process that compiles tasks into the cache, and says nothing."""
    command = [sys.executable, "-c", CHILD, json.dumps([*map(str, sys.path)])]
    with tempfile.TemporaryFile() as told:
        told.write(json.dumps(tasks).encode())
        told.seek(0)
        return subprocess.Popen(command, stdin=told, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _wait(child: subprocess.Popen[bytes]) -> None:
    """Wait a moment; whoever listens to passes of the compiler, for a signal, hears of it."""
    with trigger_event(PASS, data={"name": "waiting"}), suppress(subprocess.TimeoutExpired):
        child.wait(POLL_SECONDS)


def _processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
