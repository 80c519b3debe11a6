"""Parameters: what a scenario may say about a venue, a driver or a population.

Every number that a population holds per row may be a distribution instead:
`width = {dist = "lognormal", median = 0.02, sigma = 0.5}`. Distributions are drawn by
inverse transform from keyed uniforms, one per row, so a row keeps its draw whatever
else the scenario holds.
"""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

from sim.kernels.draws import normal_quantiles


class Parameters(BaseModel):
    """Base of every parameter table: unknown keys, wrong types, NaN and infinity are errors."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class Distribution(Parameters):
    """Base of the distributions; `min` and `max` clip the draws."""

    min: float | None = None
    max: float | None = None

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
    low: float
    high: float

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
    mean: float
    sd: float = Field(ge=0)

    def _support(self) -> tuple[float, float]:
        return (-math.inf, math.inf) if self.sd > 0 else (self.mean, self.mean)

    def _quantiles(self, uniforms: np.ndarray) -> np.ndarray:
        return self.mean + self.sd * normal_quantiles(uniforms)


class Lognormal(Distribution):
    """Median times exp(sigma z)."""

    dist: Literal["lognormal"]
    median: float = Field(gt=0)
    sigma: float = Field(ge=0)

    def _support(self) -> tuple[float, float]:
        return (np.nextafter(0, 1), math.inf) if self.sigma > 0 else (self.median, self.median)

    def _quantiles(self, uniforms: np.ndarray) -> np.ndarray:
        return self.median * np.exp(self.sigma * normal_quantiles(uniforms))


class Exponential(Distribution):
    """Exponential with the given `mean`."""

    dist: Literal["exponential"]
    mean: float = Field(gt=0)

    def _support(self) -> tuple[float, float]:
        return np.nextafter(0, 1), math.inf

    def _quantiles(self, uniforms: np.ndarray) -> np.ndarray:
        values: np.ndarray = -self.mean * np.log1p(-uniforms)
        return values


class Pareto(Distribution):
    """Power tail: P(X > x) = (minimum / x) ** tail."""

    dist: Literal["pareto"]
    minimum: float = Field(gt=0)
    tail: float = Field(gt=0)

    def _support(self) -> tuple[float, float]:
        return self.minimum, math.inf

    def _quantiles(self, uniforms: np.ndarray) -> np.ndarray:
        return self.minimum * (1 - uniforms) ** (-1 / self.tail)


class Choice(Distribution):
    """One of `values`, with `weights` (equal if not given)."""

    dist: Literal["choice"]
    values: list[float] = Field(min_length=1)
    weights: list[Annotated[float, Field(ge=0)]] | None = None

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


def _bounded(low: float, high: float, *, is_open: bool = False) -> AfterValidator:
    """Validator: a number, or every value a distribution can draw, lies within the bounds."""

    def check(value: Any) -> Any:
        least, most = value.support() if isinstance(value, Distribution) else (value, value)
        if least < low or most > high or (is_open and least == low):
            subject = "the distribution can draw values that are not" if least != most else "must be"
            bound = "" if math.isinf(low) else f"{'above' if is_open else 'at least'} {low:g}"
            bound += "" if math.isinf(high) else f"{' and ' if bound else ''}at most {high:g}"
            hint = "; give it a `min` or `max`" if least != most else ""
            raise ValueError(f"{subject} {bound}{hint}")
        return value

    return AfterValidator(check)


def at_most(most: float) -> AfterValidator:
    """Validator of a number, or of every value a distribution can draw."""
    return _bounded(-math.inf, most)


Count = Annotated[int | AnyDistribution, _bounded(1.0, math.inf)]
"""A whole number of one or more, or a distribution whose draws are rounded to one."""

Real = float | AnyDistribution
Positive = Annotated[float | AnyDistribution, _bounded(0.0, math.inf, is_open=True)]
NonNegative = Annotated[float | AnyDistribution, _bounded(0.0, math.inf)]
Fraction = Annotated[float | AnyDistribution, _bounded(0.0, 1.0)]


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


class File(str):
    """Absolute path of a file that a parameter names; its bytes enter the scenario hash.

    A relative path starts from the folder of the scenario file, or from the folder a
    `PathFrom` brings along, or from the current folder.
    """

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Text that must name a file."""
        return core_schema.with_info_wrap_validator_function(cls._find, core_schema.str_schema())

    @classmethod
    def _find(cls, value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> File:
        text = handler(value)
        folder = getattr(value, "folder", None) or (info.context or {}).get("folder", Path())
        if not os.path.isfile(folder / text):
            raise ValueError(f'no file "{text}" in {folder.resolve()}')
        return cls((folder / text).resolve())

    def table(self) -> tuple[list[str], list[dict[str, str | None]]]:
        """Columns and rows of a file of comma-separated values.

        Raises
        ------
        Misfit
            If it is no such file.
        """
        try:
            text = Path(self).read_bytes().decode("utf-8-sig")
            reader = csv.DictReader(io.StringIO(text, newline=""))
            return list(reader.fieldnames or ()), list(reader)
        except OSError as error:
            raise Misfit(f"{self} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            raise Misfit(f"{self} is not a text file of comma-separated values: see line {line}") from error
        except csv.Error as error:
            raise Misfit(f"{self} is not a file of comma-separated values: {error}") from error
