"""Homes: in which folder of a room a module lies, which is nothing that a scenario says."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

KERNELS = "kernels"


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
