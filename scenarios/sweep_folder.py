"""The folder of a sweep: what is in it while the sweep runs, and what it becomes.

    scenario.toml     resolved, with the sweep
    manifest.json     what this is, and how far it is
    design.parquet    a row a point: design_id and a column a swept key
    runs.parquet      a row a run: run_id, design_id, replicate, seed, arm, status, metrics
    timing.parquet    a row a finished run: run_id, seconds, host, worker
    failures.parquet  a row a failed run: why, with what, and a command that repeats it
    series/, events/  a row a step, fill, ... of every run, where they are kept
    parts/            what workers have written since (`scenarios.parts`)
    shards/           folders like this one, of `--shard`, until they are merged

The folder has its own name from the start, so that the same command finds it again whatever
ended it. Parts are compacted when the sweep is finished or interrupted: each table is written
beside its place and renamed, then the parts go. A process that is killed in between leaves
rows in both, which count once: rows are told apart by run_id.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scenarios import kept, parts
from scenarios.agenda import Done, Shard
from scenarios.compaction import DESIGN, FAILED_RUNS, RESULTS, SCENARIO, TIMING, compacted
from scenarios.designs import table
from scenarios.errors import Problem, ScenarioError
from scenarios.experiment import Plan
from scenarios.folder import MANIFEST, ResultsFolder, status_of
from scenarios.parts import FAILURES, PARTS, RUNS

if TYPE_CHECKING:
    import pyarrow as pa

KIND = "sweep"
SHARDS, LOCK = "shards", ".lock"
RUNNING = "running"


class SweepFolder:
    """A place for one sweep, or a shard of one.

    Parameters
    ----------
    path : Path
    label : str
        What messages call it.
    """

    def __init__(self, path: Path, label: str = "") -> None:
        self.path = path.resolve()
        self.label = label or str(path)
        self.parts = self.path / PARTS

    def manifest(self) -> dict[str, Any]:
        """What the folder says it is; empty if it says nothing."""
        try:
            found: dict[str, Any] = json.loads((self.path / MANIFEST).read_text())
            return found if isinstance(found, dict) else {}
        except (OSError, ValueError, RecursionError):
            return {}

    def check(self, plan: Plan, *, resume: bool = False, force: bool = False) -> None:
        """Raise if the sweep cannot be begun or gone on with here; nothing is written.

        Parameters
        ----------
        plan : Plan
        resume : bool
            The sweep must have been begun.
        force : bool
            Whatever result is here may be replaced.

        Raises
        ------
        ScenarioError
        """
        is_empty = self._is_empty()
        if is_empty and resume:
            raise self._problem("holds no sweep to resume; leave --resume out to begin one")
        if is_empty:
            return
        found = self.manifest()
        if status_of(self.path) is None:
            raise self._problem("is there and holds no result; choose another --out")
        if force:
            return
        if found.get("kind") != KIND:
            raise self._problem("holds a result that is no sweep; --out DIR writes elsewhere")
        if found.get("design_hash") != plan.experiment.design_hash():
            what = "holds a sweep of another design or scenario"
            raise self._problem(f"{what}; --force replaces it, --out DIR writes elsewhere")
        if found.get("sources") != plan.experiment.sources:
            what = "holds runs of another version of the code, which would not be comparable"
            raise self._problem(f"{what}; --force starts again, --out DIR writes elsewhere")

    @contextmanager
    def held(self) -> Iterator[None]:
        """Make the folder and keep it for this process alone.

        Raises
        ------
        ScenarioError
            If another process is at work in it, or it cannot be made.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.path / LOCK, os.O_CREAT | os.O_RDWR, 0o644)
        except OSError as error:
            raise self._problem(f"cannot be made: {error.strerror}") from error
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise self._problem("another process is running this sweep") from error
            yield
            (self.path / LOCK).unlink(missing_ok=True)
        finally:
            os.close(lock)

    def clear(self) -> None:
        """Remove all that is in the folder but its lock."""
        for path in self.path.iterdir():
            if path.name != LOCK:
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def begin(self, plan: Plan, about: dict[str, Any]) -> None:
        """Write scenario, design and manifest, unless they are there, and make room for parts."""
        self.sign({**about, "status": RUNNING})
        self.parts.mkdir(exist_ok=True)
        if not (self.path / SCENARIO).exists():
            _put(self.path / SCENARIO, plan.experiment.whole.to_toml())
        if not (self.path / DESIGN).exists():
            self._write(table(plan.points), DESIGN)

    def sign(self, about: dict[str, Any]) -> None:
        """Write the manifest, whole or not at all."""
        fresh = self.path / f".{MANIFEST}"
        ResultsFolder.write_into(self.path, fresh.name, about)
        fresh.replace(self.path / MANIFEST)

    def done(self, metric: str | None = None) -> dict[str, Done]:
        """Runs that are over, by id: finished ones, and those that failed for good.

        Parameters
        ----------
        metric : str, optional
            The column whose value stopping looks at.
        """
        import pyarrow.parquet as pq

        found: dict[str, Done] = {}
        for row in _pairs(parts.batches(self.parts, FAILURES), "is_final"):
            if row[1]:
                found[row[0]] = Done("failed")
        if (self.path / FAILED_RUNS).exists():
            failures = pq.read_table(self.path / FAILED_RUNS, columns=["run_id", "is_final"])
            found |= {
                run: Done("failed") for run, final in _pairs(failures.to_batches(), "is_final") if final
            }
        if (self.path / RESULTS).exists():
            file = pq.ParquetFile(self.path / RESULTS)
            columns = [name for name in ("run_id", "status", metric) if name in file.schema_arrow.names]
            for batch in file.iter_batches(columns=columns):
                is_finished = [status == "finished" for status in batch["status"].to_pylist()]
                rows = zip(_pairs([batch], metric), is_finished, strict=True)
                found |= {run: Done("finished", value) for (run, value), finished in rows if finished}
        for run, value in _pairs(parts.batches(self.parts, RUNS), metric):
            found[run] = Done("finished", value)
        return found

    def shards(self) -> list[SweepFolder]:
        """The shards in it."""
        places = sorted((self.path / SHARDS).glob("*-of-*")) if (self.path / SHARDS).is_dir() else []
        return [SweepFolder(place) for place in places]

    def shard(self, shard: Shard) -> SweepFolder:
        """The folder of one shard."""
        place = self.path / SHARDS / str(shard)
        return SweepFolder(place, f"{self.label}/{SHARDS}/{shard}")

    def compact(self, plan: Plan, others: Sequence[SweepFolder] = ()) -> dict[str, int]:
        """Bring parts, and the rows of other folders, into the tables; return how many rows there are.

        Raises
        ------
        OSError
            If something cannot be written; nothing is lost then.
        """
        folders = [self.path, *(other.path for other in others)]
        found = compacted(folders, plan)
        known = set(found.timing["run_id"].to_pylist())
        for name in sorted({name for folder in folders for name in parts.tables(folder / PARTS)}):
            if name not in (RUNS, FAILURES):
                kept.gather(folders, name, known, self.path)
        self._write(found.failures, FAILED_RUNS)
        self._write(found.timing, TIMING)
        self._write(found.runs, RESULTS)
        shutil.rmtree(self.parts, ignore_errors=True)
        return found.counts

    def _is_empty(self) -> bool:
        """Whether nothing is here, shards and what a process may leave before its manifest apart."""
        if not self.path.exists():
            return True
        if not self.path.is_dir():
            return False
        return all(path.name == SHARDS or path.name.startswith(".") for path in self.path.iterdir())

    def _write(self, rows: pa.Table, name: str) -> None:
        import pyarrow.parquet as pq

        fresh = self.path / f".{name}"
        pq.write_table(rows, fresh, compression="zstd")
        fresh.replace(self.path / name)

    def _problem(self, what: str) -> ScenarioError:
        return ScenarioError(Problem(self.label, "", what))


def _put(path: Path, text: str) -> None:
    """Write a file, whole or not at all."""
    fresh = path.with_name(f".{path.name}")
    fresh.write_text(text)
    fresh.replace(path)


def _pairs(batches: Any, column: str | None) -> Iterator[tuple[str, Any]]:
    """Run ids, and the values of a column, None where there is none."""
    for batch in batches:
        runs = batch["run_id"].to_pylist()
        has = column is not None and column in batch.schema.names
        yield from zip(runs, batch[column].to_pylist() if has else [None] * len(runs), strict=True)
