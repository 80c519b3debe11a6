"""Sweep folders made by hand: a design, a function for the metrics, and the files a sweep leaves."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tomli_w
from scipy.stats import qmc

from scenarios.build.loading import load

Values = Callable[[Mapping[str, Any], str, np.random.Generator], Mapping[str, float]]


def a_sweep(
    folder: Path,
    points: Sequence[Mapping[str, Any]],
    values: Values,
    *,
    design: str = "grid",
    over: Mapping[str, Any] | None = None,
    replicates: int = 8,
    arms: Sequence[str] = ("base",),
    scenario: str = "linear_feedback",
    drop: Callable[[dict[str, Any]], bool] = lambda row: False,
    fail: Callable[[dict[str, Any]], bool] = lambda row: False,
) -> Path:
    """Write the folder of a sweep.

    Parameters
    ----------
    folder : Path
    points : sequence of mapping
        Keys and values of each design point.
    values : callable
        Metrics of a run, from its point, its arm and a generator that is the replicate's own.
    drop, fail : callable
        Of a row: whether it was never run, or failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    over = over or {key: sorted({point[key] for point in points}) for key in points[0]}
    plan = {"design": design, "replicates": replicates, "arms": list(arms), "points": len(points)}
    file = load(scenario).resolved() | {"sweep": {**plan, "over": dict(over)}}
    (folder / "scenario.toml").write_text(tomli_w.dumps(file))
    pd.DataFrame([{"design_id": n, **point} for n, point in enumerate(points)]).to_parquet(
        folder / "design.parquet"
    )
    rows = []
    for n, point in enumerate(points):
        for replicate, arm in product(range(replicates), arms):
            row = {"run_id": f"{n}-{replicate}-{arm}", "design_id": n, "replicate": replicate}
            row |= {"seed": 1000 + replicate, "arm": arm, "status": "finished"}
            rng = np.random.default_rng([n, replicate])
            row |= {name: float(value) for name, value in values(point, arm, rng).items()}
            if fail(row):
                row = {name: row[name] for name in list(row)[:5]} | {"status": "failed"}
            rows += [] if drop(row) else [row]
    pd.DataFrame(rows).to_parquet(folder / "runs.parquet")
    done = sum(row["status"] == "finished" for row in rows)
    manifest = {"kind": "sweep", "status": "finished", "scenario": scenario, "runs_done": done}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def a_grid(**values: Sequence[Any]) -> list[dict[str, Any]]:
    """Points of a full grid; two underscores stand for a dot."""
    keys = [key.replace("__", ".") for key in values]
    return [dict(zip(keys, point, strict=True)) for point in product(*values.values())]


def a_cube(keys: Sequence[str], count: int) -> list[dict[str, float]]:
    """Points of a Latin hypercube between 0 and 1."""
    sample = qmc.LatinHypercube(len(keys), rng=np.random.default_rng(1)).random(count)
    return [dict(zip(keys, map(float, row), strict=True)) for row in sample]


IMPACT, GAMMA = "venues.market.impact", "populations.dealers.exposure.gamma"


def feedback(point: Mapping[str, Any], arm: str, rng: np.random.Generator) -> dict[str, float]:
    """Metrics of a market that is amplified by 1 / (1 - gain), with noise over seeds."""
    gain = min(0.95, abs(point[IMPACT] * point[GAMMA]) * 10) if arm == "base" else 0.0
    fall = 0.02 * np.exp(0.3 * rng.normal()) / (1 - gain) * (1 + 0.05 * (arm == "base") * rng.normal())
    debt = max(0.0, fall - 0.04) * 1e6
    own = {"X.max_drawdown": fall, "bad_debt": debt, "X.median_loop_gain": gain * (1 + 0.05 * rng.normal())}
    return own
