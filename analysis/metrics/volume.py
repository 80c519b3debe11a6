"""Volume: whose orders made it, and for which reason.

Volumes are units of the asset. Shares are by taker; what is missing to 1 was traded from outside
the populations (exogenous shocks).
"""

from __future__ import annotations

import numpy as np

from analysis.base.metric import Told, Undefined, metric
from analysis.base.trades import trades
from sim.recording.recording import Recording
from sim.records import FORCED, HEDGE

HEADING, PLACE, PER = "Volume", 40, "assets"


@metric(unit="units", source="sum of |qty| over trades; a unit that changes hands counts once")
def volume(recording: Recording, asset: str) -> float:
    """Units traded."""
    return float(np.abs(trades(recording, asset).units).sum())


@metric(
    unit="1",
    as_percent=True,
    over="populations",
    source="units traded by the population as taker, over volume",
)
def volume_share(recording: Recording, asset: str) -> np.ndarray:
    """Who demanded the volume."""
    return _shares(recording, asset, "taker", "populations")


@metric(unit="1", as_percent=True, over="phases", source="units traded in the phase of the step, over volume")
def phase_share(recording: Recording, asset: str) -> np.ndarray:
    """When in the step the volume was traded."""
    return _shares(recording, asset, "phase", "phases")


@metric(unit="units", source="sum of |qty| over trades sent to hedge", heading="Feedback")
def hedging_volume(recording: Recording, asset: str) -> float:
    """Units that hedgers traded."""
    return float(np.abs(_flow(recording, asset, HEDGE)).sum())


@metric(
    unit="units", source="sum of qty over trades sent to hedge; below zero is selling", heading="Feedback"
)
def net_hedging_flow(recording: Recording, asset: str) -> float:
    """Units that hedgers bought less those they sold."""
    return float(_flow(recording, asset, HEDGE).sum())


@metric(
    unit="1",
    as_percent=True,
    source="hedging_volume / volume",
    heading="Feedback",
    headline=8,
    told=Told(8, "hedging share of volume", "{:.1%}"),
)
def hedging_share(recording: Recording, asset: str) -> float:
    """Share of the volume that was hedging."""
    return _flow_share(recording, asset, HEDGE)


@metric(unit="units", source="sum of |qty| over trades that liquidations forced", heading="Feedback")
def forced_volume(recording: Recording, asset: str) -> float:
    """Units that were sold or bought by force."""
    return float(np.abs(_flow(recording, asset, FORCED)).sum())


@metric(
    unit="units",
    source="sum of qty over trades that liquidations forced; below zero is selling",
    heading="Feedback",
)
def net_forced_flow(recording: Recording, asset: str) -> float:
    """Units bought by force less those sold by force."""
    return float(_flow(recording, asset, FORCED).sum())


@metric(
    unit="1",
    as_percent=True,
    source="forced_volume / volume",
    heading="Feedback",
    headline=9,
    told=Told(9, "forced share of volume", "{:.1%}"),
)
def forced_share(recording: Recording, asset: str) -> float:
    """Share of the volume that liquidations forced."""
    return _flow_share(recording, asset, FORCED)


def _shares(recording: Recording, asset: str, by: str, names: str) -> np.ndarray:
    """Share of the volume by a column of codes."""
    made = trades(recording, asset)
    codes, units = getattr(made, by), np.abs(made.units)
    if units.sum() == 0:
        raise Undefined("nothing was traded")
    inside = codes >= 0
    counted = np.bincount(codes[inside], units[inside], minlength=len(recording.names(names)))
    shares: np.ndarray = counted / units.sum()
    return shares


def _flow(recording: Recording, asset: str, reason: int) -> np.ndarray:
    """Signed units of the trades made for a reason."""
    made = trades(recording, asset)
    units: np.ndarray = made.units[made.reason == reason]
    return units


def _flow_share(recording: Recording, asset: str, reason: int) -> float:
    """Share of the volume that was traded for a reason."""
    units = np.abs(trades(recording, asset).units).sum()
    if units == 0:
        raise Undefined("nothing was traded")
    return float(np.abs(_flow(recording, asset, reason)).sum() / units)
