"""Engines: where tasks are done, each an executor of `concurrent.futures`.

forkserver  processes forked from a server that has done nothing but import the libraries, warm in
half the time of fresh ones: the default where there is one
spawn       fresh processes: where there is none
serial      this thread
dask        workers of a Dask cluster that see the same folder
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import suppress
from multiprocessing.connection import wait
from typing import Any, Protocol

from scenarios.file.errors import Problem, ScenarioError

DEFAULT = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
SERIAL = "serial"
LOCAL = (DEFAULT, SERIAL)
PRELOADED = ("mesa", "numba", "pandas", "pyarrow.parquet", "pydantic", "scipy.stats")
"""What a server imports; no module of ours, which it might find in another place than this process did."""


def cores() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Engine(Protocol):
    """Makes executors and ends their workers.

    Attributes
    ----------
    workers : int
    died : tuple of exception types
        What a future raises whose worker died.
    falls_together : bool
        Whether all workers are lost when one dies.
    ahead : int
        Tasks that a worker has in hand: the one it is at, and the next.
    """

    died: tuple[type[BaseException], ...]
    falls_together: bool
    ahead: int

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
    setup : callable, optional
        What a worker begins with.
    *arguments
        Of `setup`.
    """

    died: tuple[type[BaseException], ...] = (BrokenExecutor,)
    falls_together = True
    ahead = 2

    def __init__(self, workers: int, setup: Callable[..., None] | None, *arguments: Any) -> None:
        self.workers, self._begin = workers, (setup, *arguments)
        self._others: set[int | None] = set()
        self._context: Any = multiprocessing.get_context(DEFAULT)
        if DEFAULT == "forkserver":
            self._context.set_forkserver_preload(list(PRELOADED))

    def open(self, workers: int | None = None) -> Executor:
        """A fresh pool."""
        self._others = {child.pid for child in multiprocessing.active_children()}
        return ProcessPoolExecutor(workers or self.workers, self._context, begin, self._begin)

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


def begin(setup: Callable[..., None] | None, *arguments: Any) -> None:
    """Set a worker process up: it ends with its parent, which Ctrl-C is for to deal with."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_follow, args=(parent.sentinel,), daemon=True).start()
    if setup is not None:
        setup(*arguments)


def _follow(sentinel: int) -> None:
    """End this process when its parent has ended, however that came about."""
    wait([sentinel])
    os._exit(1)


class _Here(Executor):
    """Does what is submitted at once, in this thread."""

    def submit(self, fn: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*arguments, **named))
        except Exception as error:
            future.set_exception(error)
        return future


class Serial:
    """The thread that asks, which nobody can end.

    Parameters
    ----------
    setup : callable, optional
        What it begins with.
    *arguments
        Of `setup`.
    """

    died: tuple[type[BaseException], ...] = (BrokenExecutor,)
    falls_together = True
    ahead = workers = 1

    def __init__(self, setup: Callable[..., None] | None, *arguments: Any) -> None:
        self._setup, self._arguments = setup, arguments

    def open(self, workers: int | None = None) -> Executor:
        """An executor that does at once what it is given."""
        if self._setup is not None:
            self._setup(*self._arguments)
        return _Here()

    def kill(self, claim: dict[str, Any]) -> bool:
        """Say that it cannot."""
        return False

    def close(self, executor: Executor, *, at_once: bool) -> None:
        """Nothing is running."""


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
    ahead = 2

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
    """Raise if there is no local engine of this name.

    Raises
    ------
    ScenarioError
    """
    if name not in LOCAL:
        raise ScenarioError(Problem("--engine", name, "no such engine here", found=name, allowed=LOCAL))


def local(name: str, workers: int, setup: Callable[..., None] | None = None, *arguments: Any) -> Engine:
    """A local engine by name, and what its workers begin with."""
    return Serial(setup, *arguments) if name == SERIAL else Processes(workers, setup, *arguments)
