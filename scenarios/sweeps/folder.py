"""The folder of a sweep: what is in it while the sweep runs, and what it becomes.

    scenario.toml     resolved, with the sweep
    manifest.json     what this is, and how far it is
    design.parquet    a row a point: design_id and a column a swept key
    runs.parquet      a row a run: run_id, design_id, replicate, seed, arm, status, metrics
    timing.parquet    a row a finished run: run_id, seconds, host, worker
    failures.parquet  a row a failed run: why, with what, and a command that repeats it
    series/, events/  a row a step, fill, ... of every run, where they are kept
    parts/            what workers have written since (`scenarios.sweeps.worker_files`)
    shards/           folders like this one, of `--shard`, until they are merged

The folder has its own name from the start, so that the same command finds it again whatever
ended it. Parts are compacted when the sweep is finished or interrupted: each table is written
beside its place and renamed, then the parts go. A process that is killed in between leaves
rows in both, which count once: rows are told apart by run_id.

A sweep that is to replace a finished one is made beside it, as `<name>.next`, and takes its name
when it is finished too (`scenarios.folders.ownership`).
"""

from __future__ import annotations

import glob
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scenarios.file import toml
from scenarios.file.errors import Problem, ScenarioError
from scenarios.file.versions import KEY, NEWEST
from scenarios.folders import lock, ownership
from scenarios.folders.ownership import FINISHED, status_of
from scenarios.process.shell import place
from scenarios.sweeps import run_tables, worker_files
from scenarios.sweeps.compaction import DESIGN, FAILED_RUNS, RESULTS, SCENARIO, TIMING, compacted
from scenarios.sweeps.designs import table
from scenarios.sweeps.experiment import Plan
from scenarios.sweeps.jobs_left import Done, Shard
from scenarios.sweeps.run_tables import EVENTS
from scenarios.sweeps.worker_files import FAILURES, PARTS, RUNS, SERIES

if TYPE_CHECKING:
    import pyarrow as pa

