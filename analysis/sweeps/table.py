"""A sweep as tables: which points were run, what came of them, and how sure that is.

A sweep's folder holds `design.parquet` (a row a point), `runs.parquet` (a row a run) and the
resolved `scenario.toml`, whose `[sweep]` says how the points were chosen. A point has several
runs (replicates, arms); its value in a metric is the mean over the replicates, with the 95%
interval of Student's t, and its amplification the ratio of two such means over paired seeds.
Runs in which a market failed are kept: their falls are lower bounds.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from analysis.base.arms import BASE, MUTED
from analysis.base.metric import Undefined
from analysis.feedback.amplification import Failed, pair
from analysis.feedback.cautions import FAILED, failed
from analysis.figures.style import short
from analysis.measures import find, is_percent, listed

FINISHED = "finished"
"""Status of a run that counts; any other is a run that failed."""

RUN_COLUMNS = ("run_id", "design_id", "replicate", "seed", "arm", "status")
"""Columns of `runs.parquet` that are no metric."""

KEYS = ("design_id", "replicate", "arm")
"""Columns that tell the runs of a sweep apart."""

LEVEL = 0.95

KEY_UNITS = {
    "seconds": "s",
    "bps": "bps",
    "days": "days",
    "per_year": "per year",
    "per_day": "per day",
    "volatility": "per sqrt(year)",
    "gamma": "units per unit of price",
    "impact": "price per unit",
    "insurance_fund": "quote",
    "cash": "quote",
    "open_interest": "units",
    "qty": "units",
    "begins_below": "fraction of the price",
    "spot": "quote per unit",
}
"""Units of the keys of a scenario by how they end."""


@dataclass(frozen=True, eq=False)
class Sweep:
    """The tables of a sweep.

    Attributes
    ----------
    folder : Path
    kind : str
        "grid", "list", "lhs", "sobol" or "saltelli".
    over : dict
        Swept keys and their values, or their `low`, `high` and `log`, as in `[sweep]`.
    replicates : int
        Runs planned at every point and arm, at most if points stop by precision.
    is_fixed : bool
        Whether every point was planned to have all of them.
    design : DataFrame
        Index design_id; a column a swept key.
    runs : DataFrame
        A row a finished run: design_id, replicate, arm, and a column a metric, NaN where undefined.
    failed : DataFrame
        design_id, replicate and arm of the runs that did not finish.
    scenario : dict
        Values of the resolved scenario.
    """

    folder: Path
    kind: str
    over: dict[str, Any]
    replicates: int
    is_fixed: bool
    design: pd.DataFrame
    runs: pd.DataFrame
    failed: pd.DataFrame
    scenario: dict[str, Any]

    @classmethod
    def read(cls, folder: str | Path) -> Sweep:
        """Read a folder.

        Raises
        ------
        ValueError
            If it does not hold a sweep.
        """
        folder = Path(folder)
        manifest, scenario = _described(folder)
        plan = scenario["sweep"]
        design = _table(folder, "design.parquet", ["design_id"]).set_index("design_id").sort_index()
        runs = _table(folder, "runs.parquet", [*KEYS, "status"]).drop_duplicates(list(KEYS), keep="last")
        is_done = runs["status"] == FINISHED
        return cls(
            folder=folder,
            kind=str(plan.get("design", "grid")),
            over=dict(plan.get("over", {})),
            replicates=int(plan.get("replicates", 1)),
            is_fixed=not plan.get("stop"),
            design=design,
            runs=runs[is_done].sort_values(list(KEYS)).reset_index(drop=True),
            failed=_failed(folder, runs, is_done),
            scenario=scenario | {"name": manifest.get("scenario", scenario.get("name", ""))},
        )

    @property
    def keys(self) -> list[str]:
        """Swept keys that differ between points."""
        return [str(key) for key in self.design if self.design[key].astype(str).nunique() > 1]

    @property
    def numeric(self) -> list[str]:
        """Those of the keys whose values are numbers."""
        return [key for key in self.keys if _is_numeric(self.design[key])]

    @property
    def arms(self) -> list[str]:
        """Arms with a finished run, base first."""
        return sorted(self.runs["arm"].unique(), key=lambda arm: (arm != BASE, arm))

    @property
    def metrics(self) -> list[str]:
        """Metrics with a value in some run."""
        names = (str(name) for name in self.runs.columns if name not in RUN_COLUMNS)
        return [name for name in names if _is_numeric(self.runs[name]) and self.runs[name].notna().any()]

    def is_log(self, key: str) -> bool:
        """Whether a key's values are spread evenly on a logarithmic scale."""
        about = self.over.get(key)
        if isinstance(about, Mapping):
            return bool(about.get("log", False))
        values = np.unique(self.design[key].to_numpy(float))
        return bool(values.size > 2 and values[0] > 0 and values[-1] >= 8 * values[0])

    def chosen(self, metric: str | None) -> str:
        """The metric of this name, or the first that a reader looks for if none is named.

        Raises
        ------
        ValueError
            If there is none of this name.
        Undefined
            If no metric has a value.
        """
        if metric is None:
            return self.preferred()[0]
        if metric not in self.metrics:
            ending = [name for name in self.metrics if name.rpartition(".")[2] == metric.rpartition(".")[2]]
            raise ValueError(
                f'{self.folder}: no run has a value of "{metric}"; there are '
                f"{', '.join((ending or self.metrics)[:8])}"
            )
        return metric

    def preferred(self) -> list[str]:
        """Metrics that vary, those that a reader looks for first.

        Raises
        ------
        Undefined
            If none has a value.
        """
        if not self.metrics:
            raise Undefined(f"{self.folder}: no finished run has a metric")
        first = [name for each in listed("swept") for name in self.metrics if find(name) is each]
        varying = [name for name in first if self.runs[name].nunique() > 1]
        return varying or first[:1] or self.metrics[:1]

    def values(self, metric: str, arm: str = BASE) -> pd.DataFrame:
        """Values of a metric in an arm: a row a point, a column a replicate, NaN where there is none."""
        own = self.runs[self.runs["arm"] == arm]
        table = own.pivot(index="design_id", columns="replicate", values=metric).astype(float)
        return table.reindex(self.design.index)

    def means(self, metric: str, arm: str = BASE) -> pd.DataFrame:
        """Mean over replicates at every point, with its 95% interval.

        Returns
        -------
        DataFrame
            Index design_id; columns value, low, high, NaN where undefined, and runs.
        """
        return pd.DataFrame(
            [_mean(row[np.isfinite(row)]) for row in self.values(metric, arm).to_numpy()],
            index=self.design.index,
            columns=["value", "low", "high", "runs"],
        )

    def ratios(self, metric: str, above: str = BASE, below: str = MUTED) -> pd.DataFrame:
        """Ratio of the means of two arms at every point, with its 95% interval over paired seeds.

        Returns
        -------
        DataFrame
            Index design_id; columns value, low, high, NaN where there is no ratio, runs, and bound, as of
            `analysis.feedback.amplification.compare`: "" unless a market failed.
        """
        both = self.values(metric, above).columns.intersection(self.values(metric, below).columns)
        values = {arm: self.values(metric, arm)[both].to_numpy() for arm in (above, below)}
        least = self._failed(metric, (above, below), both)
        rows = []
        for number in range(len(self.design)):
            own, lost = ({arm: each[number] for arm, each in table.items()} for table in (values, least))
            arms = pair(own, lost, above, below)
            found = arms.ratio()
            rows.append((found.value, found.low, found.high, arms.above.size, arms.bound))
        return pd.DataFrame(rows, index=self.design.index, columns=["value", "low", "high", "runs", "bound"])

    def _failed(self, metric: str, arms: Sequence[str], replicates: Any) -> Failed:
        """By arm, point and replicate whether a value of a metric is a lower bound: a market failed."""
        about = find(metric)
        if FAILED not in self.metrics or about is None or not about.only_grows:
            return {}
        tables = {arm: self.values(FAILED, arm).reindex(columns=replicates) for arm in arms}
        return failed({arm: table.to_numpy() for arm, table in tables.items()})

    def failures(self, arms: Sequence[str]) -> pd.Series[float]:
        """Share of the runs of a point in which a market failed, in the arm in which most did.

        Returns
        -------
        Series
            Index design_id; 0 where none failed or none could.
        """
        if FAILED not in self.metrics:
            return pd.Series(0.0, index=self.design.index)
        shares = [self.values(FAILED, arm).mean(axis=1) for arm in arms if arm in self.arms]
        return pd.concat(shares, axis=1).max(axis=1).fillna(0.0)


