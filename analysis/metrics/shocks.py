"""Shocks: what the first exogenous market order did itself, and what followed it.

Moves are of the mid, in the direction of the shock (a fall after a sale counts above
zero), over the mid before the shock. Every change of the mid is recorded with who made
it, so the shock's own trades are known exactly, also where it is spread over time; whatever
lies beyond them is the market's own doing.
"""

from __future__ import annotations

import numpy as np

from analysis.base.metric import Told, Undefined, metric
from analysis.base.series import opening, prices
from analysis.base.trades import Shock, executed, first_shock, shocks, trades
from sim.recording.recording import Recording
from sim.records import HEDGE, SHOCK

HEADING, PLACE, PER = "Shock", 70, "assets"


@metric(
    unit="1",
    as_percent=True,
    source="sum of the changes of the mid that the shock's own orders made, in its direction, over the mid "
    "before",
)
def shock_direct_move(recording: Recording, asset: str) -> float:
    """What the shock's own orders did to the mid, the requotes of others left out."""
    shock, before, _, _ = _path(recording, asset)
    return _direct(recording, asset, shock) / before


@metric(
    unit="1",
    as_percent=True,
    source="units that exogenous market orders traded over the units asked for by the end; below 1 the "
    "market could not take them",
    headline=22,
    light=21,
)
def shock_executed(recording: Recording, asset: str) -> float:
    """How much of the shocks was executed: arms in which it differs were not shocked alike."""
    share = executed(recording, asset)
    if share is None:
        raise Undefined("no market_order shock in this asset came before the end")
    return share


@metric(
    unit="1",
    as_percent=True,
    source="largest move of the mid in the shock's direction after it, at the end of a step or just before "
    "its hedge phase, over the mid before",
    headline=3,
    light=8,
    credited=4,
    only_grows=True,
)
def shock_largest_move(recording: Recording, asset: str) -> float:
    """How far the price went after the shock, at worst."""
    _, before, moves, _ = _path(recording, asset)
    return float(moves.max()) / before


@metric(
    unit="1",
    as_percent=True,
    source="shock_largest_move - shock_direct_move: what all others added, makers who learn from the flow "
    "among them; no measure of hedging (compare a run without it); below zero where some was absorbed",
    headline=4,
    light=9,
    told=Told(3, "overshoot of the shock", "{:.2%}"),
)
def shock_overshoot(recording: Recording, asset: str) -> float:
    """How much further the price went than the shock itself took it."""
    shock, before, moves, _ = _path(recording, asset)
    return (float(moves.max()) - _direct(recording, asset, shock)) / before


@metric(
    unit="1",
    as_percent=True,
    source="move of the mid in the shock's direction from before it to the end of the run, over the mid "
    "before",
    light=10,
)
def shock_lasting_move(recording: Recording, asset: str) -> float:
    """What was left of the move at the end."""
    _, before, moves, _ = _path(recording, asset)
    return float(moves[-1, -1]) / before


@metric(
    unit="s",
    source="time from the extreme after the shock until half of the way from the mid before is regained",
    light=11,
)
def shock_half_recovery(recording: Recording, asset: str) -> float:
    """How long the market took to regain half of what the shock cost."""
    seconds, is_regained = _recovery(recording, asset)
    if not is_regained:
        raise Undefined("half of the move was not regained before the end of the run")
    return seconds


@metric(
    unit="s",
    source="time from the extreme after the shock until half of the way from the mid before is regained, or "
    "until the end of the run where it is not (restricted time)",
)
def shock_recovery_time(recording: Recording, asset: str) -> float:
    """How long the market took to regain half, counting a run that did not by the time it had."""
    return _recovery(recording, asset)[0]


@metric(unit="1", source="1 if half of the move after the shock is regained before the end, else 0")
def shock_is_recovered(recording: Recording, asset: str) -> float:
    """Whether half was regained; over seeds, how often."""
    return float(_recovery(recording, asset)[1])


@metric(
    unit="1",
    source="units that hedges sold, less those they bought, from the first shock until its largest move "
    "(of a shock that buys the other way round), over the units asked for; in arm muted, where hedges move "
    "nothing, the loop gain a of the sale",
    light=23,
)
def shock_hedged(recording: Recording, asset: str) -> float:
    """What hedgers did in answer to the shock, over the shock."""
    shock, _, moves, clock = _path(recording, asset)
    made, extreme = trades(recording, asset), float(clock[moves.max(axis=1).argmax()])
    answered = (made.reason == HEDGE) & (made.time >= shock.at) & (made.time <= extreme)
    return float(made.units[answered].sum()) / shock.qty


def _recovery(recording: Recording, asset: str) -> tuple[float, bool]:
    """Time from the extreme until half is regained, or until the end, and whether it is."""
    _, _, moves, clock = _path(recording, asset)
    worst = moves.max()
    if worst <= 0:
        raise Undefined("the price never moved in the shock's direction")
    extreme = int(moves.max(axis=1).argmax())
    regained = np.flatnonzero(moves[extreme:, 1] <= worst / 2)
    last = extreme + int(regained[0]) if regained.size else clock.size - 1
    return float(clock[last] - clock[extreme]), bool(regained.size)


def _path(recording: Recording, asset: str) -> tuple[Shock, float, np.ndarray, np.ndarray]:
    """The shock, the mid before it, the moves after it in its direction, and their times.

    Moves have a row a step and two columns: just before the hedge phase, where that comes
    after the shock, and at the end.
    """
    shock = first_shock(recording, asset)
    if shock is None:
        if shocks(recording, asset):
            raise Undefined("the run ended before the shock")
        raise Undefined("the scenario has no market_order shock in this asset")
    mid, clock = prices(recording, f"{asset}.mid"), recording.column("series", "time_s")
    first = int(np.searchsorted(clock, shock.at, "right"))
    before = float(mid[first - 1]) if first else opening(recording, asset)
    path = np.column_stack([prices(recording, f"{asset}.mid_at_hedge"), mid])
    path[clock - recording.market["step_seconds"] < shock.at - 1e-9, 0] = before
    return shock, before, np.sign(shock.qty) * (path[first:] - before), clock[first:]


def _direct(recording: Recording, asset: str, shock: Shock) -> float:
    """Price change that the shock's own orders made, in its direction."""
    time, reason, moved, change = (
        recording.column("moves", name) for name in ("time", "reason", "asset", "half_ticks")
    )
    if time.size == 0:
        raise Undefined("the recording holds no moves of the mid")
    code = list(recording.names("assets")).index(asset)
    later = [each.at for each in shocks(recording, asset) if each.at > shock.at]
    own = (moved == code) & (reason == SHOCK) & (time >= shock.at) & (time < min(later, default=np.inf))
    half_tick = recording.market["assets"][code]["half_tick"]
    return float(np.sign(shock.qty) * half_tick * change[own].sum())
