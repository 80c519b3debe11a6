"""Scenarios: what to run. The library, the schema, and the command line.

`load` reads a scenario, `market` builds one into a model that runs. Both are imported
when first asked for, so that the command line starts at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scenarios.loading import load, market

__all__ = ["load", "market"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
    from scenarios import loading

    return getattr(loading, name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
