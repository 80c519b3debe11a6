"""Scenarios: what to run. The library, the schema, and the command line.

`load` reads a scenario, `market` builds one into a model that runs, `read_sweep` reads what
many runs have left. They are imported when first asked for, so that the command line starts at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scenarios.build.loading import load, market
    from scenarios.sweeps.results import read_sweep

__all__ = ["load", "market", "read_sweep"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
    from importlib import import_module

    module = "scenarios.sweeps.results" if name == "read_sweep" else "scenarios.build.loading"
    return getattr(import_module(module), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
