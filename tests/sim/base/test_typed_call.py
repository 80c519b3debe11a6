"""A prepared kernel is the kernel, chosen once by the types of its arguments."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

from sim.base.jit import kernel
from sim.base.typed_call import CHECK, TypedCall


@kernel
def scaled(numbers, factor, out):
    for i in range(numbers.size):
        out[i] = factor * numbers[i]
    return numbers.size


class Columns(NamedTuple):
    numbers: Any
    out: Any


class Others(NamedTuple):
    numbers: Any
    out: Any


class Nested(NamedTuple):
    columns: Any
    factor: Any


@kernel
def scaled_together(nested):
    for i in range(nested.columns.numbers.size):
        nested.columns.out[i] = nested.factor * nested.columns.numbers[i]
    return nested.columns.numbers.size


def scale(call, numbers, factor):
    out = np.zeros(numbers.size)
    assert call(numbers, factor, out) == numbers.size
    return out.tolist()


@pytest.fixture(params=["checked", "unchecked"])
def checking(request, monkeypatch):
    if request.param == "checked":
        monkeypatch.setenv(CHECK, "1")
    else:
        monkeypatch.delenv(CHECK, raising=False)


def test_later_calls_give_what_the_kernel_gives(checking):
    prepared = TypedCall(scaled)
    for start in range(4):
        numbers = np.arange(start, 5.0)
        assert scale(prepared.call, numbers, 0.5) == scale(scaled, numbers, 0.5)


def test_each_takes_the_code_for_the_types_of_its_first_call(checking):
    whole, halves = TypedCall(scaled), TypedCall(scaled)
    for _ in range(3):
        assert scale(whole.call, np.array([3, 5]), 2.0) == [6.0, 10.0]
        assert scale(halves.call, np.array([1.5, 2.5]), 2.0) == [3.0, 5.0]


def test_an_argument_that_numba_converts_is_converted_at_every_call(checking):
    for factor, expected in ((2.0, [6.0]), (2, [6.0]), (np.float64(0.5), [1.5])):
        prepared = TypedCall(scaled)
        for _ in range(2):
            assert scale(prepared.call, np.array([3.0]), factor) == expected


@pytest.mark.parametrize(
    "numbers", [np.array([1, 2]), np.array([1.0, 2.0], np.float32), np.arange(4.0)[::2], np.eye(2)]
)
def test_the_tests_see_an_argument_of_another_type(numbers, monkeypatch):
    monkeypatch.setenv(CHECK, "1")
    prepared = TypedCall(scaled)
    scale(prepared.call, np.array([1.0]), 2.0)
    with pytest.raises(TypeError, match="argument 0 was"):
        prepared.call(numbers, 2.0, np.zeros(4))


def test_a_number_of_another_type_is_seen_too(monkeypatch):
    monkeypatch.setenv(CHECK, "1")
    prepared = TypedCall(scaled)
    scale(prepared.call, np.array([1.0]), 2)
    with pytest.raises(TypeError, match="argument 1 was"):
        prepared.call(np.array([1.0]), 2.5, np.zeros(1))


def nested(numbers, factor=2.0, kind=Columns):
    return Nested(kind(numbers, np.zeros(4)), factor)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (nested(np.array([1, 2])), "argument 0.columns.numbers was"),
        (nested(np.arange(4.0)[::2]), "argument 0.columns.numbers was"),
        (nested(np.array([1.0]), 2), "argument 0.factor was"),
        (nested(np.array([1.0]), kind=Others), "argument 0.columns was"),
        (nested(np.array([1.0])).columns, "argument 0 was"),
    ],
)
def test_the_tests_look_into_a_named_tuple(given, field, monkeypatch):
    monkeypatch.setenv(CHECK, "1")
    prepared = TypedCall(scaled_together)
    first = nested(np.array([3.0, 5.0]))
    assert prepared.call(first) == prepared.call(first) == 2
    assert first.columns.out.tolist() == [6.0, 10.0, 0.0, 0.0]
    with pytest.raises(TypeError, match=field):
        prepared.call(given)


def test_a_named_tuple_built_anew_runs_the_same_code(checking):
    prepared = TypedCall(scaled_together)
    for start in range(4):
        again = nested(np.arange(start, 4.0), float(start))
        assert prepared.call(again) == 4 - start
        assert again.columns.out[: 4 - start].tolist() == [start * i for i in range(start, 4)]


def test_only_the_first_call_goes_through_numba(monkeypatch):
    monkeypatch.delenv(CHECK, raising=False)
    prepared = TypedCall(scaled)
    scale(prepared.call, np.array([1.0]), 2.0)
    assert prepared.call in {each.entry_point for each in scaled.overloads.values()}


def test_a_plain_function_stays_what_it_is():
    assert TypedCall(len).call is len
