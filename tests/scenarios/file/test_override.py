"""Dotted keys reach every value of a scenario, and values are what they look like in TOML."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.file.override import KeyProblem, apply, literal, locate, split

VALUES = {
    "time": {"steps": 10},
    "populations": [{"name": "dealers", "hedging": {"width": 0.1}}, {"name": "a.b", "count": 1}],
    "shocks": [{"at": 1.0}, {"at": 2.0}],
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("500", 500),
        ("0.5", 0.5),
        ("1e-3", 1e-3),
        ("true", True),
        ('"500"', "500"),
        ("perp", "perp"),
        ("../shared/chain.csv", "../shared/chain.csv"),
        ('["perp", "pool"]', ["perp", "pool"]),
        ('{dist = "normal", mean = 1.0, sd = 0.0}', {"dist": "normal", "mean": 1.0, "sd": 0.0}),
        ("1\nother = 2", "1\nother = 2"),
        ("", ""),
    ],
)
def test_a_value_is_a_toml_literal_else_a_string(text: str, value: object) -> None:
    assert literal(text) == value
    assert type(literal(text)) is type(value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{dist = "lognormal", median = 0.05', "unclosed inline table"),
        ("[1, 2", "unclosed array"),
        ('"perp', "unterminated string"),
    ],
)
def test_what_begins_like_toml_and_is_none_is_refused(text: str, said: str) -> None:
    with pytest.raises(KeyProblem) as caught:
        literal(text)
    assert str(caught.value) == f"found {text}; this is no valid TOML value: {said}"


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("time.steps", ("time", "steps")),
        ("time.step_seconds", ("time", "step_seconds")),
        ("populations.dealers.hedging.width", ("populations", 0, "hedging", "width")),
        ("populations.dealers.route.type", ("populations", 0, "route", "type")),
        ('populations."a.b".count', ("populations", 1, "count")),
        ("shocks.1.at", ("shocks", 1, "at")),
        ("correlation", ("correlation",)),
    ],
)
def test_a_key_names_one_place_and_changes_nothing_else(key: str, path: tuple[str | int, ...]) -> None:
    values = copy.deepcopy(VALUES)
    assert apply(values, key, 7) == path
    assert locate(values, key) == 7
    untouched = {name: part for name, part in values.items() if name != path[0]}
    assert untouched == {name: part for name, part in VALUES.items() if name != path[0]}


@pytest.mark.parametrize(
    ("key", "what", "nearest"),
    [
        ("populations.delers.count", 'nothing in populations is named "delers"', "dealers"),
        ("shocks.2.at", 'nothing in shocks is named "2"', None),
        ("time.steps.more", '"steps" is 10, not a table', None),
        ("populations.dealers", "names a whole entry; name one of its keys", None),
        ("time..steps", "not a dotted key; write it like time.steps or populations.dealers.count", None),
        ("", "not a dotted key; write it like time.steps or populations.dealers.count", None),
    ],
)
def test_a_key_that_leads_nowhere_says_where_it_ends(key: str, what: str, nearest: str | None) -> None:
    values = copy.deepcopy(VALUES)
    with pytest.raises(KeyProblem) as caught:
        apply(values, key, 7)
    assert str(caught.value) == what
    assert caught.value.remedy()[2] == nearest
    assert values == VALUES


@settings(deadline=None, derandomize=True)
@given(
    st.lists(
        st.text(
            st.characters(codec="utf-8", exclude_characters='"\\\n\r', exclude_categories=["Cc"]), min_size=1
        ),
        min_size=1,
    )
)
def test_quoted_parts_come_back_as_they_were(parts: list[str]) -> None:
    assert split(".".join(f'"{part}"' for part in parts)) == parts
