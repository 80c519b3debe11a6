"""The scenarios that come with hedgequake, and finding one by its name or path.

Reads TOML and nothing else: listing the library imports no numerical package.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from scenarios.file import toml
from scenarios.file.errors import Problem, ScenarioError, nearest

FOLDER = Path(__file__).parents[1]
REPLICATED = FOLDER / "published"
STARTER = Path(__file__).parent / "starter" / "starter.toml"
RENAMED = {"gamma_squeeze": "short_call_rally"}
"""What scenarios of the library were called before, and are called now."""

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def names() -> list[str]:
    """Names of the library's scenarios."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def first_sentence(name: str) -> str:
    """How the description of a scenario in the library begins."""
    text = str(toml.loads((FOLDER / f"{name}.toml").read_text()).get("description", ""))
    return f"{' '.join(text.split())} ".partition(". ")[0].rstrip(" .")


def find(name_or_path: str | Path) -> Path:
    """The file of a scenario: a path, a name in the library, a path without its `.toml`, or an old name.

    Raises
    ------
    ScenarioError
        If there is neither.
    """
    path, found = Path(name_or_path), str(name_or_path)
    if os.path.isfile(path):
        return path
    known = names()
    if found in known:
        return FOLDER / f"{found}.toml"
    of_name = path.with_name(f"{path.name}.toml") if path.name else path
    if os.path.isfile(of_name):
        return of_name
    if found in RENAMED:
        return FOLDER / f"{RENAMED[found]}.toml"
    what = "no such file, and no scenario of the library has this name"
    beside = sorted(each.stem for each in path.parent.glob("*.toml")) if os.path.isdir(path.parent) else []
    near = nearest(path.stem, [*beside, *known])
    if near in beside:
        near = str(path.with_name(near))
    raise ScenarioError(Problem(found, "", what, found=found, allowed=tuple(known), nearest=near))


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
        If the name will not do or is one of the library's, or the file is there already.
    """
    if name in (*names(), *RENAMED):
        raise ScenarioError(Problem(name, "", "is the name of a scenario of the library; choose another"))
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
