"""Modules of the user's own: what code a scenario brings, and whether and how it is imported.

A scenario names its modules (`modules = ["mine.py"]`, from its folder), and what is run is exactly what
was hashed: their bytes, no compiled copy of them. A module that it does not name may also be in
the current folder or installed. A scenario that brings code is code: where it is not trusted none
of it is run (`scenarios.file.trust`), and `NotImported` stands for its classes.
"""

from __future__ import annotations

import importlib.util
import keyword
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from hashlib import sha256
from importlib import import_module
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import TypeAdapter, ValidationError

from scenarios.file.trust import is_trusted, say
from sim.base.packages import PACKAGES
from sim.setup.files import File
from sim.setup.kinds import NotImported, homes

OURS = (*PACKAGES, "drivers")
"""First names of import paths that are ours: no module of the user's may be called so."""

ROOMS = ("sim.venues", "sim.accounts.margin", "agents")
"""Where short import paths of types start: no module of the user's may have a name that is in them."""

_FILES = TypeAdapter(list[File])
_named: ContextVar[dict[str, Path] | None] = ContextVar("named", default=None)
_loaded: dict[tuple[str, ...], ModuleType] = {}
_received: dict[Path, bytes] = {}
_theirs: set[str] = set()


@contextmanager
def of_one_scenario() -> Iterator[None]:
    """Read one scenario inside: the modules that it names are no other's."""
    before = _named.set({})
    try:
        yield
    finally:
        _named.reset(before)


@contextmanager
def of_values(values: Mapping[str, Any], folder: Path) -> Iterator[None]:
    """Look up types inside of a scenario that is not validated yet; its modules are imported as it says.

    What is wrong with them is said when it is validated.
    """
    with of_one_scenario():
        with suppress(ValidationError):
            files = _FILES.validate_python(values.get("modules") or [], context={"folder": folder})
            list(bring(files))
        yield


def bring(files: Sequence[File]) -> Iterator[tuple[int, str]]:
    """Import the modules that a scenario names, in their order; yields what is wrong with which."""
    key: list[str] = []
    for number, path in enumerate(map(Path, files)):
        try:
            _check_name(path)
            _names()[path.stem] = path
            if is_trusted():
                content = _code(path)
                key.append(f"{path} {sha256(content).hexdigest()}")
                _load(path, content, tuple(key))
        except OSError as error:
            yield number, f"{path.name} cannot be read: {error.strerror}"
        except ValueError as error:
            yield number, str(error)


def sources(files: Sequence[File]) -> dict[Path, bytes]:
    """The code of the modules that a scenario names, for another process."""
    return {path: _code(path) for path in map(Path, files)}


def receive(code: dict[Path, bytes]) -> None:
    """Run this code for these files from now on, whatever is in them by now."""
    _received.update(code)


def imported(path: str) -> Any:
    """What the import path of a class of the user's names, None if there is no such thing.

    `NotImported` where code is not trusted and there is a module of this name.

    Raises
    ------
    ValueError
        If the module cannot be imported.
    """
    module, _, name = path.rpartition(".")
    top = module.partition(".")[0]
    is_named = top in _names()
    place = _names()[top] if is_named else _place(top)
    if place is None:
        return None
    if not is_trusted() or (is_named and not _is_loaded(top, place)):
        return NotImported  # of one that could not be loaded something was said already
    if not is_named:
        _check_loaded(top, place)
        say(f'imports the module "{top}" from {place}')
        if place.is_relative_to(Path.cwd()) and str(Path.cwd()) not in sys.path:
            sys.path.append(str(Path.cwd()))
    _theirs.add(str(place))
    try:
        found = import_module(module)
    except ModuleNotFoundError as error:
        if error.name and f"{module}.".startswith(f"{error.name}."):
            return None
        raise ValueError(f"{path} cannot be imported: {said(error)}") from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a module may end with anything, SystemExit too
        raise ValueError(f"{path} cannot be imported: {said(error)}") from error
    _theirs.add(str(getattr(found, "__file__", "")))
    return getattr(found, name, None)


