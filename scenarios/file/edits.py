"""Edits: what becomes of single values of a scenario file, in memory and in its text."""

from __future__ import annotations

from typing import Any, NamedTuple

from scenarios.file import override
from scenarios.file.rewriting import added, removed, replaced
from scenarios.file.toml import Path

GONE = object()
"""In place of a value: there is none any more."""


class Unsayable(ValueError):
    """Something that a file says and that cannot be said in another version.

    Parameters
    ----------
    path : tuple of str and int
        Where it is said.
    what : str
        What it is, and what to write instead.
    """

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(what)
        self.path = path


class Edit(NamedTuple):
    """What becomes of one value.

    Attributes
    ----------
    path : tuple of str and int
    value : object
        `GONE` if it goes.
    beside : tuple of str and int
        Of a value that comes: the way to the one in the same table that it is written after.
    """

    path: Path
    value: Any = GONE
    beside: Path = ()

    def apply(self, values: Any) -> None:
        """Change the value in place."""
        for part in self.path[:-1]:
            values = values[part]
        if self.value is GONE:
            del values[self.path[-1]]
        else:
            values[self.path[-1]] = self.value

    def rewritten(self, text: str) -> str:
        """The text of a file in which the value is changed."""
        if self.value is GONE:
            return removed(text, self.path)
        if self.beside:
            return added(text, self.beside, str(self.path[-1]), override.written(self.value))
        return replaced(text, self.path, override.written(self.value))
