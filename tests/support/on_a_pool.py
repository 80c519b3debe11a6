"""Dealers who hedge at a pool deep enough for them."""

from __future__ import annotations

from small_market import LPS

DEEP = LPS | {"deposit": 20_000.0, "route": {"venues": ["pool"]}}
DEALERS = {
    "name": "dealers",
    "type": "dealers.OptionDealers",
    "count": 1,
    "cash": 1e9,
    "treasury": 0.5,
    "latency_seconds": 0.0,
    "exposure": {"type": "constant_gamma", "gamma": 0.2},
    "hedging": {"type": "time", "interval_seconds": 1.0, "synchrony": 1.0},
    "route": {"venues": ["pool"]},
}
