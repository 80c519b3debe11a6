"""Parameters: the kinds of numbers and names that a scenario may give a venue, a driver or a population.

Every number that a population holds per row may be a distribution instead (`sim.setup.distributions`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, BaseModel, GetCoreSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, core_schema

from sim.setup.distributions import AnyDistribution, Distribution
from sim.setup.limits import (
    HIGHEST_BPS,
    HIGHEST_RATE,
    HIGHEST_VOLATILITY,
    LONGEST,
    MOST,
    MOST_LOTS,
    MOST_ROWS,
    MOST_UNITS,
)
from sim.setup.listing import END_USERS, SYSTEM
from sim.setup.misfit import Key, Misfit, NotOneOf, within


@dataclass(frozen=True)
class Bounds:
    """Validator: a number, or every value a distribution can draw, lies within the bounds.

    Parameters
    ----------
    low, high : float
    is_open : bool
        Whether `low` itself is out.
    sane : float
        A number is no larger in size. A distribution may have a tail beyond; what it draws must not be.
    """

    low: float
    high: float
    is_open: bool = False
    sane: float = MOST

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check what the annotated type has let through."""
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def check_draws(self, values: np.ndarray) -> None:
        """Raise ValueError if a value that a distribution has drawn is larger than is sane."""
        largest = float(np.abs(values).max(initial=0.0))
        if not largest <= self.sane:
            raise ValueError(
                f"the distribution draws {largest:g}; at most {self.sane:g} makes sense: give it a `max`"
            )

    def _checked(self, value: Any) -> Any:
        is_drawn = isinstance(value, Distribution)
        least, most = value.support() if is_drawn else (value, value)
        high = self.high if is_drawn else min(self.high, self.sane)
        low = self.low if is_drawn else max(self.low, -self.sane)
        if least < low or most > high or (self.is_open and least == low):
            subject = "the distribution can draw values that are not" if least != most else "must be"
            said = []
            if low > -MOST or least < low:
                said.append(f"{'above' if self.is_open else 'at least'} {low:g}")
            if high < MOST or most > high:
                said.append(f"at most {high:g}")
            hint = "; give it a `min` or `max`" if least != most else ""
            raise ValueError(f"{subject} {' and '.join(said)}{hint}")
        return value


def at_most(most: float) -> Bounds:
    """Validator of a number, or of every value a distribution can draw."""
    return Bounds(-math.inf, most)


def up_to(sane: float) -> Bounds:
    """Validator of a number that makes no sense beyond this size; of a distribution, what it draws."""
    return Bounds(-math.inf, math.inf, sane=sane)


def check_draws(model: type[BaseModel], field: str, values: np.ndarray) -> None:
    """Raise Misfit if what was drawn for a parameter is larger than makes sense.

    Parameters
    ----------
    model : type
        The parameters' table.
    field : str
    values : ndarray of float64
    """
    bounds = [each for each in model.model_fields[field].metadata if isinstance(each, Bounds)]
    with within(field):
        min(bounds, key=lambda each: each.sane, default=up_to(MOST)).check_draws(values)


def units_of(model: type[BaseModel]) -> list[str]:
    """Names of the parameters of a table that are quantities of an asset, a value per row."""
    return [
        name
        for name, info in model.model_fields.items()
        if any(isinstance(each, Bounds) and each.sane == MOST_UNITS for each in info.metadata)
    ]


def check_lots(most: float, key: Key = ()) -> None:
    """Raise Misfit if a quantity is more lots than can be counted.

    Parameters
    ----------
    most : float
        Largest number of lots.
    key : tuple of str and int
        The way to the quantity.
    """
    if not most <= MOST_LOTS:
        what = f"comes to {most:.3g} lots; choose a larger `lot`"
        raise Misfit(what, key, allowed=[f"at most {MOST_LOTS:,} lots"])


def check_not_dust(units: np.ndarray, lot: float, key: Key) -> None:
    """Raise Misfit if nothing of what is rounded to lots is half a lot."""
    largest = float(units.max(initial=0.0))
    check_lots(largest / lot, key)
    if largest < 0.5 * lot:
        what = f"comes to {largest / lot:.3g} lots of {lot:g}; choose a smaller `lot`"
        raise Misfit(what, key, allowed=[f"at least {0.5 * lot:g}, half a lot"])


Count = Annotated[int | AnyDistribution, Bounds(1.0, math.inf, sane=MOST_ROWS)]
"""A whole number of one or more, or a distribution whose draws are rounded to one."""

Real = Annotated[float | AnyDistribution, Bounds(-math.inf, math.inf)]
Positive = Annotated[float | AnyDistribution, Bounds(0.0, math.inf, is_open=True)]
NonNegative = Annotated[float | AnyDistribution, Bounds(0.0, math.inf)]
Fraction = Annotated[float | AnyDistribution, Bounds(0.0, 1.0)]

Units = Annotated[Positive, up_to(MOST_UNITS)]
"""Of an asset, above 0."""

Seconds = Annotated[Positive, up_to(LONGEST)]
"""A span of time above 0."""

Delay = Annotated[NonNegative, up_to(LONGEST)]
"""A span of time that may be 0."""

Rate = Annotated[NonNegative, up_to(HIGHEST_RATE)]
"""Events a second."""

Bps = Annotated[NonNegative, up_to(HIGHEST_BPS)]
Volatility = Annotated[Positive, up_to(HIGHEST_VOLATILITY)]
"""Per square root of a year."""


def _named(noun: str, group: str, *also: str) -> AfterValidator:
    """Validator: the scenario being read has an entry of this name in this group, or it is one of `also`."""

    def check(value: str, info: ValidationInfo) -> str:
        names = (info.context or {}).get("names")
        if names is not None and value not in (*also, *names[group]):
            raise NotOneOf(noun, value, [*also, *names[group]])
        return value

    return AfterValidator(check)


AssetName = Annotated[str, _named("asset", "assets")]
VenueName = Annotated[str, _named("venue", "venues")]
PopulationName = Annotated[str, _named("population", "populations")]

BuyersName = Annotated[str, _named("population", "populations", SYSTEM[END_USERS])]
"""A population, or the end users of options."""
