"""The treatment: what an arm does to the market of a scenario, beside the values it sets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from analysis.base.arms import BASE
from scenarios.file.components import VENUE
from scenarios.file.entries import VenueEntry
from scenarios.file.schema import Scenario
from sim.intervention import Diverted, Replayed
from sim.records import FORCED, HEDGE, orders

if TYPE_CHECKING:
    from sim.model import Model
    from sim.recording.recording import Recording

SINK = "-sink"
"""How the name of a sink ends; what stands before is the venue whose orders it takes."""


NOTHING = (orders(0), np.zeros(0, np.int64))


class Flow(NamedTuple):
    """Recorded orders by population: ORDER rows by rising step and arrival, and their steps."""

    orders: np.ndarray
    steps: np.ndarray
    populations: np.ndarray

    def of(self, population: int) -> tuple[np.ndarray, np.ndarray]:
        """Orders and steps of one population, given by code."""
        own = self.populations == population
        return self.orders[own], self.steps[own]

    def signed(self, signs: np.ndarray, block_seconds: float) -> Flow:
        """The same sizes at the same times, each block of time with the sign given for it."""
        rows = self.orders.copy()
        rows["qty"] *= signs[(rows["time"] / block_seconds).astype(np.int64)]
        return self._replace(orders=rows)


@dataclass(frozen=True)
class Treatment:
    """What an arm does to the orders of populations.

    Attributes
    ----------
    arm : str
    diverted : tuple of str
        Populations whose hedges fill at the mid, outside the market.
    replayed : tuple of str
        Populations whose hedges are dropped, `flow` sent in their place, each order where the route
        sends it by then.
    flow : Flow, optional
        Nothing is sent if not given.
    exempt : frozenset of str
        Populations without margin.
    is_forced_diverted : bool
        Whether what liquidations force is sold at the mid, outside the market, too.
    """

    arm: str = BASE
    diverted: tuple[str, ...] = ()
    replayed: tuple[str, ...] = ()
    flow: Flow | None = None
    exempt: frozenset[str] = frozenset()
    is_forced_diverted: bool = False

    @property
    def needs_sinks(self) -> bool:
        """Whether orders are diverted."""
        return bool(self.diverted) or self.is_forced_diverted

    def sinks(self, scenario: Scenario) -> list[VenueEntry]:
        """A sink for every venue that trades spot or a perpetual."""
        return [_sink(entry) for entry in scenario.venues if self.needs_sinks and _is_market(entry)]

    def apply(self, model: Model) -> None:
        """Put the interventions around the populations of a model that was built with the sinks."""
        venues = np.array([_other(model, venue.name) for venue in model.venues], np.int16)
        for code, population in enumerate(model.populations, len(model.listing.system)):
            if population.name in self.diverted:
                model.intervene(population, partial(Diverted, reason=HEDGE, venues=venues))
            if population.name in self.replayed:
                sent, steps = self.flow.of(code) if self.flow else NOTHING
                model.intervene(
                    population,
                    partial(Replayed, route=population.reroute, reason=HEDGE, orders=sent, steps=steps),
                )
            if self.is_forced_diverted:
                model.intervene(population, partial(Diverted, reason=FORCED, venues=venues))
        if self.is_forced_diverted:
            model.delivery.divert_emitted(FORCED, venues)


AS_WRITTEN = Treatment()
"""The treatment that changes nothing."""


def recorded(recording: Recording, populations: tuple[str, ...]) -> Flow:
    """The hedges of these populations, as orders for the venues they were meant for by those who sent them.

    Parameters
    ----------
    recording : Recording
        Of the arm `muted`, or of any other.
    populations : tuple of str

    Returns
    -------
    Flow
        An order for every order that was filled, its fills together.
    """
    names, venues = list(recording.names("populations")), recording.market["venues"]
    column = {
        name: recording.column("fills", name)
        for name in ("reason", "taker_population", "group", "step", "time", "venue", "taker", "qty")
    }
    codes = [names.index(name) for name in populations]
    own = (column["reason"] == HEDGE) & np.isin(column["taker_population"], codes)
    _, first, of = np.unique(column["group"][own], return_index=True, return_inverse=True)
    rows = orders(first.size)
    rows["time"], rows["account"] = column["time"][own][first], column["taker"][own][first]
    rows["qty"] = np.bincount(of, column["qty"][own], minlength=first.size).astype(np.int64)
    rows["reason"] = HEDGE
    meant = np.array([_meant(venue["name"], venues) for venue in venues], np.int16)
    rows["venue"] = meant[column["venue"][own][first]] if venues else 0
    kinds = np.array([VENUE.find(str(venue["type"])).takes[0] for venue in venues])
    rows["kind"] = kinds[rows["venue"]]
    steps = column["step"][own][first]
    order = np.lexsort((rows["time"], steps))
    return Flow(rows[order], steps[order], column["taker_population"][own][first][order])


def _is_market(entry: VenueEntry) -> bool:
    return entry.lot > 0 and entry.asset is not None


def _sink(entry: VenueEntry) -> VenueEntry:
    """A sink for the orders that were meant for a venue."""
    return VenueEntry.model_validate(
        {
            "name": f"{entry.name}{SINK}",
            "type": "sink.Sink",
            "asset": entry.asset,
            "instrument": entry.traded or "spot",
            "lot": entry.lot,
            "taker_fee_bps": getattr(entry.parameters, "taker_fee_bps", 0.0),
        }
    )


def _other(model: Model, name: str) -> int:
    """Index of a venue's sink, of the venue itself if it has none."""
    names = [venue.name for venue in model.venues]
    return names.index(f"{name}{SINK}" if f"{name}{SINK}" in names else name)


def _meant(name: str, venues: list[dict[str, object]]) -> int:
    """Index of the venue whose orders a sink takes; of the venue itself if it is none."""
    return [venue["name"] for venue in venues].index(name.removesuffix(SINK))
