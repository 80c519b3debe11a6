"""Misfits: values that do not fit the market they are meant for, and the way to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

Key = tuple[str | int, ...]
"""The way to a value: keys of tables, positions in lists."""


class Misfit(ValueError):
    """A value that does not fit the market it is meant for.

    Parameters
    ----------
    what : str
        What is wrong, without the remedy.
    key : tuple of str and int
        The way to the value from the table of whoever complains; see `within`.
    found : str
        What stands there, if something that is allowed may be like it.
    allowed : sequence of str
        What may stand there.
    """

    def __init__(self, what: str, key: Key = (), found: str = "", allowed: Sequence[str] = ()) -> None:
        super().__init__(what)
        self.key = key
        self.found = found
        self.allowed = tuple(allowed)


@contextmanager
def within(*path: str | int) -> Iterator[None]:
    """Say of what does not fit inside where it stands: `path` is put before the way to it.

    Raises
    ------
    Misfit
        For every ValueError raised inside.
    """
    try:
        yield
    except Misfit as misfit:
        misfit.key = (*path, *misfit.key)
        raise
    except ValueError as error:
        raise Misfit(str(error), path) from error


class NotOneOf(Misfit):
    """A name that is not among those there are.

    Parameters
    ----------
    noun : str
        What kind of thing is named.
    found : str
    allowed : sequence of str
    """

    def __init__(self, noun: str, found: str, allowed: Sequence[str]) -> None:
        super().__init__(f'no {noun} is named "{found}"', (), found, allowed)
        self.noun = noun
