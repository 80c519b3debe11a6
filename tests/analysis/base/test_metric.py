"""A metric has a unit, a source, and a value or a reason."""

from __future__ import annotations

import json
import math
from types import ModuleType

from synthetic import (
    a_crash,
    a_recording,
)

from analysis.base.metric import Metric, Undefined, measure, metric, metrics_of
from analysis.measures import metrics
from sim.recording.recording import Recording


def test_every_metric_says_its_unit_and_source_and_fits_in_json() -> None:
    """Of a crash, and of a recording of nothing at all; the same names in both."""
    crash, nothing = metrics(a_crash(steps=900)), metrics(a_recording())
    assert list(crash) == list(nothing)
    json.dumps([crash, nothing], allow_nan=False)
    for name, entry in (crash | nothing).items():
        assert entry["unit"], name
        assert entry["source"], name
        assert (entry["value"] is None) == bool(entry.get("reason")), name


def test_adding_a_metric_is_decorating_a_function() -> None:
    """It is found in the module it stands in; what is not finite is undefined."""

    @metric(unit="1", source="the steps of the run")
    def length(recording: Recording) -> int:
        return int(recording.market["steps"])

    @metric(unit="1", source="one over nothing", over="phases")
    def ratio(recording: Recording) -> list[float]:
        return [math.nan] * len(recording.names("phases"))

    @metric(unit="1", source="not defined here")
    def missing(recording: Recording) -> float:
        raise Undefined("there is none")

    module = ModuleType(__name__)
    vars(module).update(length=length, ratio=ratio, missing=missing, other=3)
    assert all(isinstance(each, Metric) for each in metrics_of(module))
    found = measure(a_recording(), metrics_of(module))
    assert found["length"] == {"value": 4, "unit": "1", "source": "the steps of the run"}
    assert found["ratio.hedge"]["reason"] == "the result is not a finite number"
    assert found["missing"]["reason"] == "there is none"
    assert length(a_recording()) == 4
