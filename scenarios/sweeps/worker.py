"""The worker of a sweep: a process that is warm, runs what it is given, and keeps the results itself.

A worker reads the scenario once, compiles or loads the kernels once and keeps the scenarios of
recent points. It writes each finished run to its own part at once; what returns to the parent
is a few numbers a run.
"""

from __future__ import annotations

import math
import os
import socket
import threading
import time
import traceback
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from numba.core.event import TimingListener, install_listener

from analysis.base.metric import measure
from analysis.measures import chosen
from scenarios.build.loading import loaded
from scenarios.file.arm import replayed
from scenarios.process import garbage
from scenarios.process.interruption import Stopped
from scenarios.sweeps.experiment import Experiment, Job
from scenarios.sweeps.worker_files import FAILURES, PARTS, RUNS, SERIES, DiskTrouble, WorkerFiles
from sim.messages.columns import TABLES
from sim.recording.recording import Recording

if TYPE_CHECKING:
    import pyarrow as pa

WARM_STEPS = 2


class Assignment(NamedTuple):
    """Where a worker works, and for which session of the sweep."""

    folder: str
    session: str
    sources: str


class RunReport(NamedTuple):
    """What returns for a run: its id, how it ended, the metric that decides on stopping, seconds."""

    run_id: str
    status: str
    value: float | None
    seconds: float


class TimeLimit(Exception):
    """A run took longer than it may."""


class Lost(Exception):
    """The worker cannot work here: another version of the code, or a folder that is not there."""


class _Compiling(TimingListener):  # type: ignore[misc]  # numba ships no types
    """Tells the worker when numba compiles, which no run's time limit counts."""

    def __init__(self, worker: Worker) -> None:
        super().__init__()
        self._worker = worker

    @property
    def seconds(self) -> float:
        """Time spent compiling."""
        return float(self.duration) if self.done else 0.0

    def on_start(self, event: Any) -> None:
        """Claim the run for as long as it takes."""
        self._worker.claim_while_compiling()
        super().on_start(event)

    def on_end(self, event: Any) -> None:
        """Claim it from now on."""
        super().on_end(event)
        self._worker.claim()


class Worker:
    """What one process knows of one session of a sweep.

    Parameters
    ----------
    assignment : Assignment

    Raises
    ------
    Lost
        If the folder is not there or was made with other sources than the worker's.
    """

    def __init__(self, assignment: Assignment) -> None:
        folder = Path(assignment.folder)
        try:
            scenario = loaded(folder / "scenario.toml")
            name = f"{assignment.session}-{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
            self._files = WorkerFiles(folder / PARTS, name)
        except (Exception, SystemExit) as error:
            raise Lost(f"a worker on {socket.gethostname()} cannot work in {folder}: {error}") from error
        self._experiment = Experiment(scenario)
        if self._experiment.sources != assignment.sources:
            raise Lost(f"the worker on {socket.gethostname()} has another version of the code")
        sweep = self._experiment.sweep
        self._stop = sweep.stop.metric if sweep.stop else None
        self._metrics = chosen(sweep.metrics, self._stop)
        self._limit = sweep.time_limit_seconds or math.inf
        self._compiling = _Compiling(self)
        self._in_hand = ""

    def claim(self) -> None:
        """Say which run is in hand, from now on."""
        self._files.claim(self._in_hand)

    def claim_while_compiling(self) -> None:
        """Say which run is in hand, and that its time does not count."""
        self._files.claim(self._in_hand, math.inf)

    def work(self, jobs: list[Job]) -> list[RunReport]:
        """Run jobs, a report a run.

        Raises
        ------
        DiskTrouble
            If results cannot be written.
        """
        with install_listener("numba:compile", self._compiling):
            reports = [report for job in jobs for report in self._run(job)]
        self._in_hand = ""
        self.claim()
        return reports

    def warm(self, job: Job) -> None:
        """Build the market of a job and step it a little, so that kernels are loaded; keep nothing."""
        with install_listener("numba:compile", self._compiling):
            model = self._experiment.arms(job.point).market(job.arms[0][0], job.seed)
            for _ in range(WARM_STEPS):
                model.step()
            measure(model.recording(), self._metrics)
            model.release()

    def _run(self, job: Job) -> Iterator[RunReport]:
        """Run the arms of a job, and first what they replay."""
        recordings: dict[str, Recording] = {}
        for arm, run in job.arms:
            self._in_hand = run
            self.claim()
            clock = _Clock()
            try:
                recording = self._recorded(arm, job, recordings, clock)
                values = self._values(recording, clock)
            except (DiskTrouble, KeyboardInterrupt, Stopped):
                raise
            except (Exception, SystemExit) as error:
                yield self._failed(job, arm, run, error, clock)
                continue
            self._keep(run, recording)
            self._files.append(RUNS, _row(job, arm, run, clock, self._files.name, values))
            value = values.get(self._stop) if self._stop else None
            yield RunReport(run, "finished", value, clock.wall)

    def _recorded(self, arm: str, job: Job, recordings: dict[str, Recording], clock: _Clock) -> Recording:
        source = replayed(arm)
        if source and source not in recordings:
            recordings[source] = self._recorded(source, job, recordings, _Clock())
        if arm not in recordings:
            arms = self._experiment.arms(job.point)
            with clock.of("build"):
                model = arms.market(arm, job.seed, recordings.get(source))
            try:
                with clock.of("step"):
                    self._step(model)
                    recordings[arm] = model.recording()
            finally:
                model.release()
        return recordings[arm]

    def _step(self, model: Any) -> None:
        """Step a model to its end, within the time limit."""
        compiled = self._compiling.seconds
        began = time.monotonic()
        while model.running:
            model.step()
            spent = time.monotonic() - began - (self._compiling.seconds - compiled)
            if spent > self._limit:
                what = f"step {model.steps_taken} of {model.steps_total} was reached after {spent:.1f} s"
                raise TimeLimit(f"{what}; the limit is {self._limit:g} s")

    def _values(self, recording: Recording, clock: _Clock) -> dict[str, float | None]:
        with clock.of("metric"):
            found = measure(recording, self._metrics)
        return {name: entry["value"] for name, entry in found.items()}

    def _keep(self, run: str, recording: Recording) -> None:
        """Write the tables that the sweep keeps beside the metrics."""
        keep = self._experiment.sweep.keep
        tables = {"metrics": (), "series": (SERIES,), "all": tuple(TABLES)}[keep]
        for table in tables:
            rows = plain(recording.table(table), run)
            if rows.num_rows:
                self._files.append(table, rows)

    def _failed(self, job: Job, arm: str, run: str, error: BaseException, clock: _Clock) -> RunReport:
        is_final = not isinstance(error, TimeLimit | MemoryError | OSError)
        text = traceback.format_exc()
        reason = f"{type(error).__name__}: {error}"
        self._files.append(FAILURES, failure_row(run, job, arm, reason, text, is_final=is_final))
        return RunReport(run, "failed", None, clock.wall)


