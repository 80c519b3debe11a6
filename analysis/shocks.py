"""Shocks: what the first exogenous market order did directly, and what followed it.

Moves are of the mid, in the direction of the shock (a fall after a sale counts above
zero), over the mid before the shock. The direct move is read just before the first hedge
phase after the shock; whatever lies beyond it is the market's own doing.
"""

from __future__ import annotations

import numpy as np

from analysis.columns import prices
from analysis.metric import Undefined, metric
from analysis.trades import first_shock
from sim.recording import Recording


@metric(
    unit="1",
    per="assets",
    source="move of the mid in the shock's direction, from the step before it to just before the first "
    "hedge phase after it, over the mid before",
)
def shock_direct_move(recording: Recording, asset: str) -> float:
    """What the shock did before anybody hedged."""
    before, direct, _, _ = _shock_path(recording, asset)
    return direct / before


@metric(
    unit="1",
    per="assets",
    source="largest move of the mid in the shock's direction at any time after it, over the mid before",
)
def shock_largest_move(recording: Recording, asset: str) -> float:
    """How far the price went after the shock, at worst."""
    before, direct, moves, _ = _shock_path(recording, asset)
    return max(direct, float(moves.max())) / before


@metric(
    unit="1",
    per="assets",
    source="shock_largest_move - shock_direct_move: what hedging, liquidations and withdrawn quotes added",
)
def shock_overshoot(recording: Recording, asset: str) -> float:
    """How much further the price went than the shock itself took it."""
    before, direct, moves, _ = _shock_path(recording, asset)
    return max(0.0, float(moves.max()) - direct) / before


@metric(
    unit="1",
    per="assets",
    source="move of the mid in the shock's direction from before it to the end of the run, over the mid "
    "before",
)
def shock_lasting_move(recording: Recording, asset: str) -> float:
    """What was left of the move at the end."""
    before, _, moves, _ = _shock_path(recording, asset)
    return float(moves[-1]) / before


@metric(
    unit="s",
    per="assets",
    source="time from the extreme after the shock until half of the way from the mid before is regained",
)
def shock_half_recovery(recording: Recording, asset: str) -> float:
    """How long the market took to regain half of what the shock cost."""
    _, _, moves, clock = _shock_path(recording, asset)
    extreme = int(moves.argmax())
    if moves[extreme] <= 0:
        raise Undefined("the price never moved in the shock's direction")
    regained = np.flatnonzero(moves[extreme:] <= moves[extreme] / 2)
    if regained.size == 0:
        raise Undefined("half of the move was not regained before the end of the run")
    return float(clock[extreme + regained[0]] - clock[extreme])


def _shock_path(recording: Recording, asset: str) -> tuple[float, float, np.ndarray, np.ndarray]:
    """Mid before the shock, its direct move, the moves after it in its direction, and their times."""
    shock = first_shock(recording, asset)
    if shock is None:
        raise Undefined("the scenario has no market_order shock in this asset")
    mid, clock = prices(recording, f"{asset}.mid"), recording.column("series", "time_s")
    first = int(np.searchsorted(clock, shock["at"], "right"))
    if first == mid.size:
        raise Undefined("the run ended before the shock")
    before = float(mid[first - 1]) if first else _spot(recording, asset)
    sign = np.sign(shock["qty"])
    starts = clock - recording.market["step_seconds"]
    hedged = min(int(np.searchsorted(starts, shock["at"] - 1e-9)), mid.size - 1)
    direct = sign * (prices(recording, f"{asset}.mid_at_hedge")[hedged] - before)
    return before, float(direct), sign * (mid[first:] - before), clock[first:]


def _spot(recording: Recording, asset: str) -> float:
    """Price of an asset before the first step."""
    return next(float(entry["spot"]) for entry in recording.market["assets"] if entry["name"] == asset)
