"""Discovery: the modules that may hold metrics and figures; a file is found because it is there.

A module may say where what it holds stands among that of all others: `PLACE`, a number. One
without comes after those that do.
"""

from __future__ import annotations

import math
from functools import cache
from importlib import import_module
from pkgutil import walk_packages
from types import ModuleType

import analysis

ELSEWHERE = ("base", "figures", "measures", "gallery", "sweeps", "frontier", "pages")
"""What no metric and no figure of a recording is in: what they are made with, and what is made of them."""


@cache
def modules() -> tuple[ModuleType, ...]:
    """The modules, imported, in order of their places."""
    names = [each.name for each in walk_packages(analysis.__path__, f"{analysis.__name__}.")]
    found = [import_module(name) for name in names if name.split(".")[1] not in ELSEWHERE]
    return tuple(sorted(found, key=lambda module: (getattr(module, "PLACE", math.inf), module.__name__)))
