"""What the `type` of an entry may name: a venue, a population or a driver, ours or the user's."""

from __future__ import annotations

from scenarios.file import modules
from sim.setup.kinds import Kind

VENUE = Kind("venue", "sim.venues", "sim.venues.venue.Venue")
POPULATION = Kind("population", "agents", "sim.population.Population")
DRIVER = Kind("driver", "sim.prices.drivers", "sim.prices.drivers.base.Driver", is_flat=True)
MARGIN_RULE = Kind("margin rule", "sim.accounts.margin", "sim.accounts.margin.rule.Rule", is_bare=True)

Kind.elsewhere = staticmethod(modules.imported)
