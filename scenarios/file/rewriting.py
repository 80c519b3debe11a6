"""Rewriting: one value of a TOML text taken out, replaced or added, all else in it left as it is written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from scenarios.file import toml
from scenarios.file.toml import TOKEN, Path, Statement, inside, statements

Tokens = Sequence[re.Match[str]]
BLANK = ("space", "comment", "end")
BARE = re.compile(r"[A-Za-z0-9_-]+")


class Pair(NamedTuple):
    """A key with its value among the tokens of a statement.

    Attributes
    ----------
    key : tuple of str
    begin, value, end : int
        First token of the key, first one of the value, and the one after its last.
    """

    key: Path
    begin: int
    value: int
    end: int


def removed(text: str, path: Path) -> str:
    """The text without the value at a path: without its lines, or without its place in an inline table.

    Parameters
    ----------
    text : str
        That `toml.loads` reads.
    path : tuple of str and int
    """
    while (statement := _last(text, path)) is not None:
        own = _cut(statement, path)
        if own == statement.text:
            break  # it stands in a list, whose entries are not taken out
        text = _exchanged(text, statement, own)
    return text


def replaced(text: str, path: Path, literal: str) -> str:
    """The text with another value at a path.

    Parameters
    ----------
    text : str
        That `toml.loads` reads.
    path : tuple of str and int
    literal : str
        Of the value.
    """
    statement = _last(text, path)
    if statement is None:
        return text
    tokens = _tokens(statement.text)
    pair = _pair_at(tokens, 0, len(tokens), path[len(statement.table) :])
    if pair is None:
        return text
    begin, end = tokens[pair.value].start(), tokens[pair.end - 1].end()
    return _exchanged(text, statement, statement.text[:begin] + literal + statement.text[end:])


def added(text: str, beside: Path, key: str, literal: str) -> str:
    """The text with one more value in a table: on a line of its own, or in the inline table.

    Parameters
    ----------
    text : str
        That `toml.loads` reads.
    beside : tuple of str and int
        The way to the value after which it is written.
    key, literal : str
        Of the new value.
    """
    statement = _last(text, beside)
    if statement is None:
        return text
    own, tokens = statement.text, _tokens(statement.text)
    pair = _pair_at(tokens, 0, len(tokens), beside[len(statement.table) :])
    if pair is None:
        return text
    if pair.begin:
        end = tokens[pair.end - 1].end()
        return _exchanged(text, statement, f"{own[:end]}, {_key(key)} = {literal}{own[end:]}")
    ending = _end_of_line(text)
    line = f"{own[: tokens[pair.value - 2].start()]}{_key(key)} = {literal}{ending}"
    return _exchanged(text, statement, f"{own.removesuffix(ending)}{ending}{line}")


def inserted(text: str, path: Path, literal: str) -> str:
    """The text with a value at a path that it does not say: after the last line of its table's own.

    It stays as it is where the table has no header.

    Parameters
    ----------
    text : str
        That `toml.loads` reads.
    path : tuple of str and int
    literal : str
        Of the value.
    """
    own = [statement for statement in statements(text) if statement.table == path[:-1]]
    if not own:
        return text
    end, ending = own[-1].begin + len(own[-1].text), _end_of_line(text)
    newline = "" if text[:end].endswith("\n") else ending
    return f"{text[:end]}{newline}{_key(str(path[-1]))} = {literal}{ending}{text[end:]}"


def _end_of_line(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _key(part: str) -> str:
    """A part of a key, in quotation marks where it needs them."""
    return part if BARE.fullmatch(part) else json.dumps(part, ensure_ascii=False)


def _last(text: str, path: Path) -> Statement | None:
    """The last statement that says something of the value at a path."""
    found = [statement for statement in statements(text) if _says(statement, path)]
    return found[-1] if found else None


def _says(statement: Statement, path: Path) -> bool:
    """Whether a statement heads the table at a path, stands in it, or says the value itself."""
    size = len(statement.table)
    if size >= len(path):
        return statement.table[: len(path)] == path
    return path[:size] == statement.table and inside(statement.values, path[size:]) is not None


def _exchanged(text: str, statement: Statement, own: str) -> str:
    return text[: statement.begin] + own + text[statement.begin + len(statement.text) :]


def _cut(statement: Statement, path: Path) -> str:
    """What is left of a statement."""
    text, size = statement.text, len(statement.table)
    if size >= len(path):
        return ""
    tokens = _tokens(text)
    pair = _pair_at(tokens, 0, len(tokens), path[size:])
    if pair is None:
        return text
    if pair.begin == 0:
        return ""
    before, after = tokens[pair.begin - 1], tokens[pair.end]
    if after[0] == ",":
        return text[: tokens[pair.begin].start()] + text[tokens[pair.end + 1].start() :]
    begin = before.start() if before[0] == "," else before.end()
    end = tokens[pair.end - 1].end() if before[0] == "," else after.start()
    return text[:begin] + text[end:]


def _tokens(text: str) -> Tokens:
    return [token for token in TOKEN.finditer(text) if token.lastgroup not in BLANK]


def _pair_at(tokens: Tokens, begin: int, end: int, path: Path) -> Pair | None:
    """The first pair of a path, or of one that goes on from it, in a pair that stands between two tokens."""
    equals = next(n for n in range(begin, end) if tokens[n][0] == "=")
    key = tuple(_part(token) for token in tokens[begin:equals] if token.lastgroup != "dot")
    if key[: len(path)] == path:
        return Pair(key, begin, equals + 1, end)
    return _pair_in(tokens, equals + 1, path[len(key) :]) if path[: len(key)] == key else None


def _pair_in(tokens: Tokens, opening: int, path: Path) -> Pair | None:
    """As `_pair_at`, in the list or inline table that opens with a token."""
    for number, (begin, end) in enumerate(_items(tokens, opening)):
        if tokens[opening][0] == "{":
            found = _pair_at(tokens, begin, end, path)
        else:
            found = _pair_in(tokens, begin, path[1:]) if path[0] == number and path[1:] else None
        if found:
            return found
    return None


def _items(tokens: Tokens, opening: int) -> Iterator[tuple[int, int]]:
    """First token of each item of a list or inline table, and the one after its last."""
    if tokens[opening].lastgroup != "opening":
        return
    depth, begin = 0, opening + 1
    for n in range(opening + 1, len(tokens)):
        is_closed = depth == 0 and tokens[n].lastgroup == "closing"
        if (is_closed or (depth == 0 and tokens[n][0] == ",")) and n > begin:
            yield begin, n
            begin = n + 1
        if is_closed:
            return
        depth += (tokens[n].lastgroup == "opening") - (tokens[n].lastgroup == "closing")


def _part(token: re.Match[str]) -> str:
    """A part of a key, without quotation marks."""
    ((part, _),) = toml.loads(f"{token[0]} = 0").items()
    return part
