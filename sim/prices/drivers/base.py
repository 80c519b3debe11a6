"""What every driver is: the law of one asset's exogenous value."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sim.setup.table import Parameters as BaseParameters

SECONDS_PER_YEAR = 365.0 * 86400.0


class Driver:
    """The law of one asset's exogenous value.

    A subclass says its law in `law`, or gives a path of its own in `replay`.

    Parameters
    ----------
    parameters : Parameters
        Validated parameters of this driver.
    """

    class Parameters(BaseParameters):
        """What a scenario may say of this driver; subclasses add fields."""

    def __init__(self, parameters: Any) -> None:
        self.parameters = parameters

    def law(self) -> dict[str, float]:
        """Fields of `paths.LAW` that are not 0; rates per year, variances, not volatilities."""
        return {}

    def longest_substep(self) -> float:
        """Years within which the law may be taken as constant."""
        return math.inf

    def replay(self, times: np.ndarray, opening: float) -> np.ndarray | None:
        """Values at these times (s), before shocks; None to simulate the law instead."""
        return None
