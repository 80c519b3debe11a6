"""Retyping: what becomes of a table whose `type` is set over the one that the file says.

What the table had and its new type does not know goes, with a note; what was set together with the
type stays, so that it is refused when the scenario is validated.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel

from scenarios.file import modules
from scenarios.file.document import Document, Layer
from scenarios.file.errors import shown
from scenarios.file.explain import keys_at
from scenarios.file.toml import Path, inside

TYPE = "type"


def retyped(document: Document, model: type[BaseModel]) -> Document:
    """The document without what it inherited under types that were set over it and lack it.

    Parameters
    ----------
    document : Document
    model : type
        Of the whole file.
    """
    layers = [layer for layer in document.layers if any(path[-1] == TYPE for path in layer.paths)]
    if not layers:
        return document
    changed = document.with_values(copy.deepcopy(document.values))
    with modules.of_values(document.values, document.folder):
        for layer in layers:
            for path in layer.paths:
                if path[-1] == TYPE:
                    _drop(list(lacking(changed.values, path[:-1], layer, model)), path, changed)
    return changed


def lacking(values: dict[str, Any], table: Path, layer: Layer, model: type[BaseModel]) -> Iterator[str]:
    """Keys that a table had under a layer, known to its type there and unknown to its type now.

    Parameters
    ----------
    values : dict
        With the layer set over them.
    table : tuple of str and int
        The way to the table.
    layer : Layer
    model : type
        Of the whole file.
    """
    before, now = keys_at(model, layer.under, table), keys_at(model, values, table)
    inherited = inside(layer.under, table)
    if now is None or not isinstance(inherited, dict):
        return
    for key in inherited:
        is_beside = any(path[: len(table) + 1] == (*table, key) for path in layer.paths)
        if key not in now and not is_beside and (before is None or key in before):
            yield key


def sets_type(key: str, values: Iterable[Any] = ()) -> bool:
    """Whether a dotted key names a `type`, or one of these values is a table that does."""
    brings = any(isinstance(value, dict) and TYPE in value for value in values)
    return brings or key.rpartition(".")[2].strip("\"'") == TYPE


def _drop(keys: list[str], path: Path, document: Document) -> None:
    """Take keys out of the table of a `type`, and note those that somebody wrote."""
    table = inside(document.values, path[:-1])
    written = [key for key in keys if key in table and document.is_written((*path[:-1], key))]
    for key in keys:
        table.pop(key, None)
    if written:
        what = f"{shown(table[TYPE])} has no {', '.join(written)}; what was said of it is dropped"
        document.notes.append(document.problem(path, what))
