"""Distributions: what may stand wherever a number per row may.

`width = {dist = "lognormal", median = 0.02, sigma = 0.5}`. They are drawn by inverse transform from
keyed uniforms, one per row, so a row keeps its draw whatever else the scenario holds.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from sim.kernels.base.draws import normal_quantiles
from sim.setup.limits import MOST
from sim.setup.table import Parameters


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


def typical(value: float | Distribution) -> float:
    """A number itself; of a distribution, the draw that half of all rows stay below."""
    return float(value.quantiles(np.array([0.5]))[0]) if isinstance(value, Distribution) else float(value)
