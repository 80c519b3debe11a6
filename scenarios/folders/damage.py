"""Damage: what keeps the files of a result from being used, told in a line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scenarios.file.errors import Problem, ScenarioError

SPEAKING = (OSError, ValueError)
"""Errors whose message says by itself what is wrong; others are named."""


@contextmanager
def reading(folder: Path, use: str) -> Iterator[None]:
    """Make bad input, and one line, of whatever the files of a folder break.

    Parameters
    ----------
    folder : Path
    use : str
        What they are read for, such as "be drawn".

    Raises
    ------
    ScenarioError
    """
    try:
        yield
    except ScenarioError as error:
        raise ScenarioError(error.problems[0]) from error
    except Exception as error:
        raise ScenarioError(Problem(str(folder), "", f"cannot {use}: {_reason(folder, error)}")) from error


def _reason(folder: Path, error: Exception) -> str:
    first = str(error).partition("\n")[0].removeprefix(f"{folder}: ")
    if isinstance(error, SPEAKING) and first:
        return first
    named = f"{type(error).__name__}: {first}" if first else type(error).__name__
    return f"a file in it is damaged or of another version ({named})"
