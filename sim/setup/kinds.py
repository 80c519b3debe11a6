"""From a `type` in a scenario to the class it names, by import path.

`order_book.OrderBook` among the venues is the class `OrderBook` of the module `order_book`, in whatever
folder of `sim/venues` that lies. There is no registry: a class is found because its module is there. A
path that the room does not hold may be one of the user's own; whoever reads scenarios says how such
modules are found and whether they may be imported (`Kind.elsewhere`).
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from pydantic import ConfigDict

from sim.setup.misfit import NotOneOf
from sim.setup.table import Parameters as BaseParameters
from sim.setup.wholeness import faults, place

KERNELS = "kernels"


class NotImported:
    """Of a module of the user's own that was not imported, so what it does is not known here."""

    takes = ()

    class Parameters(BaseParameters):
        """Whatever the scenario says."""

        model_config = ConfigDict(strict=True, extra="allow", allow_inf_nan=False)

    @classmethod
    def may_hedge(cls, parameters: Any) -> bool:
        """Whether what the scenario says has hedging in it."""
        return hasattr(parameters, "hedging")


@cache
def homes(room: str) -> dict[str, list[str]]:
    """Import paths of the modules below a package, by the name that each has without its folders.

    Kernels are left out: they hold nothing that a scenario could name.
    """
    found: dict[str, list[str]] = {}
    for info in pkgutil.walk_packages(importlib.import_module(room).__path__, f"{room}."):
        if not info.ispkg and KERNELS not in info.name.split("."):
            found.setdefault(info.name.rpartition(".")[2], []).append(info.name)
    return found


@dataclass(frozen=True)
class Kind:
    """What a `type` may name: a class with `Parameters`.

    Parameters
    ----------
    noun : str
    room : str
        The package below which classes of this kind lie; a short path names the module and the class.
    base : str
        Import path of the class that all of this kind derive from.
    is_bare : bool
        Whether each module of the room has one such class, which the name of the module alone stands for;
        one that says `is_named = False` is no scenario's to name.
    is_flat : bool
        Whether a class goes by the name of the room and its own, whatever file of it it is in.

    Attributes
    ----------
    elsewhere : callable
        What an import path outside our rooms names, None for nothing; `NotImported` if it is not trusted.
    """

    noun: str
    room: str
    base: str
    is_bare: bool = False
    is_flat: bool = False

    elsewhere: ClassVar[Callable[[str], Any]] = staticmethod(lambda path: None)

    def find(self, path: str) -> type[Any]:
        """The class that an import path names; `NotImported` if it is the user's and not trusted.

        Raises
        ------
        NotOneOf
            If there is no such class.
        ValueError
            If the module cannot be imported, or the class is of another kind or lacks something that all
        of this kind have (`sim.setup.wholeness`).
        """
        path = str(path)  # a file may say anything
        parts = path.split(".")
        may_be = all(part.isidentifier() for part in parts) and (len(parts) > 1 or self.is_bare)
        found = (self._ours(path) or (len(parts) > 1 and Kind.elsewhere(path))) if may_be else None
        if not found:
            raise NotOneOf(f"{self.noun} type", path, [name for name, _ in self.classes()])
        if found is NotImported:
            return NotImported
        if not (inspect.isclass(found) and issubclass(found, self._base())):
            raise ValueError(f"{path} is not a {self.noun}: it does not derive from {self.base}")
        if wrong := faults(found, self._base()):
            raise ValueError(f"{path} cannot be used as a {self.noun}: {place(found)} {'; it '.join(wrong)}")
        return found

    def classes(self) -> Iterator[tuple[str, type[Any]]]:
        """Every class of this kind that comes with hedgequake, by its short import path."""
        for short, places in sorted(homes(self.room).items()):
            for module in map(importlib.import_module, places):
                for name, value in self._in(module):
                    folder = self.room.rpartition(".")[2] if self.is_flat else short
                    yield short if self.is_bare else f"{folder}.{name}", value

    def _in(self, module: Any) -> Iterator[tuple[str, type[Any]]]:
        """The classes of this kind that a module is the home of, and that a scenario may name."""
        base = self._base()
        for name, value in vars(module).items():
            is_here = inspect.isclass(value) and value.__module__ == module.__name__
            is_ours = is_here and issubclass(value, base) and value is not base and name[0] != "_"
            if is_ours and getattr(value, "is_named", True):
                yield name, value

    def _ours(self, path: str) -> Any:
        """What a path in our rooms names, None if there is no such thing."""
        if self.is_flat:
            return dict(self.classes()).get(path)
        if self.is_bare:
            places = map(importlib.import_module, homes(self.room).get(path, ()))
            return next((found for place in places for _, found in self._in(place)), None)
        module, _, name = path.rpartition(".")
        for home in (*homes(self.room).get(module, ()), f"{self.room}.{module}"):
            if (found := _imported(home, name)) is not None:
                return found
        return None

    def _base(self) -> type[Any]:
        module, _, name = self.base.rpartition(".")
        base: type[Any] = getattr(importlib.import_module(module), name)
        return base


def _imported(module: str, name: str) -> Any:
    """What a module has under a name, None if there is no such thing."""
    try:
        return getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError as error:
        if error.name and f"{module}.".startswith(f"{error.name}."):
            return None
        raise
