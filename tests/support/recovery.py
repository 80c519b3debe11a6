"""Recovery: targets simulated at known keys, and what a calibration to them finds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from places import SUPPORT

from scenarios.arms.replicates import replicate_seeds
from scenarios.build.loading import load
from scenarios.calibration.calibrate import calibrate
from scenarios.calibration.evaluation import Evaluation, Job
from scenarios.calibration.outcome import Calibration
from scenarios.calibration.targets import Space, Targets

MARKET = SUPPORT / "probed_market.toml"
KEYS: dict[str, Any] = {
    "assets.X.driver.volatility": {"low": 0.2, "high": 1.0},
    "populations.noise.market_rate": {"low": 0.1, "high": 2.0, "log": True},
    "populations.dealers.exposure.gamma": {"low": -8.0, "high": -1.0},
}
MOMENTS = ("X.realised_volatility", "X.volume", "X.hedging_volume", "X.realised_volatility_1min")
HELD_OUT = "X.realised_volatility_1min"
SEEDS = 16
"""Of the targets, whose errors are those of their means."""


def scenario(steps: int) -> Any:
    """The market that is calibrated."""
    market = load(MARKET)
    market["time.steps"] = steps
    return market


def simulated(place: np.ndarray, root: int, steps: int = 120) -> tuple[Targets, dict[str, float | int]]:
    """Targets simulated at a place of the searched ranges, with seeds of their own, and the truth."""
    market = scenario(steps)
    asked = Targets(keys=KEYS, moments={name: {"target": 1.0, "error": 1.0} for name in MOMENTS})
    truth, evaluation = Space(asked, market).values(place), Evaluation(market, asked)
    runs = [evaluation.run(Job(truth, seed))["metrics"] for seed in replicate_seeds(root, SEEDS)]
    values = np.array([[run[name] for name in MOMENTS] for run in runs])
    errors = values.std(axis=0, ddof=1) / SEEDS**0.5
    moments = {
        name: {"target": float(target), "error": float(error), "held_out": name == HELD_OUT}
        for name, target, error in zip(MOMENTS, values.mean(axis=0), errors, strict=True)
    }
    return Targets(keys=KEYS, moments=moments), truth


def fitted(targets: Targets, folder: Path, *, steps: int = 120, **options: Any) -> Calibration:
    """The calibration to them."""
    asked = {"seeds": 8, "points": 16, "rounds": 5, "figures": "none", "made_by": "a test"}
    return calibrate(scenario(steps), targets, folder, **(asked | options))
