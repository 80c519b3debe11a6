"""The quote of a book: its row in the View."""

from __future__ import annotations

import math

import numpy as np

from sim.base.jit import inlined, kernel
from sim.kernels.books.ladder import occupied_above, occupied_below
from sim.records import NO_TICK


@kernel
def observe(header, ladder, bitmap, permanent_impact, quotes, index):
    """Write best prices, mid, depth, and what traded since the step began into one row of `quotes`.

    Parameters
    ----------
    permanent_impact : float
        Share of the mid by which a unit of net flow moves it for good; NaN takes what rests.
    """
    head = header[0]
    row = quotes[index]
    has_bid = head["bid"] >= 0
    has_ask = head["ask"] < head["width"]
    row["bid_tick"] = head["bid"] if has_bid else NO_TICK
    row["ask_tick"] = head["ask"] if has_ask else NO_TICK
    row["bid"] = head["bid"] * head["tick"] if has_bid else np.nan
    row["ask"] = head["ask"] * head["tick"] if has_ask else np.nan
    row["mid_half_ticks"] = head["mid"]
    row["mid"] = 0.5 * head["mid"] * head["tick"]
    row["last"] = head["last"] * head["tick"]
    row["tick"] = head["tick"]
    row["lot"] = head["lot"]
    row["pool_fee"] = 0.0
    row["taker_fee"] = head["taker_fee"]
    row["maker_fee"] = head["maker_fee"]
    row["net_flow"] = head["flow"]
    row["flow"] = head["flow"] - head["step_flow"]
    row["volume"] = head["volume"] - head["step_volume"]
    row["instrument"] = head["instrument"]
    row["asset"] = head["asset"]
    row["is_halted"] = head["clock"] < head["halted_until"]
    write_depth(head, ladder, bitmap, row)
    row["permanent_depth"] = permanent_depth(row, permanent_impact)


@inlined
def write_depth(head, ladder, bitmap, row):
    """Add up what rests within `depth_reach` of the mid, occupied levels only."""
    mid = 0.5 * head["mid"]
    row["depth_span"] = head["depth_reach"] * mid * head["tick"]
    low = np.int64(math.ceil(mid - head["depth_reach"] * mid))
    high = np.int64(math.floor(mid + head["depth_reach"] * mid))
    bids = np.int64(0)
    asks = np.int64(0)
    tick = head["bid"]
    while tick >= max(low, 0):
        bids += ladder[tick]["volume"]
        tick = occupied_below(bitmap, head["width"], tick - 1)
    tick = head["ask"]
    while tick <= min(high, head["width"] - 1):
        asks += ladder[tick]["volume"]
        tick = occupied_above(bitmap, head["width"], tick + 1)
    row["depth_bid"] = bids * head["lot"]
    row["depth_ask"] = asks * head["lot"]


@inlined
def permanent_depth(row, impact):
    """Units of net flow that move the mid by one for good, or where nobody says, what rests per price."""
    if impact >= 0.0:
        return 1.0 / (impact * row["mid"])
    span = row["depth_span"]
    return 0.5 * (row["depth_bid"] + row["depth_ask"]) / span if span > 0.0 else 0.0
