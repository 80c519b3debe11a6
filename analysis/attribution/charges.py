"""Charges: every change of an asset's reference mid, put down to somebody, step by step.

Let r(t) be the change of the mid in step t, in half ticks, and r_i(t) the part of it put
down to i (a population and why it acted, or a phase of the step). Whatever the rule, the
parts are the whole in every step:

    sum_i r_i(t) = r(t).

There are two rules. *Last touch* charges a change to whoever's order made it; parts are
integers and add up exactly. *Through makers* charges what makers did in answer to a flow
to that flow, so a price that makers mark down because hedgers sold is the hedgers' doing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analysis.base.metric import Undefined
from analysis.base.remembered import remembered
from analysis.base.series import prices, series
from sim.recording.recording import Recording
from sim.records import FORCED, HEDGE, REASONS

LAST_TOUCH = "last touch"
THROUGH_MAKERS = "through makers"

MEANINGS = {
    LAST_TOUCH: "Each change of the mid is charged to whoever's order, trade or cancellation made it, "
    "so makers who move their quotes after a sale are charged for the quotes they moved.",
    THROUGH_MAKERS: "What makers change in answer to a flow of orders is charged to that flow, hedging and "
    "forced trades above all, so makers keep only what they do of their own accord.",
}
"""What each of the two versions means, in a sentence."""

HEDGING, FORCING, OTHER = "hedging", "forced", "other"
WHYS = (HEDGING, FORCING, OTHER)
"""Why a change was made: to hedge, by a liquidation, or for any other reason."""

NOBODY = "no population"
"""Who is charged with a change that no population made."""

_why_of = np.full(len(REASONS), WHYS.index(OTHER))
_why_of[[HEDGE, FORCED]] = WHYS.index(HEDGING), WHYS.index(FORCING)


class Part(NamedTuple):
    """Who is charged and why; `why` is empty where changes are charged to phases."""

    who: str
    why: str = ""


class Charges(NamedTuple):
    """What is charged to every part in every step.

    Attributes
    ----------
    parts : tuple of Part
        Those charged with anything, in the order of the populations (or phases).
    half_ticks : ndarray of int64 or float64, shape (parts, steps)
        Change of the mid; integers where the rule is last touch.
    opening : float
        Mid before the first step, in half ticks.
    half_tick : float
        Quote currency a unit.
    """

    parts: tuple[Part, ...]
    half_ticks: np.ndarray
    opening: float
    half_tick: float

    @property
    def total(self) -> np.ndarray:
        """Change of the mid in every step, in half ticks, shape (steps,)."""
        total: np.ndarray = self.half_ticks.sum(axis=0)
        return total

    @property
    def paths(self) -> np.ndarray:
        """What every part has added so far, in half ticks, shape (parts, steps + 1); zero at first."""
        return np.pad(np.cumsum(self.half_ticks, axis=1), ((0, 0), (1, 0)))

    def percent(self, half_ticks: np.ndarray) -> np.ndarray:
        """Half ticks as a percentage of the opening price."""
        share: np.ndarray = 100.0 * half_ticks / self.opening
        return share

    def by_who(self) -> Charges:
        """The same charges, whatever the reason."""
        names = list(dict.fromkeys(part.who for part in self.parts))
        rows = np.zeros((len(names), self.half_ticks.shape[1]), self.half_ticks.dtype)
        np.add.at(rows, [names.index(part.who) for part in self.parts], self.half_ticks)
        return self._replace(parts=tuple(Part(name) for name in names), half_ticks=rows)


@remembered
def charges(recording: Recording, asset: str, version: str = LAST_TOUCH) -> Charges:
    """The charges of one version to populations and reasons; computed once.

    Raises
    ------
    Undefined
        If the asset's mid never moved, or the recording does not hold that version.
    KeyError
        If there is no such version.
    """
    return {LAST_TOUCH: last_touch, THROUGH_MAKERS: through_makers}[version](recording, asset)


def versions(recording: Recording, asset: str) -> dict[str, Charges]:
    """The charges of every version that the recording holds.

    Raises
    ------
    Undefined
        If it holds none.
    """
    found = {LAST_TOUCH: charges(recording, asset)}
    try:
        found[THROUGH_MAKERS] = charges(recording, asset, THROUGH_MAKERS)
    except Undefined:
        return found
    return found


def last_touch(recording: Recording, asset: str) -> Charges:
    """Changes of the mid charged to whoever's order made them.

    Raises
    ------
    Undefined
        If the asset's mid never moved.
    """
    return _by_population(recording, asset, "moves", np.int64)


def through_makers(recording: Recording, asset: str) -> Charges:
    """Changes of the mid with the makers' answers charged to the flow that they answer.

    Raises
    ------
    Undefined
        If the recording does not trace what makers answer, or not all of the moves.
    """
    try:
        count = recording.table("charges").num_rows
    except KeyError:
        count = 0
    moved = last_touch(recording, asset)
    if count == 0:
        raise Undefined("the recording does not say what flow the makers answered")
    found = _by_population(recording, asset, "charges", np.float64)
    if not np.allclose(found.total, moved.total, atol=1e-6):
        raise Undefined("the charges do not add up to the moves of the mid")
    return found


def by_phase(recording: Recording, asset: str) -> Charges:
    """Changes of the mid charged to the phase of the step in which they were made.

    Raises
    ------
    Undefined
        If the asset's mid never moved.
    """
    names = recording.names("phases")
    return _summed(recording, asset, "moves", "phase", [Part(name) for name in names], np.int64)


def _by_population(recording: Recording, asset: str, table: str, dtype: type) -> Charges:
    names = [*recording.names("populations"), NOBODY]
    parts = [Part(name, why) for name in names for why in WHYS]
    return _summed(recording, asset, table, "population", parts, dtype)


def _summed(recording: Recording, asset: str, table: str, by: str, parts: list[Part], dtype: type) -> Charges:
    """The half ticks of a table summed over its rows of each part and step."""
    own = recording.column(table, "asset") == list(recording.names("assets")).index(asset)
    if not own.any():
        raise Undefined(f"the mid of {asset} never moved")
    code = recording.column(table, by)[own]
    if by == "population":
        who = np.where(code < 0, len(recording.names("populations")), code)
        code = who * len(WHYS) + _why_of[recording.column(table, "reason")[own]]
    step = recording.column(table, "step")[own] - recording.column("series", "step").min(initial=0)
    used, row = np.unique(code, return_inverse=True)
    steps = max(recording.table("series").num_rows, int(step.max()) + 1)
    half_ticks = np.zeros((used.size, steps), dtype)
    np.add.at(half_ticks, (row, step), recording.column(table, "half_ticks")[own])
    opening, half_tick = _opening(recording, asset)
    return Charges(tuple(parts[each] for each in used), half_ticks, opening, half_tick)


def _opening(recording: Recording, asset: str) -> tuple[float, float]:
    """Price of an asset before the first step, in half ticks, and what a half tick is worth."""
    entry = next(each for each in recording.market["assets"] if each["name"] == asset)
    half_tick = float(entry["half_tick"])
    if half_tick == 0:
        raise Undefined(f"{asset} is listed nowhere, so it has no reference mid")
    return float(entry["spot"]) / half_tick, half_tick


class Span(NamedTuple):
    """The steps between a high and a low of the mid: their charges are [first, last)."""

    first: int
    last: int


def largest_fall(recording: Recording, asset: str) -> Span:
    """From the high to the low of the largest drawdown of the mid at the end of steps.

    Raises
    ------
    Undefined
        If the mid never fell.
    """
    path = prices(recording, f"{asset}.mid")
    return _span(path, path / np.maximum.accumulate(path), f"the mid of {asset} never fell")


def largest_rise(recording: Recording, asset: str) -> Span:
    """From the low to the high of the largest run-up of the mid at the end of steps.

    Raises
    ------
    Undefined
        If the mid never rose.
    """
    path = prices(recording, f"{asset}.mid")
    return _span(-path, np.minimum.accumulate(path) / path, f"the mid of {asset} never rose")


def _span(path: np.ndarray, ratio: np.ndarray, reason: str) -> Span:
    """The steps after the last top of a path, to where its ratio to that top is least."""
    last = int(ratio.argmin())
    if ratio[last] >= 1:
        raise Undefined(reason)
    return Span(last - int(path[last::-1].argmax()) + 1, last + 1)


def minute(recording: Recording, asset: str, seconds: float = 60.0) -> int:
    """How many steps a minute has (or another number of seconds).

    Raises
    ------
    Undefined
        If a step is too long, or the run not longer than that.
    """
    step = float(recording.market["step_seconds"])
    steps = max(1, round(seconds / step))
    if steps * step > 1.5 * seconds:
        raise Undefined(f"a step of {step:g} s is too long for a horizon of {seconds:g} s")
    if series(recording, f"{asset}.mid").size <= steps:
        raise Undefined(f"the run is not longer than {seconds:g} s")
    return steps
