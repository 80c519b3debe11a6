"""Kept tables: series and events of every run of a sweep, in few files whatever the number of runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scenarios.sweeps import worker_files
from scenarios.sweeps.worker_files import PARTS, SERIES

if TYPE_CHECKING:
    import pyarrow as pa

EVENTS = "events"
ROWS_A_GROUP = 131_072


def place(folder: Path, table: str) -> Path:
    """Where a table is kept: `series/`, or `events/` for all others."""
    return folder / (SERIES if table == SERIES else EVENTS)


def files(folder: Path, table: str) -> list[Path]:
    """The files of a table."""
    return sorted(place(folder, table).glob(f"{table}-*.parquet"))


def gather(folders: Sequence[Path], table: str, known: set[str], target: Path) -> None:
    """Write what parts and other folders hold of a table to new files of the target's.

    A run is one record batch; of a run that was begun twice the first one counts, and one that
    was never finished leaves nothing.

    Parameters
    ----------
    folders : sequence of Path
    table : str
    known : set of str
        Ids of finished runs.
    target : Path
    """
    wanted = known - _runs_in(files(target, table))
    place(target, table).mkdir(exist_ok=True)
    writers: dict[Any, _Writer] = {}
    number = len(files(target, table))
    for rows in _pieces(folders, table, target):
        new = _only(rows, wanted)
        wanted -= set(new["run_id"].unique().to_pylist())
        if new.schema not in writers:
            path = place(target, table) / f"{table}-{number + len(writers):04}.parquet"
            writers[new.schema] = _Writer(path, new.schema)
        writers[new.schema].add(new)
    for writer in writers.values():
        writer.close()


class _Writer:
    """A Parquet file that appears when it is whole; its row groups hold whole runs."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        import pyarrow.parquet as pq

        self._path, self._fresh = path, path.with_name(f".{path.name}")
        self._writer = pq.ParquetWriter(self._fresh, schema, compression="zstd")
        self._waiting: list[pa.Table] = []
        self._rows = 0

    def add(self, rows: pa.Table) -> None:
        """Add rows of whole runs."""
        self._waiting.append(rows)
        self._rows += rows.num_rows
        if self._rows >= ROWS_A_GROUP:
            self._flush()

    def close(self) -> None:
        """Give the file its name."""
        self._flush()
        self._writer.close()
        self._fresh.replace(self._path)

    def _flush(self) -> None:
        import pyarrow as pa

        if self._rows:
            self._writer.write_table(pa.concat_tables(self._waiting), row_group_size=self._rows)
        self._waiting, self._rows = [], 0


def _pieces(folders: Sequence[Path], table: str, target: Path) -> Iterator[pa.Table]:
    """Rows of whole runs: those of a part's batch, of a row group of another folder's files."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for folder in folders:
        for batch in worker_files.batches(folder / PARTS, table):
            yield pa.Table.from_batches([batch])
        for path in files(folder, table) if folder != target else []:
            file = pq.ParquetFile(path)
            for group in range(file.num_row_groups):
                yield file.read_row_group(group).replace_schema_metadata(None)


def _only(rows: pa.Table, wanted: set[str]) -> pa.Table:
    """The rows of the runs that are wanted."""
    import pyarrow as pa
    import pyarrow.compute as pc

    runs = rows["run_id"].unique().to_pylist()
    chosen = [run for run in runs if run in wanted]
    if len(chosen) == len(runs):
        return rows
    return rows.filter(pc.is_in(rows["run_id"], value_set=pa.array(chosen, pa.string())))


def _runs_in(paths: Sequence[Path]) -> set[str]:
    import pyarrow.parquet as pq

    found: set[str] = set()
    for path in paths:
        for batch in pq.ParquetFile(path).iter_batches(columns=["run_id"]):
            found.update(batch["run_id"].unique().to_pylist())
    return found
