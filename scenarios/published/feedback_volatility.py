"""Feedback volatility: what hedgers of constant gamma make of the news, in the markets of theory."""

from __future__ import annotations

import math

import numpy as np

from analysis.feedback import theory
from scenarios.file.library import REPLICATED
from scenarios.replications.replicate import Plan, Row, Rows, carried_out, estimated, replication
from sim.recording.recording import Recording

GAINS = (0.2, 0.5, 0.8, -0.5)
UNSTABLE = (1.05, -1.05)
GAMMA = -10.0  # a row of linear_feedback, for a gain of 1
HORIZON = 500  # steps of a long move
START = 100  # steps until what the opening leaves is gone
CLOSE = (0.2, 5.0)  # of the opening price: where an explosion is looked at
GROWN = 10.0  # times, from a tenth of a run to its last: no deviation is stationary then
FREY_STREMME: tuple[tuple[str, float, float, float, dict[str, float]], ...] = (
    ("short gamma", 0.1, 0.5, 2.0, {}),
    (
        "long gamma",
        0.1,
        -0.5,
        -2.0,
        {"venues.market.held": -50000.0, "populations.dealers.exposure.gamma": 200.0},
    ),
)


def deviations(recording: Recording) -> dict[str, float]:
    """Standard deviations over those of the news; autocorrelation, growth and loop gain."""
    series = recording.series
    price, value = (series[f"X.{name}"].to_numpy() for name in ("mid_at_hedge", "value"))
    away = np.flatnonzero((price < CLOSE[0] * price[0]) | (price > CLOSE[1] * price[0]))
    last = away[0] if away.size else price.size
    grown = [math.sqrt(np.mean(part**2)) for part in np.array_split(np.diff(price[:last]), 10)]
    is_stationary = not away.size and grown[-1] < GROWN * grown[0]
    step = np.diff(price[:last])[START if is_stationary else 0 :]
    news = math.sqrt(np.mean(np.diff(value) ** 2))
    return {
        "one_step": math.sqrt(np.mean(step**2)) / news if is_stationary else math.inf,
        "lag_one": float(step[1:] @ step[:-1] / (step[:-1] @ step[:-1])),
        "long_run": _long(price) / _long(value) if is_stationary else math.inf,
        "loop_gain": float(np.median(series["X.loop_gain"][:last])),
    }


def _long(path: np.ndarray) -> float:
    """Root mean square move over `HORIZON`."""
    moves = np.diff(path[START::HORIZON])
    return math.sqrt(np.mean(moves**2))


@replication(
    source="Frey & Stremme (1997); Frey (2000); Schönbucher & Wilmott (2000); Anderegg et al. (2022)",
    about="Volatility with hedgers over that of the news, to the edge of stability and beyond.",
    runs=8,
    quick_runs=4,
)
def feedback_volatility(runs: int, workers: int, quick: bool) -> Rows:
    """Continuous, lagged and Frey-Stremme forms; gains up to 1.05."""
    steps = 4100 if quick else 16100
    own = REPLICATED / "feedback_volatility.toml"
    plans = [
        *(Plan("linear_feedback", deviations, at_gain(gain, steps), runs) for gain in GAINS),
        *(Plan("linear_feedback", deviations, at_gain(gain, 400), runs) for gain in UNSTABLE),
        *(Plan(own, deviations, {"time.steps": steps, **case[-1]}, runs) for case in FREY_STREMME),
    ]
    found = [columns(each) for each in carried_out(plans, workers)]
    rows = [row for gain, each in zip(GAINS, found[:4], strict=True) for row in stable(gain, each)]
    rows += [row for gain, each in zip(UNSTABLE, found[4:6], strict=True) for row in unstable(gain, each)]
    return rows + [
        reference_demand(*case[:-1], each) for case, each in zip(FREY_STREMME, found[6:], strict=True)
    ]


def at_gain(gain: float, steps: int) -> dict[str, float]:
    """What makes `linear_feedback` one of this gain."""
    return {"time.steps": steps, "populations.dealers.exposure.gamma": GAMMA * gain}


def stable(gain: float, found: dict[str, list[float]]) -> list[Row]:
    """Linear impact: one step just before the hedge, and long moves (the continuous limit)."""
    one, long = (float(form(1.0, gain)) for form in (theory.one_step_deviation, theory.feedback_volatility))
    return [
        estimated(f"one step, lagged, gain {gain}", one, found["one_step"], 0.02 * one, "of the news"),
        estimated(f"autocorrelation at lag 1, gain {gain}", gain, found["lag_one"], 0.02),
        estimated(f"continuous limit, gain {gain}", long, found["long_run"], 0.02 * long, "of the news"),
        estimated(f"loop gain recorded, gain {gain}", gain, found["loop_gain"], 0.02),
    ]


def unstable(gain: float, found: dict[str, list[float]]) -> list[Row]:
    """Gains beyond 1: recorded as such, moves grow by them step by step, no deviation is finite."""
    one = float(theory.one_step_deviation(1.0, gain))
    return [
        estimated(f"one step, lagged, gain {gain}", one, found["one_step"], 0.0, "of the news"),
        estimated(f"growth from step to step, gain {gain}", gain, found["lag_one"], 0.02),
        estimated(f"loop gain recorded, gain {gain}", gain, found["loop_gain"], 0.02),
    ]


def reference_demand(
    name: str, rho: float, holding: float, slope: float, found: dict[str, list[float]]
) -> Row:
    """Frey & Stremme's form, on the market where others' demand is worth a fixed sum."""
    ratio = float(theory.frey_stremme_ratio(rho, holding, slope))
    return estimated(f"Frey-Stremme, {name}", ratio, found["long_run"], 0.02 * ratio, "of the value")


def columns(found: list[dict[str, float]]) -> dict[str, list[float]]:
    """Values by name, one a run."""
    return {name: [each[name] for each in found] for name in found[0]}
