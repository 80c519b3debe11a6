"""Versions of scenario files: what an older one says in another way, and how it is read today.

A step leads from one version to the next. It yields edits, each of one value; applied to the values they
bring a file up to date in memory, applied to its text, comments and all, they rewrite it
(`scenarios.terminal.migration`). A step asks the classes that a file names what they know.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from pydantic import BaseModel

from scenarios.file import modules, version_one
from scenarios.file.document import Document
from scenarios.file.edits import GONE, Edit, Unsayable
from scenarios.file.errors import ScenarioError, shown
from scenarios.file.toml import Path
from scenarios.process.shell import command

KEY = "schema_version"
LISTED = 8
"""So many places are named in a warning."""


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
        If it is of a version that is not known yet, or says what the newest has no words for.
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
        If it is of a version that is not known yet, or says what the newest has no words for.
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
            try:
                for edit in list(step(values, model)):
                    edit.apply(values)
                    edits.append(edit)
            except Unsayable as what:
                raise ScenarioError(document.problem(what.path, str(what))) from what
    return [Edit((KEY,), NEWEST), *edits]


def _warning(document: Document, edits: list[Edit]) -> str:
    """Which version a file is of, what rewrites it, and what it says in vain."""
    rewrites = (
        f"found {document.values[KEY]}, which is read as {NEWEST}: `{command('migrate', document.label)}`"
    )
    gone = [(edit.path, edit.path) for edit in edits if edit.value is GONE]
    added = [(edit.path, edit.beside) for edit in edits if edit.beside]
    what = _listed("no longer said", gone, document) + _listed("said with the type", added, document)
    return f"{rewrites} rewrites the file{what}"


def _listed(what: str, places: list[tuple[Path, Path]], document: Document) -> str:
    """Values by their key, and the lines where something stands for them; nothing if there are none."""
    said = [f"{document.key(path)} (line {document.line(at)})" for path, at in places[:LISTED]]
    more = [f"{len(places) - LISTED} more"] if len(places) > LISTED else []
    return f"; {what}: {', '.join([*said, *more])}" if places else ""


STEPS: tuple[Step, ...] = (version_one.policies_say_what_they_heed,)
NEWEST = len(STEPS) + 1
