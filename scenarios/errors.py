"""What is wrong with a scenario, or with what a command line says: a line per problem."""

from __future__ import annotations

import datetime
import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

LISTED = 20
"""So many allowed names are written out."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and where.

    Parameters
    ----------
    file : str
        The file as the user named it.
    key : str
        Dotted key; entries of a list go by their `name`.
    what : str
        What is wrong, without the remedy.
    line : int or None
        Line of the file; None if the value did not come from a line of it.
    origin : str
        Where the value came from if not from the file, such as `--set`.
    found : str
        What stood there, as a message shows it.
    allowed : tuple of str
    nearest : str or None
        Of what is allowed, that which is most like what was found.
    """

    file: str
    key: str
    what: str
    line: int | None = None
    origin: str = ""
    found: str = ""
    allowed: tuple[str, ...] = ()
    nearest: str | None = None

    def __str__(self) -> str:
        """File and line, or what was set over the file; key, what is wrong, the remedy."""
        over = f"{self.origin}, over {self.file}" if self.origin and self.file else ""
        where = over or ":".join(part for part in (self.file, str(self.line or "")) if part)
        return ": ".join(part for part in (where, self.key, self.what) if part) + self._remedy()

    def _remedy(self) -> str:
        parts = [f'did you mean "{self.nearest}"?'] if self.nearest else []
        if self.allowed:
            more = ["..."] if len(self.allowed) > LISTED else []
            parts.append(f"allowed: {', '.join([*self.allowed[:LISTED], *more])}")
        return "; " + " ".join(parts) if parts else ""


class ScenarioError(Exception):
    """A scenario, or what a command line says of one, cannot be used.

    Parameters
    ----------
    problems : Problem or iterable of Problem
    """

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def nearest(found: str, allowed: Sequence[str]) -> str | None:
    """The name most like the one found, capitals aside; None if none is alike."""
    by_lower = {name.lower().rpartition(".")[2]: name for name in allowed}
    by_lower |= {name.lower(): name for name in allowed}
    close = difflib.get_close_matches(found.lower(), by_lower, 1, 0.6)
    return by_lower[close[0]] if close else None


def shown(value: Any) -> str:
    """A value as a message shows it: short, in the words of the file."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return f'"{value if len(value) <= 40 else value[:37] + "..."}"'
        case dict():
            return "a table" if value else "an empty table"
        case list() | tuple():
            return "a list" if value else "an empty list"
        case datetime.date() | datetime.time():
            return f"the date or time {value}"
        case _:
            return str(value)
