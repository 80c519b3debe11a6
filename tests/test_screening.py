"""Looking only at those who can have crossed a line gives what looking at everybody gives."""

from __future__ import annotations

import numpy as np
import pytest

import agents.hedging
from scenarios import load
from sim.margin import Margin


def outcome(name: str) -> dict[str, np.ndarray]:
    scenario = load(name)
    scenario["time.steps"] = 240
    scenario["shocks.0.at"] = 60.0
    recording = scenario.market().run()
    fills = {name: recording.column("fills", name) for name in ("seq", "price", "qty", "taker", "maker")}
    series = {name: recording.column("series", name) for name in recording.table("series").column_names}
    return {**fills, **series, "seized": recording.column("liquidations", "account")}


def everybody(*arguments: np.ndarray) -> tuple[int, int, int]:
    """In place of `screening.unsettled`: list every row that hedges."""
    is_active, found = arguments[-4], arguments[-1]
    rows = np.flatnonzero(is_active)
    found[: rows.size] = rows
    return rows.size, 0, 0


@pytest.mark.parametrize("name", ["short_gamma_crash", "gamma_squeeze"])
def test_screened_and_unscreened_runs_are_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    screened = outcome(name)
    monkeypatch.setattr(Margin, "watch", Margin.run)
    monkeypatch.setattr(agents.hedging, "unsettled", everybody)
    unscreened = outcome(name)
    assert len(screened["seq"]) > 1000
    for column, values in screened.items():
        np.testing.assert_array_equal(values, unscreened[column], err_msg=column)
