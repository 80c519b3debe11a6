"""Versions of scenario files: what an older one says in another way, and how it is read today.

A step leads from one version to the next. It yields edits, each of one value; applied to the values they
bring a file up to date in memory, applied to its text, comments and all, they rewrite it
(`scenarios.terminal.migration`). A step asks the classes that a file names what they know.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from pydantic import BaseModel

from scenarios.file import modules, override
from scenarios.file.document import Document
from scenarios.file.errors import ScenarioError, shown
from scenarios.file.explain import keys_at
from scenarios.file.rewriting import removed, replaced
from scenarios.file.toml import Path, inside
from scenarios.process.shell import command

KEY = "schema_version"
GONE = object()
"""In place of a value: there is none any more."""

LISTED = 8
"""So many places are named in a warning."""


class Edit(NamedTuple):
    """What becomes of one value."""

    path: Path
    value: Any = GONE

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
        return replaced(text, self.path, override.written(self.value))


Step = Callable[[dict[str, Any], type[BaseModel]], Iterator[Edit]]
"""From the values of a version, and the model of the newest, to what is said in another way in the next."""


def newest(document: Document, model: type[BaseModel]) -> Document:
    """The document as it reads in the newest version, with a note if its file is of an older one.

    Parameters
    ----------
    document : Document
    model : type
        Of a file of the newest version.

    Raises
    ------
    ScenarioError
        If it is of a version that is not known yet.
    """
    edits = edited(document, model)
    if not edits:
        return document
    changed = document.with_values(copy.deepcopy(document.values))
    changed.layers = document.layers
    for edit in edits:
        edit.apply(changed.values)
    changed.notes.append(document.problem((KEY,), _warning(document, edits)))
    return changed


def edited(document: Document, model: type[BaseModel]) -> list[Edit]:
    """What brings a document to the newest version; nothing if it is of that, or of none.

    Raises
    ------
    ScenarioError
        If it is of a version that is not known yet.
    """
    version = document.values.get(KEY)
    if type(version) is not int or not 1 <= version != NEWEST:
        return []  # what is no version is refused when it is validated
    if version > NEWEST or document.origin((KEY,)):
        newer = f"a newer hedgequake is needed, this one reads versions up to {NEWEST}"
        over = "how a file is written cannot be set over it"
        what = newer if version > NEWEST else over
        raise ScenarioError(document.problem((KEY,), f"found {shown(version)}; {what}"))
    values, edits = copy.deepcopy(document.values), []
    with modules.of_values(values, document.folder):
        for step in STEPS[version - 1 :]:
            for edit in list(step(values, model)):
                edit.apply(values)
                edits.append(edit)
    return [Edit((KEY,), NEWEST), *edits]


def _warning(document: Document, edits: list[Edit]) -> str:
    """Which version a file is of, what rewrites it, and what it says in vain."""
    rewrites = (
        f"found {document.values[KEY]}, which is read as {NEWEST}: `{command('migrate', document.label)}`"
    )
    gone = [edit.path for edit in edits if edit.value is GONE]
    places = [f"{document.key(path)} (line {document.line(path)})" for path in gone[:LISTED]]
    more = [f"{len(gone) - LISTED} more"] if len(gone) > LISTED else []
    said = f"; no longer said: {', '.join([*places, *more])}" if gone else ""
    return f"{rewrites} rewrites the file{said}"


HEEDED_BY_SOME = ("width", "cost", "risk_aversion")
"""What version 1 let a hedging policy of every type say."""


def _policies_say_what_they_heed(values: dict[str, Any], model: type[BaseModel]) -> Iterator[Edit]:
    """From 1 to 2: a policy says what its type knows, in the file and in what is set over it."""
    populations = values.get("populations")
    yield from map(Edit, _unheeded({"populations": populations}, model))
    for place, table in _overlays(values):
        over = {"populations": copy.deepcopy(populations)}
        paths = {key: path for key in table if (path := _set(over, key, table[key]))}
        for path in _unheeded(over, model):
            for key, own in paths.items():
                at = (*place, key, *path[len(own) :])
                if path[: len(own)] == own and inside(values, at) is not None:
                    yield Edit(at)


def _unheeded(values: dict[str, Any], model: type[BaseModel]) -> Iterator[Path]:
    """Places where a hedging policy says what its type does not know, and version 1 let it say."""
    populations = values["populations"]
    for number in range(len(populations) if isinstance(populations, list) else 0):
        place: Path = ("populations", number, "hedging")
        policy = inside(values, place)
        known = keys_at(model, values, place) if isinstance(policy, dict) else None
        if known is not None:
            yield from ((*place, key) for key in HEEDED_BY_SOME if key in policy and key not in known)


def _overlays(values: dict[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """What arms and the rows of a sweep set over hedging policies, each with its place."""
    arms, rows = inside(values, ("arms",)), inside(values, ("sweep", "rows"))
    places: list[Path] = [("arms", name, "set") for name in arms] if isinstance(arms, dict) else []
    places += [("sweep", "rows", n) for n in range(len(rows))] if isinstance(rows, list) else []
    for place in places:
        table = inside(values, place)
        if isinstance(table, dict) and any("hedging" in key for key in table):
            yield place, table


def _set(values: dict[str, Any], key: str, value: Any) -> Path:
    """Set a value by dotted key where that can be done; the way to it, empty where it cannot."""
    try:
        return override.apply(values, key, copy.deepcopy(value))
    except override.KeyProblem:
        return ()


STEPS: tuple[Step, ...] = (_policies_say_what_they_heed,)
NEWEST = len(STEPS) + 1
