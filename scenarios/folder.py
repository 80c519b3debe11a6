"""The results folder: built under a partial name beside its own, renamed once.

Whoever looks at the folder's own name finds a whole result or none. A process that is
killed leaves only a partial folder, which the next run to the same place removes.
"""

from __future__ import annotations

import glob
import json
import os
import shutil
import socket
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from scenarios.errors import Problem, ScenarioError

MANIFEST = "manifest.json"
FINISHED = "finished"
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
    force : bool
        Replace a finished result.

    Attributes
    ----------
    partial : Path
        Where to write until it is published.

    Raises
    ------
    ScenarioError
        If there is a finished result and `force` is not set, or something else than a
        result, which is never replaced.
    """

    def __init__(self, path: Path, *, force: bool = False) -> None:
        self.path = path.resolve()
        self.partial = self._beside(PARTIAL)
        self._label = str(path)
        self._force = force
        self._check()

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

    @staticmethod
    def write_into(folder: Path, name: str, content: dict[str, Any]) -> None:
        """Write a file of JSON into a folder inside the result."""
        text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False)
        (folder / name).write_text(text + "\n")

    def publish(self) -> Path:
        """Give the folder its own name, in place of an older result."""
        self._check()
        displaced = self._beside(REPLACED)
        if self.path.exists():
            self.path.rename(displaced)
        try:
            self.partial.rename(self.path)
        except OSError:
            if displaced.exists():
                displaced.rename(self.path)
            raise
        shutil.rmtree(displaced, ignore_errors=True)
        return self.path

    def _beside(self, role: str) -> Path:
        return self.path.with_name(f".{self.path.name}.{role}.{socket.gethostname()}.{os.getpid()}")

    def _check(self) -> None:
        if not self.path.exists() or (self.path.is_dir() and not any(self.path.iterdir())):
            return
        status = status_of(self.path)
        if status is None:
            raise ScenarioError(
                Problem(self._label, "", "is there and holds no result; choose another --out")
            )
        if status == FINISHED and not self._force:
            what = "holds a finished result; --force replaces it, --out DIR writes elsewhere"
            raise ScenarioError(Problem(self._label, "", what))

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


def status_of(folder: Path) -> str | None:
    """Status of the result in a folder, None if it holds none."""
    try:
        status: str = json.loads((folder / MANIFEST).read_text())["status"]
        return status
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


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
