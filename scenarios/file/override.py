"""Dotted keys: `populations.dealers.hedging.width` names one value of a scenario.

Entries of a list go by their `name`, those without one by their position
(`shocks.0.qty`). A key may be one that the file leaves out; whether the schema knows it
is found out when the scenario is validated.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any

from scenarios.file import toml
from scenarios.file.errors import nearest, short, shown
from scenarios.file.toml import Path
from sim.setup.files import PathFrom


class KeyProblem(ValueError):
    """A dotted key that cannot be followed.

    Parameters
    ----------
    what : str
    found : str
    allowed : sequence of str
    """

    def __init__(self, what: str, found: str = "", allowed: Sequence[str] = ()) -> None:
        super().__init__(what)
        self.found = found
        self.allowed = tuple(allowed)

    def remedy(self) -> tuple[str, tuple[str, ...], str | None]:
        """What was found, what is allowed, and which of it is nearest."""
        return self.found, self.allowed, nearest(self.found, self.allowed) if self.found else None


def split(key: str) -> list[str]:
    """Parts of a dotted key; a part in quotation marks may hold a dot.

    Raises
    ------
    KeyProblem
        If it is not a dotted key.
    """
    parts: list[str] = []
    try:
        table: Any = toml.loads(f"{key} = 0")
    except toml.Unreadable:
        table = {}
    while isinstance(table, dict) and len(table) == 1:
        ((part, table),) = table.items()
        parts.append(part)
    if table != 0:
        raise KeyProblem("not a dotted key; write it like time.steps or populations.dealers.count")
    return parts


def literal(text: str) -> Any:
    """The value a text stands for: a TOML literal, else the text itself.

    Raises
    ------
    KeyProblem
        If it begins like a table, a list or a quoted text of TOML and is none.
    """
    try:
        table = toml.loads(f"value = {text}")
    except toml.Unreadable as error:
        if text.lstrip().startswith(("{", "[", '"', "'")):
            raise KeyProblem(f"found {short(text)}; this is no valid TOML value: {error}") from error
        return text
    return table["value"] if len(table) == 1 else text


def apply(values: dict[str, Any], key: str, value: Any) -> Path:
    """Set one value in place and return its path.

    Parameters
    ----------
    values : dict
        Values of a scenario file.
    key : str
        Dotted key.
    value : object

    Raises
    ------
    KeyProblem
        If the key cannot be followed.
    """
    parts = split(key)
    path: list[str | int] = []
    holder: Any = values
    for part in parts[:-1]:
        position, holder = _step(holder, part, path)
        path.append(position)
    last = _position(holder, parts[-1], path)
    if isinstance(last, int) and isinstance(holder[last], dict):
        raise KeyProblem("names a whole entry; name one of its keys")
    holder[last] = value
    return (*path, last)


def locate(values: Mapping[str, Any], key: str) -> Any:
    """The value under a dotted key.

    Raises
    ------
    KeyProblem
        If there is none.
    """
    found: Any = values
    path: list[str | int] = []
    for part in split(key):
        position = _position(found, part, path)
        if isinstance(found, dict) and position not in found:
            raise KeyProblem("unknown key", part, list(found))
        found = found[position]
        path.append(position)
    return found


def from_folder(value: Any, folder: FilePath) -> Any:
    """The value, with every text in it marked as a path from this folder, should it be one."""
    match value:
        case str():
            return PathFrom(value, folder)
        case list():
            return [from_folder(item, folder) for item in value]
        case Mapping():
            return {key: from_folder(item, folder) for key, item in value.items()}
        case _:
            return value


def _step(holder: Any, part: str, path: list[str | int]) -> tuple[str | int, Any]:
    """Enter a table or an entry, making a table that is not there."""
    position = _position(holder, part, path)
    return position, holder.setdefault(position, {}) if isinstance(position, str) else holder[position]


def _position(holder: Any, part: str, path: list[str | int]) -> str | int:
    """Key or list position that a part of a dotted key stands for."""
    if isinstance(holder, dict):
        return part
    if not isinstance(holder, list):
        raise KeyProblem(f'"{path[-1]}" is {shown(holder)}, not a table')
    names = [
        str(entry.get("name", n)) if isinstance(entry, dict) else str(n) for n, entry in enumerate(holder)
    ]
    if part not in names:
        raise KeyProblem(f'nothing in {path[-1]} is named "{part}"', part, names)
    return names.index(part)


def written(value: Any) -> str:
    """The TOML literal of a value, which `literal` reads back.

    Parameters
    ----------
    value : bool, int, float, str, list or mapping
    """
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return json.dumps(str(value), ensure_ascii=False)
        case Mapping():
            items = (f"{json.dumps(str(key))} = {written(item)}" for key, item in value.items())
            return f"{{{', '.join(items)}}}"
        case list() | tuple():
            return f"[{', '.join(map(written, value))}]"
        case _:
            return repr(value)
