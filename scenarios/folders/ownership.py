"""Ownership: which folders are ours, what in them is, and so what may be replaced.

A folder is ours if its manifest says who made it and of what `kind` it is; it lists the `files`
that were written into it, those that later commands draw as well. It is replaced only by a
result of its kind, only if it holds nothing else, and only while no process works in it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from scenarios.file.errors import Problem, ScenarioError
from scenarios.folders import lock

MANIFEST = "manifest.json"
MADE_BY = "hedgequake"
FINISHED = "finished"
REPORT = "report.html"
REPLICATION = "replication"


def manifest(folder: Path) -> dict[str, Any]:
    """What a folder says it is; empty if it says nothing."""
    try:
        found: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def status_of(folder: Path) -> str | None:
    """Status of the result in a folder, None if it holds none."""
    status = manifest(folder).get("status")
    return status if isinstance(status, str) else None


def is_ours(folder: Path) -> bool:
    """Whether the manifest of a folder carries our marker."""
    found = manifest(folder)
    return found.get("made_by") == MADE_BY and isinstance(found.get("kind"), str)


def files_of(folder: Path) -> list[str]:
    """What a manifest lists as written into its folder."""
    found = manifest(folder).get("files")
    return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []


def sign(folder: Path, kind: str, about: dict[str, Any], files: Iterable[str] = ()) -> None:
    """Write the manifest of a folder, whole or not at all.

    Parameters
    ----------
    folder : Path
    kind : str
        Such as "run" or "sweep".
    about : dict
        What else it says.
    files : iterable of str
        What is in the folder beside what its manifest lists already: paths from it, in which `*`
        stands for any part of a name.
    """
    listed = sorted({*files_of(folder), *files, MANIFEST, REPORT})
    _put(folder, {"made_by": MADE_BY, "kind": kind, **about, "files": listed})


def note_written(folder: Path, paths: Iterable[Path]) -> None:
    """List files that were written into a folder of ours after it was signed."""
    found, root = manifest(folder), folder.resolve()
    if not is_ours(folder):
        return
    written = {path.resolve().relative_to(root).as_posix() for path in paths}
    listed = {*files_of(folder)}
    if not written <= listed:
        _put(folder, {**found, "files": sorted(written | listed)})


def contents(folder: Path, apart: Sequence[Path] = ()) -> Iterator[str]:
    """Paths of the files in a folder, from it; one that holds nothing counts itself.

    Parameters
    ----------
    folder : Path
    apart : sequence of Path
        Folders inside it that are not looked into.
    """
    for place, folders, names in os.walk(folder, onerror=_raise):
        links = [name for name in folders if os.path.islink(os.path.join(place, name))]
        folders[:] = sorted(name for name in folders if Path(place, name) not in apart)
        yield from (Path(place, name).relative_to(folder).as_posix() for name in sorted([*names, *links]))
        if not folders and not names and Path(place) != folder:
            yield f"{Path(place).relative_to(folder).as_posix()}/"


def share(folder: Path, kind: str, label: str, names: Sequence[str]) -> None:
    """Make room for files in a folder that several results of a kind share, and list them.

    Parameters
    ----------
    folder : Path
    kind : str
    label : str
        What messages call the folder.
    names : sequence of str
        Of the files; those that are there must be ours.

    Raises
    ------
    ScenarioError
        If the folder is not ours, or a file of these names is not.
    """
    try:
        is_new = not os.path.lexists(folder) or (folder.is_dir() and not any(folder.iterdir()))
        if not is_new:
            check_kind(folder, kind, label)
        taken = (name for name in names if (folder / name).exists() and name not in files_of(folder))
        if (name := next(taken, None)) is not None:
            raise foreign_problem(label, name)
        folder.mkdir(parents=True, exist_ok=True)
        sign(folder, kind, {"status": FINISHED}, names)
    except OSError as error:
        raise _refused(label, f"cannot be written: {error.strerror}") from error


def first_foreign(folder: Path, files: Sequence[str], apart: Sequence[Path] = ()) -> str | None:
    """The first file in a folder that is none of these; None if there is none.

    What a killed process had begun to write, under the name of a file with a dot before it, and locks
    are ours; so are folders that only lack their files.
    """
    begun = [f"{_parent(name)}.{name.rpartition('/')[2]}" for name in files]
    around = [_parent(name) for name in files if "/" in name]
    known = [*files, *begun, *around, lock.NAME]
    found = (name for name in contents(folder, apart) if not any(_matches(name, each) for each in known))
    return next(found, None)


def check_kind(folder: Path, kind: str, label: str) -> None:
    """Raise unless a folder that is there is ours and of this kind.

    Raises
    ------
    ScenarioError
    """
    found = manifest(folder)
    if not folder.is_dir():
        raise _refused(label, "is there and is no folder; choose another --out")
    if not is_ours(folder):
        is_older = "status" in found and "versions" in found
        older = "was made by an earlier version, which does not list what it wrote, and is never replaced"
        what = older if is_older else "is there and holds no result of ours"
        raise _refused(label, f"{what}; move it away, or choose another --out")
    if found["kind"] != kind:
        what = f"holds {_article(found['kind'])}, which {_article(kind)} never replaces"
        raise _refused(label, f"{what}; --out DIR writes elsewhere")


def check_replaceable(folder: Path, kind: str, label: str, *, force: bool) -> None:
    """Raise unless a result of a kind may take the place of what a folder holds.

    Parameters
    ----------
    folder : Path
    kind : str
    label : str
        What messages call the folder.
    force : bool
        Whether a finished result may be replaced.

    Raises
    ------
    ScenarioError
    """
    try:
        if not os.path.lexists(folder) or (folder.is_dir() and not any(folder.iterdir())):
            return
        check_kind(folder, kind, label)
        check_free(folder, label)
        foreign = first_foreign(folder, files_of(folder))
    except OSError as error:
        raise _refused(label, f"cannot be read: {error.strerror}") from error
    if foreign is not None:
        raise foreign_problem(label, foreign)
    if status_of(folder) == FINISHED and not force:
        raise _refused(label, "holds a finished result; --force replaces it, --out DIR writes elsewhere")


def check_free(folder: Path, label: str) -> None:
    """Raise if a living process is at work in a folder, or in one inside it.

    Raises
    ------
    ScenarioError
    """
    holder = lock.holder(folder)
    if holder is not None:
        raise _refused(label, f"another process is at work in it: {holder}")


def foreign_problem(label: str, name: str) -> ScenarioError:
    """That a folder holds something that is not ours."""
    what = f"holds {name}, which hedgequake did not write; move it away, or choose another --out"
    return _refused(label, what)


def _raise(error: OSError) -> None:
    raise error


def _refused(label: str, what: str) -> ScenarioError:
    return ScenarioError(Problem(label, "", what))


def _put(folder: Path, content: dict[str, Any]) -> None:
    text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False)
    fresh = folder / f".{MANIFEST}"
    fresh.write_text(f"{text}\n", encoding="utf-8")
    fresh.replace(folder / MANIFEST)


def _parent(name: str) -> str:
    """The folder of a file, with the slash."""
    return f"{name.rpartition('/')[0]}/" if "/" in name else ""


def _matches(name: str, pattern: str) -> bool:
    """Whether a path is of a pattern, part by part."""
    parts, patterns = name.split("/"), pattern.split("/")
    return len(parts) == len(patterns) and all(map(fnmatchcase, parts, patterns))


def _article(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
