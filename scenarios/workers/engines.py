"""Engines: where the runs of a sweep take place, each an executor of `concurrent.futures`.

    forkserver  processes forked from a server that has done nothing but import the libraries: the
                default where there is one, warm in half the time of spawn
    spawn       fresh processes: what every platform has
    fork        copies of this process: starts at once, but may deadlock on locks that threads of
                pyarrow or a BLAS hold at that moment
    threads     threads of this process: kernels release the interpreter's lock, the rest does not
    serial      this thread
    dask        workers of a Dask cluster that see the same folder

Measured with two workers on runs of 50 ms, start to end: see `hedgequake bench sweep`.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Protocol

from scenarios.file.errors import Problem, ScenarioError

Setup = tuple[Callable[..., None], tuple[Any, ...]]

PROCESSES = ("spawn", "forkserver", "fork")
LOCAL = (*PROCESSES, "threads", "serial")
DEFAULT = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
PRELOADED = ("mesa", "numba", "pandas", "pyarrow.parquet", "pydantic", "scipy.stats")
"""What a server imports; no module of ours, which it might find in another place than this process did."""


class Engine(Protocol):
    """Makes executors and ends their workers.

    Attributes
    ----------
    workers : int
    died : tuple of exception types
        What a future raises whose worker died.
    falls_together : bool
        Whether all workers are lost when one dies.
    """

    died: tuple[type[BaseException], ...]
    falls_together: bool

    @property
    def workers(self) -> int:
        """How many there are."""
        ...

    def open(self, workers: int | None = None) -> Executor:
        """A fresh executor, of fewer workers if so many are given."""
        ...

    def kill(self, claim: dict[str, Any]) -> bool:
        """End the worker that made a claim; False if this engine cannot."""
        ...

    def close(self, executor: Executor, *, at_once: bool) -> None:
        """Let go of an executor; at once: without waiting for what it is doing."""
        ...


class Processes:
    """Processes of this machine.

    Parameters
    ----------
    workers : int
    start : str
        "spawn", "forkserver" or "fork".
    setup : tuple of callable and arguments
        What a worker begins with.
    """

    died: tuple[type[BaseException], ...] = (BrokenExecutor,)
    falls_together = True

    def __init__(self, workers: int, start: str, setup: Setup) -> None:
        self.workers, self._setup = workers, setup
        self._others: set[int | None] = set()
        self._context: Any = multiprocessing.get_context(start)
        if start == "forkserver":
            self._context.set_forkserver_preload(list(PRELOADED))

    def open(self, workers: int | None = None) -> Executor:
        """A fresh pool."""
        self._others = {child.pid for child in multiprocessing.active_children()}
        return ProcessPoolExecutor(workers or self.workers, self._context, *self._setup)

    def kill(self, claim: dict[str, Any]) -> bool:
        """End the process that made a claim, if it is a child of this one."""
        own = {child.pid for child in multiprocessing.active_children()}
        if claim["host"] != socket.gethostname() or claim["pid"] not in own:
            return False
        os.kill(claim["pid"], signal.SIGKILL)
        return True

    def close(self, executor: Executor, *, at_once: bool) -> None:
        """Shut a pool down."""
        if at_once:
            executor.shutdown(wait=False, cancel_futures=True)
            for child in multiprocessing.active_children():
                if child.pid not in self._others:
                    child.kill()
        executor.shutdown(wait=True, cancel_futures=True)


class Threads:
    """Threads of this process; they cannot be killed."""

    died: tuple[type[BaseException], ...] = (BrokenExecutor,)
    falls_together = True

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def open(self, workers: int | None = None) -> Executor:
        """A fresh pool."""
        return ThreadPoolExecutor(workers or self.workers)

    def kill(self, claim: dict[str, Any]) -> bool:
        """Say that it cannot."""
        return False

    def close(self, executor: Executor, *, at_once: bool) -> None:
        """Wait for what is running."""
        executor.shutdown(wait=True, cancel_futures=True)


class _Here(Executor):
    """Does what is submitted at once, in this thread."""

    def submit(self, fn: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*arguments, **named))
        except Exception as error:
            future.set_exception(error)
        return future


class Serial(Threads):
    """Work in this thread."""

    def __init__(self) -> None:
        super().__init__(1)

    def open(self, workers: int | None = None) -> Executor:
        """An executor that does not wait to be asked."""
        return _Here()


class Dask:
    """A Dask cluster, or one of this machine's own made for the sweep.

    Dask may run a task more than once when a worker is lost; the store counts a run once.
    A step that never returns is not interrupted.

    Parameters
    ----------
    address : str
        Of the scheduler, or "local".
    workers : int
        Of a local cluster.

    Raises
    ------
    ScenarioError
        If `distributed` is not installed or there is no scheduler.
    """

    falls_together = False

    def __init__(self, address: str, workers: int) -> None:
        try:
            from distributed import Client, KilledWorker, LocalCluster
        except ImportError as error:
            what = "needs the package distributed; pip install 'hedgequake[cluster]' brings it"
            raise ScenarioError(Problem("--dask", address, what)) from error
        self._cluster = None
        if address == "local":
            self._cluster = LocalCluster(
                n_workers=workers, threads_per_worker=1, dashboard_address=None, silence_logs=50
            )
        try:
            self.client = Client(self._cluster or address, timeout=10, set_as_default=False)
        except (OSError, ValueError) as error:
            raise ScenarioError(Problem("--dask", address, f"no scheduler answers: {error}")) from error
        self.died: tuple[type[BaseException], ...] = (KilledWorker,)

    @property
    def workers(self) -> int:
        """How many there are now; at least one."""
        return max(len(self.client.scheduler_info(n_workers=-1)["workers"]), 1)

    def open(self, workers: int | None = None) -> Executor:
        """The cluster as an executor."""
        executor: Executor = self.client.get_executor(pure=False)
        return executor

    def kill(self, claim: dict[str, Any]) -> bool:
        """Say that it cannot."""
        return False

    def close(self, executor: Executor, *, at_once: bool) -> None:
        """Cancel what waits; close the cluster if it was made for this."""
        executor.shutdown(wait=not at_once)

    def leave(self) -> None:
        """Leave the cluster, end it if it was made for the sweep."""
        with suppress(TimeoutError):
            self.client.close()
            if self._cluster is not None:
                self._cluster.close()


def check(name: str) -> None:
    """Raise if there is no local engine of this name on this platform.

    Raises
    ------
    ScenarioError
    """
    available = [*multiprocessing.get_all_start_methods(), "threads", "serial"]
    if name not in LOCAL or name not in available:
        allowed = tuple(each for each in LOCAL if each in available)
        raise ScenarioError(Problem("--engine", name, "no such engine here", found=name, allowed=allowed))


def local(name: str, workers: int, setup: Setup) -> Engine:
    """A local engine by name."""
    if name == "serial":
        return Serial()
    return Threads(workers) if name == "threads" else Processes(workers, name, setup)
