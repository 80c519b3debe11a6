"""Sensitivity: which swept key decides a metric, by Sobol's variance-based indices.

For a metric Y of independent keys X_1 ... X_D, each uniform over its range (or its logarithm),

    first order   S_i  = Var(E[Y | X_i]) / Var(Y)             what X_i explains alone,
    total         ST_i = E[Var(Y | all keys but X_i)] / Var(Y) what is unexplained without it;

ST_i - S_i is what X_i does together with others. The estimators are those of Saltelli et al.
(2010, Computer Physics Communications 181), as SALib has them: with base matrices A, B and AB_i
(A with column i from B), S_i = mean(Y_B (Y_ABi - Y_A)) / V and ST_i = mean((Y_A - Y_ABi)^2) / 2V.

The design is that of `SALib.sample.sobol.sample(problem, N, calc_second_order=False, seed=...)`:
N (D + 2) rows in the order of `design_id`, block after block of A, AB_1 ... AB_D, B. Rows of
another number or another order are refused.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.base.arms import BASE
from analysis.base.metric import Undefined
from analysis.figures.style import words
from analysis.sweeps.table import Sweep, unit_of

SEED = 20_020_804
"""Seed of the resampling: equal sweeps give equal intervals."""

RESAMPLES = 1000
"""Bootstrap samples of an interval; fewer, but no less than 200, for very large designs."""

NAME = "sensitivity"


@dataclass(frozen=True, eq=False)
class Indices:
    """Sobol indices of one metric.

    Attributes
    ----------
    metric, unit, arm : str
    frame : DataFrame
        A row a key: first, first_low, first_high, total, total_low, total_high.
    points : int
        Design points, N (D + 2).
    runs : int
        Averaged over at all points together.
    mean, deviation : float
        Of the metric over the points.
    """

    metric: str
    unit: str
    arm: str
    frame: pd.DataFrame
    points: int
    runs: int
    mean: float
    deviation: float

    def entry(self) -> dict[str, Any]:
        """Everything as plain values, for JSON."""
        about = {name: getattr(self, name) for name in ("metric", "unit", "arm", "points", "runs")}
        keys = {
            key: {
                kind: {"value": float(row[kind]), "interval": [float(row[f"{kind}_{e}"]) for e in ENDS]}
                for kind in INDICES
            }
            for key, row in self.frame.iterrows()
        }
        return {**about, "mean": self.mean, "standard_deviation": self.deviation, "keys": keys}


INDICES, ENDS = ("first", "total"), ("low", "high")


def sensitivity(folder: str | Path, metric: str | None = None, arm: str = BASE) -> Indices:
    """Sobol indices of a metric with 95% intervals, from a sweep with the design "saltelli".

    Parameters
    ----------
    folder : str or Path
    metric : str, optional
        The first that varies and that a reader looks for, if not given.
    arm : str

    Raises
    ------
    ValueError
        If the folder holds no such sweep, or the metric or the arm is unknown.
    Undefined
        If runs are missing, failed or undefined, or the metric is the same at every point.

    Notes
    -----
    Replicates are averaged at each point. Where all points share their seeds the indices are those
    of that mean over seeds; with seeds of their own (`independent = true`) noise raises every total
    index. Intervals are from resampling the N blocks, so they are about the choice of points.
    """
    sweep = Sweep.read(folder)
    if sweep.kind != "saltelli":
        raise ValueError(f'{folder}: indices need design = "saltelli"; this sweep\'s is "{sweep.kind}"')
    if arm not in sweep.arms:
        raise ValueError(f'{folder}: no run of the arm "{arm}"; there are {", ".join(sweep.arms) or "none"}')
    _check_order(sweep)
    name = sweep.chosen(metric)
    values = sweep.values(name, arm)
    _check_whole(sweep, values, name, arm)
    means = values.mean(axis=1).to_numpy()
    if np.ptp(means) <= 1e-12 * np.abs(means).max():
        raise Undefined(f"{folder}: {name} is {means[0]:g} at every point, so nothing decides it")
    frame = analysed([str(key) for key in sweep.design], means)
    runs = int(values.notna().to_numpy().sum())
    return Indices(name, unit_of(name), arm, frame, means.size, runs, float(means.mean()), float(means.std()))


def analysed(keys: list[str], values: np.ndarray) -> pd.DataFrame:
    """Indices of values in the order of the design.

    Parameters
    ----------
    keys : list of str, length D
    values : ndarray of float64, shape (N (D + 2),)

    Returns
    -------
    DataFrame
        Index key; first, first_low, first_high, total, total_low, total_high.
    """
    from SALib.analyze import sobol

    problem = {"num_vars": len(keys), "names": keys, "bounds": [[0.0, 1.0]] * len(keys)}
    blocks = values.size // (len(keys) + 2)
    resamples = int(np.clip(4_000_000 // blocks, 200, RESAMPLES))
    found = sobol.analyze(problem, values, calc_second_order=False, num_resamples=resamples, seed=SEED)
    columns: dict[str, np.ndarray] = {}
    for kind, symbol in zip(INDICES, ("S1", "ST"), strict=True):
        value, reach = np.asarray(found[symbol]), np.asarray(found[f"{symbol}_conf"])
        columns |= {kind: value, f"{kind}_low": value - reach, f"{kind}_high": value + reach}
    return pd.DataFrame(columns, index=pd.Index(keys, name="key"))


def table(found: Indices) -> str:
    """The indices as text, the key with the largest total index first."""
    head = f"{words(found.metric)}, arm {found.arm}: {found.points:,} points, {found.runs:,} runs; "
    spread = f"mean {found.mean:.4g}, standard deviation {found.deviation:.4g} over the points"
    width = max(map(len, [*found.frame.index, "key"]))
    lines = [head + spread, "", f"{'key':<{width}}  {'first order':>25}  {'total':>25}"]
    for key, row in found.frame.sort_values("total", ascending=False).iterrows():
        shown = (f"{row[kind]:.3f} [{row[f'{kind}_low']:.3f}, {row[f'{kind}_high']:.3f}]" for kind in INDICES)
        lines.append(f"{key:<{width}}  " + "  ".join(f"{text:>25}" for text in shown))
    rest = 1.0 - float(found.frame["first"].sum())
    lines += ["", f"share of the variance that no key explains alone: {rest:.3f}"]
    return "\n".join(lines)


def write(found: Indices, folder: str | Path) -> list[Path]:
    """Write `sensitivity.json` and `sensitivity.parquet`; returns their paths."""
    folder = Path(folder)
    text, frame = folder / f"{NAME}.json", folder / f"{NAME}.parquet"
    text.write_text(json.dumps(found.entry(), indent=2, allow_nan=False) + "\n")
    found.frame.reset_index().to_parquet(frame, compression="zstd")
    return [text, frame]


def _check_order(sweep: Sweep) -> None:
    """Raise if the rows of the design are not blocks of A, AB_1 ... AB_D, B."""
    points = sweep.design.to_numpy(float)
    rows, keys = points.shape
    if rows == 0 or rows % (keys + 2):
        raise ValueError(
            f"{sweep.folder}: {rows} design points are no whole number of blocks of {keys + 2}, which "
            f"{keys} keys need"
        )
    blocks = points.reshape(-1, keys + 2, keys)
    first, last = blocks[:, :1], blocks[:, -1:]
    expected = np.where(np.eye(keys, dtype=bool), last, first)
    if not np.allclose(blocks[:, 1:-1], expected, rtol=1e-9, atol=0):
        raise ValueError(
            f"{sweep.folder}: the design points are not in the order A, AB_1 ... AB_{keys}, B that "
            "indices are computed from"
        )


def _check_whole(sweep: Sweep, values: pd.DataFrame, metric: str, arm: str) -> None:
    """Raise if a point lacks a run that was planned, or a value."""
    own = sweep.runs[sweep.runs["arm"] == arm]
    planned = sweep.replicates if sweep.is_fixed else 1
    done = own.groupby("design_id").size().reindex(sweep.design.index, fill_value=0)
    lacking = (planned - done).clip(lower=0)
    if lacking.any():
        failed = int((sweep.failed["arm"] == arm).sum())
        raise Undefined(
            f"{sweep.folder}: {lacking.sum():,} of {planned * len(done):,} runs of the arm {arm} are "
            f"missing, at {(lacking > 0).sum():,} of {len(done):,} points ({failed:,} failed); indices need "
            "them all: the same `hedgequake sweep` runs what is missing"
        )
    undefined = int(own[metric].isna().sum())
    if undefined or values.isna().all(axis=1).any():
        raise Undefined(
            f"{sweep.folder}: {metric} is undefined in {undefined:,} of {len(own):,} runs of the arm {arm}; "
            "indices need it in all"
        )
