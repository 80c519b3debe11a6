"""From a name or a path to a scenario, and on to its market."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scenarios.build.repeats import note_built
from scenarios.file import library, schema
from scenarios.file.document import Document


class Scenario(schema.Scenario):
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


def parse(document: Document) -> Scenario:
    """Validate a document.

    Raises
    ------
    ScenarioError
        With every problem found.
    """
    return schema.parse(document, Scenario)


def read(name_or_path: str | Path) -> Document:
    """Read a scenario's file, without a look at what it says.

    Raises
    ------
    ScenarioError
        If there is no such file, or it is not TOML.
    """
    path = library.find(name_or_path)
    return Document.read(path, path.name if path.parent == library.FOLDER else str(path))


def load(name_or_path: str | Path, overrides: Mapping[str, Any] | None = None) -> Scenario:
    """Read a scenario.

    Parameters
    ----------
    name_or_path : str or Path
        A file, or a name from the library.
    overrides : mapping of str to object, optional
        Values by dotted key, such as `{"time.steps": 500}`. Paths in them start from the
        current folder, paths in the file from the file's.

    Raises
    ------
    ScenarioError
        With a line for every problem.
    """
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

    Raises
    ------
    ScenarioError
        With a line for every problem.
    """
    seed = {} if rng is None else {"seed": int(rng)}
    scenario = load(name_or_path, overrides | seed)
    note_built(scenario.digest())
    return scenario.market()