KIND = "sweep"
SHARDS, SHARD = "shards", re.compile(r"\d+-of-\d+")
RUNNING, NEXT = "running", "next"
TABLES = (SCENARIO, DESIGN, RESULTS, TIMING, FAILED_RUNS)
EMPTIED = (f"{SHARDS}/", f"{PARTS}/", f"{SERIES}/", f"{EVENTS}/")


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

    def check(self, plan: Plan, *, resume: bool = False) -> None:
        """Raise if the sweep cannot be begun or gone on with here; nothing is written.

        Parameters
        ----------
        plan : Plan
        resume : bool
            The sweep must have been begun.

        Raises
        ------
        ScenarioError
        """
        is_empty = self._is_empty()
        if is_empty and resume:
            raise self._problem("holds no sweep to resume; leave --resume out to begin one")
        if is_empty:
            return
        ownership.check_kind(self.path, KIND, self.label)
        found = ownership.manifest(self.path)
        is_same = found.get("design_hash") == plan.experiment.design_hash()
        if self.is_older or (is_same and found.get("sources") != plan.experiment.sources):
            raise self.of_another_version()
        if not is_same:
            what = "holds a sweep of another design or scenario"
            raise self._problem(f"{what}; --force replaces it, --out DIR writes elsewhere")

    @property
    def is_older(self) -> bool:
        """Whether the sweep here was begun by a version that wrote scenarios in an older way."""
        with suppress(OSError, ValueError):
            version = toml.loads((self.path / SCENARIO).read_text(encoding="utf-8")).get(KEY)
            return isinstance(version, int) and version < NEWEST
        return False

    def of_another_version(self) -> ScenarioError:
        """That the sweep here was begun by another version of the code, and what to do about it."""
        found = ownership.manifest(self.path)
        versions = found.get("versions")
        version = versions.get("hedgequake") if isinstance(versions, dict) else None
        commit = str(found.get("commit") or "")[:8]
        which = ", ".join(part for part in (version and f"hedgequake {version}", commit) if part)
        what = f"holds runs of another version of the code{which and f' ({which})'}, not comparable with ours"
        remedy = (
            "finish it with that version, begin anew beside it with --out DIR, or replace it with --force"
        )
        return self._problem(f"{what}; {remedy}")

    def half_done_older(self) -> list[SweepFolder]:
        """Sweeps beside this one, named like it but for its hash, that older versions left half done."""
        name = self.path.name.rpartition("-")[0]
        beside = sorted(self.path.parent.glob(f"{glob.escape(name)}-*"))
        found = [SweepFolder(path, place(path)) for path in beside if path != self.path]
        return [each for each in found if each.is_older and not each.is_finished]

    def holds(self, plan: Plan) -> bool:
        """Whether it holds this very sweep, by this very code."""
        found, experiment = ownership.manifest(self.path), plan.experiment
        own = experiment.design_hash(), experiment.sources
        return ownership.is_ours(self.path) and (found.get("design_hash"), found.get("sources")) == own

    def check_cleared(self) -> None:
        """Raise if not all that is here may go: all of it ours, and nobody at work in it.

        Raises
        ------
        ScenarioError
        """
        if not self.path.exists():
            return
        if not self._is_empty():
            ownership.check_kind(self.path, KIND, self.label)
        ownership.check_free(self.path, self.label)
        shards = self.shards()
        files = [*ownership.files_of(self.path), *TABLES, *EMPTIED, ownership.MANIFEST]
        foreign = ownership.first_foreign(self.path, files, [shard.path for shard in shards])
        if foreign is not None:
            raise ownership.foreign_problem(self.label, foreign)
        for shard in shards:
            shard.check_cleared()

    @property
    def _aside(self) -> Path:
        return self.path.with_name(f".{self.path.name}.replaced")

    @property
    def is_finished(self) -> bool:
        """Whether it holds a sweep that is finished."""
        return status_of(self.path) == FINISHED

    @contextmanager
    def held(self) -> Iterator[None]:
        """Make the folder and keep it for this process alone.

        Raises
        ------
        ScenarioError
            If another process is at work in it, or it cannot be made.
        """
        with ExitStack() as stack:
            try:
                self.path.mkdir(parents=True, exist_ok=True)
                stack.enter_context(lock.held(self.path))
            except lock.Held as owner:
                raise self._problem(f"another process is running this sweep: {owner}") from owner
            except OSError as error:
                raise self._problem(f"cannot be made: {error.strerror}") from error
            yield

    def clear(self) -> None:
        """Remove all that is in the folder but its lock."""
        for path in self.path.iterdir():
            if path.name != lock.NAME:
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()

    def successor(self) -> SweepFolder:
        """Where a sweep is made that will replace this one once it is finished."""
        return SweepFolder(self.path.with_name(f"{self.path.name}.{NEXT}"), f"{self.label}.{NEXT}")

    def give_way(self, successor: SweepFolder) -> None:
        """Let a finished sweep take the place of this one.

        Raises
        ------
        ScenarioError
            If not all that is here may go; the successor stays where it is.
        """
        self.check_cleared()
        self.path.rename(self._aside)
        successor.path.rename(self.path)
        self.recover()

    def recover(self) -> None:
        """Finish what a process may have left that was killed while one sweep took the place of another."""
        if self._aside.is_dir() and not self.path.exists():
            self._aside.rename(self.path)
        shutil.rmtree(self._aside, ignore_errors=True)

    def begin(self, plan: Plan, about: dict[str, Any], session: str) -> None:
        """Write scenario, design and manifest, unless they are there, and make room for parts.

        The manifest lists what may come: the tables, and whatever the workers of this session write.
        """
        own = (f"{PARTS}/*{session}-*", f"{SERIES}/{SERIES}-*.parquet", f"{EVENTS}/*-*.parquet")
        self.sign({**about, "status": RUNNING}, [*TABLES, *own])
        self.parts.mkdir(exist_ok=True)
        if not (self.path / SCENARIO).exists():
            _put(self.path / SCENARIO, plan.experiment.whole.to_toml())
        if not (self.path / DESIGN).exists():
            self._write(table(plan.points), DESIGN)

    def sign(self, about: dict[str, Any], files: Sequence[str] = ()) -> None:
        """Write the manifest, whole or not at all."""
        ownership.sign(self.path, KIND, about, files)

    def done(self, metric: str | None = None) -> dict[str, Done]:
        """Runs that are over, by id: finished ones, and those that failed for good.

        Parameters
        ----------
        metric : str, optional
            The column whose value stopping looks at.
        """
        import pyarrow.parquet as pq

        found: dict[str, Done] = {}
        for row in _pairs(worker_files.batches(self.parts, FAILURES), "is_final"):
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
        for run, value in _pairs(worker_files.batches(self.parts, RUNS), metric):
            found[run] = Done("finished", value)
        return found

    def shards(self) -> list[SweepFolder]:
        """The shards in it."""
        places = sorted((self.path / SHARDS).iterdir()) if (self.path / SHARDS).is_dir() else []
        own = [place for place in places if SHARD.fullmatch(place.name) and place.is_dir()]
        return [SweepFolder(place, f"{self.label}/{SHARDS}/{place.name}") for place in own]

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
        for name in sorted({name for folder in folders for name in worker_files.tables(folder / PARTS)}):
            if name not in (RUNS, FAILURES):
                run_tables.gather(folders, name, known, self.path)
        self._write(found.failures, FAILED_RUNS)
        self._write(found.timing, TIMING)
        self._write(found.runs, RESULTS)
        worker_files.remove(self.parts)
        return found.counts

    def remove_shards(self) -> None:
        """Remove the shards, which were merged."""
        for shard in self.shards():
            shutil.rmtree(shard.path)
        with suppress(OSError):
            (self.path / SHARDS).rmdir()

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
