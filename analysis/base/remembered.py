"""Remembered: what several metrics and figures of one recording share is computed for the first of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import NamedTuple, TypeVar
from weakref import WeakKeyDictionary

from analysis.base.metric import Undefined
from sim.recording.recording import Recording

Result = TypeVar("Result")


class _Reason(NamedTuple):
    """Why there is no result; an exception kept instead would keep the recording through its traceback."""

    kind: type[Undefined]
    text: str


def remembered(function: Callable[..., Result]) -> Callable[..., Result]:
    """Let a function of a recording and names keep its results, and its reasons to have none.

    They are forgotten with the recording.
    """
    results: WeakKeyDictionary[Recording, dict[tuple[object, ...], Result | _Reason]] = WeakKeyDictionary()

    @wraps(function)
    def remembering(recording: Recording, *names: object) -> Result:
        found = results.setdefault(recording, {})
        if names not in found:
            try:
                found[names] = function(recording, *names)
            except Undefined as undefined:
                found[names] = _Reason(type(undefined), str(undefined))
        result = found[names]
        if isinstance(result, _Reason):
            raise result.kind(result.text)
        return result

    return remembering
