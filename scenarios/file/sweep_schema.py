"""The sweep: what the table `[sweep]` of a scenario may say.

A design is a set of points, each a value for every swept key:

    grid      every combination of the values listed for each key
    list      the rows given
    lhs       Latin hypercube of so many points over ranges
    sobol     scrambled Sobol sequence of so many points (a power of two)
    saltelli  the points that first-order and total Sobol indices need: points x (keys + 2)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from analysis.base.arms import BASE, MUTED, PLACEBO
from scenarios.file.files import with_files
from sim.setup.limits import LONGEST, MOST
from sim.setup.table import Parameters

Keep = Literal["metrics", "series", "all"]
SAMPLED = ("lhs", "sobol", "saltelli")
SEQUENCES = ("sobol", "saltelli")
MOST_RUNS = 10_000_000
MOST_POINTS = MOST_REPLICATES = 1_000_000


class Range(Parameters):
    """An interval that a swept value is drawn from, evenly or evenly in its logarithm.

    A key that takes whole numbers is drawn whole, both ends included.
    """

    low: float = Field(ge=-MOST, le=MOST)
    high: float = Field(ge=-MOST, le=MOST)
    log: bool = False

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if self.high <= self.low:
            raise ValueError(f"high ({self.high:g}) must be above low ({self.low:g})")
        if self.log and self.low <= 0:
            raise ValueError(f"low ({self.low:g}) must be above 0 where log = true")
        return self


class Stop(Parameters):
    """When a design point has been repeated often enough.

    Parameters
    ----------
    metric : str
        A column of `runs.parquet`, such as "BTC.max_drawdown".
    half_width : float
        Of the 95% interval of its mean, in every arm.
    max_replicates : int
    batch : int
        Replicates between one look and the next; the first look is after `replicates`.
    """

    metric: str = Field(min_length=1)
    half_width: float = Field(gt=0, le=MOST)
    max_replicates: int = Field(ge=2, le=MOST_REPLICATES)
    batch: int = Field(default=8, ge=1, le=MOST_REPLICATES)


Values = Annotated[list[Any], Field(min_length=1)]


class Sweep(Parameters):
    """Many runs of one scenario: which points, how often, in which arms, what is kept.

    Parameters
    ----------
    design : str
        "grid", "list", "lhs", "sobol" or "saltelli".
    over : table
        Values by dotted key: a list for a grid, a list or a range for what is sampled.
    rows : list of table
        Of a list: the points, each a value by dotted key.
    points : int
        Of lhs, sobol and saltelli.
    replicates : int
        Seeds of each point; with `stop` those before its first look.
    independent : bool
        Give every point seeds of its own; points share theirs if not.
    arms : list of str
    keep : str
        "metrics", "series" (a row a step as well) or "all" (every table).
    metrics : list of str, optional
        Names of metrics, or "all"; a light list if not given.
    time_limit_seconds : float, optional
        Of one run.
    stop : Stop, optional
    """

    design: Literal["grid", "list", "lhs", "sobol", "saltelli"]
    over: dict[str, Values | Range] = Field(default_factory=dict, max_length=1000)
    rows: list[dict[str, Any]] | None = None
    points: int | None = Field(default=None, ge=1, le=MOST_POINTS)
    replicates: int = Field(default=1, ge=1, le=MOST_REPLICATES)
    independent: bool = False
    arms: list[str] = Field(default_factory=lambda: [BASE], min_length=1)
    keep: Keep = "metrics"
    metrics: list[str] | None = None
    time_limit_seconds: float | None = Field(default=None, gt=0, le=LONGEST)
    stop: Stop | None = None

    @field_validator("over", "rows")
    @classmethod
    def _find_files(cls, values: Any, info: ValidationInfo) -> Any:
        """Name files by their whole path: a relative one starts from the folder of the scenario."""
        folder = (info.context or {}).get("folder", Path())
        return with_files(values, folder)

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        wrong = self._missing() | self._misplaced() | self._impossible()
        if wrong:
            raise errors(wrong)
        return self

    def uses(self, arm: str) -> bool:
        """Whether an arm that a scenario describes is run, or says how those that are run are made."""
        return arm in (*self.arms, MUTED, PLACEBO)

    def _missing(self) -> dict[tuple[str | int, ...], str]:
        needs = {"list": "rows"} | dict.fromkeys(SAMPLED, "points")
        needed = needs.get(self.design)
        if needed and not getattr(self, needed):
            return {(needed,): "missing"}
        return {("over",): "missing"} if self.design != "list" and not self.over else {}

    def _misplaced(self) -> dict[tuple[str | int, ...], str]:
        belongs = {"rows": ("list",), "points": SAMPLED, "over": ("grid", *SAMPLED)}
        return {
            (key,): f"is for the design {' or '.join(designs)}, not for {self.design}"
            for key, designs in belongs.items()
            if getattr(self, key) and self.design not in designs
        }

    def _impossible(self) -> dict[tuple[str | int, ...], str]:
        wrong: dict[tuple[str | int, ...], str] = {}
        for key, values in self.over.items():
            if isinstance(values, Range) and self.design == "grid":
                wrong["over", key] = "found a range; a grid needs a list of values"
            elif isinstance(values, list) and len(values) > len({repr(value) for value in values}):
                wrong["over", key] = "a value stands twice in the list"
        wrong |= self._too_many()
        if self.design in SEQUENCES and self.points and self.points & (self.points - 1):
            nearby = 1 << (self.points.bit_length() - 1)
            wrong["points",] = (
                f"found {self.points}; must be a power of two, such as {nearby} or {2 * nearby}"
            )
        if self.stop and self.stop.max_replicates < self.replicates:
            wrong["stop", "max_replicates"] = f"must be at least replicates ({self.replicates})"
        return wrong

    def _too_many(self) -> dict[tuple[str | int, ...], str]:
        """A design has at most so many points, numbers and runs."""
        lists = [len(values) for values in self.over.values() if isinstance(values, list)]
        points = len(self.rows or []) or self.points or math.prod(lists)
        where = "over" if self.design == "grid" else "rows" if self.design == "list" else "points"
        saltelli = len(self.over) + 2 if self.design == "saltelli" else 1
        runs = points * saltelli * self.replicates * len(self.arms)
        if points > MOST_POINTS:
            return {(where,): f"more than {MOST_POINTS:,} points"}
        if points * saltelli * max(len(self.over), 1) > MOST_RUNS or runs > MOST_RUNS:
            return {(where,): f"makes {runs:,} runs over {len(self.over)} keys; at most {MOST_RUNS:,}"}
        return {}


def errors(found: Mapping[tuple[str | int, ...], str]) -> ValidationError:
    """An error of pydantic at each of these places; "missing" is its own."""
    details = [
        InitErrorDetails(
            type="missing"
            if what == "missing"
            else PydanticCustomError("value_error", "{what}", {"what": what}),
            loc=place,
            input={},
        )
        for place, what in found.items()
    ]
    return ValidationError.from_exception_data("scenario", details)
