"""TOML is read within limits, and every value has the line of its statement."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import mutants
import pytest

from scenarios.file import toml
from scenarios.file.toml import LARGEST, Unreadable, deeper, inside, line_of, loads


def paths(value: object, path: toml.Path = ()) -> Iterator[toml.Path]:
    """Of every value, tables and lists included."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for part, item in items:
        yield (*path, part)
        yield from paths(item, (*path, part))


def lines_by_prefixes(text: str) -> dict[toml.Path, int]:
    """Line of each path by reading the text again with every line: slow, and sure."""
    found: dict[toml.Path, int] = {}
    complete, lines = 0, text.splitlines(keepends=True)
    for count in range(1, len(lines) + 1):
        try:
            values = tomllib.loads("".join(lines[:count]))
        except tomllib.TOMLDecodeError:
            continue
        for path in paths(values):
            found.setdefault(path, complete + 1)
        complete = count
    return found


ODD = '''\
a = 1 # [not a list
"b.c".d = """
[not a header]
x = 2 \\""" still text
"""
e = [ # [
  1, "]",
  {f = 'it"s'},
]

[[g]]
h.i = 1
h.j = 2
[g.k]
l = '\'\'[[g]]\'\''
[[g]]
h.i = 3
[[g.m]]
n = 1
[[g.m]]
n = {o = [1, 2], p.q = 3}
[ "r s" . 't' ]
u = -inf
'''


TEXTS = {"odd": ODD, **{path.stem: path.read_text() for path in mutants.PARENTS}}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_value_has_the_line_on_which_its_statement_begins(text: str) -> None:
    slow = lines_by_prefixes(text)
    assert set(slow) == set(paths(loads(text)))
    assert {path: line_of(text, path) for path in slow} == slow


def test_what_is_not_there_has_no_line() -> None:
    assert line_of(ODD, ("g", 2)) is None
    assert line_of(ODD, ("a", "b")) is None
    assert inside(loads(ODD), ("g", 1, "m", 1, "n", "p", "q")) == 3


@pytest.mark.parametrize(
    ("text", "what", "line"),
    [
        ("\n\nx = " + "[" * 900 + "]" * 900, "stand in each other more than 32 deep", 3),
        ("x = " + "{a = " * 200 + "1" + "}" * 200, "stand in each other more than 32 deep", 1),
        ("x" + ".x" * 20_000 + " = 1", "a dotted key of more than 32 parts", 1),
        ("a = 1\n[" + '"x" . ' * 20_000 + "x]", "a dotted key of more than 32 parts", 2),
        ("a = {b" + ".b" * 40 + " = 1}", "a dotted key of more than 32 parts", 1),
        ("[a" + ".b" * 20 + "]\nc" + ".c" * 20 + " = 1", "stand in each other more than 32 deep", 1),
        ("x = " + "9" * 5000, "a number of 5,000 characters; at most 400", 1),
        ("x = 0x" + "f" * 5000, "a number of 5,002 characters; at most 400", 1),
        ("k" * 200_000 + " = 1", "a key of 200,000 characters; at most 400", 1),
        ("#" * (LARGEST + 1), "8,388,609 characters; at most 8,388,608", 1),
        ("a = 1\nb = ", "invalid value", 2),
        ("a = 1\na = 2\n", "cannot overwrite a value", 2),
        ("x = 2000-02-30", "invalid date or datetime", 1),
        ('a = """\n\n', "unterminated string", 3),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_cannot_be_read_is_told_soon_and_by_line(text: str, what: str, line: int) -> None:
    began = time.process_time()
    with pytest.raises(Unreadable, match=what) as caught:
        loads(text)
    assert caught.value.line == line
    assert time.process_time() - began < 20.0


def test_dots_and_brackets_in_texts_and_comments_are_none_of_a_key() -> None:
    text = (
        "a = '"
        + "x." * 100
        + "'\n# "
        + "[" * 100
        + '\nb = "'
        + "[" * 100
        + '"\nc = ['
        + "1.5, " * 100
        + "]\n"
    )
    assert len(loads(text)["c"]) == 100


def test_the_depth_of_what_was_read_is_counted_without_recursion() -> None:
    nested: object = 1
    for _ in range(5000):
        nested = [nested]
    assert deeper(nested, 32)
    assert not deeper({"a": [[1], {"b": 2}]}, 3)
    assert deeper({"a": [[1], {"b": 2}]}, 2)


def test_a_large_file_with_many_mistakes_is_explained_in_a_moment(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from scenarios.__main__ import main

    file = tmp_path / "many.toml"
    file.write_text("".join(f'[[populations]]\nname = "{n}"\nkind = {n}\n' for n in range(5_000)))
    began = time.process_time()
    assert main(["validate", str(file)]) == 2
    assert time.process_time() - began < 60.0
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 21
    assert said[-1].endswith("and more problems like these")