def said(error: BaseException) -> str:
    """An error in a line, and where in the user's own code it arose."""
    text = " ".join(str(error).split())
    what = f"{type(error).__name__}: {text}" if text else type(error).__name__
    where = blamed(error)
    return f"{what} ({where})" if where else what


def blamed(error: BaseException) -> str:
    """File and line of the user's own code that an error passed through last; empty if there is none."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename in _theirs]
    return f"{Path(own[-1].filename).name}, line {own[-1].lineno}" if own else ""


def _names() -> dict[str, Path]:
    """Modules that the scenario names which is being read."""
    found = _named.get()
    return {} if found is None else found


def _code(path: Path) -> bytes:
    return _received[path] if path in _received else path.read_bytes()


def _check_name(path: Path) -> None:
    """Raise if a file can be no module, or its name is another module's."""
    name = path.stem
    if path.suffix != ".py" or not name.isidentifier() or keyword.iskeyword(name):
        raise ValueError(f"{path.name} is no module; name a file such as mine.py")
    is_ours = name in OURS or any(
        name in homes(room) or importlib.util.find_spec(f"{room}.{name}") for room in ROOMS
    )
    if is_ours or name in sys.stdlib_module_names:
        owner = "hedgequake" if is_ours else "Python"
        raise ValueError(f"{path.name} has the name of a module of {owner}; give it another")
    place = None if _is_loaded(name) else _place(name, is_here=False)
    if place not in (None, path):
        raise ValueError(f"{path.name} has the name of another module, {place}; give it another")


def _check_loaded(top: str, place: Path) -> None:
    """Raise if a module that one scenario named would be taken for another of its name."""
    if _is_loaded(top) and not _is_loaded(top, place):
        what = f'"{top}" was imported from {sys.modules[top].__file__} for another scenario'
        raise ValueError(f'{what}; name this one in modules = ["{place.name}"]')


def _is_loaded(name: str, place: Path | None = None) -> bool:
    """Whether a module of this name is one that a scenario named, and from this file."""
    found = sys.modules.get(name)
    is_named = any(module is found for module in _loaded.values())
    return is_named and (place is None or str(found and found.__file__) == str(place))


def _load(path: Path, content: bytes, key: tuple[str, ...]) -> None:
    """Run the code of a module, once for each content of it and of those before it."""
    name = path.stem
    say(f'imports the module "{name}" from {path}')
    _theirs.add(str(path))
    if key not in _loaded:
        before, module = sys.modules.get(name), _blank(name, path)
        sys.modules[name] = module
        try:
            exec(compile(content, str(path), "exec", dont_inherit=True), vars(module))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a module may end with anything, SystemExit too
            sys.modules.pop(name)
            if before is not None:
                sys.modules[name] = before
            raise ValueError(f"{path.name} cannot be imported: {said(error)}{_hint(path, error)}") from error
        _loaded[key] = module
    sys.modules[name] = _loaded[key]


def _blank(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    return importlib.util.module_from_spec(spec)


def _hint(path: Path, error: BaseException) -> str:
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    is_beside = missing and path.with_name(f"{missing}.py").is_file()
    return f'; name "{missing}.py" in modules before it' if is_beside else ""


def _place(top: str, *, is_here: bool = True) -> Path | None:
    """The file of a module, installed or in the current folder; found without running anything."""
    if top in sys.modules and not _is_loaded(top):
        file = getattr(sys.modules[top], "__file__", None)
        return Path(file).resolve() if file else Path(top)
    folders = [folder for folder in sys.path if is_here or Path(folder or ".").resolve() != Path.cwd()]
    spec = PathFinder.find_spec(top, [*folders, *([str(Path.cwd())] if is_here else [])]) or _known(top)
    if spec is None:
        return None
    places = [spec.origin, *(spec.submodule_search_locations or ())]
    return next((Path(place).resolve() for place in places if place), Path(top))


def _known(top: str) -> Any:
    """What finders beside the path know of a module: those of built-in ones and editable installations."""
    for finder in sys.meta_path:
        is_other = finder is not PathFinder and hasattr(finder, "find_spec")
        if is_other and (spec := finder.find_spec(top, None)) is not None:
            return spec
    return None
