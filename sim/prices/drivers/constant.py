"""A value that does not move."""

from __future__ import annotations

from sim.prices.drivers.base import Driver


class Constant(Driver):
    """A value that stays where it opens, but for scheduled shocks."""