class _Clock:
    """Seconds a run spends in its parts."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self.seconds: dict[str, float] = {"build": 0.0, "step": 0.0, "metric": 0.0}

    @property
    def wall(self) -> float:
        """Seconds since the run began."""
        return time.perf_counter() - self._began

    @contextmanager
    def of(self, part: str) -> Iterator[None]:
        """Count what happens inside to a part."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[part] += time.perf_counter() - began


def _row(
    job: Job, arm: str, run: str, clock: _Clock, worker: str, values: dict[str, float | None]
) -> pa.RecordBatch:
    """A finished run as a record batch of one row; columns of timing begin with a point."""
    import pyarrow as pa

    own = {
        "run_id": pa.array([run]),
        "design_id": pa.array([job.design_id], pa.int32()),
        "replicate": pa.array([job.replicate], pa.int32()),
        "seed": pa.array([job.seed], pa.int64()),
        "arm": pa.array([arm]),
        "status": pa.array(["finished"]),
        ".wall_seconds": pa.array([clock.wall]),
        **{f".{part}_seconds": pa.array([seconds]) for part, seconds in clock.seconds.items()},
        ".host": pa.array([socket.gethostname()]),
        ".worker": pa.array([worker]),
    }
    measured = {name: pa.array([value], pa.float64()) for name, value in values.items()}
    return pa.RecordBatch.from_pydict(own | measured)


def failure_row(run: str, job: Job, arm: str, reason: str, trace: str, *, is_final: bool) -> pa.RecordBatch:
    """A failed run as a record batch of one row; one that is not final is tried again on resuming."""
    import pyarrow as pa

    return pa.RecordBatch.from_pydict(
        {
            "run_id": pa.array([run]),
            "design_id": pa.array([job.design_id], pa.int32()),
            "replicate": pa.array([job.replicate], pa.int32()),
            "seed": pa.array([job.seed], pa.int64()),
            "arm": pa.array([arm]),
            "reason": pa.array([reason]),
            "traceback": pa.array([trace]),
            "is_final": pa.array([is_final]),
        }
    )


def plain(table: pa.Table, run: str) -> pa.RecordBatch:
    """A table of a recording as one record batch, names as text, with the run in front."""
    import pyarrow as pa

    columns = {"run_id": pa.array([run] * table.num_rows, pa.string())}
    for name, column in zip(table.column_names, table.columns, strict=True):
        whole = column.combine_chunks()
        columns[name] = whole.cast(pa.string()) if pa.types.is_dictionary(whole.type) else whole
    return pa.RecordBatch.from_pydict(columns)


_workers = threading.local()


def work(assignment: Assignment, jobs: list[Job]) -> list[RunReport]:
    """Run jobs in this process; what the engines are given.

    Raises
    ------
    Lost
        If this process cannot work for the sweep.
    DiskTrouble
        If results cannot be written.
    """
    return _worker(assignment).work(jobs)


def warm(assignment: Assignment, job: Job) -> None:
    """Warm this process up for the sweep with one of its jobs."""
    garbage.hold()
    with suppress(Exception):  # the run itself will fail, and say why
        _worker(assignment).warm(job)
    garbage.resume()


def _worker(assignment: Assignment) -> Worker:
    """The worker of this thread for a session."""
    if getattr(_workers, "assignment", None) != assignment:
        _workers.worker, _workers.assignment = Worker(assignment), assignment
    worker: Worker = _workers.worker
    return worker
