"""Wholeness: whether a class can be the part of a market that a scenario takes it for.

The base of each kind of part says what a subclass must: by its abstract methods, by the types of its class
attributes, by the arguments of the methods that are called, and in `faults` if there is more.
"""

from __future__ import annotations

import inspect
import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from pydantic import TypeAdapter, ValidationError

from sim.setup.table import Parameters

_faults: WeakKeyDictionary[type[Any], tuple[str, ...]] = WeakKeyDictionary()


def faults(part: type[Any], base: type[Any]) -> tuple[str, ...]:
    """What keeps a class from being of a kind, each in a few words; nothing if it is whole.

    Parameters
    ----------
    part : type
        A subclass of `base`.
    base : type
        Of all classes of the kind.
    """
    if part not in _faults:
        found = (
            *_unlike(part, base),
            *_left_out(part),
            *_mistyped(part, base),
            *_uncallable(part, base),
        )
        _faults[part] = found or tuple(part.faults() if hasattr(part, "faults") else ())
    return _faults[part]


def place(part: type[Any]) -> str:
    """Name of a class and of the file it stands in."""
    file = getattr(sys.modules.get(part.__module__), "__file__", None)
    return f"{part.__qualname__} in {Path(file).name}" if file else part.__qualname__


def _unlike(part: type[Any], base: type[Any]) -> Iterator[str]:
    """Parameters that a scenario cannot be read into."""
    if hasattr(base, "Parameters"):
        is_table = hasattr(
            base.Parameters, "kind"
        )  # of its own, and with what all of the kind have in common
        wanted = base.Parameters if is_table else Parameters
        if not (inspect.isclass(part.Parameters) and issubclass(part.Parameters, wanted)):
            yield f"has Parameters that do not derive from {wanted.__module__}.{wanted.__qualname__}"


def _left_out(part: type[Any]) -> Iterator[str]:
    """Methods that the base leaves to its subclasses, and that none of them has."""
    for name in sorted(getattr(part, "__abstractmethods__", ())):
        yield f"has no {name}{_arguments(getattr(part, name))}"


def _mistyped(part: type[Any], base: type[Any]) -> Iterator[str]:
    """Class attributes of another type than the base says."""
    for name, hint in typing.get_type_hints(base, include_extras=True).items():
        is_declared = typing.get_origin(hint) is ClassVar
        if is_declared and (value := getattr(part, name)) is not getattr(base, name):
            try:
                TypeAdapter(typing.get_args(hint)[0]).validate_python(value)
            except ValidationError as error:
                first = error.errors()[0]
                where = "".join(f"[{each!r}]" for each in first["loc"])
                must = first["msg"].replace("Input should be", "must be")
                yield f"says {name} = {value!r}; {name}{where} {must}"


def _uncallable(part: type[Any], base: type[Any]) -> Iterator[str]:
    """Methods of the base that a subclass has of its own and that cannot be called as those of the base."""
    for name, method in vars(base).items():
        is_called = inspect.isfunction(method) and (name == "__init__" or not name.startswith("_"))
        if is_called and getattr(part, name) is not method:
            yield from called_otherwise(part, name, method)


def called_otherwise(part: type[Any], name: str, method: Any) -> Iterator[str]:
    """What keeps an attribute of a class from being called as a method is; nothing if nothing does.

    Parameters
    ----------
    part : type
    name : str
    method : callable
        With `self` as its first argument.
    """
    own, wanted = getattr(part, name), list(inspect.signature(method).parameters)
    if not callable(own):
        yield f"says {name} = {own!r}; {name} must be a method"
        return
    is_bound = isinstance(inspect.getattr_static(part, name), staticmethod | classmethod)
    try:
        inspect.signature(own).bind(*wanted[is_bound:])
    except TypeError:
        yield f"has {name}{_arguments(own)}, which is called as {name}{_arguments(method)}"
    except ValueError:
        return  # something compiled, which does not tell


def _arguments(method: Any) -> str:
    """The names of what a method is called with."""
    return f"({', '.join(name for name in inspect.signature(method).parameters if name != 'self')})"
