"""The codes of messages: every code has one name, and what packs codes has room for all of them."""

from __future__ import annotations

import numpy as np
import pytest

from sim import records
from sim.kernels.messages import fields

IN_WORDS = {"QUOTE": "QUOTING", "TRADE": "TRADING", "HEDGE": "HEDGING", "LIQUIDATE": "LIQUIDATING"}
IN_WORDS |= {"SETTLE": "SETTLING", "OPEN": "OPEN"}


@pytest.mark.parametrize("names", ["KINDS", "REASONS", "REFUSALS", "INSTRUMENTS", "PHASES", "MOVERS"])
def test_every_code_is_the_place_of_its_name(names: str) -> None:
    for code, name in enumerate(getattr(records, names)):
        constant = name.upper()
        if names == "PHASES":
            constant = IN_WORDS[constant]
        if names == "MOVERS":
            constant = f"BY_{constant}"
        assert not name or getattr(records, constant) == code


@pytest.mark.parametrize(
    ("row", "field", "names"),
    [
        (records.ORDER, "kind", records.KINDS),
        (records.ORDER, "reason", records.REASONS),
        (records.ORDER, "phase", records.PHASES),
        (records.REJECT, "refusal", records.REFUSALS),
        (records.MOVE, "mover", records.MOVERS),
    ],
)
def test_a_row_has_room_for_every_code(row: np.dtype, field: str, names: tuple[str, ...]) -> None:
    assert len(names) <= np.iinfo(row[field]).max


def test_every_kind_of_order_has_a_place_in_what_venues_understand() -> None:
    assert len(records.KINDS) == fields.KIND_COUNT
