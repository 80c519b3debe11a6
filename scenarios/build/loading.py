"""From a name or a path to a scenario, and on to its market."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scenarios.build.repeats import note_built
from scenarios.file import library, schema
from scenarios.file.document import Document
from scenarios.file.errors import warn
from scenarios.file.versions import newest


class BuildableScenario(schema.Scenario):
    """A scenario that builds its market."""

    def market(self) -> Any:
        """Build the model of this scenario, ready to step or run.

        Raises
        ------
        ScenarioError
            If a change since loading is not allowed, or parts do not fit together.
        """
        from scenarios.build import build

        return build.market(self)


def parse(document: Document) -> BuildableScenario:
    """Validate a document.

    Raises
    ------
    ScenarioError
        With every problem found.
    """
    return schema.parse(document, BuildableScenario)


def read(name_or_path: str | Path) -> Document:
    """Read a scenario's file into what it says in the newest version, without a look at whether it may.

    Raises
    ------
    ScenarioError
        If there is no such file, it is not TOML, or of a version that is not known yet.
    """
    path = library.find(name_or_path)
    label = path.name if path.parent == library.FOLDER else str(path)
    document = newest(Document.read(path, label), BuildableScenario)
    if path == library.FOLDER / f"{library.RENAMED.get(str(name_or_path))}.toml":
        document.notes.append(document.problem(("name",), f'"{name_or_path}" is called {path.stem} now'))
    return document


def load(name_or_path: str | Path, overrides: Mapping[str, Any] | None = None) -> BuildableScenario:
    """Read a scenario.

    Parameters
    ----------
    name_or_path : str or Path
        A file, or a name from the library.
    overrides : mapping of str to object, optional
        Values by dotted key, such as `{"time.steps": 500}`. Paths in them start from the
        current folder, paths in the file from the file's.

    Warns
    -----
    UserWarning
        Of what the file says and the scenario does not hold.

    Raises
    ------
    ScenarioError
        With a line for every problem.
    """
    scenario = loaded(name_or_path, overrides or {})
    warn(scenario.notes)
    return scenario


def loaded(name_or_path: str | Path, overrides: Mapping[str, Any] | None = None) -> BuildableScenario:
    """As `load`, without warnings: they are in the scenario's `notes`."""
    return parse(read(name_or_path).set(overrides or {}, "override"))


def market(name_or_path: str | Path = "short_gamma_crash", rng: int | None = None, **overrides: Any) -> Any:
    """Build the market of a scenario: a Mesa model, ready to step or run.

    Parameters
    ----------
    name_or_path : str or Path
        A file, or a name from the library.
    rng : int, optional
        Seed instead of the scenario's.
    **overrides
        Values by dotted key: `market("calm", **{"time.steps": 500})`.

    Warns
    -----
    UserWarning
        At the second build with the same seed and values in a process: it will run as the first did.
        And as `load` does.

    Raises
    ------
    ScenarioError
        With a line for every problem.
    """
    seed = {} if rng is None else {"seed": int(rng)}
    scenario = loaded(name_or_path, overrides | seed)
    warn(scenario.notes)
    note_built(scenario.digest())
    return scenario.market()