def unit_of(metric: str) -> str:
    """Unit of a metric by its name; empty if it is none of those that come with the simulator."""
    found = find(metric)
    return found.unit if found else ""


def words_of(metric: str) -> str:
    """A metric's name as a reader would write it."""
    return metric.replace(".", " ").replace("_", " ")


def value_text(metric: str, value: float) -> str:
    """A value of a metric as its axis shows it."""
    text = f"{100 * value:.4g}" if is_percent(metric) else short(value, 4)
    return text.replace("-", "\N{MINUS SIGN}")


def label_of(metric: str) -> str:
    """Name and unit of a metric, for an axis; without a unit where it is a pure number."""
    unit = "%" if is_percent(metric) else unit_of(metric)
    return words_of(metric) + (f" ({unit})" if unit not in ("", "1") else "")


def key_label(key: str) -> str:
    """A dotted key as a reader would write it, with its unit where the key says it."""
    parts = key.replace('"', "").split(".")
    name = " ".join(parts[1:] if len(parts) > 1 else parts).replace("_", " ")
    name = name.removesuffix(" bps")
    unit = next((unit for part in reversed(parts) for end, unit in KEY_UNITS.items() if _ends(part, end)), "")
    return name + (f" ({unit})" if unit else "")


def _described(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Manifest and scenario of a sweep's folder."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text())
        scenario = tomllib.loads((folder / "scenario.toml").read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{folder}: not a sweep's folder: {error}") from error
    is_told = isinstance(manifest, dict) and isinstance(scenario.get("sweep"), dict)
    is_sweep = is_told and manifest.get("kind") == "sweep"
    lacking = [name for name in ("design.parquet", "runs.parquet") if not (folder / name).is_file()]
    if not is_sweep or lacking:
        what = f"{lacking[0]} is not there" if is_sweep else "its manifest or scenario is not of a sweep"
        raise ValueError(f"{folder}: not a sweep's folder: {what}; `hedgequake sweep` makes one")
    return manifest, scenario


def _table(folder: Path, name: str, needed: list[str]) -> pd.DataFrame:
    """A table of a sweep that has at least these columns."""
    try:
        frame: pd.DataFrame = pd.read_parquet(folder / name)
    except (OSError, ValueError) as error:
        raise ValueError(f"{folder}: {name} cannot be read: {error}") from error
    lacking = [column for column in needed if column not in frame]
    if lacking:
        raise ValueError(f'{folder}: {name} has no column "{lacking[0]}"')
    return frame


def _failed(folder: Path, runs: pd.DataFrame, is_done: pd.Series[bool]) -> pd.DataFrame:
    """Which runs were tried and never finished, from both tables that may say so."""
    keys, path = list(KEYS), folder / "failures.parquet"
    tried = [runs.loc[~is_done, keys]]
    if path.is_file() and set(KEYS) <= set(told := pd.read_parquet(path)):
        tried.append(told[keys])
    both = pd.concat(tried).drop_duplicates().merge(runs.loc[is_done, keys], how="left", indicator=True)
    return both.loc[both["_merge"] == "left_only", keys]


def _mean(values: np.ndarray) -> tuple[float, float, float, int]:
    """Mean, ends of its 95% interval by Student's t, and number of values."""
    count = int(values.size)
    if count == 0:
        return math.nan, math.nan, math.nan, 0
    mean = float(values.mean())
    if count == 1:
        return mean, math.nan, math.nan, 1
    reach = float(stats.t.ppf((1 + LEVEL) / 2, count - 1) * values.std(ddof=1) / math.sqrt(count))
    return mean, mean - reach, mean + reach, count


def _is_numeric(column: pd.Series[Any]) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column))


def _ends(part: str, ending: str) -> bool:
    return part == ending or part.endswith(f"_{ending}")
