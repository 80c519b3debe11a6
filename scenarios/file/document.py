"""A scenario file as read: its values, what was set over them, and the line of each key."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path as FilePath
from typing import Any, NamedTuple

from scenarios.file import override, toml
from scenarios.file.errors import Problem, ScenarioError, nearest
from scenarios.file.toml import Path, inside

LARGEST_FILE = 4 * toml.LARGEST
"""Bytes of a file beyond which it is not read; a character has at most four."""


class Layer(NamedTuple):
    """What was set over a document at once.

    Attributes
    ----------
    paths : tuple of paths
    under : dict
        The values that it was set over.
    """

    paths: tuple[Path, ...]
    under: dict[str, Any]


class Document:
    """The values of a scenario before they are validated, and where each came from.

    Parameters
    ----------
    label : str
        What messages call it.
    values : dict
    text : str
        The TOML it was read from; empty if it was not.
    folder : Path
        Where relative paths in it start from.

    Attributes
    ----------
    set_paths : dict of path to str
        Paths that were set over the file, and by what.
    notes : list of Problem
        What became of values that the file says, for warnings.
    layers : list of Layer
        What was set over it, while keys may be left that a `type` among it lacks.
    """

    def __init__(
        self, label: str, values: dict[str, Any], text: str = "", folder: FilePath | None = None
    ) -> None:
        self.label = label
        self.values = values
        self.text = text
        self.folder = folder or FilePath()
        self.set_paths: dict[Path, str] = {}
        self.notes: list[Problem] = []
        self.layers: list[Layer] = []

    @classmethod
    def read(cls, file: FilePath, label: str = "") -> Document:
        """Read a TOML file.

        Raises
        ------
        ScenarioError
            If it cannot be read or is not TOML.
        """
        label = label or str(file)
        try:
            if (size := file.stat().st_size) > LARGEST_FILE:
                raise ScenarioError(Problem(label, "", f"not a scenario: a file of {size / 1e6:,.0f} MB"))
            text = file.read_bytes().decode("utf-8-sig")
            return cls(label, toml.loads(text), text, file.parent.absolute())
        except OSError as error:
            raise ScenarioError(Problem(label, "", f"cannot be read: {error.strerror}")) from error
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            raise ScenarioError(Problem(label, "", "not valid TOML: not UTF-8 text", line)) from error
        except toml.Unreadable as error:
            raise ScenarioError(Problem(label, "", f"not valid TOML: {error}", error.line)) from error

    def set(self, overrides: Mapping[str, Any], origin: str) -> Document:
        """A copy with values set by dotted key; paths in them start from the current folder.

        Parameters
        ----------
        overrides : mapping of str to object
        origin : str
            What messages call the place they came from, such as `--set`.

        Raises
        ------
        ScenarioError
            If a key cannot be followed.
        """
        changed = self.with_values(copy.deepcopy(self.values))
        paths = []
        for key, value in overrides.items():
            try:
                path = override.apply(changed.values, key, override.from_folder(value, FilePath.cwd()))
            except override.KeyProblem as problem:
                raise ScenarioError(
                    Problem(self.label, key, str(problem), None, origin, *problem.remedy())
                ) from problem
            changed.set_paths[path] = origin
            paths.append(path)
        changed.layers = [*self.layers, Layer(tuple(paths), self.values)]
        return changed

    def with_values(self, values: dict[str, Any]) -> Document:
        """A copy that holds these values, of the same file."""
        changed = Document(self.label, values, self.text, self.folder)
        changed.set_paths = dict(self.set_paths)
        changed.notes = list(self.notes)
        return changed

    def original(self) -> Document:
        """The file as it is written, with nothing set over it."""
        return Document(self.label, copy.deepcopy(self._original), self.text, self.folder)

    def problem(
        self,
        path: Path,
        what: str,
        found: str = "",
        allowed: Sequence[str] = (),
        *,
        is_missing: bool = False,
    ) -> Problem:
        """What is wrong with the value at a path, with its key and the line or whatever it came from.

        Parameters
        ----------
        path : tuple of str and int
            Empty for the whole of it.
        what, found, allowed
            As of `Problem`.
        is_missing : bool
            Whether there should be a value and is none: the table that lacks it is shown.
        """
        at = path[:-1] if is_missing else path
        origin = self.origin(at)
        return Problem(
            file=self.label,
            key=self.key(path),
            what=what,
            line=self.line(at) if path and not origin else None,
            origin=origin,
            found=found,
            allowed=tuple(allowed),
            nearest=nearest(found.strip('"'), allowed) if found else None,
        )

    def names(self) -> dict[str, list[str]]:
        """Names of the entries of every list of named tables."""
        lists = {key: value for key, value in self.values.items() if isinstance(value, list)}
        return {
            key: [str(entry["name"]) for entry in entries if isinstance(entry, dict) and "name" in entry]
            for key, entries in lists.items()
        }

    def origin(self, path: Path) -> str:
        """What set this path over the file; empty if the file did."""
        for changed, origin in self.set_paths.items():
            is_inside = path[: len(changed)] == changed
            is_around = path and changed[: len(path)] == path and inside(self._original, path) is None
            if is_inside or is_around:
                return origin
        return ""

    def is_written(self, path: Path) -> bool:
        """Whether somebody wrote what stands at this path: in the file, or over it; true without a file."""
        if not self.text or inside(self._original, self._in_file(path, self._original)) is not None:
            return True
        return any(
            path[: len(changed)] == changed or changed[: len(path)] == path for changed in self.set_paths
        )

    def line(self, path: Path) -> int | None:
        """Line of the file on which the path appears, that of its nearest parent if it does not."""
        if not self.text:
            return None
        path = self._in_file(path, self._original)
        while path and inside(self._original, path) is None:
            path = path[:-1]
        return toml.line_of(self.text, path) if path else 1

    def key(self, path: Path) -> str:
        """The path as a dotted key, in which named entries go by their name."""
        parts, value = [], self.values
        for part in path:
            value = inside(value, (part,))
            is_entry = (
                isinstance(part, int) and isinstance(value, dict) and isinstance(value.get("name"), str)
            )
            parts.append(str(value["name"] if is_entry else part))
        return ".".join(parts)

    def _in_file(self, path: Path, original: Any) -> Path:
        """The path with the positions that named entries have in the file."""
        parts: list[str | int] = []
        value: Any = self.values
        for part in path:
            value = inside(value, (part,))
            at = entry_like(value, original, part) if isinstance(part, int) else part
            original = inside(original, (at,))
            parts.append(at)
        return tuple(parts)

    @cached_property
    def _original(self) -> dict[str, Any]:
        return toml.loads(self.text)


def changes(before: Any, after: Any, path: Path = ()) -> Iterator[Path]:
    """Paths of the values that differ; entries of a list are compared by name where they have one."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in after:
            yield from changes(before.get(key), after[key], (*path, key))
    elif (
        isinstance(before, list)
        and isinstance(after, list)
        and (_is_named(after) or len(after) >= len(before))
    ):
        for n, value in enumerate(after):
            yield from changes(inside(before, (entry_like(value, before, n),)), value, (*path, n))
    elif before != after:
        yield path


def _is_named(entries: list[Any]) -> bool:
    return bool(entries) and all(isinstance(entry, dict) and "name" in entry for entry in entries)


def entry_like(entry: Any, entries: Any, position: int) -> int:
    """Where the entry of this one's name stands in another list; `position` if there is none."""
    name = entry.get("name") if isinstance(entry, dict) else None
    names = [each.get("name") if isinstance(each, dict) else None for each in entries or ()]
    if name is None or name not in names or names[position : position + 1] == [name]:
        return position
    return names.index(name)
