"""Warnings: what a scenario may say and what will have no effect."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.base import trades
from scenarios.file.entries import MarketOrder, Shock
from scenarios.file.errors import Problem
from scenarios.file.schema import Scenario
from scenarios.file.toml import Path


def warnings(scenario: Scenario) -> list[Problem]:
    """Shocks, or parts of them, that come when the run is over; each at its place in the file."""
    found = list(_late(scenario))
    document = scenario.located() if found else None
    return [document.problem(path, what) for path, what in found] if document else []


def _late(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    time = scenario.time
    end = time.steps * time.step_seconds
    for n, shock in enumerate(scenario.shocks):
        if _last(shock, time.step_seconds) >= end:
            is_begun = shock.at < end and isinstance(shock, MarketOrder)
            what = "only a part of it comes" if is_begun else "it never comes"
            key = "over_seconds" if is_begun else "at"
            yield ("shocks", n, key), f"found {getattr(shock, key):g}; the run ends at {end:g} s, so {what}"


def _last(shock: Shock, step_seconds: float) -> float:
    """When the last of a shock happens, s; a jump of the value waits for a step to begin."""
    if isinstance(shock, MarketOrder):
        return trades.Shock(shock.at, shock.qty, shock.over_seconds).last
    return shock.at + step_seconds * (1 - 1e-9)
