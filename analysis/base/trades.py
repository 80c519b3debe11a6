"""Trades: the fills that met the market, by asset, in units; and liquidations likewise.

Fills that only book a position (openings, issues, expiry, takeovers) and those that add
or remove liquidity are not trades: nobody in the market had to absorb them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from sim.recording.recording import Recording
from sim.records import FORCED, HEDGE, SHOCK, TRADE
from sim.setup.listing import SHOCKS

TRADED = (TRADE, HEDGE, FORCED, SHOCK)

NOBODY = -2
"""No code of a population."""

SINK = "sink.Sink"
"""Type of the venues at which the hedges of muted arms are filled."""

WHOLE = 1e-3
"""How close to the whole of an order counts as all of it: parts of it are whole lots."""


class Trades(NamedTuple):
    """Columns over the trades in one asset, in the order they happened.

    Attributes
    ----------
    step, time : ndarray
        Step number, and seconds since the start.
    units : ndarray of float64
        Units of the asset, above zero where the taker buys.
    price : ndarray of float64
        Quote currency a unit.
    taker, maker, phase, reason, venue : ndarray of int
        Codes of the populations (-1 for outsiders), the phase, the taker's reason, and the venue.
    """

    step: np.ndarray
    time: np.ndarray
    units: np.ndarray
    price: np.ndarray
    taker: np.ndarray
    maker: np.ndarray
    phase: np.ndarray
    reason: np.ndarray
    venue: np.ndarray


class Liquidations(NamedTuple):
    """Columns over the liquidations in one asset.

    Attributes
    ----------
    time : ndarray of float64
        Seconds since the start; the end of the step if the recording does not say.
    notional, bad_debt : ndarray of float64
        Quote currency, not below zero.
    population : ndarray of int
        Code of the owner's population.
    """

    time: np.ndarray
    notional: np.ndarray
    bad_debt: np.ndarray
    population: np.ndarray


_trades: WeakKeyDictionary[Recording, dict[str, Trades]] = WeakKeyDictionary()


def trades(recording: Recording, asset: str) -> Trades:
    """The trades of a recording in one asset; computed once."""
    known = _trades.setdefault(recording, {})
    if asset not in known:
        known[asset] = _selected(recording, asset)
    return known[asset]


def _selected(recording: Recording, asset: str) -> Trades:
    venues = recording.market["venues"]
    lots = np.array([venue["lot"] if venue["asset"] == asset else np.nan for venue in venues] + [np.nan])
    venue = recording.column("fills", "venue")
    lot = lots[venue]
    reason = recording.column("fills", "reason")
    kept = np.isin(reason, TRADED) & ~np.isnan(lot)
    names = ("step", "time", "qty", "price", "taker_population", "maker_population", "phase")
    step, time, qty, price, taker, maker, phase = (recording.column("fills", name)[kept] for name in names)
    return Trades(step, time, qty * lot[kept], price, taker, maker, phase, reason[kept], venue[kept])


def met_the_market(recording: Recording, asset: str) -> float:
    """Units traded in an asset at venues that set its price: without what was filled outside, in a sink."""
    return float(step_units(recording, asset).sum())


def step_units(recording: Recording, asset: str) -> np.ndarray:
    """The same by step, shape (steps,)."""
    own, steps = trades(recording, asset), recording.column("series", "step")
    is_sink = np.array([venue.get("type") == SINK for venue in recording.market["venues"]], bool)
    kept = ~is_sink[own.venue]
    if not steps.size:
        return np.zeros(0)
    units: np.ndarray = np.bincount(own.step[kept] - steps[0], np.abs(own.units[kept]), steps.size)
    return units


def liquidations(recording: Recording, asset: str) -> Liquidations:
    """The liquidations of a recording in the instruments of one asset."""
    owned = [name.split("-", 1)[0] == asset for name in recording.names("instruments")]
    kept = np.array([*owned, False])[recording.column("liquidations", "instrument")]
    names = ("step", "notional", "bad_debt", "population")
    step, notional, debt, population = (recording.column("liquidations", name)[kept] for name in names)
    is_timed = "time" in recording.table("liquidations").column_names
    time = recording.column("liquidations", "time")[kept] if is_timed else step_end(recording, step)
    return Liquidations(time, np.abs(notional), debt, population)


def step_end(recording: Recording, step: np.ndarray) -> np.ndarray:
    """Seconds since the start at the end of the given steps."""
    first, clock = recording.column("series", "step"), recording.column("series", "time_s")
    if clock.size == 0:
        return np.zeros(step.size)
    ends: np.ndarray = clock[np.clip(step - first[0], 0, clock.size - 1)]
    return ends


class Shock(NamedTuple):
    """An exogenous market order: when (s), how many units (below zero sells), over how long (s)."""

    at: float
    qty: float
    over_seconds: float

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Shock:
        """The market order that an entry of the scenario's shocks says."""
        return cls(float(entry["at"]), float(entry["qty"]), float(entry.get("over_seconds", 0.0)))

    def asked_by(self, time: float) -> float:
        """Units of the parts that are sent before a time."""
        parts = max(1, round(self.over_seconds))
        return self.qty * min(max(math.ceil(time - self.at - 1e-9), 0), parts) / parts

    @property
    def last(self) -> float:
        """When the last part of it is sent, s; parts are a second apart."""
        return self.at + max(0, round(self.over_seconds) - 1)


def shocks(recording: Recording, asset: str) -> list[Shock]:
    """The exogenous market orders that the scenario has for an asset, whether they came or not."""
    return sorted(
        Shock.of(shock)
        for shock in recording.market.get("shocks", [])
        if shock.get("type") == "market_order" and shock.get("asset") in (None, asset)
    )


def first_shock(recording: Recording, asset: str) -> Shock | None:
    """The first exogenous market order in an asset that came before the recording ended, if one did."""
    end = duration(recording)
    return next((shock for shock in shocks(recording, asset) if shock.at < end), None)


def executed(recording: Recording, asset: str) -> float | None:
    """Share that was filled of the exogenous market orders in an asset that came; None without any."""
    asked = sum(abs(shock.asked_by(duration(recording))) for shock in shocks(recording, asset))
    if not asked:
        return None
    filled = float(np.abs(_shock_units(recording, asset)).sum())
    lots = [venue["lot"] for venue in recording.market["venues"] if venue["asset"] == asset]
    is_whole = abs(filled - asked) <= max(WHOLE * asked, max(lots, default=0.0))
    return 1.0 if is_whole else filled / asked


def unexecuted(recording: Recording, asset: str) -> float:
    """Units left at the end of the exogenous market orders that came; below zero of sales."""
    asked = sum(shock.asked_by(duration(recording)) for shock in shocks(recording, asset))
    return asked - float(_shock_units(recording, asset).sum())


def _shock_units(recording: Recording, asset: str) -> np.ndarray:
    """What the outsiders bought, taking or given, signed."""
    done, names = trades(recording, asset), list(recording.names("populations"))
    own = names.index(SHOCKS) if SHOCKS in names else NOBODY
    units: np.ndarray = done.units * ((done.reason == SHOCK) - 1.0 * (done.maker == own))
    return units


def duration(recording: Recording) -> float:
    """How long the recorded steps took, s."""
    clock = recording.column("series", "time_s")
    return float(clock[-1]) if clock.size else 0.0
