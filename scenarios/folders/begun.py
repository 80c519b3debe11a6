"""Begun: what the runs of a study came to, kept as each finishes, so that nothing ends it but its own end.

A line of JSON a run, in a hidden folder beside the place where the study will be published, whose name
carries a hash of all that decides its runs. The same command finds them again, whatever ended it; a
line that was torn is not read. A study that is finished leaves none behind.
"""

from __future__ import annotations

import glob
import json
import os
import shutil
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from scenarios.file.errors import Problem, ScenarioError
from scenarios.folders import lock

BEGUN, RUNS = "begun", "runs.jsonl"


class Begun:
    """The runs of a study that are done; a context manager.

    Parameters
    ----------
    path : Path
        Where the study will be published.
    identity : str
        A hash of all that decides its runs.

    Attributes
    ----------
    results : dict of str to object
        By the name of the run.

    Raises
    ------
    ScenarioError
        On entering, if another process is at the study, or nothing can be written there.
    """

    def __init__(self, path: Path, identity: str) -> None:
        self.results: dict[str, Any] = {}
        self._label, self._path = str(path), path.resolve()
        self._folder = self._path.with_name(f".{self._path.name}.{BEGUN}.{identity[:16]}")
        self._held = ExitStack()
        self._is_over = False

    def __enter__(self) -> Self:
        """Read what is done, and hold the place."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._held.enter_context(lock.held(self._folder))
            self._file = self._folder / RUNS
            self._descriptor = os.open(self._file, os.O_CREAT | os.O_APPEND | os.O_RDWR, 0o644)
            self._held.callback(os.close, self._descriptor)
            self._read()
        except lock.Held as error:
            what = f"another process is at work on the same study: {error}"
            raise ScenarioError(Problem(self._label, "", what)) from error
        except OSError as error:
            raise ScenarioError(Problem(self._label, "", f"cannot be made: {error.strerror}")) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the place, and leave nothing where nothing was done or all is."""
        self._held.close()
        for folder in self._needless():
            if lock.holder(folder) is None:
                shutil.rmtree(folder, ignore_errors=True)

    def keep(self, name: str, result: Any) -> None:
        """Keep what a run came to.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        line = json.dumps([name, result], separators=(",", ":"))
        os.write(self._descriptor, f"{line}\n".encode())
        self.results[name] = result

    def over(self) -> None:
        """Say that the study is published, and needs its runs no more."""
        self._is_over = True

    def _needless(self) -> list[Path]:
        """What may go: all that was begun for a place that is taken now, or what holds nothing."""
        if self._is_over:
            own = f".{glob.escape(self._path.name)}.{BEGUN}.*"
            return list(self._path.parent.glob(own))
        return [] if self.results else [self._folder]

    def _read(self) -> None:
        text = self._file.read_bytes()
        for line in text.split(b"\n"):
            try:
                name, result = json.loads(line)
            except ValueError:
                continue
            self.results[name] = result
        if text and not text.endswith(b"\n"):
            os.write(self._descriptor, b"\n")
