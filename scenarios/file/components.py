"""From a `type` in a scenario to the class it names, by import path.

`order_book.OrderBook` among the venues is the class `OrderBook` of the module `order_book`, in whatever
folder of `sim/venues` that lies (`scenarios.file.homes`). There is no registry: a class is found because its
module is there. A path that the rooms do not hold is taken as an absolute one, so that a module of
the user's serves as well (`scenarios.file.modules`).
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from scenarios.file import modules
from scenarios.file.homes import homes
from scenarios.file.modules import NotImported
from sim.setup.parameters import NotOneOf


@dataclass(frozen=True)
class Kind:
    """What a `type` may name.

    Parameters
    ----------
    noun : str
    room : str
        The package below which classes of this kind lie; a short path names the module and the class.
    base : str
        Import path of the class that all of this kind derive from.
    is_one_a_file : bool
        Whether each of ours has a module to itself, whose name alone then serves.
    """

    noun: str
    room: str
    base: str
    is_one_a_file: bool = False

    def find(self, path: str) -> type[Any]:
        """The class that an import path names; `NotImported` if it is the user's and not trusted.

        Raises
        ------
        NotOneOf
            If there is no such class.
        ValueError
            If the module cannot be imported, or the class is of another kind.
        """
        named = {self._short(name): found for name, found in self.classes()} if self.is_one_a_file else {}
        if path in named:
            return named[path]
        if not ("." in path and all(part.isidentifier() for part in path.split("."))):
            raise self._unknown(path)
        found = self._ours(path) or modules.imported(path)
        if found is NotImported:
            return NotImported
        if found is None:
            raise self._unknown(path)
        if not (inspect.isclass(found) and issubclass(found, self._base())):
            raise ValueError(f"{path} is not a {self.noun}: it does not derive from {self.base}")
        return found

    def classes(self) -> Iterator[tuple[str, type[Any]]]:
        """Every class of this kind that comes with hedgequake, by its short import path."""
        base = self._base()
        for short, places in sorted(homes(self.room).items()):
            for module in map(importlib.import_module, places):
                for name, value in vars(module).items():
                    is_here = inspect.isclass(value) and value.__module__ == module.__name__
                    if is_here and issubclass(value, base) and value is not base and name[0] != "_":
                        yield f"{short}.{name}", value

    def _short(self, name: str) -> str:
        """What of an import path suffices to name one of ours."""
        return name.partition(".")[0] if self.is_one_a_file else name

    def _unknown(self, path: str) -> NotOneOf:
        noun = self.noun if self.is_one_a_file else f"{self.noun} type"
        return NotOneOf(noun, path, [self._short(name) for name, _ in self.classes()])

    def _ours(self, path: str) -> Any:
        """What a path in our rooms names, None if there is no such thing."""
        module, _, name = path.rpartition(".")
        for home in (*homes(self.room).get(module, ()), f"{self.room}.{module}"):
            if (found := _imported(home, name)) is not None:
                return found
        return None

    def _base(self) -> type[Any]:
        module, _, name = self.base.rpartition(".")
        base: type[Any] = getattr(importlib.import_module(module), name)
        return base


VENUE = Kind("venue", "sim.venues", "sim.venues.venue.Venue")
POPULATION = Kind("population", "agents", "sim.population.Population")
DRIVER = Kind("driver", "sim.prices", "sim.prices.drivers.Driver")
MARGIN_RULE = Kind("margin rule", "sim.accounts.margin", "sim.accounts.margin.rule.Rule", is_one_a_file=True)


def _imported(module: str, name: str) -> Any:
    """What a module has under a name, None if there is no such thing."""
    try:
        return getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError as error:
        if error.name and f"{module}.".startswith(f"{error.name}."):
            return None
        raise
