"""What is wrong with a scenario, or with what a command line says: a line per problem."""

from __future__ import annotations

import datetime
import difflib
import unicodedata
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

LISTED = 20
"""So many allowed names, and so many problems, are written out."""

SHORT, NAME, KEY, FILE, SENTENCE = 40, 64, 160, 300, 600
"""Most characters of what was found, of a name, a key, a file's name and what is wrong with it."""

LONG_BITS = 128
"""A whole number of more bits is told by its length."""

RIGHT_TO_LEFT = ("R", "AL", "AN", "RLE", "RLO", "RLI")


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
        origin, file = short(self.origin, KEY), middle_out(self.file, FILE)
        over = f"{origin}, over {file}" if origin and file else ""
        where = over or ":".join(part for part in (file, str(self.line or "")) if part)
        said = (where, middle_out(self.key, KEY), short(self.what, SENTENCE))
        return ": ".join(part for part in said if part) + self._remedy()

    def _remedy(self) -> str:
        parts = [f'did you mean "{short(self.nearest, NAME)}"?'] if self.nearest else []
        if self.allowed:
            more = ["..."] if len(self.allowed) > LISTED else []
            listed = [short(name, KEY) for name in self.allowed[:LISTED]]
            parts.append(f"allowed: {', '.join([*listed, *more])}")
        return "; " + " ".join(parts) if parts else ""


class ScenarioError(Exception):
    """A scenario, or what a command line says of one, cannot be used.

    Parameters
    ----------
    problems : Problem or iterable of Problem
    """

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        lines = [str(problem) for problem in self.problems[:LISTED]]
        if len(self.problems) > LISTED:
            lines.append(f"{middle_out(self.problems[0].file, FILE)}: and more problems like these")
        super().__init__("\n".join(lines))


def warn(notes: Iterable[Problem]) -> None:
    """Warn whoever called the caller, in Python, of each."""
    for note in notes:
        warnings.warn(str(note), stacklevel=3)


def nearest(found: str, allowed: Sequence[str]) -> str | None:
    """The name most like the one found, capitals aside; None if none is alike."""
    if len(found) > NAME:
        return None
    allowed = [name for name in allowed if len(name) <= NAME]
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
            return f'"{short(value)}"'
        case dict():
            return "a table" if value else "an empty table"
        case list() | tuple():
            return "a list" if value else "an empty list"
        case datetime.date() | datetime.time():
            return f"the date or time {value}"
        case int() if value.bit_length() > LONG_BITS:
            return f"a whole number of about {int(value.bit_length() * 0.30103) + 1:,} digits"
        case _:
            return str(value)


def short(text: str, most: int = SHORT) -> str:
    """A piece of a text that a terminal can show on a line: cut, and printable."""
    return printable(text if len(text) <= most else f"{text[: most - 3]}...")


def middle_out(text: str, most: int) -> str:
    """A text as `short` shows it, but without its middle where it is too long."""
    half = (most - 3) // 2
    return printable(text if len(text) <= most else f"{text[:half]}...{text[-half:]}")


def printable(text: str) -> str:
    """A text with what a terminal acts on, cannot show or writes from right to left escaped."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(character if _is_plain(character) else _escaped(character) for character in text)


def _is_plain(character: str) -> bool:
    return character.isprintable() and unicodedata.bidirectional(character) not in RIGHT_TO_LEFT


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()
