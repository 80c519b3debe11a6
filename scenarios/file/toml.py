"""TOML as scenarios are written in: read within limits, and the line of every statement.

The standard library's reader takes seconds and gigabytes for a key of 20,000 parts, runs out of
stack in a list of 900 lists, and stops at a number of 5,000 digits with an error of its own. A
look at the tokens, before it reads, refuses what no scenario holds.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

Path = tuple[str | int, ...]
"""The way to a value: keys of tables, positions in lists."""

LARGEST = 8 << 20
"""Most characters of a text."""
DEEPEST = 32
"""Most tables and lists inside each other, and most parts of a dotted key."""
LONGEST_WORD = 400
"""Most characters of a number or a bare key."""

TOKEN = re.compile(
    r"""
    (?P<quoted> \"{3} (?:[^\\]|\\.)*? \"{3} | '{3} .*? '{3} | "(?:[^"\\\n]|\\.)*" | '[^'\n]*')
    | (?P<comment> \#[^\n]*)
    | (?P<word> [A-Za-z0-9_+-]+)
    | (?P<dot> \.)
    | (?P<space> [ \t\r]+)
    | (?P<opening> [\[{])
    | (?P<closing> [\]}])
    | (?P<end> \n)
    | (?P<other> .)
    """,
    re.VERBOSE | re.DOTALL,
)


class Unreadable(ValueError):
    """A text that is not TOML, or not within the limits.

    Parameters
    ----------
    what : str
    line : int
    """

    def __init__(self, what: str, line: int) -> None:
        super().__init__(what)
        self.line = line


class Statement(NamedTuple):
    """A header, or a key with its value.

    Attributes
    ----------
    line : int
        On which it begins.
    table : tuple of str and int
        The way to the table that it heads, or stands in.
    values : dict
        What it says there; nothing if it is a header.
    begin : int
        Where its lines begin in the text.
    text : str
        Its lines.
    """

    line: int
    table: Path
    values: dict[str, Any]
    begin: int
    text: str

    def shows(self, path: Path) -> bool:
        """Whether something at this path is in it, or on the way to its table."""
        size = len(self.table)
        if path == self.table[: len(path)]:
            return True
        return path[:size] == self.table and inside(self.values, path[size:]) is not None


def loads(text: str) -> dict[str, Any]:
    """The values of a text.

    Raises
    ------
    Unreadable
        If it is not TOML, or larger, deeper or longer than allowed.
    """
    _check(text)
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise _unreadable(text, error) from error
    if deeper(values, DEEPEST):
        raise Unreadable(f"tables and lists stand in each other more than {DEEPEST} deep", 1)
    return values


def inside(values: Any, path: Path) -> Any:
    """The value at a path, None if there is none."""
    for part in path:
        if isinstance(values, dict):
            values = values.get(str(part))
        elif isinstance(values, list) and isinstance(part, int) and part < len(values):
            values = values[part]
        else:
            return None
    return values


def deeper(values: Any, most: int) -> bool:
    """Whether tables and lists stand in each other more than so many deep."""
    level = [values]
    for _ in range(most):
        tables = [each.values() if isinstance(each, dict) else each for each in level]
        level = [item for table in tables for item in table if isinstance(item, dict | list)]
        if not level:
            return False
    return True


def line_of(text: str, path: Path) -> int | None:
    """Line of the first statement of a readable text in which the path appears; None without one."""
    return next((statement.line for statement in statements(text) if statement.shows(path)), None)


@lru_cache(maxsize=4)
def statements(text: str) -> tuple[Statement, ...]:
    """The statements of a text that `loads` reads, in order."""
    found: list[Statement] = []
    entries: dict[Path, int] = {}
    table: Path = ()
    for line, begin, own in _split(text):
        values = tomllib.loads(own)
        is_header = own.lstrip().startswith("[")
        if is_header:
            table = _headed(values, entries)
        if values:
            found.append(Statement(line, table, {} if is_header else values, begin, own))
    return tuple(found)


def _headed(values: Any, entries: dict[Path, int]) -> Path:
    """The way to the table of a header, read alone; counts the entries of each list of tables."""
    path: Path = ()
    while values:
        ((part, values),) = values.items()
        path = (*path, part)
        if isinstance(values, list):
            entries[path] = entries.get(path, 0) + 1
            values = {}
        if path in entries:
            path = (*path, entries[path] - 1)
    return path


def _split(text: str) -> Iterator[tuple[int, int, str]]:
    """Line, place and text of each statement: what ends with a line outside lists, tables and quotes."""
    begin, line, depth = 0, 1, 0
    for token in TOKEN.finditer(text):
        kind = token.lastgroup
        depth += (kind == "opening") - (kind == "closing")
        if kind == "end" and depth <= 0:
            own = text[begin : token.end()]
            yield line, begin, own
            begin, line = token.end(), line + own.count("\n")
    yield line, begin, text[begin:]


def _check(text: str) -> None:
    """Raise for what the reader would choke on."""
    if len(text) > LARGEST:
        raise Unreadable(f"{len(text):,} characters; at most {LARGEST:,} are read", 1)
    depth = parts = 0
    is_joined = False
    for token in TOKEN.finditer(text):
        kind = token.lastgroup
        if kind == "space":
            continue
        depth += (kind == "opening") - (kind == "closing")
        is_part = kind in ("word", "quoted")
        parts = parts + 1 if is_part and is_joined else int(is_part) or parts * (kind == "dot")
        is_joined = kind == "dot"
        what = _excess(depth, parts, token)
        if what:
            raise Unreadable(what, _line(text, token.start()))


def _excess(depth: int, parts: int, token: re.Match[str]) -> str:
    """What is beyond a limit at a token; empty if nothing is."""
    if depth > DEEPEST:
        return f"tables and lists stand in each other more than {DEEPEST} deep"
    if parts > DEEPEST:
        return f"a dotted key of more than {DEEPEST} parts"
    length = token.end() - token.start()
    if token.lastgroup == "word" and length > LONGEST_WORD:
        noun = "number" if token[0].strip("+-")[:1].isdigit() else "key"
        return f"a {noun} of {length:,} characters; at most {LONGEST_WORD} are read"
    return ""


def _unreadable(text: str, error: Exception) -> Unreadable:
    """What the reader of the standard library says, and where."""
    place = re.search(r" \(at line (\d+), column \d+\)$", str(error))
    said = str(error)[: place.start()] if place else re.sub(r" \(at .*\)$", "", str(error))
    return Unreadable(f"{said[:1].lower()}{said[1:]}", int(place[1]) if place else _line(text, len(text)))


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1
