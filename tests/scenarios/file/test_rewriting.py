"""A value is taken out of a text, or replaced in it, and not a character beside it changes."""

from __future__ import annotations

import tomllib

import pytest

from scenarios.file import toml
from scenarios.file.rewriting import inserted, removed, replaced

REMOVED = {
    "last in a table": ('a = {b = "t", c = 3, x = 0.1}  # why', 'a = {b = "t", c = 3}  # why'),
    "first in a table": ("a = {x = 1, b = 2}", "a = {b = 2}"),
    "between two": ("a = {b = 1,  x = 2,  c = 3}", "a = {b = 1,  c = 3}"),
    "alone in a table": ("a = { x = 1 }", "a = {}"),
    "a table in a table": ('a = {x = {d = "}", m = [1.5, 2]}, b = 2}', "a = {b = 2}"),
    "a key of its own": ("# before\na.b = 1\na.x = 1 # of it\n# after\n", "# before\na.b = 1\n# after\n"),
    "a quoted key": ('a.b = 1\na."x" = 1\n', "a.b = 1\n"),
    "at the end of the text": ("a.b = 1\na.x = 1", "a.b = 1\n"),
    "in a table with a header": ("[a]\nx = [\n 1, # one\n]\nb = 1\n", "[a]\nb = 1\n"),
    "a table with a header": ("[a]\nb = 1\n[a.x]\nc = 2\n[z]\n", "[a]\nb = 1\n[z]\n"),
    "a table in two places": ("[a.x]\nc = 2\n[z]\n[a.x.y]\nd = 1\n", "[z]\n"),
    "of parts": ("a = {b = 1, x.c = 1, x.d.e = 2, f = 3}", "a = {b = 1, f = 3}"),
    "said of parts on lines": ("a.x.c = 1\na.b = 1\na.x.d = 2\n", "a.b = 1\n"),
    "what is not there": ("a = {b = 1}\nx = 1\n", "a = {b = 1}\nx = 1\n"),
}


@pytest.mark.parametrize("name", REMOVED)
def test_a_value_is_taken_out(name: str) -> None:
    before, after = REMOVED[name]
    values = tomllib.loads(before)
    assert removed(before, ("a", "x")) == after
    values.get("a", {}).pop("x", None)
    left = tomllib.loads(after)
    assert {**left, "a": left.get("a", {})} == {**values, "a": values.get("a", {})}


@pytest.mark.parametrize(
    ("before", "path", "after"),
    [
        (
            "p = [{a = 1}, # c\n {b = 1, a = {c = 2}},\n]\n",
            ("p", 1, "a"),
            "p = [{a = 1}, # c\n {b = 1},\n]\n",
        ),
        ("p = [[1, {a = 1}]]", ("p", 0, 1, "a"), "p = [[1, {}]]"),
        ("[[p]]\na = 1\n[[p]]\na = 2\n[z]\n", ("p", 1, "a"), "[[p]]\na = 1\n[[p]]\n[z]\n"),
        ("p = [1, 2]\n", ("p", 1), "p = [1, 2]\n"),
    ],
)
def test_entries_of_lists_are_told_apart(before: str, path: toml.Path, after: str) -> None:
    assert removed(before, path) == after


@pytest.mark.parametrize(
    ("before", "path", "after"),
    [
        ("# v\nv =  1.5  # c\n", ("v",), "# v\nv =  2  # c\n"),
        ('a.b = {c = {d = "x"}, e = 1}', ("a", "b", "c"), "a.b = {c = 2, e = 1}"),
        ("v = [\n1,\n]", ("v",), "v = 2"),
        ("v = 1", ("w",), "v = 1"),
    ],
)
def test_a_value_is_replaced(before: str, path: toml.Path, after: str) -> None:
    assert replaced(before, path, "2") == after


INSERTED = {
    "after the last of its table": ("[a]\nb = 1 # b\n\n[z]\n", "[a]\nb = 1 # b\nx = 7\n\n[z]\n"),
    "at the end of the text": ("[a]\nb = 1", "[a]\nb = 1\nx = 7\n"),
    "without a header": ("a = {b = 1}\n", "a = {b = 1}\n"),
}


@pytest.mark.parametrize("name", INSERTED)
def test_a_value_is_inserted(name: str) -> None:
    before, after = INSERTED[name]
    assert inserted(before, ("a", "x"), "7") == after
