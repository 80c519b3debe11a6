"""Order-book streams whose every trade, status and depth an independent matching engine confirms.

The vectors (`vectors/lob_stream_tif.json`) are four streams of 600 limit, market and cancel
orders with GTC, IOC, FOK and post-only, produced by a brute-force reference and re-run
through nodejs-order-book 10.1.1. Each order gets its own account, so a fill's maker names
the order it traded with.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from book_market import Market

from sim import records as r

TIFS = {"GTC": r.GTC, "IOC": r.IOC, "FOK": r.FOK}
REFUSED = {"rejected_post_only": "would_cross", "killed_fok": "not_fillable"}


def sent(event: dict[str, Any]) -> dict[str, Any]:
    """Fields of the ORDER row for an event."""
    number = event["id"]
    if event["op"] == "cancel":
        return {"kind": r.CANCEL, "account": number, "target": number}
    fields = {
        "qty": event["size"] if event["side"] == "B" else -event["size"],
        "account": number,
    }
    if event["op"] == "market":
        return fields | {"kind": r.MARKET}
    return fields | {
        "kind": r.LIMIT,
        "price": event["price"],
        "target": number,
        "tif": TIFS[event["tif"]],
        "flags": r.POST_ONLY if event["post_only"] else 0,
    }


def status(m: Market, event: dict[str, Any], trades: int, refusals: int) -> dict[str, Any]:
    """What the vectors expect of an event, as the book tells it."""
    fills = m.fills[trades:]
    traded = int(abs(fills["qty"]).sum())
    rows = m.book.resting
    resting = int(abs(rows["qty"][rows["account"] == event["id"]]).sum())
    refused = m.refusals[refusals:]
    found: dict[str, Any] = {
        "trades": [[int(f["maker"]), int(f["price"]), abs(int(f["qty"]))] for f in fills],
        "stp_expired": [],
        "resting": resting,
    }
    if traded == event["size"]:
        return found | {"status": "filled"}
    if resting:
        return found | {"status": "resting"}
    if refused in (["would_cross"], ["not_fillable"]):
        return found | {"status": {v: k for k, v in REFUSED.items()}[refused[0]]}
    return found | {"status": "residual_cancelled", "unfilled": event["size"] - traded}


def depth(m: Market) -> dict[str, list[list[int]]]:
    return {"asks": m.levels(-1), "bids": m.levels(1)}


@pytest.mark.parametrize("stream", range(4))
def test_every_event_of_a_stream_ends_as_the_reference_says(shared: Path, stream: int) -> None:
    case = json.loads((shared / "vectors" / "lob_stream_tif.json").read_text())["streams"][stream]
    m = Market(accounts=700, tags=700, price=1000.0)
    shown = 0
    for event in case["events"]:
        trades, refusals = len(m.fills), len(m.rejects)
        m.send(**sent(event))
        if "expect" in event:
            assert status(m, event, trades, refusals) == event["expect"], event
        else:
            assert len(m.fills) == trades
            assert not (m.book.resting["account"] == event["id"]).any()
        if "depth" in event:
            assert depth(m) == event["depth"]
            shown += 1
    assert shown > 10
    assert depth(m) == case["final_depth"]
    assert np.unique(m.fills["seq"]).size == len(m.fills)
