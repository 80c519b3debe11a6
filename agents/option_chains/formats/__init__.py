"""Formats of option chain files: one module each, with one class, found because it is there.

A format knows where a file keeps what and in which unit; it hands on the cells as text, each with its
place, and `agents.option_chains.reading` reads, checks and counts them alike for every format.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from functools import cache

from agents.option_chains.formats.base import ChainFormat, Source
from sim.setup.misfit import Misfit


@cache
def formats() -> tuple[ChainFormat, ...]:
    """Every format there is, by name."""
    modules = (
        importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)
    )
    kinds = {
        kind
        for module in modules
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, ChainFormat) and kind is not ChainFormat and kind.__module__ == module.__name__
    }
    return tuple(sorted((kind() for kind in kinds), key=lambda each: each.name))


def recognised(source: Source) -> ChainFormat:
    """The format that a file is in.

    Raises
    ------
    Misfit
        If it is in none; names what the most similar one would need.
    """
    for known in formats():
        if known.reads(source):
            return known
    near = max(formats(), key=lambda known: len(source.present(known.columns)))
    if 2 * len(source.present(near.columns)) > len(near.columns):
        missing = next(column for column in near.columns if column not in source.columns)
        needed = ", ".join(near.columns)
        raise Misfit(f'{source.file} has no column "{missing}"; it needs {needed}', ("file",))
    known_as = [known.name for known in formats()]
    raise Misfit(f"{source.file} is no option chain in a format that can be read", ("file",), "", known_as)
