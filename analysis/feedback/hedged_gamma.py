"""Hedged gamma: how much delta those who hedge have to trade when the price moves, by price.

A run records the gamma of options by price. Gamma that is in no option is recorded at the price of
each step only; elsewhere it follows from the power of the price that it goes with, if exposures said
one to the recording: none for the constant that dealers without options are given, -1.5 for shares of a
constant-product pool with liquidity L, whose gamma is -L / (2 S^1.5). Of anything else (a strip of puts) it
is known at that price only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from analysis.base.series import opening, series
from sim.recording.recording import Recording

REACH, POINTS = 0.3, 121
"""How far from the opening, as a fraction, and at how many prices, where the run recorded no profile."""


class Profile(NamedTuple):
    """One population's curve: price, net gamma and units at risk, by rising price."""

    price: np.ndarray
    gamma: np.ndarray
    at_risk: np.ndarray

    @property
    def per_percent(self) -> np.ndarray:
        """Change of the delta, in units, on a move of 1% at each price."""
        change: np.ndarray = self.gamma * self.price / 100
        return change


class Outside(NamedTuple):
    """Hedged gamma in no option, at one price; the power of the price it goes with, if that is known."""

    gamma: float
    price: float
    power: float | None

    @property
    def per_percent(self) -> float:
        """Change of the delta, in units, on a move of 1% at this price."""
        return self.gamma * self.price / 100


def profiles(recording: Recording, asset: str, step: int | None = None) -> dict[str, Profile]:
    """The profiles recorded at a step (the first, if not given), by population."""
    steps = recording.column("profiles", "step")
    owned = recording.column("profiles", "asset") == list(recording.names("assets")).index(asset)
    if not owned.any():
        return {}
    kept = owned & (steps == (steps[owned].min() if step is None else step))
    population = recording.column("profiles", "population")[kept]
    columns = [recording.column("profiles", name)[kept] for name in Profile._fields]
    found = {}
    for code, name in enumerate(recording.names("populations")):
        own = np.flatnonzero(population == code)
        own = own[np.argsort(columns[0][own])]
        if own.size:
            found[name] = Profile(*(column[own] for column in columns))
    return found


def hedged(
    recording: Recording, asset: str, step: int | None = None
) -> tuple[dict[str, Profile], dict[str, Outside]]:
    """Net gamma by price of the populations that hedge, and those for whom it is known at one price only.

    Parameters
    ----------
    recording : Recording
    asset : str
    step : int, optional
        Which recorded profile; the first, if not given.

    Returns
    -------
    curves : dict of str to Profile
    points : dict of str to Outside
        Populations with gamma in no option that goes with no power of the price.
    """
    recorded, outside = profiles(recording, asset, step), _outside_options(recording, asset, step)
    grid = next((each.price for each in recorded.values()), None)
    if grid is None:
        grid = opening(recording, asset) * np.linspace(1 - REACH, 1 + REACH, POINTS)
    curves, points = {}, {}
    for entry in recording.market["populations"]:
        name = entry["name"]
        if entry["hedges"] and name in recorded and recorded[name].gamma.any():
            curves[name] = recorded[name]
        elif name in outside and (power := outside[name].power) is not None:
            gamma = outside[name].gamma * (grid / outside[name].price) ** power
            curves[name] = Profile(grid, gamma, np.zeros(grid.size))
        elif name in outside:
            points[name] = outside[name]
    return curves, points


def demand(recording: Recording, asset: str, *, is_up: bool = False) -> np.ndarray:
    """Units that hedging and liquidation sell per unit that the price falls, or buy as it rises, by step.

    Notes
    -----
    -Gamma x response + density of liquidation thresholds: what the loop gain multiplies an impact with
    (`sim.kernels.recording.gain`); below 0 where hedgers are long gamma.
    """
    gamma = sum((share * net for _, share, net in _hedging(recording, asset)), np.zeros(1))
    density = series(recording, f"{asset}.liquidation_density_{'up' if is_up else 'down'}")
    answered: np.ndarray = density - gamma * series(recording, f"{asset}.hedging_response")
    return answered


def _outside_options(recording: Recording, asset: str, step: int | None) -> dict[str, Outside]:
    """Hedged gamma of each population at the end of a step, as if none of it were of options."""
    steps, columns = recording.column("series", "step"), recording.table("series").column_names
    if steps.size == 0 or f"{asset}.mid" not in columns:
        return {}
    row = min(int(np.searchsorted(steps, step or 0)), steps.size - 1)
    price, found = float(recording.column("series", f"{asset}.mid")[row]), {}
    for entry, share, net in _hedging(recording, asset):
        gamma = share * float(net[row])
        if gamma * price != 0 and np.isfinite(gamma * price):
            found[entry["name"]] = Outside(gamma, price, entry.get("gamma_power"))
    return found


def _hedging(recording: Recording, asset: str) -> Iterator[tuple[dict[str, Any], float, np.ndarray]]:
    """Populations that hedge an asset, the share of their gamma that they do, and that gamma by step."""
    columns = recording.table("series").column_names
    for entry in recording.market["populations"]:
        name = f"{entry['name']}.net_gamma"
        if entry["hedges"] and name in columns and _asset_of(recording, entry) == asset:
            yield entry, entry.get("hedged_share", 1.0), recording.column("series", name)


def _asset_of(recording: Recording, entry: dict[str, str]) -> str | None:
    """The asset whose risk a population carries; None if the recording does not say."""
    assets = recording.names("assets")
    return entry.get("asset", assets[0] if len(assets) == 1 else None)
