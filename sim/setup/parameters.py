"""Parameters: what a scenario may say about a venue, a driver or a population.

Every number that a population holds per row may be a distribution instead:
`width = {dist = "lognormal", median = 0.02, sigma = 0.5}`. Distributions are drawn by
inverse transform from keyed uniforms, one per row, so a row keeps its draw whatever
else the scenario holds.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

from sim.kernels.base.draws import normal_quantiles

MOST, LEAST = 1e15, 1e-15
"""Between these is the size of every number that is not 0; beyond, sums and products lose their meaning."""

MOST_ENTRIES = 100_000
"""Of any list or table."""

SHORTEST, LONGEST = 1e-6, 1e10
"""Between these are spans of time, s: a microsecond and three centuries."""

HIGHEST_PRICE, MOST_UNITS, MOST_MONEY = 1e12, 1e12, 1e15
HIGHEST_VOLATILITY = 1e3
"""Per square root of a year; a hundred thousand per cent."""

HIGHEST_DRIFT = 1e4
"""Of a value, a year."""

HIGHEST_RATE = 1e6
"""Events a second."""

HIGHEST_BPS = 1e6
FINEST = 1e-15
"""The smallest tick or lot."""

MOST_LOTS = 2**53
"""Up to here a number of lots is exact as a float, too."""

MOST_ROWS = 10**9
MOST_PIECES = 1e6
"""That an order is split into."""

MOST_ORDERS = 10**7
"""Of a population in a step."""

WHOLE = 2**63 - 1


class Parameters(BaseModel):
    """Base of every parameter table: unknown keys, wrong types and numbers without meaning are errors.

    NaN, infinity, negative zero, and what is larger than `MOST` or closer to 0 than `LEAST` have none.
    """

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*", mode="after")
    @classmethod
    def _is_meaningful(cls, value: Any) -> Any:
        if isinstance(value, int | float | list | dict):
            _check_size(value)
        return value


def _check_size(value: Any) -> None:
    """Raise for a number without meaning, or a list or table that is too long, wherever it stands."""
    match value:
        case bool():
            return
        case int() if abs(value) > WHOLE:
            raise ValueError("whole numbers are between -2^63 and 2^63")
        case float() if value == 0.0 and math.copysign(1.0, value) < 0:
            raise ValueError("0 has no sign; write 0.0")
        case float() if value and not LEAST <= abs(value) <= MOST:
            raise ValueError(f"a number other than 0 is between {LEAST:g} and {MOST:g} in size")
        case list() | dict() if len(value) > MOST_ENTRIES:
            raise ValueError(f"has {len(value):,} entries; at most {MOST_ENTRIES:,} are taken")
        case list() | dict():
            for item in value.values() if isinstance(value, dict) else value:
                if isinstance(item, int | float | list | dict):
                    _check_size(item)


class Distribution(Parameters):
    """Base of the distributions; `min` and `max` clip the draws."""

    min: float | None = Field(default=None, ge=-MOST, le=MOST)
    max: float | None = Field(default=None, ge=-MOST, le=MOST)

    def support(self) -> tuple[float, float]:
        """Lowest and highest value a draw can take, after clipping."""
        low, high = self._support()
        if self.min is not None:
            low, high = max(low, self.min), max(high, self.min)
        if self.max is not None:
            low, high = min(low, self.max), min(high, self.max)
        return low, high

    def quantiles(self, uniforms: np.ndarray) -> np.ndarray:
        """Draws for the given uniforms in (0, 1), clipped."""
        values = self._quantiles(uniforms)
        if self.min is not None or self.max is not None:
            values = np.clip(values, self.min, self.max)
        return values

    def _support(self) -> tuple[float, float]:
        raise TypeError(f"{type(self).__name__} does not say its support")

    def _quantiles(self, uniforms: np.ndarray) -> np.ndarray:
        raise TypeError(f"{type(self).__name__} does not say its quantiles")


class Uniform(Distribution):
    """Even between `low` and `high`."""

    dist: Literal["uniform"]
    low: float = Field(ge=-MOST, le=MOST)
    high: float = Field(ge=-MOST, le=MOST)

    @model_validator(mode="after")
    def _is_ordered(self) -> Uniform:
        if self.high < self.low:
            raise ValueError(f"high ({self.high:g}) is below low ({self.low:g})")
        return self

    def _support(self) -> tuple[float, float]:
        return self.low, self.high

    def _quantiles(self, uniforms: np.ndarray) -> np.ndarray:
        return self.low + (self.high - self.low) * uniforms


class Normal(Distribution):
    """Gaussian with `mean` and standard deviation `sd`."""

    dist: Literal["normal"]
    mean: float = Field(ge=-MOST, le=MOST)
    sd: float = Field(ge=0, le=MOST)

    def _support(self) -> tuple[float, float]:
        return (-math.inf, math.inf) if self.sd > 0 else (self.mean, self.mean)

    def _quantiles(self, uniforms: np.ndarray) -> np.ndarray:
        return self.mean + self.sd * normal_quantiles(uniforms)


class Lognormal(Distribution):
    """Median times exp(sigma z)."""

    dist: Literal["lognormal"]
    median: float = Field(gt=0, le=MOST)
    sigma: float = Field(ge=0, le=10)

    def _support(self) -> tuple[float, float]:
        return (np.nextafter(0, 1), math.inf) if self.sigma > 0 else (self.median, self.median)

    def _quantiles(self, uniforms: np.ndarray) -> np.ndarray:
        return self.median * np.exp(self.sigma * normal_quantiles(uniforms))


class Exponential(Distribution):
    """Exponential with the given `mean`."""

    dist: Literal["exponential"]
    mean: float = Field(gt=0, le=MOST)

    def _support(self) -> tuple[float, float]:
        return np.nextafter(0, 1), math.inf

    def _quantiles(self, uniforms: np.ndarray) -> np.ndarray:
        values: np.ndarray = -self.mean * np.log1p(-uniforms)
        return values


class Pareto(Distribution):
    """Power tail: P(X > x) = (minimum / x) ** tail."""

    dist: Literal["pareto"]
    minimum: float = Field(gt=0, le=MOST)
    tail: float = Field(gt=0, le=1e3)

    def _support(self) -> tuple[float, float]:
        return self.minimum, math.inf

    def _quantiles(self, uniforms: np.ndarray) -> np.ndarray:
        return self.minimum * (1 - uniforms) ** (-1 / self.tail)


class Choice(Distribution):
    """One of `values`, with `weights` (equal if not given)."""

    dist: Literal["choice"]
    values: list[Annotated[float, Field(ge=-MOST, le=MOST)]] = Field(min_length=1)
    weights: list[Annotated[float, Field(ge=0, le=MOST)]] | None = None

    @model_validator(mode="after")
    def _weights_match(self) -> Choice:
        if self.weights is not None and len(self.weights) != len(self.values):
            raise ValueError(f"{len(self.values)} values but {len(self.weights)} weights")
        if self.weights is not None and sum(self.weights) <= 0:
            raise ValueError("the weights sum to 0")
        return self

    def _support(self) -> tuple[float, float]:
        return min(self.values), max(self.values)

    def _quantiles(self, uniforms: np.ndarray) -> np.ndarray:
        weights = np.ones(len(self.values)) if self.weights is None else np.array(self.weights)
        edges = np.cumsum(weights) / weights.sum()
        return np.array(self.values)[np.minimum(np.searchsorted(edges, uniforms, "right"), len(edges) - 1)]


AnyDistribution = Annotated[
    Uniform | Normal | Lognormal | Exponential | Pareto | Choice, Field(discriminator="dist")
]


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


def typical(value: float | Distribution) -> float:
    """A number itself; of a distribution, the draw that half of all rows stay below."""
    return float(value.quantiles(np.array([0.5]))[0]) if isinstance(value, Distribution) else float(value)


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
    """Raise Misfit if no row has half a lot of what is rounded to lots, one at least."""
    largest = float(units.max(initial=0.0))
    check_lots(largest / lot, key)
    if largest < 0.5 * lot:
        what = f"comes to {largest / lot:.3g} lots of {lot:g} at most; choose a smaller `lot`"
        raise Misfit(what, key, allowed=["half a lot in some row"])


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


Key = tuple[str | int, ...]
"""The way to a value: keys of tables, positions in lists."""


class Misfit(ValueError):
    """A value that does not fit the market it is meant for.

    Parameters
    ----------
    what : str
        What is wrong, without the remedy.
    key : tuple of str and int
        The way to the value from the table of whoever complains; see `within`.
    found : str
        What stands there, if something that is allowed may be like it.
    allowed : sequence of str
        What may stand there.
    """

    def __init__(self, what: str, key: Key = (), found: str = "", allowed: Sequence[str] = ()) -> None:
        super().__init__(what)
        self.key = key
        self.found = found
        self.allowed = tuple(allowed)


@contextmanager
def within(*path: str | int) -> Iterator[None]:
    """Say of what does not fit inside where it stands: `path` is put before the way to it.

    Raises
    ------
    Misfit
        For every ValueError raised inside.
    """
    try:
        yield
    except Misfit as misfit:
        misfit.key = (*path, *misfit.key)
        raise
    except ValueError as error:
        raise Misfit(str(error), path) from error


class NotOneOf(Misfit):
    """A name that is not among those there are.

    Parameters
    ----------
    noun : str
        What kind of thing is named.
    found : str
    allowed : sequence of str
    """

    def __init__(self, noun: str, found: str, allowed: Sequence[str]) -> None:
        super().__init__(f'no {noun} is named "{found}"', (), found, allowed)
        self.noun = noun


def _named(noun: str, group: str) -> AfterValidator:
    """Validator: the scenario being read has an entry of this name in this group."""

    def check(value: str, info: ValidationInfo) -> str:
        names = (info.context or {}).get("names")
        if names is not None and value not in names[group]:
            raise NotOneOf(noun, value, names[group])
        return value

    return AfterValidator(check)


AssetName = Annotated[str, _named("asset", "assets")]
VenueName = Annotated[str, _named("venue", "venues")]
PopulationName = Annotated[str, _named("population", "populations")]


class PathFrom(str):
    """Text of a path and the folder that a relative one starts from."""

    folder: Path

    def __new__(cls, text: str, folder: Path = Path()) -> PathFrom:
        """Attach the folder to the text."""
        path = super().__new__(cls, text)
        path.folder = folder
        return path


GZIPPED = b"\x1f\x8b"


class File(str):
    """Absolute path of a file that a parameter names; its bytes enter the scenario hash.

    A relative path starts from the folder of the scenario file, or from the folder a
    `PathFrom` brings along, or from the current folder. A name that no file there has may be one of
    the `library`.

    Attributes
    ----------
    library : Path or None
        Folder of files that come with the parameter and are found by their name.
    """

    library: ClassVar[Path | None] = None

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Text that must name a file."""
        return core_schema.with_info_wrap_validator_function(cls._find, core_schema.str_schema())

    @classmethod
    def _find(cls, value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> File:
        text = handler(value)
        return cls.located(text, getattr(value, "folder", None) or (info.context or {}).get("folder", Path()))

    @classmethod
    def located(cls, text: str, folder: Path = Path()) -> File:
        """The file of a path, relative to a folder, or of a name in the library.

        Raises
        ------
        ValueError
            If there is neither; names what the library has.
        """
        path = (folder / text).resolve()
        if os.path.isfile(path):
            return cls(path)
        if cls.library is None:
            raise ValueError(f'no file "{text}" in {folder.resolve()}')
        if text in (names := sorted(each.name for each in cls.library.glob("*.csv"))):
            return cls(cls.library / text)
        raise ValueError(f'no file "{text}" in {folder.resolve()}, nor in the library: {", ".join(names)}')

    def text(self) -> str:
        """What a text file holds, unpacked if it is gzipped.

        Raises
        ------
        Misfit
            If it cannot be read, or is no text.
        """
        try:
            content = Path(self).read_bytes()
            unpacked = gzip.decompress(content) if content.startswith(GZIPPED) else content
            return unpacked.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            raise Misfit(f"{self} is not a text file of comma-separated values: see line {line}") from error
        except (OSError, EOFError, zlib.error) as error:
            raise Misfit(f"{self} cannot be read: {getattr(error, 'strerror', None) or error}") from error

    def records(self) -> list[tuple[int, list[str]]]:
        """Cells of every line of a file of comma-separated values that holds any, with its number.

        Raises
        ------
        Misfit
            If it is no such file.
        """
        reader = csv.reader(io.StringIO(self.text(), newline=""))
        try:
            return [(reader.line_num, cells) for cells in reader if cells]
        except csv.Error as error:
            raise Misfit(f"{self} is not a file of comma-separated values: {error}") from error

    def table(self) -> tuple[list[str], list[dict[str, str | None]]]:
        """Columns and rows of a file of comma-separated values; None where a line is too short.

        Raises
        ------
        Misfit
            If it is no such file.
        """
        records = [cells for _, cells in self.records()]
        columns = records[0] if records else []
        missing = [None] * len(columns)
        return columns, [dict(zip(columns, [*cells, *missing], strict=False)) for cells in records[1:]]
