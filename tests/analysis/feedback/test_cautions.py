"""Cautions: arms that were not shocked alike, and markets that failed."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.feedback.amplification import compare
from analysis.feedback.cautions import cautions

ALIKE = {"base": np.ones(8), "muted": np.ones(8)}


@pytest.mark.parametrize("name", ["BTC.shock_executed", "market_failed"])
def test_of_arms_that_were_shocked_alike_and_did_not_fail_nothing_is_said(name: str) -> None:
    values = ALIKE if "shock" in name else {arm: 0.0 * each for arm, each in ALIKE.items()}
    assert cautions({name: compare(values)}) == []
    assert cautions({}) == []


def test_arms_that_were_not_shocked_alike_are_told_apart() -> None:
    found = cautions({"ETH.shock_executed": compare({"base": np.full(8, 0.46), "muted": np.ones(8)})})
    assert found == [
        "ETH: the arms were not shocked alike: of the shock was executed 46.0% in base, 100.0% in muted"
    ]


def test_failed_markets_are_counted_by_arm() -> None:
    base = np.array([1.0, 0, 0, 1, 0, 0, 0, 1])
    found = cautions({"market_failed": compare({"base": base, "muted": 0 * base})})
    assert found == ["the market failed in 3 of 8 runs of base: the moves in them are lower bounds"]
