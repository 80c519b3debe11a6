"""An exposure that a population tells itself."""

from __future__ import annotations

from own_hedgers import EXPOSURES
from small_market import small_market, units


def test_an_exposure_may_come_as_any_numbers() -> None:
    """Lists and whole numbers first, floats after: each step's is hedged to the lot."""
    own = {
        "name": "exporters",
        "type": "own_hedgers.Exporters",
        "count": 2,
        "cash": 1e9,
        "latency_seconds": 0.0,
        "hedging": {"type": "time", "interval_seconds": 1.0, "synchrony": 1.0},
        "route": {"venues": ["linear"]},
    }
    model = small_market(own, venues=["linear"], steps=8)
    for step in range(8):
        model.step()
        held = units(model, "exporters", "BTC-perpetual")
        assert held.tolist() == [-float(each) for each in EXPOSURES[step % len(EXPOSURES)]]
