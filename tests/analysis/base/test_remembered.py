"""What several metrics need is computed once a recording."""

from __future__ import annotations

import gc
import weakref

import pytest
from synthetic import a_recording

from analysis.base.metric import Undefined
from analysis.base.remembered import remembered
from sim.recording.recording import Recording


def test_what_is_shared_is_computed_once_also_if_undefined() -> None:
    """One call a recording and set of names; a reason is kept like a result; neither keeps the recording."""
    calls = []

    @remembered
    def counted(recording: Recording, asset: str) -> int:
        calls.append(asset)
        if asset == "none":
            raise Undefined("there is none")
        return len(calls)

    first, second = a_recording(), a_recording()
    assert [counted(first, "BTC"), counted(first, "BTC"), counted(second, "BTC")] == [1, 1, 2]
    for _ in range(2):
        with pytest.raises(Undefined, match="there is none"):
            counted(first, "none")
    assert calls == ["BTC", "BTC", "none"]
    gone = weakref.ref(first)
    del first
    gc.collect()
    assert gone() is None
