"""From a `type` in a scenario to the class it names, by import path.

`order_book.OrderBook` among the venues is the class `OrderBook` of `sim.venues.order_book`.
There is no registry: a class is found because its module is there. A path that the rooms
do not hold is taken as an absolute one, so that a module of the user's serves as well
(`scenarios.modules`).
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from scenarios import modules
from scenarios.modules import NotImported
from sim.parameters import NotOneOf


@dataclass(frozen=True)
class Kind:
    """What a `type` may name.

    Parameters
    ----------
    noun : str
    package : str
        Where short import paths start.
    base : str
        Import path of the class that all of this kind derive from.
    modules : tuple of str
        The modules of the package that hold such classes; empty for all of them.
    """

    noun: str
    package: str
    base: str
    modules: tuple[str, ...] = ()

    def find(self, path: str) -> type[Any]:
        """The class that an import path names; `NotImported` if it is the user's and not trusted.

        Raises
        ------
        NotOneOf
            If there is no such class.
        ValueError
            If the module cannot be imported, or the class is of another kind.
        """
        if not ("." in path and all(part.isidentifier() for part in path.split("."))):
            raise NotOneOf(f"{self.noun} type", path, [name for name, _ in self.classes()])
        found = _imported(f"{self.package}.{path}") or modules.imported(path)
        if found is NotImported:
            return NotImported
        if found is None:
            raise NotOneOf(f"{self.noun} type", path, [name for name, _ in self.classes()])
        if not (inspect.isclass(found) and issubclass(found, self._base())):
            raise ValueError(f"{path} is not a {self.noun}: it does not derive from {self.base}")
        return found

    def classes(self) -> Iterator[tuple[str, type[Any]]]:
        """Every class of this kind that comes with hedgequake, by its short import path."""
        base = self._base()
        package = importlib.import_module(self.package)
        for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda info: info.name):
            if info.ispkg or (self.modules and info.name not in self.modules):
                continue
            module = importlib.import_module(f"{self.package}.{info.name}")
            for name, value in vars(module).items():
                is_here = inspect.isclass(value) and value.__module__ == module.__name__
                if is_here and issubclass(value, base) and value is not base and name[0] != "_":
                    yield f"{info.name}.{name}", value

    def _base(self) -> type[Any]:
        module, _, name = self.base.rpartition(".")
        base: type[Any] = getattr(importlib.import_module(module), name)
        return base


VENUE = Kind("venue", "sim.venues", "sim.venues.venue.Venue")
POPULATION = Kind("population", "agents", "sim.population.Population")
DRIVER = Kind("driver", "sim", "sim.drivers.Driver", ("drivers",))


def _imported(path: str) -> Any:
    """What an import path in our rooms names, None if there is no such thing."""
    module, _, name = path.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError as error:
        if error.name and f"{module}.".startswith(f"{error.name}."):
            return None
        raise
