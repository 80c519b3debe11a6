"""Worker files: what workers leave while a sweep runs, an Arrow IPC stream for each worker and table.

A run's rows are one record batch, written with one system call, so that a process that is
killed leaves whole batches and at most one torn one at the end, which is not read. When the
disk is full the torn batch is cut off again. Beside its streams a worker keeps a claim, a
few bytes that say which run it is in and since when; the parent reads it when a worker has
died or hangs.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

PARTS = "parts"
RUNS, FAILURES, SERIES = "runs", "failures", "series"
CLAIM = ".claim"
CLAIM_BYTES = 256


class DiskTrouble(OSError):
    """A part could not be written; what was written before is whole."""


class Stream:
    """One Arrow IPC stream that is only ever appended to.

    Parameters
    ----------
    path : Path
    schema : pyarrow.Schema
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.schema = schema
        self._file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        self._whole = 0
        self._append(schema.serialize())

    def append(self, batch: pa.RecordBatch) -> None:
        """Add a record batch.

        Raises
        ------
        DiskTrouble
            If it cannot be written whole.
        """
        self._append(batch.serialize())

    def close(self) -> None:
        """Write no more."""
        os.close(self._file)

    def _append(self, message: Any) -> None:
        view, written = memoryview(message), 0
        try:
            while written < view.nbytes:
                written += os.write(self._file, view[written:])
        except OSError as error:
            os.ftruncate(self._file, self._whole)
            os.lseek(self._file, self._whole, os.SEEK_SET)
            raise DiskTrouble(error.errno, os.strerror(error.errno or 0)) from error
        self._whole += written


class WorkerFiles:
    """The streams and the claim of one worker in one session.

    Parameters
    ----------
    folder : Path
        Of the parts.
    name : str
        Of the worker, no other's.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self.name = folder, name
        self._streams: dict[str, Stream] = {}
        self._opened = 0
        self._claim = os.open(folder / f"{name}{CLAIM}", os.O_CREAT | os.O_WRONLY, 0o644)
        self.claim("")

    def append(self, table: str, batch: pa.RecordBatch) -> None:
        """Add a record batch to the stream of a table; another schema starts another file.

        Raises
        ------
        DiskTrouble
            If it cannot be written.
        """
        stream = self._streams.get(table)
        if stream is None or stream.schema != batch.schema:
            stream = self._streams[table] = self._open(table, batch.schema)
        stream.append(batch)

    def claim(self, run: str, since: float | None = None) -> None:
        """Note which run this worker is in: its id, or nothing; since infinity while it compiles."""
        began = time.monotonic() if since is None else since
        note = {"pid": os.getpid(), "host": socket.gethostname(), "run": run, "since": began}
        os.pwrite(self._claim, json.dumps(note).ljust(CLAIM_BYTES).encode(), 0)

    def close(self) -> None:
        """Write no more."""
        for stream in self._streams.values():
            stream.close()
        os.close(self._claim)

    def _open(self, table: str, schema: pa.Schema) -> Stream:
        if table in self._streams:
            self._streams[table].close()
        self._opened += 1
        try:
            return Stream(self._folder / f"{table}-{self.name}-{self._opened}.arrow", schema)
        except DiskTrouble:
            raise
        except OSError as error:
            raise DiskTrouble(error.errno, os.strerror(error.errno or 0)) from error


def claims(folder: Path, session: str) -> Iterator[dict[str, Any]]:
    """What the workers of a session say they are in."""
    for path in folder.glob(f"{session}-*{CLAIM}"):
        try:
            yield json.loads(path.read_bytes())
        except ValueError:
            continue  # it is being written


def remove(folder: Path) -> None:
    """Remove the streams and claims in a folder, and the folder if nothing else is in it."""
    with suppress(OSError):
        for path in (*folder.glob("*.arrow"), *folder.glob(f"*{CLAIM}")):
            path.unlink(missing_ok=True)
        folder.rmdir()


def tables(folder: Path) -> list[str]:
    """Tables that the parts in a folder hold."""
    return sorted({path.name.partition("-")[0] for path in folder.glob("*.arrow")})


def batches(folder: Path, table: str) -> Iterator[pa.RecordBatch]:
    """Every whole record batch of a table, file by file; what is torn at an end is left out."""
    import pyarrow as pa

    for path in sorted(folder.glob(f"{table}-*.arrow")):
        with pa.OSFile(str(path), "rb") as file:
            try:
                reader = pa.ipc.open_stream(file)
            except (pa.ArrowInvalid, OSError):
                continue  # nothing whole in it
            while True:
                try:
                    batch = reader.read_next_batch()
                except (StopIteration, pa.ArrowInvalid, OSError):
                    break
                yield batch
