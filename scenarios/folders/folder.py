"""The results folder: built under a partial name beside its own, renamed once.

Whoever looks at the folder's own name finds a whole result or none. A process that is
killed leaves only a partial folder, which the next run to the same place removes. What may be
replaced `scenarios.folders.ownership` says; a result that may not take its place lands beside it.
"""

from __future__ import annotations

import glob
import json
import os
import shutil
import socket
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from scenarios.file.errors import Problem, ScenarioError
from scenarios.folders import ownership
from scenarios.folders.ownership import FINISHED as FINISHED
from scenarios.folders.ownership import MANIFEST as MANIFEST
from scenarios.folders.ownership import status_of as status_of

INTERRUPTED = "interrupted"
FAILED = "failed"
PARTIAL = "partial"
REPLACED = "replaced"


class ResultsFolder:
    """A place for one result; a context manager that builds it.

    Parameters
    ----------
    path : Path
        The folder that will hold the result.
    kind : str
        Of the result, as in its manifest.
    force : bool
        Replace a finished result, by a finished one.

    Attributes
    ----------
    partial : Path
        Where to write until it is published.

    Raises
    ------
    ScenarioError
        If there is a finished result and `force` is not set, or something else than a
        result of this kind, which is never replaced.
    """

    def __init__(self, path: Path, kind: str, *, force: bool = False) -> None:
        self.path = path.resolve()
        self.kind = kind
        self.partial = self._beside(PARTIAL)
        self._label = str(path)
        self._force = force
        ownership.check_replaceable(self.path, kind, self._label, force=force)

    def __enter__(self) -> Self:
        """Remove what killed runs left, and make the partial folder."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._recover()
            self.partial.mkdir()
        except OSError as error:
            raise ScenarioError(Problem(self._label, "", f"cannot be made: {error.strerror}")) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave no partial folder behind."""
        shutil.rmtree(self.partial, ignore_errors=True)

    def write_json(self, name: str, content: dict[str, Any]) -> None:
        """Write a file of JSON."""
        self.write_into(self.partial, name, content)

    def write_runs(self, rows: list[dict[str, Any]]) -> None:
        """Write a table with a row a run."""
        self.write_rows("runs.parquet", rows)

    def write_rows(self, name: str, rows: list[dict[str, Any]]) -> None:
        """Write a table."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist(rows), self.partial / name, compression="zstd")

    def write_traces(self, traces: Mapping[str, str]) -> None:
        """Write where runs failed, by what failed; nothing where none did."""
        if traces:
            text = "\n".join(f"{what}\n{trace}" for what, trace in traces.items())
            (self.partial / "traceback.txt").write_text(text)

    @staticmethod
    def write_into(folder: Path, name: str, content: dict[str, Any]) -> None:
        """Write a file of JSON into a folder inside the result."""
        text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False)
        (folder / name).write_text(text + "\n", encoding="utf-8")

    def sign(self, about: dict[str, Any]) -> None:
        """Write the manifest, which comes last: it lists what the folder holds."""
        ownership.sign(self.partial, self.kind, about, ownership.contents(self.partial))

    def publish(self) -> Path:
        """Give the folder its own name, in place of an older result; return where it is.

        A result that is not finished, or that meets what came there meanwhile, lands beside, under
        `<name>.<status>`.
        """
        target, displaced = self._target(), self._beside(REPLACED)
        if target.exists():
            target.rename(displaced)
        try:
            self.partial.rename(target)
        except OSError:
            if displaced.exists():
                displaced.rename(target)
            raise
        shutil.rmtree(displaced, ignore_errors=True)
        return target

    def _target(self) -> Path:
        """The folder's own place if the result may take it, else the first free one beside it."""
        status = status_of(self.partial)
        if self._is_free(self.path, force=self._force and status == FINISHED):
            return self.path
        names = (f"{self.path.name}.{status}{f'-{n}' if n > 1 else ''}" for n in count(1))
        return next(path for path in map(self.path.with_name, names) if self._is_free(path, force=False))

    def _is_free(self, path: Path, *, force: bool) -> bool:
        try:
            ownership.check_replaceable(path, self.kind, str(path), force=force)
        except ScenarioError:
            return False
        return True

    def _beside(self, role: str) -> Path:
        return self.path.with_name(f".{self.path.name}.{role}.{socket.gethostname()}.{os.getpid()}")

    def _recover(self) -> None:
        """Clear up after runs that were killed; a result they had moved aside comes back."""
        for role in (PARTIAL, REPLACED):
            own = self._beside(role).name.rpartition(".")[0]
            for left in self.path.parent.glob(f"{glob.escape(own)}.*"):
                if _is_running(left.suffix[1:]):
                    continue
                if role == REPLACED and not self.path.exists():
                    left.rename(self.path)
                else:
                    shutil.rmtree(left, ignore_errors=True)


def _is_running(process: str) -> bool:
    """Whether another process of this number lives."""
    if not process.isdigit() or int(process) == os.getpid():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
