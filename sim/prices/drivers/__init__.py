"""Drivers: what moves the exogenous value of each asset; one class a file, named `drivers.<Class>`.

A driver only says which law it follows; `sim.prices.joint` simulates those of all assets together.
"""

from sim.prices.drivers.base import Driver

__all__ = ["Driver"]
