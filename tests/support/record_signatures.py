"""Record what types kernels are called with, and how long they take to compile: `sim/base/signatures.json`.

    PYTHONPATH=. python tests/support/record_signatures.py

Every scenario of the library is run in the arms `base` and `muted`, with an empty cache. To be run again
where the arguments of a kernel change; what was recorded of others does no harm.
"""

from __future__ import annotations

import os
import tempfile
import time
from typing import Any

from numba.core.event import Listener, register

from sim.base import ahead
from sim.base.kernel_cache import KernelCache


class Compiled(Listener):  # type: ignore[misc]  # numba ships no types
    """Kernels that are compiled, by their call from outside, with the seconds that each took.

    Attributes
    ----------
    tasks : list of (Dispatcher, tuple of types, float)
    """

    def __init__(self) -> None:
        self.tasks: list[tuple[Any, tuple[Any, ...], float]] = []
        self._began: list[float] = []

    def on_start(self, event: Any) -> None:
        """Take the time."""
        self._began.append(time.process_time())

    def on_end(self, event: Any) -> None:
        """Note a kernel of its own, not those within it."""
        seconds = time.process_time() - self._began.pop()
        kernel = event.data["dispatcher"]
        if not self._began and isinstance(kernel._cache, KernelCache):
            self.tasks.append((kernel, tuple(event.data["args"]), seconds))


def main() -> None:
    """Run what there is, and write what was compiled."""
    from scenarios import load
    from scenarios.arms.arms import Arms
    from scenarios.file.library import names

    found = Compiled()
    register("numba:compile", found)
    ahead.recorded = dict  # so that this process compiles all of it
    for name in names():
        Arms(load(name), ["base", "muted"]).run(1, lambda arm, recording: None, _fail)
        print(f"{name}: {len(found.tasks)} kernels so far", flush=True)
    ahead.write(ahead.task(*each) for each in found.tasks)


def _fail(arm: str, error: BaseException) -> None:
    raise error


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HEDGEQUAKE_CACHE"] = folder
        main()
