"""The scenarios that come with hedgequake, and finding one by its name or path.

Reads TOML and nothing else: listing the library imports no numerical package.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from scenarios import toml
from scenarios.errors import Problem, ScenarioError, nearest

FOLDER = Path(__file__).parent
STARTER = FOLDER / "starter" / "starter.toml"
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def names() -> list[str]:
    """Names of the library's scenarios."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def first_sentence(name: str) -> str:
    """How the description of a scenario in the library begins."""
    text = str(toml.loads((FOLDER / f"{name}.toml").read_text()).get("description", ""))
    return f"{' '.join(text.split())} ".partition(". ")[0].rstrip(" .")


def find(name_or_path: str | Path) -> Path:
    """The file of a scenario: a path, or the name of one in the library.

    Raises
    ------
    ScenarioError
        If there is neither.
    """
    path = Path(name_or_path)
    if os.path.isfile(path):
        return path
    known = names()
    if str(name_or_path) in known:
        return FOLDER / f"{name_or_path}.toml"
    found = str(name_or_path)
    what = "no such file, and no scenario of the library has this name"
    raise ScenarioError(
        Problem(found, "", what, found=found, allowed=tuple(known), nearest=nearest(path.stem, known))
    )


def start(name: str, folder: Path | None = None) -> Path:
    """Write a commented starter scenario, `<name>.toml`.

    Parameters
    ----------
    name : str
    folder : Path, optional
        The current one if not given.

    Raises
    ------
    ScenarioError
        If the name will not do, or the file is there already.
    """
    if not NAME.fullmatch(name):
        raise ScenarioError(Problem(name, "", "not a name: letters, digits, _ and -, at most 64"))
    path = (folder or Path()) / f"{name}.toml"
    text = STARTER.read_text().replace('name = "starter"', f'name = "{name}"', 1)
    try:
        with path.open("x") as file:
            file.write(text)
    except FileExistsError:
        raise ScenarioError(Problem(str(path), "", "is there already; choose another name")) from None
    except OSError as error:
        with suppress(OSError):  # what was begun on a full disk
            path.unlink()
        raise ScenarioError(Problem(str(path), "", f"cannot be written: {error.strerror}")) from error
    return path
