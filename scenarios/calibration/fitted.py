"""The fitted scenario: the file that was calibrated with other values, comments and all where that can be.

A value that the file does not write is added under the header of its table; where it has none, or the
text comes to another scenario for whatever reason (relative paths among them), the scenario is
written out whole, without comments.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w

from scenarios.file import override, toml
from scenarios.file.document import Document
from scenarios.file.errors import ScenarioError
from scenarios.file.overlays import STUDIES
from scenarios.file.rewriting import inserted, replaced
from scenarios.file.schema import Scenario, parse

DESCRIPTION = "description"


def fitted(scenario: Scenario, values: Mapping[str, Any], made_by: str, folder: Path) -> str:
    """The text of a scenario with values set, which its description says were fitted and by what.

    Parameters
    ----------
    scenario : Scenario
        As read, with what was set over its file.
    values : mapping of str to object
        By dotted key.
    made_by : str
        The command.
    folder : Path
        Where it will lie.
    """
    said = f"{scenario.description.rstrip()}\nFitted: {', '.join(values)}, by\n`{made_by}`.\n"
    studies = {name: getattr(scenario, name) for name in STUDIES}
    wanted = scenario.set_over({**values, DESCRIPTION: said.lstrip()}, "--to").model_copy(update=studies)
    written = _rewritten(scenario, {**scenario.overrides(), **values, DESCRIPTION: said.lstrip()})
    return written if _is(written, wanted, folder) else wanted.to_toml()


def _rewritten(scenario: Scenario, values: Mapping[str, Any]) -> str:
    """The text of its file with these values in it; empty if it has no file."""
    text = scenario.text
    if not text:
        return ""
    for key, value in values.items():
        document = toml.loads(text)
        path = override.apply(document, key, value)
        is_there = toml.inside(toml.loads(text), path) is not None
        literal = _literal(value)
        text = replaced(text, path, literal) if is_there else inserted(text, path, literal)
    return text


def _literal(value: Any) -> str:
    if isinstance(value, str) and "\n" in value:
        return tomli_w.dumps({DESCRIPTION: value}, multiline_strings=True).partition(" = ")[2].rstrip("\n")
    return override.written(value)


def _is(text: str, wanted: Scenario, folder: Path) -> bool:
    """Whether a text, read in a folder, is this scenario."""
    try:
        return bool(text) and parse(Document("", toml.loads(text), text, folder), Scenario) == wanted
    except (ScenarioError, toml.Unreadable):
        return False
